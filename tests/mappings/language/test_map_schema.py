"""The published schema accepts every shipped map and refuses mistakes of form."""

import json
from pathlib import Path

import jsonschema_rs
import pytest

from documents import read_yaml
from mappings.language import SHIPPED, map_schema
from mappings.language.shipped import FOLDER
from tests.support.small_map import MAP

VALIDATOR = jsonschema_rs.validator_for(map_schema())
FILE = Path(FOLDER / "map.schema.json")


def errors(text: str) -> list[str]:
    return [e.message for e in VALIDATOR.iter_errors(read_yaml(text.encode(), "m").plain())]


def test_the_schema_is_a_schema_and_the_file_is_what_the_program_would_write() -> None:
    """`schoolbridge map schema > mappings/maps/map.schema.json` writes it again."""
    jsonschema_rs.meta.validate(map_schema())
    assert json.loads(FILE.read_text("utf-8")) == map_schema()


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_map_is_valid(name: str) -> None:
    assert errors((FOLDER / f"{name}.yaml").read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("goes-to: urgency", "goes-to: urgencyy"),
        ("goes-to: urgency", "goes_to: urgency"),
        ("otherwise: hold", "otherwise: default"),
        ("otherwise: hold", "default: routine"),
        ("format: csv", "format: cvs"),
        ("kind: referral", "kind: referal"),
        ("zone: America/New_York\n", ""),
        ("row-key: No\n", ""),
        ('map: "1"', 'map: "2"'),
        ("id: small", "id: Small Map"),
        ("do-not-send:", "constants: {urgency: routine}\ndo-not-send:"),
        ("do-not-send:", "constants: {release.health.answer: signed}\ndo-not-send:"),
        ("{column: Club, why: not needed}", "{column: Club}"),
        ("    column: Why", "    colum: Why"),
        ("{column: Id, goes-to", "{column: Id, columns: [Id], goes-to"),
        ("  - name: one", "  - nam: one"),
        ('split-on: [", ", ";"]', 'split_on: ";"'),
        ("[Urgent, How urgent]", "{a: b}"),
    ],
)
def test_a_mistake_of_form_is_refused(old: str, new: str) -> None:
    assert errors(MAP) == []
    edited = MAP.replace(old, new, 1) if old in MAP else MAP.replace(old.strip(), new.strip(), 1)
    assert edited != MAP
    assert errors(edited) != []
