"""Ours: the shipped template's map, our builders and checks, our templates.

As ``map run`` does it: each value is checked as it is read, each shape of resource in full the
first time it appears, and written from a template proved on what its builder gives.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from benchmarks.arms import words as w
from benchmarks.arms.timed import id_for, run
from mappings.canonical import Referral
from mappings.fhir import DistrictSystems, ReferralContext
from mappings.fhir.writing import ReferralWriter
from mappings.language import Mapped, compile_map, load_map

ROWS = 64  # as `map run` takes them
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
    """Yield the lines of some rows at a time.

    Raises:
        UnfitRowError: a row is held; the benchmark's file is clean.
        InvalidResourceError: a resource is not valid.
    """
    writer = ReferralWriter(CONTEXT)
    run = COMPILED.run([source])
    while referrals := [_referral(outcome) for outcome in islice(run, ROWS)]:
        yield b"\n".join([*[line for _, line in writer.lines_of(referrals)], b""])


def _referral(outcome: object) -> Referral:
    if not isinstance(outcome, Mapped) or not isinstance(outcome.record, Referral):
        raise UnfitRowError(str(outcome))
    return outcome.record


class UnfitRowError(Exception):
    """The file of the benchmark does not fit the map any more."""


if __name__ == "__main__":
    run(convert)
