"""What leaves of a resource: built from permitted paths, silence means no. All data synthetic."""

import copy
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.minimise import load_projection, minimise
from consent.projections import VIEWS, Anchor, Projection, ResourceView, Rule, Segment
from consent.selectors import parse_selector
from mappings.canonical import Attendance
from mappings.fhir import referral_resources, session_resources
from tests.support.fhir_records import ATTENDED, CONTEXT, FULL, SESSION_CONTEXT

CANARY = "CANARY"
BASE = "https://schoolbridge.example/fhir"
PROVIDER = load_projection("to-provider", "America/New_York")
SCHOOL = load_projection("to-school", "America/New_York")
HUB = load_projection("to-hub", "America/New_York")
EVERYTHING = frozenset(
    rule.element
    for view in VIEWS
    for resource in load_projection(view).resources.values()
    for rule in (*resource.rules, *resource.anchors)
    if not rule.element.startswith("@")
)


def built(kind: str) -> dict[str, Any]:
    """Return the first resource of a type, as the builders make it, with all there can be."""
    made = [*referral_resources(FULL, CONTEXT), *session_resources(ATTENDED, SESSION_CONTEXT)]
    return copy.deepcopy(next(item for item in made if item["resourceType"] == kind))


def leaves(value: object, path: str = "") -> set[tuple[str, str]]:
    """Return every plain value with its path, list positions left out."""
    if isinstance(value, dict):
        return {found for name, item in value.items() for found in leaves(item, f"{path}.{name}")}
    if isinstance(value, list):
        return {found for item in value for found in leaves(item, path)}
    return {(path, repr(value))}


def test_the_anchor_decides_whether_anything_leaves() -> None:
    others = EVERYTHING - {"referral.reason"}

    assert minimise(built("ServiceRequest"), others, PROVIDER) is None
    assert minimise(built("ServiceRequest"), {"referral.reason"}, PROVIDER) is not None


@pytest.mark.parametrize(
    ("kind", "path", "element"),
    [
        ("Patient", "birthDate", "student.dob"),
        ("Patient", "telecom", "student.contact"),
        ("Patient", "managingOrganization", "student.school"),
        ("Patient", "extension", "student.grade"),
        ("ServiceRequest", "note", "referral.note"),
        ("ServiceRequest", "priority", "referral.urgency"),
        ("ServiceRequest", "_priority", "referral.urgency"),
        ("ServiceRequest", "requester", "student.school"),
        ("Task", "priority", "referral.urgency"),
        ("Observation", "performer", "student.school"),
    ],
)
def test_a_path_leaves_with_its_own_element_and_no_other(
    kind: str, path: str, element: str
) -> None:
    full = minimise(built(kind), EVERYTHING, PROVIDER)
    less = minimise(built(kind), EVERYTHING - {element}, PROVIDER)

    assert full is not None
    assert less is not None
    assert path in full
    assert path not in less


def test_gender_address_and_language_never_leave() -> None:
    left = minimise(built("Patient"), EVERYTHING, PROVIDER)

    assert built("Patient")["gender"] != "unknown"
    assert left is not None
    assert left["gender"] == "unknown"
    assert not {"_gender", "address", "communication"} & left.keys()


def test_a_withheld_gender_looks_like_one_never_given() -> None:
    silent = built("Patient")
    del silent["gender"]

    assert minimise(silent, EVERYTHING, PROVIDER) == minimise(
        built("Patient"), EVERYTHING, PROVIDER
    )


def test_only_the_bridges_identifier_leaves_unless_the_local_one_is_permitted() -> None:
    without = minimise(built("Patient"), {"student.name"}, PROVIDER)
    with_local = minimise(built("Patient"), {"student.name", "student.local_id"}, PROVIDER)

    assert without is not None
    assert with_local is not None
    assert [item["system"] for item in without["identifier"]] == [f"{BASE}/NamingSystem/student"]
    systems = [item["system"] for item in with_local["identifier"]]
    assert len(systems) == 2
    assert systems[1].startswith(f"{BASE}/NamingSystem/local-student/")


@pytest.mark.parametrize(
    ("code", "element"),
    [
        ("attendance-percent", "attendance.summary"),
        ("discipline-count", "discipline.count"),
        ("plan-504", "plan504.flag"),
        ("iep", None),
    ],
)
def test_a_school_fact_leaves_under_its_own_element_only(code: str, element: str | None) -> None:
    made = referral_resources(FULL, CONTEXT)
    facts = [item for item in made if item["resourceType"] == "Observation"]
    fact = next(item for item in facts if item["code"]["coding"][0]["code"] == code)

    alone = {name for name in EVERYTHING if minimise(fact, {name}, PROVIDER) is not None}

    assert alone == ({element} if element else set())


def test_supporting_information_is_named_only_where_it_may_be_read() -> None:
    request = built("ServiceRequest")
    first = request["supportingInfo"][0]["reference"]

    none = minimise(request, EVERYTHING, PROVIDER)
    one = minimise(request, EVERYTHING, PROVIDER, {first})

    assert none is not None
    assert one is not None
    assert "supportingInfo" not in none
    assert one["supportingInfo"] == [{"reference": first}]


@pytest.mark.parametrize("where", ["", "name", "code"])
def test_a_resource_with_an_unknown_modifier_does_not_leave_at_all(where: str) -> None:
    task = built("Task")
    inner = task if not where else task.setdefault(where, {})
    inner["modifierExtension"] = [{"url": "https://example.org/not", "valueBoolean": True}]

    assert minimise(task, EVERYTHING, PROVIDER) is None


def test_a_resource_under_implicit_rules_does_not_leave() -> None:
    assert minimise({**built("Task"), "implicitRules": "urn:x"}, EVERYTHING, PROVIDER) is None


def test_a_resource_too_deep_to_search_does_not_leave() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100):
        deep = {"extension": [deep]}

    assert minimise({**built("Task"), **deep}, EVERYTHING, PROVIDER) is None


def test_narrative_contained_nested_ids_and_unknown_names_do_not_leave() -> None:
    patient = built("Patient")
    patient |= {
        "text": {"status": "generated", "div": CANARY},
        "contained": [{"resourceType": "Patient", "id": CANARY}],
        "photo": [{"title": CANARY}],
        "_birthDate": {"extension": [{"url": "urn:t", "valueString": CANARY}]},
        "language": CANARY,
        "implicit": CANARY,
    }
    patient["name"][0] |= {"id": CANARY, "extension": [{"url": CANARY, "valueString": CANARY}]}
    patient["extension"].append({"url": f"{BASE}/other", "valueString": CANARY})
    patient["meta"]["source"] = CANARY
    patient["meta"]["tag"] = [{"code": CANARY}]
    patient["managingOrganization"]["display"] = CANARY

    left = minimise(patient, EVERYTHING, PROVIDER)

    assert left is not None
    assert CANARY not in repr(left)


def test_a_value_of_another_shape_than_the_row_says_does_not_leave() -> None:
    patient = {**built("Patient"), "birthDate": {"value": CANARY}, "name": CANARY}

    assert CANARY not in repr(minimise(patient, EVERYTHING, PROVIDER))


def test_a_reference_to_a_contained_resource_does_not_leave() -> None:
    task = {**built("Task"), "owner": {"reference": "#" + CANARY}}

    left = minimise(task, EVERYTHING, PROVIDER)

    assert left is not None
    assert "owner" not in left


def test_an_extension_of_which_no_value_may_leave_does_not_leave_its_name() -> None:
    grade = {"url": f"{BASE}/StructureDefinition/grade-level", "valueString": CANARY}

    left = minimise({**built("Patient"), "extension": [grade]}, EVERYTHING, PROVIDER)

    assert left is not None
    assert "extension" not in left


def test_a_link_governed_by_one_row_is_governed_by_all_that_take_the_same_entry() -> None:
    rows = (
        Rule((Segment("link"), Segment("reference")), "@linked"),
        Rule((Segment("link", parse_selector("type=T")), Segment("type")), "@envelope"),
    )
    view = Projection("x", ZoneInfo("UTC"), {"X": ResourceView((Anchor("@public"),), rows)})
    resource = {"resourceType": "X", "link": [{"reference": "T/1", "type": "T"}]}

    assert minimise(resource, (), view) == {"resourceType": "X"}
    assert minimise(resource, (), view, {"T/1"}) == resource


def test_the_school_sees_of_a_task_what_became_of_it_and_no_more() -> None:
    task = built("Task") | {"note": [{"text": CANARY}], "lastModified": "2026-10-01T12:00:00Z"}
    task["statusReason"] = {"text": CANARY}
    task["output"] = [{"type": {"text": CANARY}, "valueString": CANARY}]
    task["extension"] = [{"url": f"{BASE}/StructureDefinition/care-consent", "valueCode": "minor"}]
    task["businessStatus"] = {
        "coding": [
            {"system": f"{BASE}/CodeSystem/follow-up", "code": "accepted"},
            {"system": "urn:clinic", "code": CANARY},
        ],
        "text": CANARY,
    }

    left = minimise(task, {"referral.status"}, SCHOOL)

    assert left is not None
    assert CANARY not in repr(left)
    assert not {"priority", "extension", "output", "note", "statusReason"} & left.keys()
    assert left["businessStatus"]["coding"][0]["code"] == "accepted"


def test_the_reason_a_provider_closed_a_referral_needs_its_own_permit() -> None:
    task = built("Task") | {"statusReason": {"text": "SYNTHETIC reason"}}

    left = minimise(task, {"referral.status", "close.reason"}, SCHOOL)

    assert left is not None
    assert left["statusReason"] == {"text": "SYNTHETIC reason"}


def test_the_school_sees_when_a_visit_was_not_what_kind_nor_with_whom() -> None:
    left = minimise(built("Encounter"), {"visit.dates"}, SCHOOL)

    assert left is not None
    assert left["period"] == built("Encounter")["period"]
    assert left["class"]["code"] == "unknown"
    assert left["type"][0]["text"] == "unknown"
    assert not {"participant", "location", "identifier"} & left.keys()


def test_a_visit_marked_as_substance_use_care_is_nothing_to_the_school() -> None:
    visit = built("Encounter")
    visit["meta"]["security"] = [*visit["meta"]["security"], {"code": "SUD"}]

    assert minimise(visit, EVERYTHING - {"sud.record"}, SCHOOL) is None
    assert minimise(visit, EVERYTHING - {"sud.row"}, HUB) is None
    assert minimise(visit, {"sud.row"}, HUB) is not None


def test_a_missed_appointment_tells_its_time_and_nothing_of_the_clinician() -> None:
    missed = replace(ATTENDED, attendance=Attendance.NO_SHOW, ends=None)
    appointment = session_resources(missed, SESSION_CONTEXT)[0]

    left = minimise(appointment, {"visit.dates"}, SCHOOL)

    assert left is not None
    assert left["start"] == appointment["start"]
    assert left["_end"] == appointment["_end"]
    assert [list(item["actor"]) for item in left["participant"]] == [["reference"]]


def test_the_hub_gets_a_coded_row_with_days_of_the_districts_zone() -> None:
    visit = built("Encounter") | {"period": {"start": "2026-10-02T01:30:00Z"}}

    left = minimise(visit, {"enc.row"}, HUB)

    assert left is not None
    assert left["period"] == {"start": "2026-10-01"}
    assert left.keys() <= {
        "resourceType", "id", "status", "class", "type", "subject", "basedOn", "period",
        "serviceProvider",
    }  # fmt: skip


def test_the_hub_gets_no_reason_note_or_words_of_a_referral() -> None:
    left = minimise(built("ServiceRequest"), {"ref.row"}, HUB)

    assert left is not None
    assert not {"reasonCode", "note", "priority", "identifier", "supportingInfo"} & left.keys()
    assert "text" not in left["code"]


@pytest.mark.parametrize("view", [PROVIDER, SCHOOL])
def test_a_directory_entry_leaves_whatever_is_permitted(view: Any) -> None:  # noqa: ANN401 - any of the projections
    entry = {"resourceType": "Organization", "id": "o", "name": "SYNTHETIC", "active": True}

    assert minimise(entry, (), view) == entry


@pytest.mark.parametrize("kind", ["Consent", "DocumentReference", "AuditEvent", "Binary", 7, None])
def test_a_type_the_view_does_not_name_does_not_leave(kind: object) -> None:
    assert minimise({"resourceType": kind, "id": "x"}, EVERYTHING, PROVIDER) is None


@given(
    st.sampled_from(["Patient", "RelatedPerson", "ServiceRequest", "Task", "Observation"]),
    st.frozensets(st.sampled_from(sorted(EVERYTHING))),
)
@settings(max_examples=200, deadline=None)
def test_what_leaves_was_there_and_less_permitted_is_never_more(
    kind: str, permitted: frozenset[str]
) -> None:
    resource = built(kind)
    before = copy.deepcopy(resource)

    left = minimise(resource, permitted, PROVIDER)
    most = minimise(resource, EVERYTHING, PROVIDER)

    assert resource == before
    if left is not None and most is not None:
        put = {(".gender", "'unknown'")}
        assert leaves(left) <= leaves(resource) | put
        assert leaves(left) <= leaves(most)
        assert minimise(left, permitted, PROVIDER) == left
