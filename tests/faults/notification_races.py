"""Notifications against the revocation of the form they rest on."""

import random
import time
from dataclasses import dataclass, field

from bridge.context import Bridge
from bridge.gate.disclosures import subject_of
from bridge.journeys.families.record_releases import revoke_release
from bridge.journeys.files.import_referrals import ReferralImport
from bridge.journeys.files.import_roster import import_roster
from bridge.parts import parts_of
from mappings.language import Mapped
from tests.faults.revocation_races import Races
from tests.support.delivering import delivering
from tests.support.receiver import Json, Receiver, events_in
from tests.support.worlds import HARBOR, LEA, referral

AT_ONCE = 20
"""So many students come in one import: by itself it would take most of a race's time."""
NEXT = 3
"""A revocation is about one of the next so many that would be told of, while others are."""
MOST_SECONDS = 0.01
LOOKS = 0.01
"""Seconds between two looks of a worker; oftener, and it takes the time the others need."""
LATE = 1.0
"""Seconds no call outlasts here: what arrives so long after the acknowledgement began after it."""


@dataclass
class Told:
    """When the receiver was told of each record."""

    at: dict[str, list[float]] = field(default_factory=dict)

    def answer(self, bundle: Json) -> tuple[int, dict[str, str]]:
        for _, place in events_in(bundle):
            self.at.setdefault(place, []).append(time.monotonic())
        return 200, {}


@dataclass
class Batch:
    """Students that came in one import, by number, and which of them are not revoked yet.

    Attributes:
        places: their Tasks, in the order in which they will be told of.
    """

    places: dict[int, str]

    @classmethod
    def imported(cls, bridge: Bridge, numbers: range) -> "Batch":
        parts, rows = parts_of(bridge), [referral(number) for number in numbers]
        import_roster(parts, LEA, [Mapped(r.student, r.origin.row) for r in rows])
        done = ReferralImport(parts, LEA, HARBOR).run([Mapped(r, r.origin.row) for r in rows])
        assert done.stored == len(rows)
        issue = bridge.identifiers.issue
        return cls({n: f"Task/{issue(LEA, HARBOR, 'Task', f'R-{n}')}" for n in numbers})

    def drawn(self, told: Told, dice: random.Random) -> tuple[int, str]:
        """Take one out: of those that are next to be told of, if any are."""
        waiting = [number for number, place in self.places.items() if place not in told.at]
        number = dice.choice(waiting[:NEXT] or list(self.places))
        return number, self.places.pop(number)


def run_races(bridge: Bridge, receiver: Receiver, races: int, seed: int) -> tuple[Races, Told]:
    """Revoke one form after the other while two workers tell of them, one in each call.

    ``late`` counts those told of a second after the acknowledgement, which no call outlasts here.
    """
    dice, came, told = random.Random(seed), Races(), Told()  # noqa: S311 - repeatable
    receiver.answer = told.answer
    began, acknowledged = time.monotonic(), dict[str, float]()
    with delivering(bridge, 2, LOOKS):
        for first in range(0, races, AT_ONCE):
            batch = Batch.imported(bridge, range(first, min(first + AT_ONCE, races)))
            while batch.places:
                time.sleep(dice.uniform(0.0, MOST_SECONDS))
                number, place = batch.drawn(told, dice)
                came.subjects.add(_revoked(bridge, number))
                acknowledged[place] = time.monotonic()
        time.sleep(1.5 * LATE)
    for place, at in acknowledged.items():
        times = told.at.get(place, [])
        came.reads += bool(times)
        came.in_flight += [t - at for t in times if at < t < at + LATE]
        came.late += sum(t >= at + LATE for t in times)
    came.seconds = time.monotonic() - began
    return came, told


def _revoked(bridge: Bridge, number: int) -> str:
    """Revoke the form of a student; returns the ledger's name for them."""
    issue = bridge.identifiers.issue
    request = issue(LEA, HARBOR, "ServiceRequest", f"R-{number}")
    assert revoke_release(parts_of(bridge), issue("release", request, "education"))
    return subject_of(bridge.identifiers, issue("student", LEA, str(1000 + number)))
