"""Ours: the shipped template's map, our builders and checks, ``orjson``.

As an import does it: each value is checked as it is read, each shape of resource in full the first
time it appears.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import orjson

from benchmarks.arms import words as w
from benchmarks.arms.timed import id_for, run
from mappings.canonical import Referral
from mappings.fhir import DistrictSystems, ReferralContext, referral_resources
from mappings.fhir.shapes import ShapeChecker
from mappings.language import Mapped, compile_map, load_map

COMPILED = compile_map(load_map("schoolbridge-template"))
CONTEXT = ReferralContext(
    district_id="district",
    provider_id="provider",
    school_ids=w.SCHOOLS,
    id_for=id_for,
    recorded_at=datetime.fromisoformat(w.RECEIVED).astimezone(UTC),
    systems=DistrictSystems.of("lakeview", "ct"),
)


def convert(source: Path) -> Iterator[bytes]:
    """Yield the lines of each row.

    Raises:
        UnfitRowError: a row is held or its resources are not valid; the benchmark's file is clean.
    """
    shapes = ShapeChecker()
    for outcome in COMPILED.run([source]):
        if not isinstance(outcome, Mapped) or not isinstance(outcome.record, Referral):
            raise UnfitRowError(str(outcome))
        resources = referral_resources(outcome.record, CONTEXT)
        if any(shapes.check(resource) for resource in resources):
            raise UnfitRowError("a resource is not valid")
        yield b"".join(orjson.dumps(item, option=orjson.OPT_APPEND_NEWLINE) for item in resources)


class UnfitRowError(Exception):
    """The file of the benchmark does not fit the map any more."""


if __name__ == "__main__":
    run(convert)
