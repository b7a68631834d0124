"""Which sessions the follow-up of a referral speaks of, however many there were.

A provider that says no more than ``in-progress`` lets its sessions say the rest: that an intake is
planned, that treatment began. One that somebody came to mostly decides it, whatever there is
besides, and the newest is asked of the database first; all of a referral are read only where it
does not. Nothing is read where the provider's own word counts (docs/adr/0063).

INVARIANT: of sessions under 42 CFR Part 2 that may be told one of each kind to a decision is read:
what they rest on rides with the status, whichever of them decides it.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from bridge.gate.agreements import CompiledAgreement
from bridge.gate.authorise import PART2_ROW, SESSION_TYPES, Viewer, told_of
from bridge.gate.decisions import RecordDecision
from bridge.store.alike import Sought, Told, told_alike
from bridge.store.stored import Stored
from mappings.fhir.task_states import hangs_on_visits, settles


class Referred(NamedTuple):
    """One referral as its records name it."""

    student_id: str
    agreement_id: str
    referral_id: str


@dataclass(frozen=True, slots=True)
class Answered:
    """A referral of whose answer something may be told.

    Attributes:
        task: its Task.
        agreement: the agreement it was sent under.
        decided: what was decided of the Task.
        resource: what may be told of it.
    """

    task: Stored
    agreement: CompiledAgreement
    decided: RecordDecision
    resource: dict[str, Any]

    @property
    def referred(self) -> Referred:
        """The referral, as its records name it."""
        return Referred(self.task.student_id, self.agreement.id, self.task.referral_id)


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, and how a session is decided.

    Attributes:
        viewer: who asks.
        sender: the party a session is decided as coming from.
        elements: what is asked of it, and what of one under 42 CFR Part 2.
        now: the instant.
        decide: decides a session; it counts, whatever the database said.
    """

    viewer: Viewer
    sender: str
    elements: tuple[str, str]
    now: datetime
    decide: Callable[[CompiledAgreement, Stored], RecordDecision]


@dataclass(frozen=True, slots=True)
class Visits:
    """Of one referral, the sessions that its follow-up speaks of.

    Attributes:
        contents: what each says.
        protected: what was decided of those under 42 CFR Part 2.
    """

    contents: list[dict[str, Any]] = field(default_factory=list)
    protected: list[RecordDecision] = field(default_factory=list)


NONE: Final = Visits()
_FEW: Final = 4  # so many sessions that are alike are read at once: as many as come before care


def visits_of(
    connection: Connection, answers: Sequence[Answered], asking: Asking
) -> dict[Referred, Visits]:
    """Return the sessions that the follow-up of some referrals speaks of.

    Args:
        connection: the database; the students are locked.
        answers: the referrals.
        asking: who asks, and how a session is decided.
    """
    found = _Found(asking, {each.referred: each for each in answers})
    asked = (asking.viewer, asking.sender, asking.elements, asking.now)
    told = told_of(*asked, connection.dialect.name)
    found.add(told_alike(connection, _about(found.open(), found.answers), told, _FEW))
    # Nothing is sought again where none may be told, or all that may be told are there.
    found.add(told_alike(connection, _about(found.open() & found.more), told))
    return found.visits


def _about(referrals: Collection[Referred], also: Collection[Referred] = ()) -> Sought:
    """Return the sessions of some referrals, and of others those under 42 CFR Part 2."""
    whole, part2 = ({each.referral_id for each in which} for which in (referrals, also))
    students = {each.student_id for each in (*referrals, *also)}
    return Sought(SESSION_TYPES, students, whole, part2, PART2_ROW)


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found so far.

    Attributes:
        asking: who asks.
        answers: the referrals.
        visits: of each the sessions that may be told.
        more: those of which there are more that may be told.
    """

    asking: Asking
    answers: dict[Referred, Answered]
    visits: dict[Referred, Visits] = field(default_factory=dict)
    more: set[Referred] = field(default_factory=set)
    _known: set[tuple[str, str]] = field(default_factory=set)

    def add(self, sessions: Iterable[Told]) -> None:
        """Decide sessions, and keep those that may be told."""
        for each, alike in sessions:
            place = Referred(each.student_id, each.agreement_id, each.referral_id)
            answer = self.answers.get(place)
            known = (each.type, each.id) in self._known
            if answer is None or known:
                continue
            self._known.add((each.type, each.id))
            if alike > _FEW:
                self.more.add(place)
            decided = self.asking.decide(answer.agreement, each)
            if not decided.permitted:
                continue
            kept = self.visits.setdefault(place, Visits())
            kept.contents.append(each.resource())
            if each.element == PART2_ROW:
                kept.protected.append(decided)

    def open(self) -> set[Referred]:
        """Return the referrals whose follow-up hangs on sessions of which none settles it yet."""
        return {
            place
            for place, answer in self.answers.items()
            if hangs_on_visits(answer.resource)
            and not any(
                settles(answer.resource, each) for each in self.visits.get(place, NONE).contents
            )
        }
