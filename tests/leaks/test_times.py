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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.bridge.portal.entering import Visitor
from tests.bridge.portal.test_board import MINOR, answered
from tests.bridge.portal.test_notes import place_of
from tests.faults.seeds import told_seed
from tests.support.worlds import LEA, World, encounter, make_world, post_session, referral

LONG = int(os.environ.get("SCHOOLBRIDGE_TRIALS") or 10_000)  # noqa: TID251 - how long to test
SHORT = 30
TRIALS = [SHORT, pytest.param(LONG, marks=pytest.mark.faults)]
UNLIKELY = 4.0
"""Standard deviations: by chance alone one run in 16,000 is further off."""
ALONE, PLAIN = 1, 2


@dataclass(frozen=True)
class District:
    """A district of two students alike, one of whom is treated alone."""

    world: World
    visitor: Visitor

    def pages(self, number: int) -> dict[str, str]:
        """Return the addresses of the pages about one of them."""
        place = place_of(self.visitor, f"R-{number}")
        student = self.world.bridge.identifiers.issue("student", LEA, str(1000 + number))
        ends = ("", "/withdraw", "/note", "/owner")
        return {"referral" + end: place + end for end in ends} | {
            "forms": f"/portal/forms/{student}/harbor"
        }


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Iterator[District]:
    folder: Path = tmp_path_factory.mktemp("times")
    world = make_world(f"sqlite:///{folder / 'bridge.db'}", folder)
    world.refer([referral(ALONE), referral(PLAIN)])
    answered(world, ALONE, "accepted", MINOR)
    web = world.web()
    task = web.get(f"/fhir/Task/{world.id_of('Task', f'R-{ALONE}')}").json()
    for n in range(3):
        post_session(web, encounter(task, f"V-{n}", status="finished", extension=MINOR))
    yield District(world, Visitor.signed_in(world))
    world.bridge.engine.dispose()


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


@pytest.mark.parametrize("page", ["referral", "referral/owner", "forms"])
@pytest.mark.parametrize("trials", TRIALS)
def test_no_time_tells_which_student_is_treated_alone(
    district: District, page: str, trials: int
) -> None:
    run = told_seed()
    alone, plain = district.pages(ALONE)[page], district.pages(PLAIN)[page]
    visitor = district.visitor
    for each in (alone, plain):
        assert visitor.get(each).status_code == 200

    off = votes(lambda: visitor.get(alone), lambda: visitor.get(plain), trials, run)

    sys.stdout.write(f"{page}: {trials} pairs, {off:+.2f} standard deviations off evens\n")
    assert abs(off) < UNLIKELY


def test_a_page_that_takes_a_little_longer_for_one_of_them_is_caught(district: District) -> None:
    visitor, place = district.visitor, district.pages(PLAIN)["referral"]

    def longer() -> None:
        visitor.get(place)
        sum(range(150_000))

    assert votes(longer, lambda: visitor.get(place), 60, told_seed()) > UNLIKELY
