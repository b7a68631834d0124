"""Rows that a hub was sent are looked at before they are kept; its list of bridges is checked."""

import json
from pathlib import Path

import pytest

from bridge.errors import SettingsError
from bridge.hub.bridges import read_bridges
from bridge.hub.collection import Collection
from bridge.hub.rows import RowRefused, checked, deleted_in
from tests.support.worlds import Json

GOOD: Json = {
    "resourceType": "Encounter",
    "id": "e1",
    "status": "finished",
    "subject": {"reference": "Patient/p1"},
    "period": {"start": "2026-09-02"},
}
BAD = {
    "a name": {"subject": {"reference": "Patient/p1", "display": "Child Winterbourne"}},
    "a time of day": {"period": {"start": "2026-09-02T10:15:00-05:00"}},
    "a reason": {"reasonCode": [{"text": "Cries in class."}]},
    "when it changed": {"meta": {"lastUpdated": "2026-09-02T10:15:00Z"}},
    "an identifier": {"identifier": [{"value": "1000"}]},
    "a meta that is a number": {"meta": 5},
    "a meta that is nothing": {"meta": None},
    "a meta that is a list": {"meta": [{"security": []}]},
}


def test_a_coded_row_is_taken() -> None:
    assert checked(json.dumps(GOOD).encode(), "Encounter") == "e1"


@pytest.mark.parametrize("more", BAD.values(), ids=BAD.keys())
def test_a_row_that_says_more_than_a_coded_row_is_refused(more: Json) -> None:
    with pytest.raises(RowRefused) as refused:
        checked(json.dumps(GOOD | more).encode(), "Encounter")
    assert "Winterbourne" not in str(refused.value)


@pytest.mark.parametrize("line", [b"{", b"[]", b'{"resourceType": "Patient", "id": "e1"}', b"{}"])
def test_a_line_that_is_no_such_resource_is_refused(line: bytes) -> None:
    with pytest.raises(RowRefused):
        checked(line, "Encounter")


def test_a_file_with_one_refused_line_is_not_kept(tmp_path: Path) -> None:
    kept = Collection(tmp_path)
    (tmp_path / "under-way").mkdir()
    good, bad = json.dumps(GOOD).encode(), json.dumps(GOOD | BAD["a name"]).encode()
    for lines in ([good, bad], [good, good]):
        with pytest.raises(RowRefused, match="Encounter, line 2"):
            kept.fetch("0", "Encounter", lines)
    assert not list((tmp_path / "under-way").iterdir())


def test_deletions_are_read() -> None:
    entry = {"request": {"method": "DELETE", "url": "Encounter/e1"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    assert deleted_in(json.dumps(bundle).encode()) == [("Encounter", "e1")]
    with pytest.raises(RowRefused):
        deleted_in(b'{"entry": [{}]}')


def test_a_list_of_bridges_says_where_it_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "bridges.toml"
    file.write_text('[bridge.a]\nfhir-base = "https://a.example/fhir/"\nclient-id = "hub"\n')
    (source,) = read_bridges(file)
    assert (source.name, source.fhir_base, source.group) == ("a", "https://a.example/fhir", "")
    for text, where in (
        ('[bridge.a]\nfhir-base = "x"\n', "bridge a: client-id is missing"),
        ('[bridge."../a"]\nfhir-base = "x"\nclient-id = "h"\n', "a name has small letters"),
        ('[bridge.a]\nfhir-base = "x"\nclient-id = "h"\nport = "1"\n', "unknown setting port"),
        ("x = 1\n", "nothing else"),
    ):
        file.write_text(text)
        with pytest.raises(SettingsError, match=where):
            read_bridges(file)
