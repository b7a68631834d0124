"""What is added has all its legs: the places that the folders' README files name under *adding*."""

import csv
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from bridge.hub.counts import CountRow
from bridge.hub.published import COUNTS
from bridge.hub.suppression import COLUMNS
from bridge.store.search.index import PARAMETERS
from consent.mou.template import SETTINGS
from consent.projections import VIEWS
from mappings.fhir.structure import TYPES
from mappings.language import compile_map, list_maps, load_map
from mappings.readers import FORMATS
from tests.support import reader_fuzz

ROOT = Path(__file__).parents[2]
# What comes as it is written, and what no view lets out: a signed form and a person's answers.
NEVER_LEAVE = {"Consent", "QuestionnaireResponse"}


def rows_of(path: str) -> list[dict[str, str]]:
    with (ROOT / path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def formats_with_a_row() -> set[str]:
    """Return the formats that the table of what comes in explains."""
    page = (ROOT / "mappings" / "README.md").read_text(encoding="utf-8")
    table = page.partition("## What comes in")[2].partition("\n\nText files")[0]
    first = (line.split("|")[1] for line in table.splitlines() if line.startswith("| `"))
    return {name for cell in first for name in re.findall(r"`([^`]+)`", cell)}


def formats_of_maps() -> set[str]:
    """Return the formats that shipped maps read."""
    compiled = (compile_map(load_map(each.id)) for each in list_maps())
    return {name for each in compiled for how in each.formats().values() for name in how.formats}


def fuzzed_formats() -> set[str]:
    return {name for each in reader_fuzz.FORMATS for name in reader_fuzz.how(each).formats}


@pytest.mark.parametrize("legs", [formats_with_a_row, formats_of_maps, fuzzed_formats])
def test_every_source_format_is_explained_mapped_and_fuzzed(legs: Callable[[], set[str]]) -> None:
    assert legs() == set(FORMATS)


def test_every_block_of_a_memorandum_is_in_the_list_of_terms() -> None:
    read_at = " ".join(row["read_at"] for row in rows_of("consent/mou/terms/mou-terms.csv"))
    listed = {path.split(".")[0] for path in re.findall(r"template:(\S+)", read_at)}

    assert set(SETTINGS.split()) <= listed


def test_every_resource_type_has_rules_a_search_and_a_way_out_or_none() -> None:
    ruled = {row["path"].split(".")[0] for row in rows_of("mappings/fhir/resource_rules.csv")}
    leaving = {
        row["resource"] for view in VIEWS for row in rows_of(f"consent/projection/{view}.csv")
    }

    assert ruled == set(TYPES)
    assert set(TYPES) <= set(PARAMETERS)
    assert set(TYPES) - leaving == NEVER_LEAVE


def test_every_measure_is_counted_suppressed_and_kept_from_being_subtracted() -> None:
    counted = [each.name for each in fields(CountRow) if "int" in str(each.type)]
    places = [each.name for each in fields(CountRow) if each.name not in counted]

    assert (*places, *COUNTS) == COLUMNS
    assert set(counted) - set(COUNTS) == {"students"}  # the whole that a count is a part of
