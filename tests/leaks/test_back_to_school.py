"""What comes back to school and family of every answer a provider can give, on every consent.

Each cell of (status, follow-up code, sessions, consent) is compared with the agreement's own table
for staff roles and purposes; each mutant must be found by the same comparison. Every run takes each
state where it may be told and on one other consent in turn; ``make faults`` takes all of all.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.gate import FollowUp
from bridge.gate.people import follow_up
from bridge.journeys.files.import_roster import import_roster
from bridge.portal import board
from bridge.portal.status_words import ENDED_BY
from mappings.fhir.task_states import FOLLOW_UP, ended_by
from mappings.language import Mapped
from mappings.loop import STATES, State
from tests.bridge.portal.entering import Visitor, words
from tests.leaks.every_answer import (
    CONSENTS,
    MARKS,
    Cell,
    answered,
    asked,
    every_cell,
    readers,
    tells_on_no_consent,
    template,
    wrong_accounts,
    wrong_pages,
    wrong_rows,
)
from tests.support.worlds import LEA, World, make_world, referral

Planting = pytest.MonkeyPatch
PLACE = r"/portal/referral/([0-9a-f]{32})"
COUNSELOR = ("counselor", "follow")


@pytest.fixture(scope="module")
def cells() -> list[Cell]:
    return every_cell(whole=False)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, cells: list[Cell]) -> Iterator[World]:
    """Every cell in one bridge; no test changes it."""
    folder: Path = tmp_path_factory.mktemp("answers")
    made = make_world(f"sqlite:///{folder}/bridge.sqlite3", folder)
    answered(made, cells)
    yield made
    made.bridge.engine.dispose()


def test_every_state_stands_on_every_consent(cells: list[Cell]) -> None:
    whole = every_cell()
    assert len(whole) == len({(c.state, c.visits, c.consent) for c in whole})
    assert len(whole) == (25 + 6) * len(CONSENTS)
    told = {(c.state, c.visits) for c in cells if c.consent == "told"}
    assert (told, {c.consent for c in cells}) == ({(c.state, c.visits) for c in whole}, {*CONSENTS})


@pytest.mark.faults
def test_no_cell_at_all_says_more_or_less_than_the_table_lets_it(tmp_path: Path) -> None:
    whole, made = every_cell(), make_world(f"sqlite:///{tmp_path}/bridge.sqlite3", tmp_path)
    answered(made, whole)
    askers = [(r, p) for r in template().roles["lea"].staff for p in template().purposes]
    assert [wrong for each in askers for wrong in wrong_rows(made, whole, each)] == []
    test_no_page_and_no_download_of_the_school_holds_more(made, whole)
    test_no_account_of_a_family_speaks_of_an_answer(made, whole)
    made.bridge.engine.dispose()


def test_no_row_says_more_or_less_than_the_table_lets_it(world: World, cells: list[Cell]) -> None:
    """Every staff role as it follows a referral up, and one role for every purpose."""
    askers = {(role, "follow") for role in template().roles["lea"].staff}
    askers |= {("counselor", purpose) for purpose in template().purposes}
    assert readers() < askers
    assert [wrong for each in askers for wrong in wrong_rows(world, cells, each)] == []


def test_a_follow_up_is_one_of_the_codes_and_has_no_words_of_its_own(
    world: World, cells: list[Cell]
) -> None:
    codes = {row.status for row in asked(world, *COUNSELOR).values()}
    assert codes <= set(FOLLOW_UP.rows)
    assert len(codes) > 10


def test_more_visits_change_no_row(world: World, cells: list[Cell]) -> None:
    """How often somebody is seen is the pattern that tells how ill they are."""
    rows = asked(world, *COUNSELOR)
    seen = {(c.state, c.consent, c.visits): rows[c.number] for c in cells if c.visits}
    for (state, consent, visits), row in seen.items():
        other = seen.get((state, consent, 4 - visits), row)
        same = {"status", "status_on", "provider", "terms", "notices"}
        assert all(getattr(row, name) == getattr(other, name) for name in same), (state, consent)


def test_no_page_and_no_download_of_the_school_holds_more(world: World, cells: list[Cell]) -> None:
    visitor = Visitor.signed_in(world)
    pages = [f"/portal/board?page={n + 1}" for n in range(-(-len(cells) // 50))]
    keys = {key for page in pages for key in re.findall(PLACE, visitor.get(page).text)}
    assert len(keys) == len(cells)
    more = [f"/portal/referral/{key}" for key in sorted(keys)[::6]]
    assert list(wrong_pages(world, [*pages, "/portal/board.csv", "/portal/meeting", *more])) == []


def test_a_page_says_who_ended_a_referral_where_that_is_told_and_nowhere_else(
    world: World, cells: list[Cell]
) -> None:
    """Never of a minor who is treated alone, and on no other consent that tells nothing."""
    visitor, said = Visitor.signed_in(world), set[str]()
    pages = range(1, 1 - (-len(cells) // 50))
    board = "".join(visitor.get(f"/portal/board?page={n}").text for n in pages)
    for cell in (each for each in cells if each.state.business and STATES[each.state].end):
        link = re.search(rf"({PLACE})\">[^<]*</a><br>R-{cell.number}\b", board)
        assert link is not None, cell
        text = words(visitor.get(link[1]))
        who = ENDED_BY.get(ended_by(cell.told), "") if cell.consent == "told" else ""
        assert ("Ended by" in text) is bool(who), cell
        assert f"Ended by {who}" in text or not who, cell
        said.add(who)
    assert said == {"", "The school", "The family", "The provider"}


def test_no_account_of_a_family_speaks_of_an_answer(world: World, cells: list[Cell]) -> None:
    assert list(wrong_accounts(world, cells[::4])) == []


def tells_in_the_providers_words(planting: Planting) -> None:
    real = follow_up._row

    def row(district: Any, task: Any, told: Any, names: Any) -> Any:  # noqa: ANN401 - as the function it stands for
        said = str(task[1].get("statusReason", {}).get("text", ""))
        return real(district, task, (said, told[1]) if told[1] else told, names)

    planting.setattr(follow_up, "_row", row)


def names_the_place(planting: Planting) -> None:
    real = follow_up._row

    def row(district: Any, task: Any, *more: Any) -> Any:  # noqa: ANN401 - the function's
        place = task[1].get("location", {}).get("display", "")
        return replace(real(district, task, *more), provider=place)

    planting.setattr(follow_up, "_row", row)


def dates_by_the_last_visit(planting: Planting) -> None:
    real = follow_up._Said._tell

    def tell(self: Any, answer: Any, withdrawn: str) -> Any:  # noqa: ANN401 - as the function it stands for
        status, day, decided = real(self, answer, withdrawn)
        held = (
            self.visits[answer.referred].contents
            if answer and answer.referred in self.visits
            else ()
        )
        days = [str(each.get("period", each)["start"])[:10] for each in held]
        return status, max(days) if days and day else day, decided

    planting.setattr(follow_up._Said, "_tell", tell)


@pytest.mark.parametrize(
    "plant",
    [tells_on_no_consent, tells_in_the_providers_words, names_the_place, dates_by_the_last_visit],
)
def test_a_follow_up_that_says_more_is_noticed(
    world: World, cells: list[Cell], monkeypatch: Planting, plant: Callable[[Planting], None]
) -> None:
    plant(monkeypatch)
    assert list(wrong_rows(world, cells, COUNSELOR)) != []


def test_a_page_that_holds_more_than_it_shows_is_noticed(
    world: World, monkeypatch: Planting
) -> None:
    """The mutant keeps the provider's words in an attribute nobody sees."""
    real = board.board_page

    def page(released: Any, *more: Any) -> Any:  # noqa: ANN401 - the function's
        answer = real(released, *more)
        kept = f'<span hidden data-state="{MARKS["outcome"]}"></span>'.encode()
        answer.body = answer.body.replace(b"</main>", kept + b"</main>")
        answer.headers["content-length"] = str(len(answer.body))
        return answer

    monkeypatch.setattr(board, "board_page", page)
    assert list(wrong_pages(world, ["/portal/board"])) != []


def test_who_has_left_the_district_is_told_of_no_more(tmp_path: Path) -> None:
    assert [row.status for row in before_and_after_leaving(tmp_path)] == ["accepted", "sent"]


def test_a_district_that_is_told_after_the_student_left_is_noticed(
    tmp_path: Path, monkeypatch: Planting
) -> None:
    asked, known, past = follow_up.told_of, follow_up.evidence_about, timedelta(days=1, minutes=1)

    def asked_of_yesterday(viewer: Any, sender: Any, elements: Any, now: Any, *more: Any) -> Any:  # noqa: ANN401 - as the function it stands for
        return asked(viewer, sender, elements, now - past, *more)

    def known_yesterday(connection: Any, viewer: Any, whose: Any, asked: Any) -> Any:  # noqa: ANN401 - as the function it stands for
        return known(connection, viewer, whose, (*asked[:2], asked[2] - past))

    monkeypatch.setattr(follow_up, "told_of", asked_of_yesterday)
    monkeypatch.setattr(follow_up, "evidence_about", known_yesterday)
    assert [row.status for row in before_and_after_leaving(tmp_path)] != ["accepted", "sent"]


def before_and_after_leaving(tmp_path: Path) -> list[FollowUp]:
    """Return a student's row, and the row on the day the roster says that they have left."""
    made = make_world(f"sqlite:///{tmp_path}/bridge.sqlite3", tmp_path)
    cell = Cell(0, State("accepted", "accepted"), "told")
    answered(made, [cell])
    before = asked(made, *COUNSELOR)[0]
    gone = referral(0, student={"enrolled": False})
    import_roster(made.parts, LEA, [Mapped(gone.student, 2)])
    made.clock.advance(timedelta(hours=1))
    after = asked(made, *COUNSELOR)[0]
    made.bridge.engine.dispose()
    return [before, after]


def test_no_address_and_no_title_of_the_school_names_anybody(world: World) -> None:
    assert list(named_in_addresses(world)) == []


def test_a_title_that_names_somebody_is_noticed(world: World, monkeypatch: Planting) -> None:
    real = board.board_page

    def page(released: Any, *more: Any) -> Any:  # noqa: ANN401 - the function's
        answer = real(released, *more)
        named = f"<title>{released.rows[0].row.student}".encode()
        answer.body = answer.body.replace(b"<title>", named)
        answer.headers["content-length"] = str(len(answer.body))
        return answer

    monkeypatch.setattr(board, "board_page", page)
    assert list(named_in_addresses(world)) != []


def named_in_addresses(world: World) -> Iterator[str]:
    """Yield the pages whose title or addresses name a student, a number or a guardian."""
    visitor = Visitor.signed_in(world)
    key = re.findall(PLACE, visitor.get("/portal/board").text)[0]
    for path in ("/portal/board", "/portal/meeting", f"/portal/referral/{key}"):
        kept = re.findall(
            r'(?:href|action|src)="([^"]*)"|<title>([^<]*)</title>', visitor.get(path).text
        )
        told = " ".join(word for pair in kept for word in pair).casefold()
        if any(name in told for name in ("winterbourne", "child", "r-1", "max ")):
            yield path
