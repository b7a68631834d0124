"""Whatever lets a record be seen, whoever polls by time finds it, and it moves for nobody else.

Each row of :data:`OPENINGS` is one kind of event that can turn *withheld* to *permitted*. Every
party asks before and after it: by ``_lastUpdated``, with ``$export?_since``, and through its
subscriptions; of each type it may ask for.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from bridge.clock import FixedClock
from bridge.gate import newly_seen
from bridge.identity import Party, Registration, Standing, read_scopes, register_client
from bridge.journeys.files.import_referrals import ReferralImport
from bridge.journeys.files.import_roster import import_roster
from bridge.journeys.running.let_be_seen import let_be_seen
from bridge.journeys.running.set_up import AgreementDocuments, activate_agreement, designate
from bridge.store.database.engine import read, write
from bridge.store.partners.subscriptions import events_of
from consent.mou import shipped_document
from mappings.language import Mapped
from tests.support.exports import kicked_off, rows_of
from tests.support.receiver import Receiver
from tests.support.subscribing import TOPIC, Subscribed, subscribed, subscription
from tests.support.what_opens import CLOSED, EDITS, OPENINGS
from tests.support.worlds import (
    COVE,
    FIRST,
    HARBOR,
    HUB,
    LEA,
    NOW,
    Json,
    Web,
    World,
    client_key,
    make_world,
    referral,
)

CLIENTS: Final = {
    "harbor-ehr": (
        *("Task", "ServiceRequest", "Patient", "RelatedPerson", "Observation", "Consent"),
        *("QuestionnaireResponse", "Provenance", "Encounter", "Appointment"),
    ),
    "cove-ehr": ("Task", "ServiceRequest", "Patient", "Encounter"),
    "attendance": ("Task", "ServiceRequest", "Patient", "Encounter", "Appointment"),
    "counselling": ("Task", "ServiceRequest", "Patient", "Encounter", "Appointment"),
    "night": ("ServiceRequest", "Patient", "Task"),
    "state-hub": ("ServiceRequest", "Encounter"),
}
"""Who asks, and for what."""
SCOPES: Final = read_scopes("system/*.rs system/Subscription.cruds")
STAFF: Final = {
    "attendance": Standing(
        Party.LEA, LEA, "", "referral_coordinator", ("follow", "attend"), SCOPES
    ),
    "counselling": Standing(Party.LEA, LEA, "", "counselor", ("follow", "safety"), SCOPES),
    "night": Standing(Party.PROVIDER, HARBOR, "", "intake", ("emergency",), SCOPES),
}
SUBSCRIBED: Final = {
    ("harbor-ehr", "Task"),
    ("harbor-ehr", "ServiceRequest"),
    ("attendance", "Task"),
    ("counselling", "Task"),
}
"""There are topics of these two types alone."""


@dataclass
class Parties:
    """A world and all who poll it, with what was told before."""

    world: World
    webs: dict[str, Web]
    subscriptions: list[tuple[str, Subscribed]]

    @property
    def student(self) -> str:
        return self.world.bridge.identifiers.issue("student", LEA, "1001")

    def pass_days(self, days: float = 3) -> str:
        """Let days pass; returns an instant after the first, as a poller's cursor."""
        clock = self.world.clock
        cursor = clock.instant + timedelta(days=1.5)
        clock.instant += timedelta(days=days)
        return str(cursor.strftime("%Y-%m-%dT%H:%M:%SZ"))

    def seen(self, query: str = "") -> dict[tuple[str, str, str], Json]:
        """Return what everybody sees: by client, type and id, without when it was changed."""
        found = {}
        for client, kinds in CLIENTS.items():
            if client == "state-hub" and query:
                continue
            for kind in kinds:
                for each in self.webs[client].found(f"/fhir/{kind}{query}"):
                    found[client, kind, each["id"]] = told(each)
        return found

    def exported(self, since: str) -> set[tuple[str, str, str]]:
        """Return what each finds in an export of what has changed."""
        found = set()
        for client, kinds in CLIENTS.items():
            web = self.webs[client]
            for kind, rows in rows_of(web, kicked_off(web, f"?_since={since}")).items():
                found |= {(client, kind, row["id"]) for row in rows if kind in kinds}
        return found

    def notified(self) -> set[tuple[str, str, str]]:
        """Send what is due; return what each subscriber was told of by it."""
        found = set()
        for client, one in self.subscriptions:
            before = one.row.events
            one.send()
            with read(self.world.bridge.engine) as connection:
                told_of = events_of(connection, one.id, before + 1, one.row.events, 100)
            found |= {(client, one.row.kind, record_id) for _, record_id in told_of}
        return found


def told(resource: Json) -> Json:
    """Return what a resource says, but for when."""
    shown = {n: v for n, v in resource.items() if n not in ("meta", "lastModified")}
    labels = {n: v for n, v in resource["meta"].items() if n in ("security", "profile")}
    return {**shown, "labels": labels} if "meta" in resource else shown


Begin = Callable[[Mapping[str, str]], Parties]


@pytest.fixture
def begin(database_url: str, tmp_path: Path, receiver: Receiver) -> Iterator[Begin]:
    """Make a world without referrals, the clients of everybody, and their subscriptions."""
    made: list[World] = []

    def make(edit: Mapping[str, str]) -> Parties:
        world = make_world(database_url, tmp_path, FixedClock(NOW, NOW), edit)
        made.append(world)
        with write(world.bridge.engine) as connection:
            for name, standing in STAFF.items():
                given = Registration(name, standing, client_key().public_jwks())
                register_client(connection, given, world.clock)
        webs = {client: world.web(client) for client in CLIENTS}
        subscriptions = []
        for client, kind in sorted(SUBSCRIBED):
            asked = subscription(receiver.url, topic=f"{TOPIC}{kind.capitalize()}")
            subscriptions.append((client, subscribed(world, asked, client)))
        assert [one.send() for _, one in subscriptions] == [1] * len(SUBSCRIBED)
        return Parties(world, webs, subscriptions)

    yield make
    for world in made:
        world.bridge.engine.dispose()


FOR_MANY: Final = (
    *("the roster", "a student who comes back", "a source heard again", "an amendment"),
)
"""What is about a district: referrals move for all who know of them, which tells of nobody."""


@pytest.mark.turns(4)
@pytest.mark.parametrize("name", sorted({*OPENINGS} - {*EDITS}))
def test_what_comes_to_be_seen_is_found_by_time(begin: Begin, name: str) -> None:
    found_by_time(begin({}), name)


@pytest.mark.parametrize("name", EDITS)
def test_so_it_is_under_another_agreement(begin: Begin, name: str) -> None:
    found_by_time(begin(EDITS[name]), name)


def found_by_time(parties: Parties, name: str) -> None:
    """Let an event happen, and let everybody ask before and after it."""
    made, sees = OPENINGS[name]
    happens = made(parties)
    let_be_seen(parties.world.parts)
    before, _ = parties.seen(), parties.notified()
    cursor = parties.pass_days()
    happens()
    let_be_seen(parties.world.parts)
    after = parties.seen()
    new = {key for key in after if key not in before}
    changed = {key for key, says in after.items() if before.get(key, says) != says}
    assert any(f"{client} {kind}" == sees for client, kind, _ in new), sorted(new)

    polled, exported = {*parties.seen(f"?_lastUpdated=gt{cursor}")}, parties.exported(cursor)
    assert {key for key in new if key[0] != "state-hub"} <= polled
    assert new <= exported
    assert {key for key in new if key[:2] in SUBSCRIBED} <= parties.notified()
    if name not in FOR_MANY:
        assert polled | exported <= new | changed


@pytest.mark.turns(3)
@pytest.mark.parametrize("name", CLOSED)
def test_what_opens_nothing_moves_nothing(begin: Begin, name: str) -> None:
    stays(begin({}), name)


def stays(parties: Parties, name: str) -> None:
    """Let something happen that opens nothing, and let everybody ask what has changed."""
    happens = CLOSED[name](parties)
    let_be_seen(parties.world.parts)
    before, _ = parties.seen(), parties.notified()
    cursor = parties.pass_days()
    happens()
    let_be_seen(parties.world.parts)

    assert parties.seen().keys() <= before.keys()
    assert parties.seen(f"?_lastUpdated=gt{cursor}") == {}
    assert parties.exported(cursor) == parties.notified() == set()


def test_a_record_that_moves_for_nothing_is_noticed(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newly_seen._Looking, "sees_more", lambda *_: True)
    with pytest.raises(AssertionError):
        stays(begin({}), "a minor's own form")


def test_a_record_that_does_not_move_is_noticed(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newly_seen._Looking, "sees_more", lambda *_: False)
    with pytest.raises(AssertionError):
        found_by_time(begin({}), "a form to tell the school")


def killed(*_: object) -> None:
    """End as a process that is killed."""
    raise KeyboardInterrupt


def test_what_is_due_is_looked_at_once_however_often_it_is_broken_off(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that dies in the middle has kept nothing: the next one does it all."""
    parties = begin({})
    OPENINGS["an order's last day: school"][0](parties)
    cursor = parties.pass_days()
    with monkeypatch.context() as dying:
        dying.setattr(newly_seen, "drop_opening", killed)
        with pytest.raises(KeyboardInterrupt):
            let_be_seen(parties.world.parts)
    assert parties.seen(f"?_lastUpdated=gt{cursor}") == {}

    assert let_be_seen(parties.world.parts) == 1
    moved = parties.seen(f"?_lastUpdated=gt{cursor}")
    assert let_be_seen(parties.world.parts) == 0
    assert {kind for _, kind, _ in moved} == {"Encounter"}
    again = parties.pass_days()
    let_be_seen(parties.world.parts)
    assert parties.seen(f"?_lastUpdated=gt{again}") == {}


def agreed(world: World, agreement: str, provider: str) -> None:
    """Put an agreement of another district to use."""
    document = shipped_document(FIRST).replace(FIRST.encode(), agreement.encode())
    if provider == COVE:
        document = document.replace(b"Harbor Family Centers", b"Cove Counseling")
    template = shipped_document("xx-smh-template")
    asked = AgreementDocuments(template, document, "US-XX", "oakdale", provider, HUB)
    activate_agreement(world.parts, asked)


def test_who_comes_to_work_with_others_finds_their_entries_by_time(begin: Begin) -> None:
    parties = begin({})
    agreed(parties.world, "oakdale-cove-2026", COVE)
    cursor, web = parties.pass_days(), parties.webs["harbor-ehr"]
    before = {each["id"] for each in web.found("/fhir/Organization")}
    agreed(parties.world, "oakdale-harbor-2026", HARBOR)

    new = {each["id"] for each in web.found("/fhir/Organization")} - before
    polled = f"/fhir/Organization?_lastUpdated=gt{cursor}"
    assert new
    assert new == {each["id"] for each in web.found(polled)}
    assert parties.webs["cove-ehr"].found(polled) == []


def test_what_a_designation_lets_the_state_count_is_in_its_next_export(begin: Begin) -> None:
    parties = begin({})
    world, hub = parties.world, parties.webs["state-hub"]
    agreed(world, "oakdale-cove-2026", COVE)
    row = referral(1)
    import_roster(world.parts, "oakdale", [Mapped(row.student, row.origin.row)])
    ReferralImport(world.parts, "oakdale", COVE).run([Mapped(row, row.origin.row)])
    assert rows_of(hub, kicked_off(hub)) == {}
    cursor = parties.pass_days()
    for fact in ("audit_eval_agreement", "state_mandate"):
        designate(world.parts, "oakdale-cove-2026", fact)
    let_be_seen(world.parts)

    assert len(rows_of(hub, kicked_off(hub, f"?_since={cursor}"))["ServiceRequest"]) == 1
