"""Signed forms that a page reads together are those that are read one by one, part by part."""

from dataclasses import fields, replace
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import Connection, text

from bridge.store.database.engine import read, write
from bridge.store.facts.releases import KeptRelease, keep_release, release, sending_under
from consent.signed_release import SignedRelease
from tests.support.worlds import World, referral

WHOLE = SignedRelease(
    form="education",
    answer="signed",
    recorded_at=datetime(2026, 9, 1, 12, 30, 1, 250, tzinfo=UTC),
    birth_date=date(2012, 2, 29),
    signer="Ada Example",
    signer_relationship="MTH",
    cosigner_relationship="FTH",
    signed_on=date(2026, 8, 30),
    expires_on=date(2027, 6, 30),
    elements=("referral", "student.name"),
    purposes=("refer",),
    recipient="provider",
    discloser="lea",
    statements=("revoke", "condition"),
    revoked_at=datetime(2026, 9, 2, tzinfo=UTC),
    disputed=True,
    referral="R-0",
)
LEAST = SignedRelease("", "pending", WHOLE.recorded_at, WHOLE.birth_date, recipient="provider")


def student_of(connection: Connection) -> str:
    """Return the one student there is."""
    found: str = connection.execute(text("SELECT id FROM student")).scalar_one()
    return found


@pytest.mark.parametrize("form", [WHOLE, LEAST], ids=["whole", "least"])
def test_a_form_read_with_others_says_what_it_says_alone(world: World, form: SignedRelease) -> None:
    unset = {each.name for each in fields(form) if getattr(WHOLE, each.name) == each.default}
    assert unset == {"minor_consented"}  # what is set nowhere would not be compared
    world.refer([referral(0)])
    with write(world.bridge.engine) as connection:
        student, agreement = student_of(connection), world.agreement
        keep_release(connection, KeptRelease("one", student, agreement, form))
    with read(world.bridge.engine) as connection:
        together = sending_under(connection, {agreement}, [student])[student]
        alone = release(connection, "one")

    assert alone in together


@pytest.mark.parametrize(
    "told",
    [
        {"minor_consented": True},
        {"recipient": "lea"},
        {"recipient": None},
        {"discloser": "provider"},
    ],
    ids=str,
)
def test_a_form_that_sends_no_referral_of_the_school_is_left_out(
    world: World, told: dict[str, object]
) -> None:
    world.refer([referral(0)])
    form = replace(WHOLE, **told)  # type: ignore[arg-type] # fields as a case changes them
    with write(world.bridge.engine) as connection:
        student, agreement = student_of(connection), world.agreement
        keep_release(connection, KeptRelease("one", student, agreement, form))
    with read(world.bridge.engine) as connection:
        for students in ([student], None):
            found = sending_under(connection, {agreement}, students).get(student, [])
            assert "one" not in {each.id for each in found}
