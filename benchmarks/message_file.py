"""A provider's HL7 v2 scheduling messages, invented; half as long as published samples are."""

from pathlib import Path

_STATES = (
    ("S12", "Booked"),
    ("S13", "Booked"),
    ("S14", "Complete"),
    ("S26", "Noshow"),
    ("S15", "Cancelled"),
)
_KINDS = ("IND^Individual therapy^L", "GRP^Group therapy^L", "FAM^Family therapy^L")
_PLACES = ("S^School^L", "C^Clinic^L", "V^Video^L")


def write(path: Path, messages: int) -> None:
    """Write a file of SIU messages, one appointment each."""
    with path.open("w", encoding="utf-8", newline="") as file:
        for number in range(messages):
            file.write("\r".join(_message(number)) + "\r")


def _message(number: int) -> list[str]:
    event, status = _STATES[number % len(_STATES)]
    begins = f"202609{1 + number % 28:02}{8 + number % 8:02}0000-0400"
    who = f"{number % 40}^Sample{number % 40}^Ada^M^^Dr^PhD^^HARBOR&1.2.3.4&ISO^L^^^NPI"
    room = f"ROOM{number % 9}^^^HARBOR"
    booked = {1: "1", 2: "A", 8: "45", 9: "min^Minutes^ISO", 10: status}
    names = f"Example{number % 900}^Robin^Q^^^^L"
    home = f"{number % 900} Example Street^^Exampleville^CT^06000^USA^H"
    ids = f"P-{number % 900}^^^SCHOOLBRIDGE^PI~{10_000 + number}^^^HARBOR^MR"
    order = {1: f"P{number}^EHR", 2: f"APPT-{number}^EHR", 7: "ROUTINE", 8: "FOLLOW", 12: who}
    contact = {13: "(555)555-0100^^PH", 16: who, 20: who, 25: status, 26: f"R-{number % 900:04}"}
    person = {3: ids, 5: names, 8: "U", 11: home, 13: "(555)555-0101^PRN^PH"}
    more = {10: "2106-3^White^HL70005", 15: "eng^English^HL70296", 22: "N^Not Hispanic^HL70189"}
    return [
        f"MSH|^~\\&|EHR|HARBOR|BRIDGE|STATE|{begins}||SIU^{event}^SIU_S12|M{number}|P|2.5|||AL|NE",
        _segment("SCH", {**order, 9: "45", 10: "min", 11: f"^^45^{begins}", **contact}),
        _segment("TQ1", {1: "1", 7: begins, 9: "R^Routine^HL70485"}),
        _segment("PID", {1: "1", **person, **more, 7: f"201203{1 + number % 28:02}"}),
        _segment(
            "PV1", {1: "1", 2: "O", 3: room, 7: who, 8: who, 17: who, 19: f"V{number}^^^HARBOR^VN"}
        ),
        _segment("PD1", {3: "HARBOR FAMILY CENTERS^L^1.2.3.4", 4: who}),
        _segment("NTE", {1: "1", 3: "Bring the form that the school sent home with the student."}),
        "RGS|1|A",
        _segment("AIS", {**booked, 3: _KINDS[number % 3], 4: begins}),
        _segment("AIG", {**booked, 3: "EQ1^Room with a table^L", 8: begins, 10: "", 14: status}),
        _segment("AIL", {**booked, 3: room, 4: _PLACES[number % 3], 6: begins, 12: status}),
        _segment("AIP", {**booked, 3: who, 4: "010^Therapist^L", 6: begins, 12: status}),
        _segment("AIP", {**booked, 1: "2", 3: who, 4: "020^Intern^L", 6: begins, 12: status}),
    ]


def _segment(name: str, fields: dict[int, str]) -> str:
    return "|".join([name, *(fields.get(index, "") for index in range(1, max(fields) + 1))])
