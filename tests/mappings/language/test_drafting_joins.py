"""Several files: the pair of columns that joins them is suggested with its rate, never decided."""

import csv
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from documents import DocumentError
from mappings.language import MapKind, draft_map, load_map
from mappings.language.drafting_columns import draft_columns
from mappings.language.drafting_joins import guess_joins
from mappings.language.reading import OPEN
from mappings.readers import Table, survey
from tests.mappings.language.test_drafting_formats import entries
from tests.support.roster_exports import ONEROSTER_12

ASPEN = load_map("aspen-students").main
FORM = "Timestamp,Urgency,LASID,Student,Consent\n" + "".join(
    f"{n}/14/2026,Crisis,{1000 + n},Kid{n} {'Example' if n % 2 else 'Sample'},signed\n"
    for n in range(1, 11)
)


def written(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def roster(folder: Path, missing: int = 0) -> Path:
    rows = [f'{n},{1000 + n},07,"{"Example" if n % 2 else "Sample"}, Kid{n}"' for n in range(1, 51)]
    return written(folder, "people.csv", "\n".join(["Row,Number,Grade,Name", *rows[missing:]]))


def table(header: list[str], rows: list[list[str]]) -> Table:
    return Table("x.csv", tuple(header), iter(rows))


def test_the_pair_that_matches_best_is_suggested_with_its_rate(tmp_path: Path) -> None:
    text = draft_map([written(tmp_path, "form.csv", FORM), roster(tmp_path, 2)], MapKind.REFERRAL)
    (join,) = entries(text)["joins"]
    assert join["source"] == "people"
    assert join["on"] == [{"column": f"{OPEN} LASID", "matches": f"{OPEN} Number"}]
    assert join["match-rate-floor"] == OPEN
    assert '# "LASID" with "Number": 8 of 10 rows match one row (80%)' in text
    assert '# "Student" with "Name": 8 of 10 rows match one row (80%), compared as name' in text


def test_names_are_compared_as_names_where_nothing_else_matches(tmp_path: Path) -> None:
    form = FORM.replace("LASID", "Room").replace(",100", ",9").replace(",101", ",8")
    text = draft_map([written(tmp_path, "form.csv", form), roster(tmp_path)], MapKind.REFERRAL)
    pair = {"column": f"{OPEN} Student", "matches": f"{OPEN} Name", "compare": f"{OPEN} name"}
    assert entries(text)["joins"][0]["on"] == [pair]


def test_a_column_that_does_not_tell_rows_apart_is_no_match(tmp_path: Path) -> None:
    columns, _ = draft_columns(table(["id"], [["07"], ["07"]]))
    theirs, _ = draft_columns(table(["grade", "own"], [["07", "x"], ["07", "y"]]))
    assert guess_joins(columns, theirs) == []


def test_files_that_share_nothing_leave_the_join_open(tmp_path: Path) -> None:
    other = written(tmp_path, "other.csv", "A,B\nx,y\n")
    text = draft_map([written(tmp_path, "form.csv", FORM), other], MapKind.REFERRAL)
    assert entries(text)["joins"][0]["on"] == [{"column": OPEN, "matches": OPEN}]
    assert "no column of the first source matches" in text


def test_a_roster_that_a_shipped_map_reads_is_given_to_it(tmp_path: Path) -> None:
    folder = tmp_path / "roster"
    folder.mkdir()
    for name, text in ONEROSTER_12.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    form = written(tmp_path, "form.csv", FORM.replace(",1001,", ",100234,"))
    draft = draft_map([form, folder], MapKind.REFERRAL)
    found = entries(draft)
    assert found["sources"]["roster"] == {"map": f"{OPEN} oneroster"}
    pair = {"column": f"{OPEN} LASID", "matches": f"{OPEN} users.identifier"}
    assert found["joins"][0]["on"] == [pair]
    headings = [word.text for word in ASPEN.headings]
    aspen = written(tmp_path, "sis.csv", ",".join(headings) + "\n" + ",".join("x" * len(headings)))
    found = entries(draft_map([form, aspen], MapKind.REFERRAL))
    assert found["sources"]["sis"] == {"map": f"{OPEN} aspen-students"}


def test_urgency_and_consent_are_never_suggested_however_many_files(tmp_path: Path) -> None:
    text = draft_map([written(tmp_path, "form.csv", FORM), roster(tmp_path)], MapKind.REFERRAL)
    by_column = {one["column"]: one["goes-to"] for one in entries(text)["fields"]}
    assert (by_column["Urgency"], by_column["Consent"]) == (OPEN, OPEN)
    assert "Crisis" not in text
    assert "signed" not in text
    assert f"  - {OPEN} urgency\n" in text


_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.just("\n"), max_size=12)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(_TEXT.filter(str.strip), min_size=2, max_size=5, unique_by=lambda t: t.strip()),
    st.lists(st.lists(_TEXT, min_size=5, max_size=5), min_size=1, max_size=6),
)
def test_whatever_stands_in_a_table_its_draft_holds_every_column_and_stays_open(
    header: list[str], rows: list[list[str]]
) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([header, *(row[: len(header)] for row in rows)])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "form.csv")
        path.write_text(out.getvalue(), encoding="utf-8", newline="")
        (source,) = survey(path)
        heard = list(source.table().header)
        text = draft_map(path, MapKind.REFERRAL)
        (Path(folder) / "draft.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(DocumentError) as refused:
            load_map(Path(folder) / "draft.yaml")
    assert all(p.text.startswith("still open: ") for p in refused.value.problems)
    assert [one["column"] for one in entries(text)["fields"]] == heard
