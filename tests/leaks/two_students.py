"""A district of two students alike, of whom one is treated alone: what a provider knows of that one
may reach nobody of the school and no guardian, neither in what they see nor in what it takes.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bridge.gate import Query
from bridge.gate.authorise import SESSION_TYPES
from bridge.identity import Caller, Party, Standing
from bridge.journeys.families.ask_family import ask_to_sign
from bridge.journeys.families.sign_release import Asked
from bridge.store.search.query import Match
from consent.forms import FormKind
from tests.bridge.journeys.test_ask_family import FATHER
from tests.bridge.portal.entering import Visitor
from tests.bridge.portal.test_board import MINOR
from tests.bridge.portal.test_family_pages import Browser, opened
from tests.bridge.portal.test_notes import place_of
from tests.support.signing import PARTIES
from tests.support.worlds import (
    LEA,
    Web,
    World,
    encounter,
    make_world,
    post_session,
    put_task,
    referral,
)

ALONE, PLAIN, LIKE_PLAIN = 1, 2, 3
SESSIONS: Final = 3
ABSENT: Final = "00000000-0000-0000-0000-000000000000"
SCHOOL: Final = Caller(
    "client:school", Standing(Party.LEA, LEA, "", "referral_coordinator", ("attend",))
)
Ask = Callable[[], object]


@dataclass(frozen=True)
class District:
    """The district, somebody of the school, a client of the school, and a guardian of each."""

    world: World
    visitor: Visitor
    client: Web
    guardians: dict[int, Browser]

    def pages(self, number: int) -> dict[str, Ask]:
        """Return what can be asked about one of them: pages, files and interactions, by name."""
        place = place_of(self.visitor, f"R-{number}")
        student = self.world.bridge.identifiers.issue("student", LEA, str(1000 + number))
        addresses = {f"referral{end}": place + end for end in ("", "/withdraw", "/note", "/owner")}
        addresses["forms"] = f"/portal/forms/{student}/harbor"
        asks = {name: self._of_school(address) for name, address in addresses.items()}
        task = f"/fhir/Task/{self.world.id_of('Task', f'R-{number}')}"
        asks["client referral"] = lambda: self.client.get(task)
        asks["client history"] = lambda: self.client.get(f"{task}/_history")
        asks |= self._of_gate(number)
        for name in ("signed", "form", "account"):
            asks[f"guardian {name}"] = self._of_guardian(number, name)
        return asks

    def _of_gate(self, number: int) -> dict[str, Ask]:
        """Return what a client of the school could ask for whose scopes let it ask for sessions."""
        gate, patient = self.world.bridge.gate, self.world.id_of("Patient", str(1000 + number))
        visit = self.world.id_of("Encounter", "V-0") if number == ALONE else ABSENT
        of = {
            each: Query(each, matches=(Match("patient", (("", f"Patient/{patient}"),)),))
            for each in SESSION_TYPES
        }
        return {
            "gate session": lambda: gate.read(SCHOOL, "Encounter", visit),
            "gate sessions": lambda: gate.search(SCHOOL, of["Encounter"]),
            "gate appointments": lambda: gate.search(SCHOOL, of["Appointment"]),
        }

    def _of_school(self, address: str) -> Ask:
        return lambda: self.visitor.get(address)

    def _of_client(self, path: str) -> Ask:
        return lambda: self.client.get(path)

    def _of_guardian(self, number: int, name: str) -> Ask:
        browser = self.guardians[number]
        return lambda: browser.get(f"/portal/family/{name}")


@contextmanager
def district_in(folder: Path) -> Iterator[District]:
    """Make the district in a folder."""
    world = make_world(f"sqlite:///{folder / 'bridge.db'}", folder)
    # The connection that made the tables compiles each statement at each run: it goes.
    world.bridge.engine.dispose()
    world.refer([referral(number) for number in (ALONE, PLAIN, LIKE_PLAIN)])
    guardians = {number: _guardian(world, number) for number in (ALONE, PLAIN, LIKE_PLAIN)}
    web = world.web()
    tasks = (f"/fhir/Task/{world.id_of('Task', f'R-{n}')}" for n in (ALONE, PLAIN, LIKE_PLAIN))
    task, *_ = [web.get(address).json() for address in tasks]  # the provider looks at each
    assert put_task(web, task, "accepted", extension=MINOR).status_code == 200
    for n in range(SESSIONS):
        post_session(web, encounter(task, f"V-{n}", status="finished", extension=MINOR))
    yield District(world, Visitor.signed_in(world), world.web("millbrook-sis"), guardians)
    world.bridge.engine.dispose()


def _guardian(world: World, number: int) -> Browser:
    member = replace(FATHER, lang="en", student_name=f"Child{number} Winterbourne")
    asked = (member, Asked(FormKind.SHARE, "en"))
    return opened(world, ask_to_sign(world.parts, PARTIES, str(1000 + number), asked))
