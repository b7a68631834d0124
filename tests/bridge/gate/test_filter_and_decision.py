"""The search filter in SQL and the decision in Python agree on every record of a world of states.

Each student is in one state of evidence; every viewer asks for every type. What the query lets
through must be exactly what the decision lets leave: a query that is narrower loses referrals, one
that is wider shows that something is there.
"""

import os
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from sqlalchemy import Connection, text

from bridge.gate import Query, Viewer
from bridge.gate.authorise import Authorised, authorised
from bridge.gate.decisions import decide
from bridge.gate.projection import project
from bridge.gate.viewers import viewer_of
from bridge.journeys.families.record_releases import revoke_release
from bridge.journeys.files.import_screenings import import_screenings
from bridge.store.database.engine import write
from bridge.store.facts.evidence import NewEvidence, evidence_of, record_evidence
from bridge.store.intake import NewRecord, put_records
from bridge.store.search.index import PARAMETERS
from bridge.store.vault import find
from mappings.language import Mapped
from tests.support.screening_records import gad_7
from tests.support.worlds import (
    HARBOR,
    LEA,
    NOW,
    World,
    caller,
    form_education,
    form_health,
    referral,
)

STATES = int(os.environ.get("SCHOOLBRIDGE_STATES") or 25)  # noqa: TID251 - how long to test
CONSENTS = ("signed", "expired", "revoked", "refused", "pending", "absent")
CARE = ("guardian", "minor", "unstated")
FLAGS = (
    "dissent",
    "recipient_blocked",
    "threat_documented",
    "third_party_present",
    "human_reviewed",
    "enrolled",
)
# On the day the question is asked: a child, the day before, on and after an 18th birthday.
BIRTHS = (
    date(2012, 2, 29),
    date(2008, 2, 29),
    date(2008, 10, 14),
    date(2008, 10, 15),
    date(2008, 10, 16),
)
ROLES = {
    "harbor-ehr": ("intake", "clinician", "billing"),
    "cove-ehr": ("intake",),
    "millbrook-sis": ("referral_coordinator", "counselor", "nurse", "administrator"),
    "state-hub": ("loader", "analyst"),
}
PURPOSES = (("refer",), ("follow",), ("attend", "follow"), ("safety",), ("report",), ("bill",))
# In term, before the agreement, after it, and days on which someone comes of age.
INSTANTS = (
    NOW,
    datetime(2026, 8, 1, 12, tzinfo=UTC),
    datetime(2027, 7, 2, 12, tzinfo=UTC),
    datetime(2026, 10, 16, 3, 59, tzinfo=UTC),
    datetime(2026, 10, 16, 4, 1, tzinfo=UTC),
)


def states(count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Yield states drawn from the product of everything that matters, the plain ones first."""
    every = list(product(CONSENTS, CONSENTS, (True, False), CARE, BIRTHS))
    dice = random.Random(seed)  # noqa: S311 - repeatable, not secret
    drawn = every[:1] + dice.sample(every, count - 1)
    for education, health, enrolled, care, born in drawn:
        # Said, denied, or unknown since who supplies it cannot say.
        flags = {
            flag: dice.choice((True, True, False, None)) for flag in FLAGS if dice.random() < 0.2
        }
        yield {
            "education": education,
            "health": health,
            "enrolled": enrolled,
            "care": care,
            "born": born,
            "flags": flags,
            "kind": dice.choice(("individual", "family", "sud")),
        }


def release_of(made: Any, state: str) -> list[Any]:  # noqa: ANN401 - one of two makers
    match state:
        case "absent":
            return []
        case "expired":
            return [made(expires_on=date(2026, 10, 1))]
        case "signed" | "revoked":
            return [made()]
        case answer:
            return [made(answer=answer)]


def fill(world: World, count: int, seed: int) -> None:
    """Make one student, one referral and one session for each state."""
    chosen = list(states(count, seed))
    world.refer(
        referral(
            n,
            student={"birth_date": state["born"], "enrolled": state["enrolled"]},
            releases=(
                *release_of(form_education, state["education"]),
                *release_of(form_health, state["health"]),
            ),
        )
        for n, state in enumerate(chosen)
    )
    results = [Mapped(gad_7(n, f"S-{n}"), 2) for n in range(count)]
    assert import_screenings(world.parts, LEA, results).told == count
    for n, state in enumerate(chosen):
        request = world.id_of("ServiceRequest", f"R-{n}")
        for form in ("education", "health"):
            if state[form] == "revoked":
                assert revoke_release(
                    world.parts, world.bridge.identifiers.issue("release", request, form)
                )
        with write(world.bridge.engine) as connection:
            record_evidence(connection, evidence(world, n, state))
            put_records(connection, [session(world, n, state)], world.clock.now())


def evidence(world: World, n: int, state: dict[str, Any]) -> Iterator[NewEvidence]:
    """Yield what is on file, each fact as wide or narrow as such facts are."""
    now = world.clock.now()
    student = world.bridge.identifiers.issue("student", LEA, str(1000 + n))
    request = world.id_of("ServiceRequest", f"R-{n}")
    bare = NewEvidence(f"{n}", "", now - timedelta(days=90), now, "test", student_id=student)
    for flag in state["flags"]:
        narrow = {"recipient": "provider"} if n % 2 else {"referral_id": request}
        yield replace(bare, id=f"{n}-{flag}", fact=flag, value=state["flags"][flag], **narrow)
    if state["care"] != "unstated":
        told = {"value": state["care"] == "minor", "referral_id": request}
        yield replace(bare, id=f"{n}-care", fact="minor_consented_care", **told)


def session(world: World, n: int, state: dict[str, Any]) -> NewRecord:
    request = world.id_of("ServiceRequest", f"R-{n}")
    resource = {
        "resourceType": "Encounter",
        "id": f"session-{n}",
        "status": "finished",
        "basedOn": [{"reference": f"ServiceRequest/{request}"}],
    }
    return NewRecord(
        resource=resource,
        custodian=HARBOR,
        sender_role="provider",
        audience=LEA,
        agreement_id=world.agreement,
        source_key=f"session-{n}",
        student_id=world.bridge.identifiers.issue("student", LEA, str(1000 + n)),
        referral_id=request,
        element="sud.row" if state["kind"] == "sud" else "enc.row",
        third_party=state["kind"] == "family",
    )


def viewers(connection: Connection) -> Iterator[Viewer]:
    for client_id, roles in ROLES.items():
        known = viewer_of(connection, caller(client_id))
        for role, purposes in product(roles, PURPOSES):
            yield replace(known, role=role, purposes=purposes)


def compare(world: World, connection: Connection, viewer: Viewer, now: datetime) -> tuple[int, int]:
    """Compare both answers on every record; returns how many were let through, and how many not."""
    everything = Authorised(text("1 = 1"), {})
    through = held = 0
    for kind in PARAMETERS:
        wide = Query(kind, limit=10_000)
        found, total = find(
            connection, wide, authorised(viewer, kind, now, connection.dialect.name)
        )
        stored, _ = find(connection, wide, everything)
        facts = evidence_of(connection, {s.student_id for s in stored}, now)
        decided = [(s, decide(viewer, s, facts, now)) for s in stored]
        allowed = {
            s.id
            for s, d in decided
            if d is not None and project(viewer, (s, d), (), world.bridge.identifiers)
        }
        let = {s.id for s in found}
        assert let == allowed, (viewer.party, viewer.role, viewer.purposes, kind, now)
        assert total == len(found)
        through, held = through + len(let), held + len(stored) - len(let)
    return through, held


@pytest.mark.turns(2)
@pytest.mark.slow
def test_the_filter_in_sql_and_the_decision_in_python_agree_on_every_record(world: World) -> None:
    seed = random.SystemRandom().randrange(10**6)
    fill(world, STATES, seed)
    through = held = 0
    for place, now in enumerate(INSTANTS):
        with write(world.bridge.engine) as connection:
            # Every viewer at the first instant, some of them at each of the others.
            for viewer in list(viewers(connection))[place :: 6 if place else 1]:
                try:
                    let, kept = compare(world, connection, viewer, now)
                except AssertionError as error:
                    raise AssertionError((seed, *error.args)) from error
                through, held = through + let, held + kept
    assert through > 500  # or nothing was compared but silence
    assert held > through


def adult_on(world: World, born: date, at: datetime) -> bool:
    with write(world.bridge.engine) as connection:
        (agreement, *_) = viewer_of(connection, caller()).agreements
    return born <= agreement.adult_since(at)


@pytest.mark.parametrize(
    ("born", "last_day_as_a_child"),
    [
        (date(2008, 10, 15), date(2026, 10, 14)),
        (date(2008, 2, 29), date(2026, 2, 28)),  # comes of age on 1 March
        (date(2010, 2, 28), date(2028, 2, 27)),
        (date(2010, 3, 1), date(2028, 2, 29)),  # the day before is 29 February
        (date(2008, 12, 31), date(2026, 12, 30)),
    ],
)
def test_someone_comes_of_age_at_midnight_of_the_district(
    lite: World, born: date, last_day_as_a_child: date
) -> None:
    eve = datetime.combine(last_day_as_a_child, datetime.min.time(), UTC)
    late_evening = eve + timedelta(days=1, hours=4, minutes=59)  # 23:59 or 00:59 in New York
    summer = last_day_as_a_child.month == 10
    assert not adult_on(lite, born, late_evening - timedelta(hours=1 if summer else 0))
    assert adult_on(lite, born, late_evening + timedelta(minutes=2))
