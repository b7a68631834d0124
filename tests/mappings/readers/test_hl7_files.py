from pathlib import Path

import pytest

from mappings.readers import SEVERAL, SourceError, SourceFormat, open_table
from mappings.readers.hl7_messages import messages, table_from_text
from mappings.readers.hl7_places import parse_location

DATA = Path(__file__).parent / "data"
HEAD = b"MSH|^~\\&|A|B|C|D|20260914||SIU^S12|1|P|2.5"


def cells(path: Path, *locations: str) -> list[list[str]]:
    return list(open_table(path, SourceFormat(("hl7v2",), locations=locations)).rows)


def written(tmp_path: Path, data: bytes) -> Path:
    (tmp_path / "m.hl7").write_bytes(data)
    return tmp_path / "m.hl7"


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_any_line_end_and_a_byte_order_mark_are_read(tmp_path: Path, end: bytes) -> None:
    path = written(tmp_path, b"\xef\xbb\xbf" + HEAD + end + b"PID|1||7^^^X" + end)
    assert cells(path, "PID-3.1", "MSH-9.2") == [["7", "S12"]]


def test_several_messages_and_batches_give_one_row_each() -> None:
    assert len(cells(DATA / "sample_file1.hl7", "MSH-10")) == 3
    assert len(cells(DATA / "sample_batch.hl7", "MSH-10")) == 1


def test_the_repetition_is_chosen_by_its_authority(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD + b"\rPID|1||7^^^X~8^^^OURS&1.2&ISO~9^^^Y\r")
    assert cells(path, "PID-3.1 where .4 is OURS", "PID-3.1 where .4 is NOBODY") == [["8", ""]]


def test_delimiters_of_the_senders_choice_are_followed(tmp_path: Path) -> None:
    path = written(tmp_path, b"MSH#!@%*#A#B#C#D#2026##SIU!S12#1\rPID#1##7!!!X*1@8!!!Y\r")
    assert cells(path, "PID-3.1 where .4 is Y", "MSH-9.2") == [["8", "S12"]]


def test_escapes_become_the_characters_they_stand_for(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD + rb"\T\x" + b"\rNTE|1||a\\F\\b\\S\\c\\.br\\d\\X41\\\\Z9\\\r")
    assert cells(path, "NTE-3") == [["a|b^c\ndA\\Z9\\"]]


def test_text_over_several_lines_stays_with_its_segment() -> None:
    found = list(messages(DATA / "ORU-multiline-short.hl7"))
    assert len(found) == 1
    assert found[0].text_at(parse_location("PID-3.1")) == "0d70c6c8"


def test_a_message_is_known_by_its_segments_whatever_msh_9_says() -> None:
    assert cells(DATA / "SIU_12.hl7", "MSH-9.1", "AIS-10.1") == [["ADT", "Booked"]]


@pytest.mark.parametrize("data", [b"", b"PID|1\r", b"a,b\n1,2\n", HEAD + b"\rPID|\xff\r", b"\0\1"])
def test_what_is_no_message_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(SourceError):
        cells(written(tmp_path, data), "MSH-10")


def test_messages_glued_together_without_a_line_end_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="in the middle of a line"):
        cells(written(tmp_path, HEAD + b"\rPID|1||7" + HEAD + b"\r"), "MSH-10")


@pytest.mark.parametrize("text", ["PID", "PID-", "pid-3", "PID-3.1 where 4 is X", "PID-3.1.1.1"])
def test_a_mistyped_location_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no place in a message"):
        parse_location(text)


def test_the_marks_of_a_transport_are_left_out(tmp_path: Path) -> None:
    block = b"\x0b" + HEAD + b"\rPID|1||7\r\x1c\r"
    assert cells(written(tmp_path, block * 2), "PID-3.1") == [["7"], ["7"]]


def test_an_escape_that_hides_a_control_character_stays_as_written(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD + b"\rNTE|1||a\\X00\\b\\X0D0A\\c\\H\\d\\N\\\r")
    assert cells(path, "NTE-3") == [["a\\X00\\b\ncd"]]


def test_what_several_people_of_one_message_do_not_share_is_said_by_none(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD + b"\rPID|1||7^^^X||SAME\rPID|2||8^^^X||SAME\r")
    assert cells(path, "PID-3.1", "PID-5.1") == [[SEVERAL, "SAME"]]


CHARGES = """MSH|^~\\&|A|B|C|D|20260914||DFT^P03|1|P|2.5
PID|1||7^^^X
PV1|1|O
FT1|1|T-1||20260914
PR1|1||A
FT1|2|T-2||20260915
PR1|1||B
"""


def test_each_segment_of_a_name_is_a_row_with_what_holds_for_the_whole_message() -> None:
    places = ("FT1-2", "PR1-3", "PID-3.1")
    table = table_from_text("example", CHARGES, places, each="FT1")
    assert list(table.rows) == [["T-1", "A", "7"], ["T-2", "B", "7"]]
    assert list(table_from_text("example", CHARGES, places, each="ZZZ").rows) == [["T-1", "A", "7"]]


def test_the_resources_of_an_appointment_belong_to_each_of_its_people() -> None:
    people = "PID|1||7\nPV1|1|A\nPID|2||8\nPV1|1|B\nRGS|1\nAIL|1||ROOM\n"
    text = HEAD.decode() + "\nSCH|9\n" + people
    table = table_from_text("example", text, ("PID-3", "PV1-2", "AIL-3", "SCH-1"), each="PID")
    assert list(table.rows) == [["7", "A", "ROOM", "9"], ["8", "B", "ROOM", "9"]]
