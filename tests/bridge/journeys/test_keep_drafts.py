"""What a person typed is there again after a time-out, for that person alone, and not for long."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import text

from bridge.identity import Caller, Party, Standing
from bridge.journeys.referrals.keep_drafts import (
    draft_of,
    forget_draft,
    keep_draft,
    new_draft,
    open_drafts,
)
from bridge.store.database.engine import read
from tests.support.worlds import LEA, World

TYPED = {"reason": "Cries in class.", "services": ["anxiety"]}


def staff(name: str = "counselor-1", district: str = LEA) -> Caller:
    return Caller(f"staff:{name}", Standing(Party.LEA, district, "", "counselor", ("follow",)))


def test_a_draft_is_there_again_for_who_typed_it_and_for_nobody_else(world: World) -> None:
    draft = replace(new_draft("referral"), values=TYPED)
    keep_draft(world.parts, staff(), draft)

    assert draft_of(world.parts, staff(), "referral", draft.id) == draft
    assert draft_of(world.parts, staff("counselor-2"), "referral", draft.id) is None
    assert draft_of(world.parts, staff(district="other"), "referral", draft.id) is None
    assert draft_of(world.parts, staff(), "release", draft.id) is None


def test_what_was_typed_cannot_be_read_in_the_database(world: World) -> None:
    keep_draft(world.parts, staff(), replace(new_draft("referral"), values=TYPED))

    with read(world.bridge.engine) as connection:
        row = str(connection.execute(text("SELECT * FROM portal_draft")).one())

    assert "Cries" not in row
    assert "anxiety" not in row
    assert "counselor-1" not in row


def test_a_draft_put_into_the_place_of_another_does_not_open(world: World) -> None:
    mine, other = (replace(new_draft("referral"), values=TYPED) for _ in range(2))
    keep_draft(world.parts, staff(), mine)
    keep_draft(world.parts, staff("counselor-2"), other)
    with world.bridge.engine.begin() as connection:
        moved = "UPDATE portal_draft SET owner = (SELECT owner FROM portal_draft WHERE id = :mine)"
        connection.execute(text(f"{moved} WHERE id = :other"), {"mine": mine.id, "other": other.id})

    assert draft_of(world.parts, staff(), "referral", other.id) is None


def test_a_draft_is_gone_after_seven_days_and_its_row_with_the_next_one(world: World) -> None:
    draft = replace(new_draft("referral"), values=TYPED)
    keep_draft(world.parts, staff(), draft)
    world.clock.advance(timedelta(days=6, hours=23))
    assert open_drafts(world.parts, staff(), "referral") == [draft]
    world.clock.advance(timedelta(hours=1))
    assert open_drafts(world.parts, staff(), "referral") == []
    keep_draft(world.parts, staff("counselor-2"), new_draft("referral"))
    assert world.counts()["portal_draft"] == 1


def test_of_a_draft_that_was_sent_only_the_number_stays_and_nothing_changes_it(
    world: World,
) -> None:
    draft = replace(new_draft("referral"), values=TYPED)
    keep_draft(world.parts, staff(), draft)
    keep_draft(world.parts, staff(), replace(draft, became="P-1"))
    keep_draft(world.parts, staff(), draft)

    kept = draft_of(world.parts, staff(), "referral", draft.id)
    assert kept == replace(draft, values={}, became="P-1")
    assert open_drafts(world.parts, staff(), "referral") == []


def test_a_draft_can_be_thrown_away_by_its_owner_alone(world: World) -> None:
    draft = replace(new_draft("referral"), values=TYPED)
    keep_draft(world.parts, staff(), draft)
    forget_draft(world.parts, staff("counselor-2"), draft.id)
    assert open_drafts(world.parts, staff(), "referral") == [draft]
    forget_draft(world.parts, staff(), draft.id)
    assert open_drafts(world.parts, staff(), "referral") == []
