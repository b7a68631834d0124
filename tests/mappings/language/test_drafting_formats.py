"""A draft for every format that can be mapped: nothing unseen or decided, and it can be settled."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from documents import DocumentError
from mappings.language import MapKind, check_map, draft_map, load_map
from mappings.language.reading import OPEN
from mappings.readers import survey
from tests.support.reader_fuzz import SAMPLES, samples
from tests.support.roster_exports import ONEROSTER_CLASSES, SDS_V1

HL7 = Path(__file__).parents[1] / "readers" / "data"
# Files of messages without usable delimiters are refused before they are surveyed.
MESSAGES = [
    path
    for path in sorted(HL7.glob("*.hl7"))
    if "bad" not in path.stem and path.stem not in ("sample_unix", "sample_win")
]
CASES = {
    "oneroster": MapKind.ROSTER,
    "sds": MapKind.ROSTER,
    "edfi-xml": MapKind.ROSTER,
    "edfi-json": MapKind.ROSTER,
    "fhir-json": MapKind.REFERRAL,
    "fhir-sessions": MapKind.SESSION,
    "hl7v2": MapKind.SESSION,
    "hl7v2-each": MapKind.SESSION,
    "hl7v2-ref": MapKind.REFERRAL,
    "ndjson": MapKind.SESSION,
    "csv-part": MapKind.SESSION,
}


def written(folder: Path, name: str) -> Path:
    """Write the last sound export of a format, as a file or a folder."""
    path = folder / "export"
    content = samples(name)[-1]
    if name == "edfi-xml":
        files = ("Student.xml", "Contact.xml")
        content = {file: (SAMPLES / "edfi" / file).read_bytes() for file in files}
    if isinstance(content, bytes):
        path.write_bytes(content)
        return path
    path.mkdir()
    for file, data in content.items():
        (path / file).write_bytes(data)
    return path


def entries(text: str) -> dict[str, Any]:
    """Return a draft as plain lists and texts."""
    found: dict[str, Any] = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - text alone
    return found


def problems(folder: Path, text: str) -> list[str]:
    """Return what the reader of maps says of a document; it must refuse it."""
    (folder / "draft.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(DocumentError) as refused:
        load_map(folder / "draft.yaml")
    return [problem.text for problem in refused.value.problems]


@pytest.mark.parametrize(("name", "kind"), CASES.items())
def test_a_draft_of_every_format_names_all_its_places_and_does_not_load(
    tmp_path: Path, name: str, kind: MapKind
) -> None:
    path = written(tmp_path, name)
    text = draft_map(path, kind)
    told = problems(tmp_path, text)
    assert all(line.startswith("still open: ") for line in told)
    draft = entries(text)
    named = {(one.get("source", ""), one["column"]) for one in draft["fields"]}
    assert len(named) == len(draft["fields"]) > 0
    for source in survey(path, sessions=kind is MapKind.SESSION):
        header = set(source.table().header)
        assert header - {column for _, column in named} == set() or name.startswith("hl7v2")
    for one in draft["fields"]:
        assert one["goes-to"].startswith(OPEN)


@pytest.mark.parametrize(("name", "kind"), CASES.items())
def test_a_settled_draft_is_a_map_whose_places_and_columns_are_right(
    tmp_path: Path, name: str, kind: MapKind
) -> None:
    draft = entries(draft_map(written(tmp_path, name), kind))
    draft |= {"title": "Settled", "zone": "America/New_York", "not-on-form": [], "examples": []}
    draft["row-key"] = draft["row-key"].removeprefix(OPEN).strip() or draft["fields"][0]["column"]
    draft["do-not-send"] = [
        {"column": one["column"], "why": "a test", **{k: one[k] for k in ("source",) if k in one}}
        for one in draft.pop("fields")
    ]
    draft["fields"] = [{"made-from": "row-key", "goes-to": "key"}]
    headings = {role: source.get("headings") for role, source in draft["sources"].items()}
    own = next(iter(headings.values()))
    draft["joins"] = [
        {"source": one["source"], "on": [settled(one["on"][0], own, headings[one["source"]])]}
        for one in draft.get("joins", ())
    ]
    (tmp_path / "map.yaml").write_text(json.dumps(draft), encoding="utf-8")
    told = [str(problem) for problem in check_map(load_map(tmp_path / "map.yaml"))]
    wrong = re.compile("did you mean|no place|no column|not a column|unknown|no record|no segment")
    assert [line for line in told if wrong.search(line) and "key" not in line] == []


def settled(pair: dict[str, str], own: list[str], theirs: list[str]) -> dict[str, str]:
    """Take the suggestion, or where there is none, any column."""
    column, matches = (pair[name].removeprefix(OPEN).strip() for name in ("column", "matches"))
    return {"column": column or own[0], "matches": matches or theirs[0]}


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.stem)
def test_every_field_of_a_message_stands_in_its_draft(path: Path) -> None:
    text = draft_map(path, MapKind.SESSION)
    raw = path.read_bytes().removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    for line in re.split(r"[\r\n]+", raw):
        name, *fields = line.split("|")
        if not re.fullmatch("[A-Z][A-Z0-9]{2}", name) or name in (
            "MSH",
            "FHS",
            "BHS",
            "BTS",
            "FTS",
        ):
            continue
        for number, cell in enumerate(fields, 1):
            if cell.strip("^~& "):
                assert f"{name}-{number}." in text


def leaves(value: object) -> set[str]:
    """Return the names in JSON behind which a text stands."""
    if isinstance(value, list):
        return set().union(*map(leaves, value))
    if not isinstance(value, dict):
        return set()
    own = {name for name, item in value.items() if isinstance(item, str | int) and item != ""}
    return own.union(*map(leaves, value.values()))


def test_every_member_of_an_ed_fi_answer_stands_in_its_draft() -> None:
    folder = SAMPLES / "edfi/api-json"
    text = draft_map(folder, MapKind.ROSTER)
    for name in ("students", "studentSchoolAssociations", "contacts"):
        for member in leaves(json.loads((folder / f"{name}.json").read_text("utf-8"))):
            assert f".{member}" in text
    assert "records of another kind: staffs" in text


@pytest.mark.parametrize(
    ("name", "files"), [("oneroster", ONEROSTER_CLASSES), ("sds", SDS_V1)], ids=["oneroster", "sds"]
)
def test_every_column_of_a_roster_stands_in_its_draft_and_no_password_is_offered(
    tmp_path: Path, name: str, files: dict[str, str]
) -> None:
    for file, text in files.items():
        (tmp_path / f"{file}.csv").write_text(text, encoding="utf-8")
    draft = draft_map(tmp_path, MapKind.ROSTER)
    assert f"format: {name}" in draft
    for text in files.values():
        for heading in text.partition("\n")[0].split(","):
            assert heading.casefold() in draft.casefold()
    assert not [one for one in entries(draft)["fields"] if "assword" in one["column"]]


def test_what_a_format_calls_a_place_is_suggested_and_its_neighbour_is_not(tmp_path: Path) -> None:
    text = draft_map(HL7 / "REF-I12-01.hl7", MapKind.REFERRAL)
    by_place = {one["column"]: one["goes-to"] for one in entries(text)["fields"]}
    assert by_place["PID-5.1"] == f"{OPEN} student.family_name"
    assert by_place["PID-5.3"] == OPEN
    assert "stands up to" in text


def test_no_word_of_a_persons_record_comes_into_a_draft() -> None:
    text = draft_map(SAMPLES / "edfi/api-json", MapKind.ROSTER)
    students = json.loads((SAMPLES / "edfi/api-json/students.json").read_text("utf-8"))
    for student in students:
        assert student["lastSurname"] not in text
        assert student["studentUniqueId"] not in text
