"""Arms are timed only after they gave the same resources."""

import csv
import json
from pathlib import Path

import pytest

from benchmarks import referral_file
from benchmarks.converting import compare, convert
from benchmarks.frame import UnequalOutputError


def test_the_order_of_elements_makes_no_difference() -> None:
    compare([{"a": 1, "b": [2]}], [{"b": [2], "a": 1.0}])


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [([], []), ([{"a": 1}], [{"a": 2}]), ([{"a": 1}], [{"a": 1}, {"b": 1}]), ([1], [])],
)
def test_a_missing_or_other_resource_stops_the_run(
    ours: list[object], theirs: list[object]
) -> None:
    with pytest.raises(UnequalOutputError):
        compare(ours, theirs)


def test_the_referral_file_is_the_same_each_time(tmp_path: Path) -> None:
    referral_file.write(tmp_path / "a.csv", 20)
    referral_file.write(tmp_path / "b.csv", 20)

    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 20


@pytest.mark.parametrize(
    "reference",
    ["plain_dicts", "fhir_requests", "liquid_converter", "liquid_engine", "jsonata_rows"],
)
def test_a_reference_writes_the_same_resources_as_ours(reference: str, tmp_path: Path) -> None:
    source = tmp_path / "referrals.csv"
    referral_file.write(source, 5)
    written = []
    for arm in ("ours", reference):
        sample = convert(arm, source, tmp_path / arm)
        assert sample.units == 5
        assert sample.cpu_seconds > 0
        written.append([json.loads(line) for line in (tmp_path / arm).read_bytes().splitlines()])

    compare(*written)
    assert len(written[0]) == 50
