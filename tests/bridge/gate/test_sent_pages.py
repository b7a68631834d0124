"""A page of what was sent to a provider asks only for its own rows and shows no stale one.

That pages say what a search finds, whatever happened, stands in test_follow_pages.
"""

import orjson
import pytest
from sqlalchemy import func, select, text

from bridge.errors import GateError
from bridge.gate.people import kept_lines
from bridge.gate.people.sent_pages import ENDED, OPEN, Sent
from bridge.ledger.tables import ENTRY
from bridge.store.database.engine import read, write
from tests.bridge.gate.desks import agree_with_searches, desk, page
from tests.bridge.gate.test_follow_pages import SIS, answer, permit_by_word, refer, revoke
from tests.bridge.gate.test_work_of_follow_pages import crowd
from tests.leaks.work import Work, counted
from tests.support.worlds import COVE, World, form_education, form_health, referral

SIGNED = 4
"""Of so many students, one has both forms signed without a last day (:func:`refer`)."""


def numbers(world: World, wanted: Sent) -> list[str]:
    found = page(world, desk(), wanted).matches
    return [orjson.loads(each.body)["identifier"][0]["value"] for each in found]


def work_of(world: World, wanted: Sent) -> Work:
    """Return the work of a page that was shown before."""
    page(world, desk(), wanted)
    with counted(world.bridge.engine) as work:
        page(world, desk(), wanted)
    return work


def test_what_waits_for_a_signature_is_on_no_page_until_it_is_signed(lite: World) -> None:
    for n in range(3):
        refer(lite, n)
    assert numbers(lite, Sent()) == ["R-0", "R-2"]
    assert page(lite, desk(COVE), Sent()).total == 0
    lite.refer([referral(1, authored_on=lite.clock.now().date())])  # the forms came with it
    assert numbers(lite, Sent()) == ["R-0", "R-1", "R-2"]
    for _ in range(2):  # the form for each direction
        revoke(lite, 0)
    assert numbers(lite, Sent()) == ["R-1", "R-2"]
    answer(lite, 2, "rejected")
    assert (numbers(lite, Sent()), numbers(lite, Sent(ENDED))) == (["R-1"], ["R-2"])
    agree_with_searches(lite)


def test_what_is_withheld_takes_as_much_work_as_what_is_absent(lite: World) -> None:
    refer(lite, 0)
    answer(lite, 0, "accepted")
    asked = (Sent(), Sent(ENDED), Sent(first=1))
    absent = [work_of(lite, wanted) for wanted in asked]
    for n in range(1, 13, 4):  # each waits for a signature
        refer(lite, n)
    withheld = [work_of(lite, wanted) for wanted in asked]
    assert [work.rows for work in withheld] == [work.rows for work in absent]
    assert [work.statements for work in withheld] == [work.statements for work in absent]


def test_what_changed_unseen_takes_no_more_statements(lite: World) -> None:
    for n in (0, 1, 4, 8):
        refer(lite, n)
    before = work_of(lite, Sent())
    refer(lite, 5)
    permit_by_word(lite, 1)
    with counted(lite.bridge.engine) as after:
        page(lite, desk(), Sent())
    assert after.statements == before.statements


def test_the_work_of_a_page_is_the_same_where_much_was_sent(lite: World) -> None:
    today, forms = lite.clock.now().date(), (form_education(), form_health())

    def sent(numbers: range) -> list[Work]:
        lite.refer([referral(n, authored_on=today, releases=forms) for n in numbers])
        # All of it was released before: whoever is decided besides is remembered in both.
        page(lite, desk(), Sent(most=100))
        return [work_of(lite, wanted) for wanted in (Sent(most=4), Sent(ENDED))]

    few, many = sent(range(12)), sent(range(12, 72))
    for before, after in zip(few, many, strict=True):
        assert after.statements == before.statements
        assert after.rows <= before.rows + 8
        assert after.steps <= before.steps * 1.15


def test_a_page_reads_no_line_that_it_does_not_show(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_lines, "SPARE", 0)
    refer(lite, 0)
    few = [work_of(lite, wanted).steps for wanted in (Sent(most=1), Sent(ENDED))]
    crowd(lite, 3000)
    many = [work_of(lite, wanted).steps for wanted in (Sent(most=1), Sent(ENDED))]
    assert [after <= before + 200 for before, after in zip(few, many, strict=True)] == [True] * 2


def test_a_line_that_nobody_makes_anew_is_shown_to_nobody(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The triggers are what keeps lines true: without them the decision finds it out."""
    monkeypatch.setattr(kept_lines, "PATIENCE", 0.0)
    monkeypatch.setattr(kept_lines, "SPARE", 0)
    refer(lite, 0)
    assert numbers(lite, Sent()) == ["R-0"]
    with write(lite.bridge.engine) as connection:
        connection.execute(text("DROP TRIGGER lists_student"))
    for _ in range(2):  # the form for each direction
        revoke(lite, 0)
    with pytest.raises(GateError, match="nothing was released"):
        page(lite, desk(), Sent())
    with write(lite.bridge.engine) as connection:
        connection.execute(text("UPDATE follow_line SET stage = 'sent-ended' WHERE stage <> ''"))
    with pytest.raises(GateError, match="nothing was released"):
        page(lite, desk(), Sent(ENDED))


def test_a_line_in_the_wrong_choice_is_shown_to_nobody(lite: World) -> None:
    refer(lite, 0)
    assert numbers(lite, Sent(OPEN)) == ["R-0"]
    with write(lite.bridge.engine) as connection:
        connection.execute(text("UPDATE follow_line SET stage = 'sent-ended' WHERE key = ''"))
    if kept_lines.SPARE:  # the one student there is, is decided each time
        assert numbers(lite, Sent(ENDED)) == []


def test_the_rows_shown_are_entered_and_no_other(lite: World) -> None:
    for n in range(3):
        refer(lite, SIGNED * n)

    def entered() -> int:
        with read(lite.bridge.engine) as connection:
            kept = select(func.count()).select_from(ENTRY).where(ENTRY.c.kind == "release")
            return int(connection.scalar(kept) or 0)

    page(lite, desk(), Sent())
    before = entered()
    assert len(page(lite, desk(), Sent(first=1, most=1)).matches) == 1
    assert entered() == before + 1
    assert page(lite, desk(), Sent(ENDED)).matches == ()
    assert entered() == before + 1


def test_a_school_is_given_no_page_of_what_was_sent_to_a_provider(lite: World) -> None:
    with pytest.raises(GateError, match="for providers"):
        page(lite, SIS, Sent())
