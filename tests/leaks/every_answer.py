"""Every answer a provider can give, on every consent, and what the agreement's table says of each.

The Tasks and sessions are as full as FHIR lets them be: a mark stands in each data class that may
not come out. What is expected is read from the flows of the template, not from what was compiled.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Final

import pytest

from bridge.gate import FollowUp, keep_views
from bridge.gate.people import follow_up
from bridge.identity import Caller, Party, Standing
from bridge.journeys.families.account_for import account_for
from bridge.journeys.families.record_releases import revoke_release
from bridge.journeys.families.register_release import forms_of
from bridge.store.database.engine import write
from bridge.store.intake import amend
from consent.mou import Template, read_template, shipped_document
from mappings.fhir.status_reasons import REASONS, outcome_of, reason
from mappings.fhir.task_states import FOLLOW_UP
from mappings.loop import STATES, State
from tests.bridge.portal.entering import Visitor, words
from tests.support.worlds import (
    CARE_CONSENT,
    LEA,
    Json,
    Web,
    World,
    encounter,
    form_education,
    post_session,
    put_task,
    referral,
)

MARKS: Final = {
    "close.reason": "QREASONQ",
    "close.reason in a code": "No place is free",
    "referral.status": "QWORDSQ",
    "visit.type": "QTYPEQ",
    "diagnosis": "QDIAGNOSISQ",
    "clinician.contact": "QCLINICIANQ",
    "performer": "QPERFORMERQ",
    "place": "QPLACEQ",
    "outcome": "QOUTCOMEQ",
}
"""A mark for each data class that the follow-up has no place for, wherever FHIR has one."""
COLUMNS: Final = frozenset(
    {"referral", "student", "school", "sent_on", "status", "status_on", "provider", "notices"}
    | {"terms"}
)
"""The coordination data set; another column wants a row of the table, and this line."""
CONSENTS: Final = ("told", "no-form", "revoked", "minor", "unsaid")
# What a Task says that leaves its businessStatus unsaid, with a session that was held.
_HELD: Final = {"accepted": "services-started", "in-progress": "services-started"}
_HELD_MORE: Final = {**_HELD, "on-hold": "services-paused"}
VISITS: Final = ("2026-10-05", "2026-10-06", "2026-10-07")


@dataclass(frozen=True, slots=True)
class Cell:
    """One answer on one consent.

    Attributes:
        visits: how many sessions were held.
    """

    number: int
    state: State
    consent: str
    visits: int = 0

    @property
    def told(self) -> str:
        """The follow-up code, if the consent lets it be told."""
        if self.state.status == "requested":
            return "sent"
        if self.state.business:
            return STATES[self.state].follow_up
        return _HELD_MORE[self.state.status]


def every_cell(*, whole: bool = True) -> list[Cell]:
    """Return each state of a Task that was sent, and the unsaid ones with visits, on each consent.

    Not whole: what may be told of each, and each on one of the other consents in turn.
    """
    states = [(each, 0) for each in STATES if each.business]
    states += [(State(status), n) for status in _HELD_MORE for n in (1, len(VISITS))]
    pairs = [
        (*each, consent)
        for turn, each in enumerate(states)
        for place, consent in enumerate(CONSENTS)
        if whole or place in (0, 1 + turn // 2 % (len(CONSENTS) - 1))
    ]
    return [Cell(n, state, consent, visits) for n, (state, visits, consent) in enumerate(pairs)]


def answered(world: World, cells: Sequence[Cell]) -> None:
    """Refer each cell's student and put the answer where a provider's answers are kept."""
    world.refer(_referral(cell) for cell in cells)
    world.clock.advance(timedelta(days=3))
    web = world.web()
    for cell in cells:
        _said(world, web, cell)
    now = world.clock.now()
    with write(world.bridge.engine) as connection:
        for cell in cells:
            key = ("Task", world.id_of("Task", f"R-{cell.number}"))
            amend(connection, key, _answer(cell, now.isoformat(timespec="seconds")), now)
            keep_views(connection, world.parts, [key])
    for cell in cells:
        if cell.consent == "revoked":
            _revoke(world, str(1000 + cell.number))


def _said(world: World, web: Web, cell: Cell) -> None:
    """Say on whose consent care rests, where that is said, and record the sessions."""
    task = web.get(f"/fhir/Task/{world.id_of('Task', f'R-{cell.number}')}").json()
    if cell.consent != "unsaid":
        said = "minor" if cell.consent == "minor" else "guardian"
        care = [{"url": CARE_CONSENT, "valueCode": said}]
        assert put_task(web, task, "requested", extension=care).status_code == 200
    for day in VISITS[: cell.visits]:
        session = _session(task, f"S-{cell.number}-{day}", day)
        assert post_session(web, session).status_code == 201


def _revoke(world: World, local_id: str) -> None:
    for form in forms_of(world.parts, LEA, local_id):
        if form.form.form == "health":
            revoke_release(world.parts, form.id)


def _referral(cell: Cell) -> Any:  # noqa: ANN401 - a canonical record
    alone = {"releases": (form_education(),)} if cell.consent == "no-form" else {}
    return referral(cell.number, **alone)


def _answer(cell: Cell, at: str) -> Json:
    code = FOLLOW_UP.codings.get(cell.state.business)
    marked = {"text": MARKS["referral.status"]}
    return {
        "status": cell.state.status,
        "businessStatus": {**({"coding": [code]} if code else {}), **marked},
        "statusReason": _reason(cell.state.business),
        "output": [{"type": {"text": MARKS["outcome"]}, "valueString": MARKS["diagnosis"]}],
        "note": [{"text": MARKS["diagnosis"]}],
        "description": MARKS["outcome"],
        "performerType": [{"text": MARKS["performer"]}],
        "location": {"display": MARKS["place"]},
        "lastModified": at,
    }


def _reason(business: str) -> Json:
    """Return why in words and, where there is one, in a code."""
    codes = [code for code in REASONS.rows if outcome_of(code).business == business]
    text = MARKS["close.reason"]
    return reason(codes[0], text) if codes else {"text": text}


def _session(task: Json, key: str, day: str) -> Json:
    period = {"start": f"{day}T13:00:00-04:00", "end": f"{day}T13:45:00-04:00"}
    return encounter(
        task,
        key,
        period=period,
        reasonCode=[{"text": MARKS["diagnosis"]}],
        participant=[{"individual": {"display": MARKS["clinician.contact"]}}],
        serviceType={"text": MARKS["visit.type"]},
    )


def template() -> Template:
    """Return the template the worlds of tests are made of."""
    return read_template(shipped_document("xx-smh-template"), "template")


def readers() -> set[tuple[str, str]]:
    """Return the roles and purposes to which a flow of the template tells a status."""
    return {
        (role, purpose)
        for flow in template().flows
        if "provider" in flow.senders and "lea" in flow.to and "referral.status" in flow.elements
        for role in flow.recipients
        for purpose in flow.purposes
    }


def asked(world: World, role: str, purpose: str) -> dict[int, FollowUp]:
    """Return the rows that a role of the school gets for a purpose, by number."""
    standing = Standing(Party.LEA, LEA, "", role, (purpose,))
    rows = world.bridge.gate.follow_up(Caller(f"test:{role}", standing)).rows
    return {int(row.referral.removeprefix("R-")): row for row in rows}


def wrong_rows(world: World, cells: Sequence[Cell], asker: tuple[str, str]) -> Iterator[str]:
    """Yield what a row says that the table does not let it, or leaves out."""
    found = asked(world, *asker)
    for cell in cells:
        row = found[cell.number]
        told = asker in readers() and cell.consent == "told" and cell.state.status != "requested"
        says = (row.status, bool(row.status_on), row.provider, row.terms)
        code = cell.told if told else "sent"
        if says != (code, told, "Harbor Family Centers", ""):
            yield f"{asker} {cell}: {says}"
        if told and row.status_on != "2026-10-18":
            yield f"{asker} {cell}: dated {row.status_on}"
        if set(asdict(row)) != COLUMNS:
            yield f"{asker}: another column"
        yield from marks_in(str(asdict(row)), f"{asker} {cell}")


def marks_in(text: str, where: str) -> Iterator[str]:
    """Yield the marks that stand in what came out."""
    for name, mark in MARKS.items():
        if mark.casefold() in text.casefold():
            yield f"{where}: {name}"


def wrong_pages(world: World, paths: Sequence[str], role: str = "counselor") -> Iterator[str]:
    """Yield the marks that stand in pages and downloads, hidden or not."""
    visitor = Visitor.signed_in(world, role=role)
    for path in paths:
        answer = visitor.get(path)
        assert answer.status_code == 200, (path, words(answer))
        yield from marks_in(answer.text, path)


def wrong_accounts(world: World, cells: Sequence[Cell]) -> Iterator[str]:
    """Yield what a guardian's list of disclosures says of an answer."""
    for cell in cells:
        whose = (world.parts, LEA, str(1000 + cell.number))
        account = account_for(*whose, ("guardian", "Max Winterbourne"))
        yield from marks_in(repr(account), f"account of {cell}")
        yield from marks_in(str(asdict(account)), f"account of {cell}")


def tells_on_no_consent(planting: pytest.MonkeyPatch) -> None:
    """Let a follow-up tell what the database and the decision both keep back."""

    def judged(connection: Any, kind: str, students: Any, *_told: Any) -> set[str]:  # noqa: ANN401 - as the function it stands for
        return {each.id for each in follow_up.of_students(connection, (kind,), students)}

    planting.setattr(follow_up, "judged", judged)
    planting.setattr(follow_up, "_permitted", lambda task, _: task[1])
