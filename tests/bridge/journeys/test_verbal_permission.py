"""What is said on the phone opens nothing. All people made up."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bridge.errors import BridgeError
from bridge.gate import Query
from bridge.journeys.families.family_forms import forms_overview, student_here
from bridge.journeys.families.record_verbal import VerbalPermission, record_verbal
from bridge.journeys.referrals.work_list import school_work
from bridge.store.database.engine import read
from tests.support.signing import INTERPRETER, PARTIES, TODAY
from tests.support.worlds import LEA, World, caller, referral, standings

SAID = VerbalPermission("Max Winterbourne", "FTH", "phone", "staff:counselor-1", "pt", TODAY)


def released(world: World) -> dict[str, int]:
    """Return how much each partner is released of anybody."""
    kinds = ("ServiceRequest", "Task", "Patient", "Observation", "RelatedPerson")
    return {
        f"{client} {kind}": len(
            world.bridge.gate.search(caller(client), Query(kind, limit=100)).matches
        )
        for client in standings()
        for kind in kinds
    }


def test_nothing_is_released_on_what_was_said_alone(world: World) -> None:
    world.refer([referral(n, releases=()) for n in (1, 2)])
    released(world)
    before, told = world.counts(), released(world)
    for local_id in ("1001", "1002"):
        record_verbal(world.parts, PARTIES, local_id, replace(SAID, interpreter=INTERPRETER))

    kept = {name for name, rows in world.counts().items() if rows != before[name]}
    assert kept - {"ledger_entry", "ledger_node"} == {"verbal_permission"}
    assert released(world) == told
    # The hub's coded rows rest on no form; to a provider and to the school nothing goes.
    assert {n for n, count in told.items() if count and not n.startswith(("state", "other"))} == (
        set()
    )


def test_it_says_who_when_how_to_whom_and_who_interpreted(lite: World) -> None:
    lite.refer([referral(1, releases=())])
    said = replace(SAID, interpreter=INTERPRETER)
    first = record_verbal(lite.parts, PARTIES, "1001", said)
    assert record_verbal(lite.parts, PARTIES, "1001", said) == first
    student = student_here(lite.parts, LEA, lite.bridge.identifiers.issue("student", LEA, "1001"))
    assert student is not None
    assert forms_overview(lite.parts, PARTIES, student).said == (said,)
    with read(lite.bridge.engine) as connection:
        rows = str(connection.execute(text("SELECT * FROM verbal_permission")).all())
    assert "Winterbourne" not in rows
    assert "Made-Up" not in rows


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"who": ""}, "who gave permission"),
        ({"how": "letter"}, "phone, in-person, video"),
        ({"given_on": TODAY + timedelta(days=1)}, "lies ahead"),
        ({"relationship": "OTHER"}, "the right to sign"),
        ({"interpreter": replace(INTERPRETER, role="sibling")}, "a child may not"),
    ],
)
def test_what_was_not_said_properly_is_not_kept(
    lite: World, changes: dict[str, Any], told: str
) -> None:
    lite.refer([referral(1, releases=())])
    with pytest.raises(BridgeError, match=told):
        record_verbal(lite.parts, PARTIES, "1001", replace(SAID, **changes))
    assert lite.counts()["verbal_permission"] == 0


def test_the_wait_for_a_signature_begins_when_permission_was_given(
    lite: World, tmp_path: Path
) -> None:
    lite.refer([referral(1, releases=(), authored_on=TODAY)])
    later = TODAY + timedelta(days=6)
    lite.clock.advance(timedelta(days=6))
    record_verbal(lite.parts, PARTIES, "1001", replace(SAID, given_on=later))

    def due() -> list[tuple[str, str]]:
        asked = (LEA, "referral_coordinator")
        return [
            (i.what.rule, str(i.what.due_on)) for i in school_work(lite.bridge, tmp_path, asked)
        ]

    lite.clock.advance(timedelta(days=1))
    assert due() == []  # five school days after the referral, one after it was said
    lite.clock.advance(timedelta(days=6))
    assert due() == [("signature", "2026-10-28")]
