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

MOST_SECONDS = 0.12
"""A revocation comes at any moment of the time in which the change is told of."""


@dataclass
class Told:
    """When the receiver was told of each record."""

    at: dict[str, list[float]] = field(default_factory=dict)

    def answer(self, bundle: Json) -> tuple[int, dict[str, str]]:
        for _, place in events_in(bundle):
            self.at.setdefault(place, []).append(time.monotonic())
        return 200, {}


def run_races(bridge: Bridge, receiver: Receiver, races: int, seed: int) -> tuple[Races, Told]:
    """Let one race follow the other, each about a student of its own.

    ``late`` counts those told of a second after the acknowledgement, which no call outlasts here.
    """
    dice, came, told = random.Random(seed), Races(), Told()  # noqa: S311 - repeatable
    receiver.answer = told.answer
    began, acknowledged = time.monotonic(), dict[str, float]()
    issue, parts = bridge.identifiers.issue, parts_of(bridge)
    with delivering(bridge, 2, 0.002):
        for number in range(races):
            made = referral(number)
            import_roster(parts, LEA, [Mapped(made.student, made.origin.row)])
            done = ReferralImport(parts, LEA, HARBOR).run([Mapped(made, made.origin.row)])
            assert done.stored == 1
            if number % 2:  # else at once, before most can be told of it
                time.sleep(dice.uniform(0.0, MOST_SECONDS))
            request = issue(LEA, HARBOR, "ServiceRequest", f"R-{number}")
            assert revoke_release(parts, issue("release", request, "education"))
            place = f"Task/{issue(LEA, HARBOR, 'Task', f'R-{number}')}"
            acknowledged[place] = time.monotonic()
            came.subjects.add(
                subject_of(bridge.identifiers, issue("student", LEA, str(1000 + number)))
            )
        time.sleep(1.5)
    for place, at in acknowledged.items():
        times = told.at.get(place, [])
        came.reads += bool(times)
        came.in_flight += [t - at for t in times if at < t < at + 1.0]
        came.late += sum(t >= at + 1.0 for t in times)
    came.seconds = time.monotonic() - began
    return came, told
