"""Pages of what was sent to a provider: each asks only the Tasks it shows, and those that changed.

There is a line for every Task that is addressed to the provider; one that it may not know of is in
no choice of rows. So whatever lets it be known finds its student listed, and a page reads no line
but those that it shows.

INVARIANT: what is shown of a Task was decided in the releasing transaction by a search for its id,
and is what its line says, or nothing is released.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.metadata import version
from typing import Final

from bridge.gate.agreements import VIEWS
from bridge.gate.authorise import anchors
from bridge.gate.decisions import may_know
from bridge.gate.hot.permits import facts_end
from bridge.gate.people import kept_lines
from bridge.gate.people.follow_up import evidence_about
from bridge.gate.people.kept_lines import KeptLines
from bridge.store.by_student import of_students
from bridge.store.facts.evidence import ALWAYS_TO, EvidenceView, lock_students
from bridge.store.people import follow_lines as lines
from bridge.store.stored import Stored
from mappings.fhir.cancellation_task import is_cancellation

OPEN: Final = "sent-open"
ENDED: Final = "sent-ended"
CHOICES: Final[Mapping[str, Collection[str]]] = {
    OPEN: (*("draft", "requested", "received", "accepted", "ready", "in-progress", "on-hold"),),
    ENDED: ("completed", "rejected", "failed", "cancelled", "entered-in-error"),
}
"""Task.status (FHIR R4 TaskStatus) of what is still to be done, and of what is not."""
_FORM: Final = "1"  # of what a line says; another, and all are made anew
_SENT: Final = ("lea", "provider")
_KIND: Final = "Task"


@cache
def _program() -> str:
    return repr((_FORM, version("schoolbridge")))


@dataclass(frozen=True, slots=True)
class Sent:
    """Which of the Tasks sent to a provider a page shows, the longest waiting first.

    Attributes:
        choice: one of :data:`CHOICES`.
        first, most: how many are left out before it, and how many it holds.
        ids: those of any choice that are named, instead; what may not be known is not among them.
    """

    choice: str = OPEN
    first: int = 0
    most: int = 25
    ids: tuple[str, ...] = ()

    @property
    def statuses(self) -> Collection[str]:
        """The statuses of what it shows."""
        if self.ids:
            return {status for every in CHOICES.values() for status in every}
        return CHOICES[self.choice]


@dataclass(frozen=True, slots=True)
class Desk(KeptLines):
    """What was sent to one viewer's provider, in one writing transaction."""

    @property
    def counted(self) -> Collection[str]:
        """The choices of rows that are counted."""
        return CHOICES

    def places(self, wanted: Sent) -> list[str]:
        """Return the ids of the Tasks on a page."""
        if wanted.ids:
            found = lines.with_requests(self.connection, self.whose, wanted.ids, tuple(CHOICES))
            return [each for each, _ in found]
        cut = (wanted.first, wanted.most)
        return [each for each, _ in lines.page_of(self.connection, self.whose, wanted.choice, cut)]

    def _any_students(self) -> list[str]:
        """Return up to :data:`SPARE` students of whom something is shown.

        That there are others takes no work.
        """
        stages = tuple(CHOICES)
        return lines.any_students(self.connection, self.whose, kept_lines.SPARE, stages)

    def _basis(self) -> str:
        """Return a digest of all that holds for every line alike."""
        versions = self.known.versions
        parts: list[object] = [_program(), versions["agreement"], versions["evidence"]]
        for agreement in self.viewer.agreements:
            standing = sorted(agreement.constants(self.now, VIEWS[_SENT]).items())
            parts += [agreement.id, agreement.table.digest, agreement.agreement.effective.tz]
            parts += [standing]
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def _made_anew(self, students: Sequence[str]) -> dict[str, int]:
        lock_students(self.connection, students, share=True)
        elements = anchors(*_SENT, _KIND)
        evidence, now = evidence_about(
            self.connection, self.viewer, students, (_SENT[0], elements, self.now)
        )
        ends = facts_end(self.connection, students, now) if students else {}
        made = []
        for each in of_students(self.connection, (_KIND,), students):
            if each.audience == self.viewer.organization:
                until = [ends.get(each.student_id, ALWAYS_TO), *self._comes_of_age(each, now)]
                made.append(self._line(each, (evidence, now), min(until)))
        return lines.put_lines(self.connection, self.whose, students, made)

    def _comes_of_age(self, task: Stored, now: datetime) -> list[datetime]:
        born = task.birth_date
        bound = (a for a in self.viewer.agreements if born and born > a.adult_since(now))
        return [each.comes_of_age(born) for each in bound if born]

    def _line(
        self, task: Stored, known: tuple[EvidenceView, datetime], until: datetime
    ) -> lines.FollowLine:
        content = task.resource()
        there = not is_cancellation(content) and may_know(self.viewer, task, known)
        sent_on, number = place_of(content)
        return lines.FollowLine(
            request_id=task.id,
            student_id=task.student_id,
            key="",
            until=until,
            rest=0,
            since=sent_on,
            number=f"{number} {task.id}",
            status=content["status"] if there else "",
            sent_on=sent_on,
            status_on="",
            stage=_choice(content["status"]) if there else "",
        )


def place_of(task: Mapping[str, object]) -> tuple[str, str]:
    """Return what a list sorts a Task by: the day it was sent, and the school's number of it."""
    named = task.get("identifier")
    first = named[0] if isinstance(named, list) and named else {}
    return str(task.get("authoredOn", ""))[:10], str(first.get("value", ""))


def _choice(status: str) -> str:
    return next((name for name, statuses in CHOICES.items() if status in statuses), "")
