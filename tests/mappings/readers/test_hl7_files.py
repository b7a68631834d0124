from pathlib import Path

import hl7
import pytest

from mappings.readers import SourceError, SourceFormat, open_table
from mappings.readers.hl7_messages import messages, parse_location

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


@pytest.mark.parametrize("name", ["SIU_12.hl7", "ADT04-28.hl7", "sample_batch.hl7"])
def test_the_splitter_agrees_with_an_independent_parser(name: str) -> None:
    text = (DATA / name).read_text("utf-8-sig").replace("\n", "\r")
    theirs = hl7.parse("MSH" + text.split("MSH", 1)[1].split("\rBTS")[0].split("\rMSH")[0])
    ours = next(messages(DATA / name))
    for location in ("PID-3.1", "PID-5.2", "MSH-9.2", "PV1-2.1"):
        place = parse_location(location)
        expected = theirs.extract_field(place.segment, 1, place.field, 1, place.component, 1)
        assert ours.text_at(place) == expected


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sample_bad_batch.hl7", "before any MSH"),
        ("sample_bad_file3.hl7", "before any MSH"),
        ("sample_win.hl7", "five different delimiters"),
    ],
)
def test_a_broken_file_is_refused_with_a_reason(name: str, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        cells(DATA / name, "MSH-10")


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
