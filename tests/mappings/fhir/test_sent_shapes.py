"""What is sent is validated in full once per shape, and every verdict is the one of the full check.

The verdicts are compared on resources with one place changed at a time: after the resource itself
has passed, each change that could look like it must still be judged for what it is.
"""

import json
from collections.abc import Iterator
from copy import deepcopy
from itertools import islice
from typing import Any

import pytest

from mappings.fhir import referral_resources, session_resources
from mappings.fhir.check import check_resource
from mappings.fhir.sent_shapes import SentChecker
from tests.mappings.fhir.test_check import EXAMPLES
from tests.support.fhir_records import CONTEXT, FULL, SESSION_CONTEXT, sessions

Json = dict[str, Any]
Path = tuple[int | str, ...]

VALUES: tuple[object, ...] = (
    *("x", "other words, of another length", "A-1.b", "Überraschung", 'a "quoted" word', "a\\b"),
    *("", " ", " x", "x ", "x\n", "a  b", "x" * 64, "x" * 65, "x" * 200, "\u200b", "_"),
    *("Patient/1", "Patient/1/_history/2", "patient/1", "Patient/", "Patient/a b", "Group/1"),
    *("Practitioner/" + "x" * 64, "Practitioner/" + "x" * 65, "https://x.example/Patient/1"),
    *("urn:uuid:9f3b6c0e-0000-4000-8000-000000000001", "#p", "Patient/1?x=1"),
    *("2026-11-16T13:00:00-05:00", "2026-11-16T13:00:00.123456Z", "2026-02-29T13:00:00Z"),
    *("2024-02-29T13:00:00Z", "2026-04-31T00:00:00Z", "2026-12-31T23:59:60Z"),
    *("1000-01-01T00:00:00Z", "2026-11-16T13:00:00+14:00"),
    *("2026-11-16T24:00:00Z", "2026-11-16T13:00:00", "2026-11-16", "2026"),
    *("2026-11-16T13:00:00.1234567890Z", "2099-11-16T13:00:00+13:59", "finished", "routine"),
    *(0, 1, 2**53, -1.5, True, None, [], {}, ["x"], {"value": "x"}, {"reference": "Patient/1"}),
)  # fmt: skip


def one(kind: str) -> Json:
    """Return the largest resource of a type that the builders make, with nothing contained."""
    built = [item for each in sessions() for item in session_resources(each, SESSION_CONTEXT)]
    every = [*referral_resources(FULL, CONTEXT), *built]
    found = max((item for item in every if item["resourceType"] == kind), key=lambda i: len(str(i)))
    return {name: value for name, value in found.items() if name != "contained"}


def places(node: object, path: Path = ()) -> Iterator[Path]:
    """Yield the path of everything in a resource."""
    if isinstance(node, dict | list):
        for step, inner in node.items() if isinstance(node, dict) else enumerate(node):
            yield (*path, step)
            yield from places(inner, (*path, step))


def changed(resource: Json, path: Path, value: object) -> Json:
    place: Any
    copied = place = deepcopy(resource)
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return copied


def changes(resource: Json) -> Iterator[Json]:
    for path in places(resource):
        yield from (changed(resource, path, value) for value in VALUES)


def disagreements(checker: SentChecker, resources: Iterator[Json]) -> list[Json]:
    return [each for each in resources if checker.check(each) != check_resource(each)]


@pytest.mark.parametrize("kind", ["Encounter", "Appointment"])
def test_a_changed_session_is_judged_as_the_full_check_judges_it(kind: str) -> None:
    session, checker = one(kind), SentChecker()
    assert checker.check(session) == []

    # What a change left valid is remembered as well, and must not let the next ones pass.
    tried = list(islice(changes(session), 0, None, 3))
    assert disagreements(checker, iter(tried)) == []
    assert checker.checked_in_full < len(tried)


def test_a_changed_example_of_the_guides_is_judged_as_the_full_check_judges_it() -> None:
    checker = SentChecker()
    examples = [json.loads(path.read_bytes()) for path in sorted(EXAMPLES.glob("*.json"))]
    resources = [each for each in examples if each["resourceType"] in ("Encounter", "Task")]
    assert [checker.check(each) for each in resources] == [[]] * len(resources)

    for resource in resources:
        assert disagreements(checker, islice(changes(resource), 0, None, 23)) == []


def test_sessions_that_differ_in_names_links_and_times_are_validated_once() -> None:
    checker = SentChecker()
    session = one("Encounter")
    for n in range(5):
        sent: Json = {
            **session,
            "id": f"s-{n}",
            "identifier": [{"system": "https://x.example/sessions", "value": f"A {n}"}],
            "subject": {"reference": f"Patient/{n}"},
            "period": {"start": f"2026-11-0{n + 1}T10:00:00Z", "end": "2026-11-30T10:00:00.5Z"},
        }
        assert checker.check(sent) == []
    assert checker.checked_in_full == 1


def test_a_period_that_ends_before_it_starts_is_found_though_its_shape_was_seen() -> None:
    checker = SentChecker()
    session = one("Encounter")
    sound = {"start": "2026-11-01T10:00:00Z", "end": "2026-11-01T11:00:00Z"}
    assert checker.check({**session, "period": sound}) == []
    swapped = {**session, "period": {"start": sound["end"], "end": sound["start"]}}

    assert [issue.path for issue in checker.check(swapped)] == ["Encounter.period"]
    assert checker.checked_in_full == 1


def test_what_failed_is_checked_in_full_each_time_and_what_is_contained_always() -> None:
    checker = SentChecker()
    session = one("Encounter")
    for sent in ({**session, "status": "banana"}, {**session, "contained": [one("Patient")]}):
        before = checker.checked_in_full
        assert [checker.check(sent) for _ in range(2)] == [check_resource(sent)] * 2
        assert checker.checked_in_full == before + 2
