"""What comes in is checked without ever failing, and without a word of it in the answer."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.fhir import referral_resources, session_resources
from mappings.fhir.check import MAX_DEPTH, check_resource, to_bytes
from tests.support.fhir_records import (
    ATTENDED,
    CONTEXT,
    FULL,
    SESSION_CONTEXT,
    referrals,
    sessions,
)

EXAMPLES = Path(__file__).parents[2] / "data" / "ig" / "examples"
SECRET = "Zanzibar-Smith-7731"


def one(resource_type: str) -> dict[str, Any]:
    made = [*referral_resources(FULL, CONTEXT), *session_resources(ATTENDED, SESSION_CONTEXT)]
    return deepcopy(next(item for item in made if item["resourceType"] == resource_type))


def changed(resource_type: str, path: str, value: object) -> dict[str, Any]:
    """Return a resource with one place changed; ``...`` takes the place away."""
    resource = place = one(resource_type)
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in steps:
        place = place[step]  # type: ignore[index] # JSON, walked by a path
    if value is ...:
        del place[last]  # type: ignore[arg-type] # JSON, walked by a path
    else:
        place[last] = value  # type: ignore[index] # JSON, walked by a path
    return resource


def test_everything_the_builders_make_passes() -> None:
    made = [item for referral in referrals() for item in referral_resources(referral, CONTEXT)]
    made += [item for session in sessions() for item in session_resources(session, SESSION_CONTEXT)]
    assert [issue for item in made for issue in check_resource(item)] == []


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_the_guides_own_examples_pass(path: Path) -> None:
    assert check_resource(json.loads(path.read_text(encoding="utf-8"))) == []


FAULTS = [
    ("Encounter", "status", ..., "Encounter.status"),
    ("Encounter", "status", SECRET, "Encounter.status"),
    ("Encounter", "status", 7, "Encounter.status"),
    ("Encounter", "status", None, "Encounter.status"),
    ("Encounter", "class", ..., "Encounter.class"),
    ("Encounter", "class.code", SECRET, "Encounter.class.code"),
    ("Encounter", "type", ..., "Encounter.type"),
    ("Encounter", "type", [], "Encounter.type"),
    ("Encounter", "type", [{}], "Encounter.type[0]"),
    ("Encounter", "subject", ..., "Encounter.subject"),
    ("Encounter", "subject.reference", "Organization/x", "Encounter.subject"),
    ("Encounter", "subject.reference", f"{SECRET} x", "Encounter.subject.reference"),
    ("Encounter", "subject.reference", "javascript:alert(1)", "Encounter.subject.reference"),
    ("Encounter", "basedOn.0.reference", "Task/x", "Encounter.basedOn"),
    ("Encounter", "period", json.dumps({"start": "2026-09-01"}), "Encounter.period"),
    ("Encounter", "period.start", "2027-01-01T00:00:00Z", "Encounter.period"),
    ("Encounter", "period.start", SECRET, "Encounter.period.start"),
    ("Encounter", "identifier.0.value", ..., "Encounter.identifier[0].value"),
    ("Encounter", SECRET, SECRET, "Encounter"),
    ("Encounter", "contained", [{"resourceType": SECRET}], "Encounter"),
    (
        "Encounter",
        "modifierExtension",
        [{"url": "http://x.example", "valueCode": "n"}],
        "Encounter",
    ),
    ("Encounter", "resourceType", SECRET, "Resource.resourceType"),
    ("Task", "status", "rejected", "Task.statusReason.text"),
    ("Task", "status", "completed", "Task.output"),
    ("Task", "for", ..., "Task.for"),
    ("Task", "focus.reference", "Patient/x", "Task.focus"),
    ("Task", "input.0.valueBoolean", "true", "Task.input[0].valueBoolean"),
    ("Task", "priority", "soon", "Task.priority"),
    ("Patient", "gender", "F", "Patient.gender"),
    ("Patient", "telecom.0.system", "pigeon", "Patient.telecom[0].system"),
]


@pytest.mark.parametrize(("resource_type", "path", "value", "at"), FAULTS)
def test_a_planted_fault_is_found_at_its_path(
    resource_type: str, path: str, value: object, at: str
) -> None:
    issues = check_resource(changed(resource_type, path, value))
    assert at in [issue.path for issue in issues]
    assert SECRET not in repr(issues)


def test_the_end_of_an_appointment_does_not_come_before_its_start() -> None:
    appointment = {
        "resourceType": "Appointment",
        "status": "booked",
        "start": "2026-09-09T13:00:00-04:00",
        "end": "2026-09-09T16:59:00Z",
        "participant": [{"actor": {"reference": "Patient/x"}, "status": "accepted"}],
    }
    assert [issue.code for issue in check_resource(appointment)] == ["invariant"]
    assert check_resource({**appointment, "end": "2026-09-09T17:01:00Z"}) == []


PERIODS = [
    ("2026-09", "2026", True),
    ("2026-10", "2026-09", False),
    ("2026-09-02", "2026-09-01T23:00:00Z", False),
    ("2026-09-01", "2026-09-01T00:00:00Z", True),
    ("2026-09-01T10:00:00-04:00", "2026-09-01T13:59:00Z", False),
]


@pytest.mark.parametrize(("start", "end", "sound"), PERIODS)
def test_of_two_precisions_the_coarser_decides_the_order(start: str, end: str, sound: bool) -> None:
    period = {"start": start, "end": end}
    issues = check_resource(changed("Encounter", "period", period))
    assert [issue.path for issue in issues] == ([] if sound else ["Encounter.period"])


def test_a_reference_may_be_absolute_versioned_contained_or_a_urn() -> None:
    for text in (
        "https://ehr.example/fhir/Patient/x",
        "Patient/x/_history/2",
        "#p",
        "urn:uuid:c757873d-ec9a-4326-a141-556f43239520",
    ):
        assert check_resource(changed("Encounter", "subject.reference", text)) == []


def test_deep_or_large_resources_are_turned_away_before_any_model_sees_them() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"extension": [deep]}
    for resource in (
        {**one("Task"), **deep},
        {**one("Task"), "description": "x" * 300_000},
        {**one("Task"), "note": [{"text": "x"}] * 4_000},
    ):
        assert [issue.code for issue in check_resource(resource)] == ["too-long"]
    assert MAX_DEPTH < 100


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
PLACES = [
    *("status", "class", "type", "subject", "period", "identifier", "basedOn", "location"),
    *("participant", "meta", "extension", "contained", "serviceProvider", "id", "text"),
]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PLACES), JSON)
def test_no_json_whatever_makes_the_check_fail(place: str, value: object) -> None:
    assert isinstance(check_resource({**one("Encounter"), place: value}), list)


@given(JSON)
@settings(max_examples=50, deadline=None)
def test_what_is_no_resource_is_one_issue(value: object) -> None:
    assert [issue.path for issue in check_resource(value)] == ["Resource.resourceType"]  # type: ignore[arg-type] # wrong on purpose


def test_bytes_read_back_as_the_resource() -> None:
    for resource in referral_resources(FULL, CONTEXT):
        assert json.loads(to_bytes(resource)) == resource
