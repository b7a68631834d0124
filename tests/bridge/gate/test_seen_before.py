"""A referral seen before is written about again only where it would be decided so again.

Each case records a session, changes something, and sends another: the answer must be the one of a
gate that remembers nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from bridge.errors import RefusedError
from bridge.gate import Gate
from bridge.gate.disclosures import Disclosure
from bridge.gate.own import recording
from bridge.identity import Caller, disable_client
from bridge.identity.scopes import read_scopes
from bridge.journeys.answers.record_sessions import record_within
from bridge.journeys.families.record_releases import revoke_release
from bridge.journeys.running.report_sources import source_down, source_heard
from bridge.store.database.engine import write
from tests.support.worlds import Json, World, caller, encounter, form_education, referral

REQUEST = "ServiceRequest"


class Counting(Gate):
    """Counts the referrals it was asked to decide on anew."""

    decided = 0

    def _seen(self, connection: Any, asking: Any, kind: str, ids: Any) -> list[Disclosure]:  # noqa: ANN401 - as the function it stands for
        self.decided += len(ids)
        return super()._seen(connection, asking, kind, ids)


@dataclass
class Recorder:
    """A provider that records sessions through one gate."""

    world: World
    caller: Caller = field(default_factory=caller)
    sent: int = 0
    subjects: dict[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        bridge = self.world.bridge
        self.gate = Counting(bridge.engine, bridge.clock, bridge.identifiers)
        if not self.subjects:
            ids = {n: self.world.id_of(REQUEST, n) for n in ("R-1", "R-2")}
            self.subjects = {n: self.world.stored(REQUEST, i)["subject"] for n, i in ids.items()}

    def fresh(self) -> "Recorder":
        """Return the same provider at a gate that remembers nothing."""
        return Recorder(self.world, self.caller, self.sent + 100, self.subjects)

    def record(self, number: str = "R-1", **more: object) -> str:
        """Send a session nobody sent before; returns what came of it."""
        self.sent += 1
        resource = encounter(self.task(number), f"s{self.sent}", **more)
        of, gate = self.world.parts, self.gate
        try:
            with write(self.world.bridge.engine) as connection:
                released, new = record_within(connection, (of, gate), self.caller, resource, None)
        except RefusedError as error:
            return f"{error.status} {error.findings}"
        assert new
        return released.type

    def task(self, number: str) -> Json:
        focus = {"reference": f"{REQUEST}/{self.world.id_of(REQUEST, number)}"}
        return {"for": self.subjects.get(number, {"reference": "Patient/x"}), "focus": focus}


def release_id(world: World, number: str) -> str:
    return world.bridge.identifiers.issue("release", world.id_of(REQUEST, number), "education")


@pytest.fixture
def recorder(world: World) -> Recorder:
    last = form_education(expires_on=world.clock.now().date() + timedelta(days=3))
    world.refer([referral(1, releases=(last,)), referral(2)])
    made = Recorder(world)
    assert made.record() == "Encounter"
    assert made.record("R-2") == "Encounter"
    return made


def test_sessions_of_one_referral_decide_on_it_once(recorder: Recorder) -> None:
    assert recorder.gate.decided == 2
    assert [recorder.record() for _ in range(3)] == ["Encounter"] * 3
    assert recorder.gate.decided == 2


def test_sessions_of_another_referral_of_the_student_change_nothing(world: World) -> None:
    again = replace(referral(2), student=referral(1).student)
    world.refer([referral(1), again])
    both = Recorder(world)
    answers = [both.record(number) for number in ("R-1", "R-2", "R-1", "R-2")]
    assert answers == ["Encounter"] * 4
    assert both.gate.decided == 2


def test_what_is_not_there_is_decided_each_time(recorder: Recorder) -> None:
    answers = {recorder.record("R-9") for _ in range(3)}
    assert len(answers) == 1
    assert "no such referral" in answers.pop()
    assert recorder.gate.decided == 5


def revoked(recorder: Recorder) -> None:
    assert revoke_release(recorder.world.parts, release_id(recorder.world, "R-1"))


def source_failed(recorder: Recorder) -> None:
    source_down(recorder.world.parts, "millbrook", "dissent")


def unheard(recorder: Recorder) -> None:
    source_heard(recorder.world.parts, "millbrook", "dissent", timedelta(minutes=3))
    assert recorder.record() == "Encounter"
    recorder.world.clock.advance(timedelta(minutes=3))


def form_ended(recorder: Recorder) -> None:
    recorder.world.clock.advance(timedelta(days=4))


def set_back(recorder: Recorder) -> None:
    recorder.world.clock.advance(timedelta(days=-40))


def erased(recorder: Recorder) -> None:
    with write(recorder.world.bridge.engine) as connection:
        connection.execute(text("DELETE FROM record WHERE type = 'ServiceRequest'"))


CHANGES = (revoked, source_failed, unheard, form_ended, set_back, erased)


@pytest.mark.parametrize("change", CHANGES)
def test_what_has_changed_is_decided_anew(
    recorder: Recorder, change: Callable[[Recorder], None]
) -> None:
    change(recorder)
    answers = [recorder.record(), recorder.fresh().record()]

    assert answers[0] == answers[1]
    assert answers[0].startswith("422")


def test_a_memory_that_is_trusted_is_noticed(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "standing", lambda _, stood: [True] * len(stood))
    revoked(recorder)
    assert recorder.record() == "Encounter"  # what the tests above would not let pass


def test_a_care_consent_said_with_a_session_ends_what_is_remembered(recorder: Recorder) -> None:
    said = {"url": "https://schoolbridge.example/fhir/StructureDefinition/care-consent"}
    assert recorder.record(extension=[{**said, "valueCode": "minor"}]) == "Encounter"
    before = recorder.gate.decided
    assert recorder.record() == recorder.fresh().record()
    assert recorder.gate.decided == before + 1


def test_what_one_caller_was_shown_is_not_remembered_for_another(recorder: Recorder) -> None:
    other = recorder.fresh()
    other.gate, other.caller = recorder.gate, caller("cove-ehr")
    assert other.record().startswith("422")
    limited = replace(recorder.caller.standing, scopes=read_scopes("system/Encounter.c"))
    reach = recorder.fresh()
    reach.gate, reach.caller = recorder.gate, replace(recorder.caller, standing=limited)
    fresh = reach.fresh()
    assert reach.record() == fresh.record()


def undone(recorder: Recorder) -> None:
    with write(recorder.world.bridge.engine) as connection:
        of = (recorder.world.parts, recorder.gate)
        session = encounter(recorder.task("R-1"), "undone")
        record_within(connection, of, recorder.caller, session, None)
        raise ZeroDivisionError


def test_nothing_is_remembered_of_what_was_undone(recorder: Recorder) -> None:
    before = recorder.gate.decided
    with pytest.raises(ZeroDivisionError):
        undone(recorder)
    assert recorder.record() == "Encounter"
    assert recorder.gate.decided == before + 1


def test_an_erased_referral_is_in_nobodys_memory(recorder: Recorder) -> None:
    erased(recorder)
    recorder.record()
    assert not recorder.gate.seen_before._held


def test_a_shut_out_client_records_nothing_more(world: World) -> None:
    world.refer([referral(1)])
    web = world.web()
    (task,) = web.found("/fhir/Task")
    for n, status in enumerate((201, 201, 401)):
        sent = web.send("POST", "/fhir/Encounter", json=encounter(task, f"s{n}"))
        assert sent.status_code == status
        if n == 1:
            with write(world.bridge.engine) as connection:
                disable_client(connection, "harbor-ehr")
