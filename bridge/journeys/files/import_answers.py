"""A provider's answers to referrals come in as a file: the same moves, through the same gate.

INVARIANT: a referral that the provider may not see is answered as one there is not. What came
before is not done again: a row is carried out once, whatever file it stands in.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from bridge.errors import BridgeError, UnprocessableError
from bridge.gate import Seen, agreements_of
from bridge.identity import Caller, Party, Standing, read_scopes
from bridge.journeys.answers.answer_cancellation import requests_to_stop
from bridge.journeys.answers.answer_referral import TaskAnswer, answer_within
from bridge.journeys.files.held_rows import (
    HeldRow,
    by_reason,
    keep_held,
    let_go,
    of_mapping,
    row_key,
)
from bridge.journeys.referrals.work_list import HasGate
from bridge.parts import parts_of
from bridge.store.database.engine import write
from bridge.store.intake import take_turn
from bridge.store.people.taken_answers import note_taken, taken_content
from bridge.store.referrals import referrals_of, tasks_of
from mappings.canonical import ReferralAnswer
from mappings.fhir.answered_task import answered_task
from mappings.fhir.errors import FhirError
from mappings.language import Held, Mapped, flatten

_A_DAY: Final = timedelta(days=1)  # it may be the next day already where the clinic is
_SCOPES: Final = "system/Task.rus system/ServiceRequest.rs system/Patient.rs"
_NO_MATCH: Final = (
    "there is no referral to this provider with these identifiers; check the referral number and "
    "the student's bridge ID"
)
_AMBIGUOUS: Final = "more than one referral has this number; add the student's bridge ID"
_TOO_EARLY: Final = "the row is dated in the future; bring it in when it has happened"
_SAID_BEFORE: Final = (
    "this answer came before and said something else; what it said then stands: correct the "
    "referral by hand"
)


@dataclass
class AnswerReport:
    """What became of the rows: ``read == answered + unchanged + held``."""

    read: int = 0
    answered: int = 0
    unchanged: int = 0
    held: list[HeldRow] = field(default_factory=list)

    def as_data(self) -> dict[str, object]:
        """Return counts and reasons."""
        counts = {name: getattr(self, name) for name in ("read", "answered", "unchanged")}
        return {**counts, "held": len(self.held), "held_by_reason": by_reason(self.held)}


def operator_of(provider: str, role: str = "intake") -> Caller:
    """Return who answers where an operator brings in a provider's file."""
    standing = Standing(Party.PROVIDER, provider, "", role, ("refer",), read_scopes(_SCOPES))
    return Caller(f"operator:{provider}", standing)


def import_answers(whole: HasGate, caller: Caller, rows: Iterable[Mapped | Held]) -> AnswerReport:
    """Carry out every row that may be, in the order of the file, and hold every other.

    Args:
        whole: the bridge.
        caller: somebody of the provider.
        rows: what a map of kind answer made of a file.

    Raises:
        BridgeError: the map makes no answers, or the provider has no agreement.
        GateError: a decision could not be taken; nothing of the file was carried out.
    """
    report = AnswerReport()
    with write(whole.engine) as connection:
        take_turn(connection)
        if not agreements_of(connection, "provider", caller.organization):
            raise BridgeError(f"{caller.organization} has no agreement")
        importing = _Import(whole, caller, connection, report)
        held = [problem for row in rows if (problem := importing.take(row)) is not None]
        now = whole.clock.now()
        keep_held(connection, whole.identifiers, caller.organization, (held, now))
        report.held.extend(held)
    return report


class _Import:
    """One import under way."""

    def __init__(
        self, whole: HasGate, caller: Caller, connection: Connection, report: AnswerReport
    ) -> None:
        self._of = (parts_of(whole), whole.gate)
        self._caller = caller
        self._connection = connection
        self._report = report

    def take(self, row: Mapped | Held) -> HeldRow | None:
        """Carry out a row, or return it as one that waits."""
        self._report.read += 1
        if isinstance(row, Held):
            return of_mapping(row)
        answer = row.record
        if not isinstance(answer, ReferralAnswer):
            raise BridgeError("this map makes no answers; choose one of kind answer")
        said = self._hashes(answer)
        if (before := taken_content(self._connection, said[0])) is not None:
            return self._again(answer, same=before == said[1])
        return self._first(answer, said)

    def _first(self, answer: ReferralAnswer, said: tuple[str, str]) -> HeldRow | None:
        if _day(answer) > self._of[0].clock.now().date() + _A_DAY:
            return HeldRow(answer.origin, ("too-early",), (_TOO_EARLY,))
        found = self._meant(answer)
        if len(found) != 1:
            code, text = ("no-match", _NO_MATCH) if not found else ("ambiguous", _AMBIGUOUS)
            return HeldRow(answer.origin, (code,), (text,))
        if (problem := self._moved(answer, found[0])) is not None:
            return problem
        note_taken(self._connection, said, found[0].student_id, self._of[0].clock.now())
        self._report.answered += 1
        self._let_go(answer)
        return None

    def _hashes(self, answer: ReferralAnswer) -> tuple[str, str]:
        """Return what a row is known by, and all it says, as keyed hashes."""
        identifiers, provider = self._of[0].identifiers, self._caller.organization
        told = repr(sorted(flatten(answer).items()))
        key = row_key(identifiers, provider, answer.origin)
        return key, identifiers.issue("answer", provider, told)

    def _again(self, answer: ReferralAnswer, *, same: bool) -> HeldRow | None:
        if not same:
            return HeldRow(answer.origin, ("said-before",), (_SAID_BEFORE,))
        self._report.unchanged += 1
        self._let_go(answer)
        return None

    def _let_go(self, answer: ReferralAnswer) -> None:
        came = ((answer.origin,), self._of[0].clock.now())
        let_go(self._connection, self._of[0].identifiers, self._caller.organization, came)

    def _meant(self, answer: ReferralAnswer) -> list[Seen]:
        """Return the Tasks that may be meant, of those that the provider may see."""
        provider, connection = self._caller.organization, self._connection
        known = referrals_of(connection, provider, answer.patient_id, answer.number)
        tasks = [
            task.id
            for each in known
            for task in tasks_of(connection, each.request_id)
            if not task.is_cancellation
        ]
        seen = (self._of[1].see(connection, self._caller, "Task", task_id) for task_id in tasks)
        return [each for each in seen if each is not None]

    def _moved(self, answer: ReferralAnswer, seen: Seen) -> HeldRow | None:
        """Send the Task as it is to be, as over the API; a row that is refused leaves no trace."""
        asked = requests_to_stop(self._connection, seen.referral_id)
        undone = self._connection.begin_nested()
        try:
            sent = answered_task(dict(seen.content), answer, requested=bool(asked))
            to = TaskAnswer(seen.id, sent, f'W/"{seen.version}"')
            answer_within(self._connection, self._of, self._caller, to)
        except FhirError as error:
            undone.rollback()
            return HeldRow(answer.origin, ("not-now",), (error.text,))
        except UnprocessableError as error:
            undone.rollback()
            texts = tuple(f"{finding.expression}: {finding.text}" for finding in error.findings)
            return HeldRow(answer.origin, ("refused",), texts)
        undone.commit()
        return None


def _day(answer: ReferralAnswer) -> date:
    said = answer.said_on
    return said.date() if isinstance(said, datetime) else said or date.min
