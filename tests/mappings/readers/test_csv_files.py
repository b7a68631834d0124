import csv
import io
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.readers import SourceError, SourceFormat, open_table
from mappings.readers.delimited_text import CsvFormat, _is_plain

CSV = SourceFormat(("csv",))


def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "rows.csv"
    path.write_bytes(data)
    return path


def refusal(path: Path, how: SourceFormat = CSV) -> SourceError:
    with pytest.raises(SourceError) as refused:
        list(open_table(path, how).rows)
    return refused.value


def test_every_value_stays_the_text_that_was_written(tmp_path: Path) -> None:
    table = open_table(written(tmp_path, b"id,grade,flag\r\n007,07,NULL\r\n"), CSV)
    assert table.header == ("id", "grade", "flag")
    assert list(table.rows) == [["007", "07", "NULL"]]


def test_quotes_commas_and_line_ends_stay_inside_their_cell(tmp_path: Path) -> None:
    data = b'a,b\n"x, ""y""\nz",2\n'
    assert list(open_table(written(tmp_path, data), CSV).rows) == [['x, "y"\nz', "2"]]


def test_a_byte_order_mark_is_no_part_of_the_first_heading(tmp_path: Path) -> None:
    path = written(tmp_path, b"\xef\xbb\xbfid,b\n1,2\n")
    assert open_table(path, CSV).header == ("id", "b")


def test_line_separators_inside_text_do_not_end_a_row(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b\none\u2028two\x0bthree,2\n".encode())
    assert list(open_table(path, CSV).rows) == [["one\u2028two\x0bthree", "2"]]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_each_kind_of_line_end_gives_the_same_rows(tmp_path: Path, end: bytes) -> None:
    data = end.join([b"a,b", *[b"%d,x" % n for n in range(60_000)]]) + end
    rows = list(open_table(written(tmp_path, data), CSV).rows)
    assert len(rows) == 60_000
    assert rows[-1] == ["59999", "x"]


def test_a_blank_line_still_counts_as_a_row(tmp_path: Path) -> None:
    assert list(open_table(written(tmp_path, b"a,b\n\n1,2\n"), CSV).rows) == [[], ["1", "2"]]


def test_another_delimiter_is_read_when_the_map_names_it(tmp_path: Path) -> None:
    how = SourceFormat(("csv",), delimiter="\t")
    assert list(open_table(written(tmp_path, b"a\tb\n1\t2\n"), how).rows) == [["1", "2"]]


def test_another_delimiter_is_named_when_the_map_does_not(tmp_path: Path) -> None:
    assert "semicolon" in refusal(written(tmp_path, b"a;b\n1;2\n")).what_to_do


def test_cp1252_is_refused_with_row_and_byte_unless_the_map_says_so(tmp_path: Path) -> None:
    path = written(tmp_path, b"a,b\n1,2\n3,Jos\xe9\n")
    assert refusal(path).where == "row 3 (counted in lines), byte 14"
    how = SourceFormat(("csv",), encoding="cp1252")
    assert list(open_table(path, how).rows)[1] == ["3", "José"]


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("declared", ["utf-8", "utf-16"])
def test_utf16_with_a_mark_is_read_as_its_mark_says(
    tmp_path: Path, order: str, declared: str
) -> None:
    text = "id\tname\n" + "007\tJosé Ñandú 𝄞\n" * 40_000
    path = written(tmp_path, f"\ufeff{text}".encode(order))
    rows = list(open_table(path, SourceFormat(("csv",), encoding=declared, delimiter="\t")).rows)
    assert len(rows) == 40_000
    assert rows[-1] == ["007", "José Ñandú 𝄞"]


def test_utf16_is_never_assumed_without_its_mark(tmp_path: Path) -> None:
    how = SourceFormat(("csv",), encoding="utf-16")
    assert "no UTF-16 mark" in str(refusal(written(tmp_path, b"a,b\n1,2\n"), how))
    marked = written(tmp_path, "\ufeffa,b\n1,2\n".encode("utf-16-le"))
    assert "UTF-16 mark" in str(refusal(marked, SourceFormat(("csv",), encoding="cp1252")))


def test_quotes_escaped_by_a_backslash_are_read_when_the_map_says_so(tmp_path: Path) -> None:
    path = written(tmp_path, b'"a","b"\n"says \\"NO\\"","x\\\\"\n"two\\\nlines","y"\n')
    assert "escape: backslash" in str(refusal(path))
    rows = list(open_table(path, SourceFormat(("csv",), escape="\\")).rows)
    assert rows == [['says "NO"', "x\\"], ["two\nlines", "y"]]


def test_utf8_is_refused_where_the_map_says_cp1252(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b\n1,José\n".encode())
    assert "UTF-8" in refusal(path, SourceFormat(("csv",), encoding="cp1252")).what_to_do


def test_a_bad_byte_in_the_last_row_is_known_before_the_first_row_is_given(tmp_path: Path) -> None:
    path = written(tmp_path, b"a,b\n" + b"1,2\n" * 200_000 + b"\xff,2\n")
    with pytest.raises(SourceError):
        open_table(path, CSV)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"name\nx\n", "fewer than two columns"),
        (b"a,b\n", "a header and rows"),
        (b"a,b\n1,\x00\n", "NUL"),
        (b"a,b\n1,\x07\n", "control character"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\xff\xfea\x00,\x00b\x00\n\x001", "not whole UTF-16"),
        (b'a,b\n1,"open\n2,3\n', "never closed"),
        (b'a,b\n1,"x"y\n', "not doubled"),
    ],
)
def test_a_bad_file_is_refused_with_what_to_do(tmp_path: Path, data: bytes, words: str) -> None:
    assert words in str(refusal(written(tmp_path, data)))


def test_no_refusal_repeats_what_the_file_holds(tmp_path: Path) -> None:
    error = refusal(written(tmp_path, b'a,b\n1,"Kanarienvogel"y\n'))
    assert "Kanarien" not in str(error)
    assert str(tmp_path) not in str(error)


@given(st.text(st.sampled_from('""",,\n\ra'), max_size=14).map(lambda text: text + "\n"))
def test_text_whose_quotes_look_right_is_whole_rows(text: str) -> None:
    rows = None
    with suppress(csv.Error):
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))

    if _is_plain(text, CsvFormat()):
        assert rows is not None
    # And what a spreadsheet writes looks right.
    again = io.StringIO()
    csv.writer(again).writerows(rows or [["a"]])
    assert _is_plain(again.getvalue(), CsvFormat())


@pytest.mark.parametrize("cell", ["a" * 131_073, "a\n" * 65_537, '"' * 131_073])
def test_a_quoted_cell_beyond_the_cap_never_looks_right(cell: str) -> None:
    text = io.StringIO()
    csv.writer(text).writerow(["1", cell + ","])

    assert not _is_plain(text.getvalue(), CsvFormat())
