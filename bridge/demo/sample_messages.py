"""HL7 v2 messages of the demonstration's provider: public samples, and templates to fill in.

The public samples speak of patients who are not ours, so they are held. The templates follow the
same structures; ``fill_messages`` puts in what the demonstration knows only when it runs.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

PLACEHOLDERS: Final = (*("patient_id", "referral_number", "start", "end", "service", "message_id"),)
_SAMPLES: Final = ("SIU-S12-01.hl7", "SIU-S26-01.hl7", "ADT-A04-01.hl7")
_HEAD: Final = r"MSH|^~\&|EHR|HARBOR|SCHOOLBRIDGE|MILLBROOK|{start}||%s|{message_id}|P|2.5.1"
_PATIENT: Final = "PID|1||{patient_id}^^^SCHOOLBRIDGE~H{message_id}^^^HARBOR||SYNTHETIC^STUDENT"
_DETAILS: Final = (
    "RGS|1",
    "AIS|1|A|SVC^{service}^L|{start}||||||%s",
    "AIL|1||ROOM1^Counseling room|S^School^L",
    "AIP|1||7^Sample^Clara",
)


def _segment(name: str, fields: Mapping[int, str]) -> str:
    return "|".join([name, *(fields.get(number, "") for number in range(1, max(fields) + 1))])


def _siu(event: str, action: str, status: str) -> list[str]:
    # SCH-2 stays the same when a booked appointment is missed: it is one session.
    appointment = {
        1: "{referral_number}",
        2: "{referral_number}-{start}",
        6: action,
        8: "{service}",
        25: status,
        26: "{referral_number}",
    }
    details = [line % status if "%s" in line else line for line in _DETAILS]
    times = _segment("TQ1", {7: "{start}", 8: "{end}"})
    head = [_HEAD % f"SIU^{event}^SIU_S12", _segment("SCH", appointment), times, _PATIENT]
    return [*head, *details]


def _adt(event: str, end: str) -> list[str]:
    visit = {
        1: "1",
        2: "O",
        10: "{service}",
        19: "{referral_number}-{start}",
        44: "{start}",
        45: end,
        50: "{referral_number}",
    }
    opened = _segment("EVN", {1: event, 2: "{start}"})
    return [_HEAD % f"ADT^{event}^ADT_A01", opened, _PATIENT, _segment("PV1", visit)]


TEMPLATES: Final[dict[str, str]] = {
    "booked": "\r".join(_siu("S12", "Add", "Booked")),
    "attended": "\r".join(_siu("S14", "Change", "Complete")),
    "no-show": "\r".join(_siu("S26", "Add", "Noshow")),
    "cancelled": "\r".join(_siu("S15", "Cancel", "Cancelled")),
    "arrived": "\r".join(_adt("A04", "")),
    "visit closed": "\r".join(_adt("A03", "{end}")),
}
"""One message for each thing that can become of a session."""


def fill_message(name: str, values: Mapping[str, str]) -> str:
    """Return one message filled in.

    Args:
        name: a key of ``TEMPLATES``.
        values: a text for each of ``PLACEHOLDERS``; times as ``YYYYMMDDhhmmss+-zzzz``.

    Raises:
        KeyError: a placeholder has no value.
    """
    return TEMPLATES[name].format_map(values) + "\r"


def message_template(originals: Path) -> str:
    """Return the file: the public samples unchanged, then every template."""
    samples = [(originals / name).read_bytes().decode() for name in _SAMPLES]
    whole = [text if text.endswith("\n") else text + "\n" for text in samples]
    return "".join(whole) + "".join(text + "\r" for text in TEMPLATES.values())
