"""Nobody tells by the time a page takes which student is treated alone.

Somebody of the school asks for a page of two students in turn, as often as they like, and adds up
which took longer: of one a provider knows what the school may not, of the other nothing is known.
The sign test over pairs in random order is what such a person would do: it needs no distribution,
and one slow answer is one vote. Time is the process's own (``process_time``): what others run on
the machine is not in it, so that it tells more than a clock on the wall.

A short run stands in every test run; ``make faults`` makes the long one.
"""

import math
import os
import random
import sys
import time
from collections.abc import Callable, Collection, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection

from bridge.gate.authorise import SESSION_TYPES
from bridge.gate.people import follow_up
from bridge.store.by_student import of_students
from bridge.store.facts.known_facts import Sought, known_facts
from tests.faults.seeds import told_seed
from tests.leaks.two_students import ALONE, PLAIN, District, district_in

LONG = int(os.environ.get("SCHOOLBRIDGE_TRIALS") or 10_000)  # noqa: TID251 - how long to test
SHORT = 30
TRIALS = [SHORT, pytest.param(LONG, marks=pytest.mark.faults)]
PAGES = (
    *("referral", "referral/owner", "forms"),
    *("client referral", "gate sessions", "guardian account"),
)
UNLIKELY = 4.0
"""Standard deviations: by chance alone one run in 16,000 is further off."""
CARE = Sought(
    frozenset({"minor_consented_care"}), ("millbrook-harbor-2026",), (), ("follow",), "lea"
)


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Iterator[District]:
    with district_in(tmp_path_factory.mktemp("times")) as made:
        yield made


def took(ask: Callable[[], object]) -> int:
    began = time.process_time_ns()
    ask()
    return time.process_time_ns() - began


def votes(alone: Callable[[], object], plain: Callable[[], object], trials: int, run: int) -> float:
    """Return how many standard deviations off evens it is that the first takes longer."""
    draw, longer = random.Random(run), 0  # noqa: S311 - which goes first
    for _ in range(trials):
        if draw.random() < 0.5:
            first = took(alone)
            longer += first > took(plain)
        else:
            first = took(plain)
            longer += took(alone) > first
    return (longer - trials / 2) / math.sqrt(trials / 4)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("trials", TRIALS)
def test_no_time_tells_which_student_is_treated_alone(
    district: District, page: str, trials: int
) -> None:
    run = told_seed()
    alone, plain = district.pages(ALONE)[page], district.pages(PLAIN)[page]
    for ask in (alone, plain):
        ask()

    off = votes(alone, plain, trials, run)

    sys.stdout.write(f"{page}: {trials} pairs, {off:+.2f} standard deviations off evens\n")
    assert abs(off) < UNLIKELY


def test_a_page_that_takes_a_little_longer_for_one_of_them_is_caught(district: District) -> None:
    plain = district.pages(PLAIN)["referral"]

    def longer() -> None:
        plain()
        sum(range(400_000))

    assert votes(longer, plain, 60, told_seed()) > UNLIKELY


@pytest.mark.faults
def test_a_page_that_decides_on_what_it_may_not_tell_is_caught(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the page did: it read what was known of the student, and then found that nothing goes."""
    bridge, judge = district.world.bridge, follow_up.judged

    def read_all(connection: Connection, kind: str, students: Collection[str], *met: Any) -> Any:  # noqa: ANN401 - as the function it stands for
        known_facts(connection, students, CARE, bridge.clock.now())
        of_students(connection, SESSION_TYPES, students)
        return judge(connection, kind, students, *met)

    monkeypatch.setattr(follow_up, "judged", read_all)
    alone, plain = (district.pages(number)["referral"] for number in (ALONE, PLAIN))
    off = votes(alone, plain, LONG, told_seed())
    sys.stdout.write(f"planted: {LONG} pairs, {off:+.2f} standard deviations off evens\n")
    assert off > UNLIKELY
