"""A client whose agreement has ended: its token lives, and reaches no person any more."""

import pytest

from bridge.clock import FixedClock
from tests.support.worlds import (
    BASE,
    LEA,
    Web,
    World,
    encounter,
    post_session,
    put_task,
    referral,
)


@pytest.fixture
def ended(world: World) -> tuple[World, Web, Web, dict]:
    """Tokens of a provider and a school, handed out while the agreement ran; then it ended."""
    world.refer([referral(0)])
    provider, school = world.web(), world.web("millbrook-sis")
    task = provider.get(f"/fhir/Task/{world.id_of('Task', 'R-0')}").json()
    clock = world.clock
    assert isinstance(clock, FixedClock)
    clock.real = clock.real_now()  # for a token no time has passed
    clock.instant = clock.instant.replace(year=2031)
    return world, provider, school, task


PERSONS = ("Task", "ServiceRequest", "Patient", "RelatedPerson", "Observation", "Consent")


def test_nothing_of_a_person_is_found_by_any_way(ended: tuple[World, Web, Web, dict]) -> None:
    world, provider, _, task = ended
    for kind in PERSONS:
        bundle = provider.get(f"/fhir/{kind}").json()
        assert (kind, bundle.get("entry", [])) == (kind, [])
        record = provider.get(f"/fhir/{kind}/{world.id_of(kind, 'R-0')}")
        assert (kind, record.status_code) == (kind, 404)
    assert provider.get(f"/fhir/Task/{task['id']}/_history").status_code == 404
    started = provider.get("/fhir/$export", headers={"Prefer": "respond-async"})
    manifest = provider.get(started.headers["content-location"].removeprefix(BASE)).json()
    kinds = {file["type"] for file in manifest["output"]}
    assert not kinds & set(PERSONS)


def test_nothing_of_a_person_is_written(ended: tuple[World, Web, Web, dict]) -> None:
    world, provider, _, task = ended
    before = world.stored("Task", task["id"])
    assert put_task(provider, task, "accepted").status_code == 404
    assert post_session(provider, encounter(task, "s-1")).status_code == 422
    assert world.stored("Task", task["id"]) == before


def test_a_school_learns_nothing_back(ended: tuple[World, Web, Web, dict]) -> None:
    _, _, school, _ = ended
    rows = school.get("/school/follow-up").json()["referrals"]
    assert {row["status"] for row in rows} <= {"sent"}


def test_the_parties_still_find_each_others_names(ended: tuple[World, Web, Web, dict]) -> None:
    _, provider, _, _ = ended
    names = {found["name"] for found in provider.found("/fhir/Organization")}
    assert any(LEA in name.lower() for name in names)
