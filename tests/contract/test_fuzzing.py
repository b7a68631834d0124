"""schemathesis runs every check on the description of the API and finds nothing.

``SCHOOLBRIDGE_EXAMPLES`` makes the long run longer; its seed is printed, and
``SCHOOLBRIDGE_TEST_SEED`` repeats one.
"""

import json
import os
import secrets
import sys
from pathlib import Path

import pytest

from tests.contract.fuzzing import Fuzzed, Plan, fuzz
from tests.contract.serving import Served

pytestmark = pytest.mark.xdist_group("contract")
SLICES = ("Task", "ServiceRequest", "Encounter", "Patient", "Consent", "HealthcareService")
EVERY_CHECK = {
    "allow_header_conformance",
    "content_type_conformance",
    "ignored_auth",
    "negative_data_rejection",
    "not_a_server_error",
    "positive_data_acceptance",
    "response_schema_conformance",
    "status_code_conformance",
    "unsupported_method",
}


def seed() -> int:
    given = os.environ.get("SCHOOLBRIDGE_TEST_SEED")  # noqa: TID251 - which run to repeat
    return int(given) if given else secrets.randbelow(10**6)


def tell(run: Fuzzed, plan: Plan) -> None:
    figures = {"requests": run.requests, "failures": len(run.failures), "seed": plan.seed}
    statuses = {str(status): count for status, count in sorted(run.statuses.items())}
    sys.stdout.write(f"\n{json.dumps(figures | {'statuses': statuses})}\n")


def assert_nothing_found(run: Fuzzed, plan: Plan) -> None:
    assert run.failures == (), (plan, run.failures[:20])
    assert not any(status >= 500 for status in run.statuses)
    assert run.statuses[200] > run.requests / 25  # it got in, and found something


def test_every_check_passes_on_a_slice_of_the_api(on_sqlite: Served, tmp_path: Path) -> None:
    drawn = seed()
    kind = SLICES[drawn % len(SLICES)]
    plan = Plan(2, drawn, f"^/({kind}|metadata|$)")
    run = fuzz(on_sqlite, tmp_path / "fuzzed", plan)
    tell(run, plan)

    assert_nothing_found(run, plan)
    assert run.requests > 100
    assert run.checks >= EVERY_CHECK


@pytest.mark.faults
def test_every_check_passes_on_the_whole_api(on_postgres: Served, tmp_path: Path) -> None:
    examples = int(os.environ.get("SCHOOLBRIDGE_EXAMPLES") or 150)  # noqa: TID251 - how long
    plan = Plan(examples, seed(), within=7200)
    run = fuzz(on_postgres, tmp_path / "fuzzed", plan)
    tell(run, plan)

    assert_nothing_found(run, plan)
    assert run.requests >= 20_000
    assert run.checks >= EVERY_CHECK


@pytest.mark.turns(3)
def test_a_description_that_promises_too_much_is_noticed(on_sqlite: Served, tmp_path: Path) -> None:
    """The suite is shown to see: the server is said to answer a search with a Patient."""
    plan = Plan(1, 1, "^/Task$")
    run = fuzz(on_sqlite, tmp_path / "fuzzed", plan, wrong=("Bundle", "Patient"))

    assert any("response_schema_conformance" in each for each in run.failures)
