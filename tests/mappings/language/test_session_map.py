from pathlib import Path

import pytest

from mappings.canonical import Attendance, ServiceSession
from mappings.language import CompiledMap, Held, Mapped, compile_map, load_map

OURS = "PID|1||P-1^^^SCHOOLBRIDGE&1.2&ISO~77^^^HARBOR"


@pytest.fixture(scope="module")
def harbor() -> CompiledMap:
    return compile_map(load_map("harbor-hl7v2"))


def message(event: str, status: str, *more: str, patient: str = OURS) -> str:
    head = f"MSH|^~\\&|E|H|B|M|20260914||{event}|{event}-1|P|2.5"
    return "\r".join([head, f"SCH|1|APPT-1||||Add{'|' * 19}{status}", patient, *more]) + "\r"


def outcome(folder: Path, harbor: CompiledMap, text: str) -> Mapped | Held:
    (folder / "m.hl7").write_text(text, encoding="utf-8")
    (found,) = harbor.run([folder / "m.hl7"])
    return found


def attendance(found: Mapped | Held) -> Attendance:
    assert isinstance(found, Mapped), found
    assert isinstance(found.record, ServiceSession)
    return found.record.attendance


@pytest.mark.parametrize(
    ("event", "status", "expected"),
    [
        ("SIU^S12", "Booked", "booked"),
        ("SIU^S12", "", "booked"),
        ("SIU^S13", "Booked", "booked"),
        ("SIU^S14", "Complete", "attended"),
        ("SIU^S14", "Noshow", "no-show"),
        ("SIU^S26", "", "no-show"),
        ("SIU^S26", "Booked", "no-show"),
        ("SIU^S15", "Cancelled", "cancelled"),
        ("SIU^S17", "", "cancelled"),
        ("ADT^A60", "No  Show", "no-show"),
    ],
)
def test_what_became_of_a_session_is_told_by_status_and_event(
    tmp_path: Path, harbor: CompiledMap, event: str, status: str, expected: str
) -> None:
    assert attendance(outcome(tmp_path, harbor, message(event, status))) == expected


def test_a_missed_service_line_alone_says_no_show(tmp_path: Path, harbor: CompiledMap) -> None:
    text = message("SIU^S14", "", "AIS|1|A|X^Group|||||||Noshow")
    assert attendance(outcome(tmp_path, harbor, text)) is Attendance.NO_SHOW


@pytest.mark.parametrize(
    "patient", ["PID|1||77^^^HARBOR", "PID|1||P-1", "PID|1||P-1^^^schoolbridge2"]
)
def test_a_patient_without_an_identifier_of_ours_is_held(
    tmp_path: Path, harbor: CompiledMap, patient: str
) -> None:
    found = outcome(tmp_path, harbor, message("SIU^S12", "Booked", patient=patient))
    assert isinstance(found, Held)
    assert "no SCHOOLBRIDGE identifier" in found.reasons[0].text


@pytest.mark.parametrize("event", ["SIU^S12", "SIU^S14", "SIU^S23"])
def test_a_status_nobody_knows_is_held_whatever_the_event(
    tmp_path: Path, harbor: CompiledMap, event: str
) -> None:
    found = outcome(tmp_path, harbor, message(event, "Kanari"))
    assert isinstance(found, Held)
    assert found.reasons[0].code == "unmapped"
    assert "Kanari" not in str(found)


def test_a_closed_visit_is_attended_and_an_open_one_is_not(
    tmp_path: Path, harbor: CompiledMap
) -> None:
    visit = "PV1|1|O" + "|" * 17 + "V-1" + "|" * 25 + "20260914093000-0400"
    head = "MSH|^~\\&|E|H|B|M|20260914||ADT^{}|9|P|2.5\r" + OURS + "\r" + visit + "\r"
    assert attendance(outcome(tmp_path, harbor, head.format("A03"))) is Attendance.ATTENDED
    assert attendance(outcome(tmp_path, harbor, head.format("A04"))) is Attendance.BOOKED
