"""Flat objects as rows, alone or in the zip of an export; and one file out of several."""

import zipfile
from pathlib import Path

import pytest

from mappings.readers import SourceError, SourceFormat, Table, open_table


def table(path: Path, *headings: str, part: str = "") -> Table:
    return open_table(path, SourceFormat(("ndjson",), part=part, locations=headings))


def written(tmp_path: Path, text: str) -> Path:
    (tmp_path / "rows.ndjson").write_text(text, encoding="utf-8")
    return tmp_path / "rows.ndjson"


def zipped(tmp_path: Path, **texts: str) -> Path:
    with zipfile.ZipFile(tmp_path / "export.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in texts.items():
            archive.writestr(f"2026-09/{name.replace('__', '.')}", text)
    return tmp_path / "export.zip"


def test_every_value_is_the_text_that_was_written(tmp_path: Path) -> None:
    line = '{"Client Id": 0071, "x": 1}'.replace("0071", "71.10")
    lines = f'{line}\n{{"Client Id": "07", "ok": true, "none": null, "x": 12345678901234567890}}\n'
    found = table(written(tmp_path, lines))
    assert found.header == ("Client Id", "x", "ok", "none")
    assert list(found.rows) == [["71.10", "1", "", ""], ["07", "12345678901234567890", "true", ""]]


def test_a_recorded_heading_that_no_object_has_is_an_empty_column(tmp_path: Path) -> None:
    found = table(written(tmp_path, '{"a": "1"}'), "a", "Cancel Reason")
    assert found.header == ("a", "Cancel Reason")
    assert list(found.rows) == [["1", ""]]


REFUSED = [
    ('{"a": {"b": 1}}', "object 1: holds a list or object as value 1"),
    ('{"a": 1}\n{"b": 2, "a": [1]}', "object 2: holds a list or object as value 2"),
    ('{"a": NaN}', "a number that JSON does not have"),
    ('{"a": "\\ud800"}', "half of a surrogate pair"),
    ("[]", "holds no object"),
    ("1", "something else"),
    ('{"a":' * 70, "nested more than"),
]


@pytest.mark.parametrize(("text", "words"), REFUSED)
def test_what_is_no_flat_row_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        table(written(tmp_path, text))


def test_objects_of_ever_new_names_are_refused(tmp_path: Path) -> None:
    lines = "\n".join(f'{{"n{number}": 1}}' for number in range(1_001))
    with pytest.raises(SourceError, match=r"object 1001: .* more than 1,000 names"):
        table(written(tmp_path, lines))


def test_the_file_meant_is_taken_out_of_a_zip_by_name(tmp_path: Path) -> None:
    path = zipped(tmp_path, ClientVisit__ndjson='{"a": "1"}', Client__ndjson='{"b": "2"}')
    found = table(path, part="clientvisit")
    assert (found.file, found.header) == ("export.zip/ClientVisit.ndjson", ("a",))
    with pytest.raises(SourceError, match="must hold one file named Visits"):
        table(path, part="Visits")
    with pytest.raises(SourceError, match="must hold one file"):
        table(path)


def test_a_csv_file_is_taken_out_of_a_zip_or_a_folder_by_name(tmp_path: Path) -> None:
    path = zipped(tmp_path, visits__csv="a,b\n1,2\n", clients__csv="c,d\n3,4\n")
    found = open_table(path, SourceFormat(("csv",), part="clients"))
    assert (found.header, list(found.rows)) == (("c", "d"), [["3", "4"]])
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "visits.csv").write_text("e,f\n5,6\n", encoding="utf-8")
    found = open_table(tmp_path / "folder", SourceFormat(("csv",), part="visits"))
    assert list(found.rows) == [["5", "6"]]
