"""What a school may learn back about its referrals.

The school's own record says who was referred and when. What became of it is the provider's
treatment record: ``referral.status`` flows back only where the agreement, the law and the person's
own releases permit it. Where they do not, the row reads ``sent``, exactly as if the provider had
not answered yet.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from bridge.clock import Clock
from bridge.gate.agreements import CompiledAgreement
from bridge.gate.authorise import PART2_RECORD, PART2_ROW, Viewer, told_of
from bridge.gate.decisions import RecordDecision, decide_as
from bridge.gate.disclosures import Disclosure
from bridge.gate.duties.consent_scopes import Scopes, scopes_of
from bridge.gate.duties.riding import Riding, codes_of, notice_of, riding
from bridge.gate.people.own_words import PATIENT, REQUEST, OwnPatient, OwnRequest
from bridge.gate.people.visits import NONE, Answered, Asking, Referred, Visits, visits_of
from bridge.gate.projection import sealed
from bridge.gate.released import FollowUp
from bridge.identifiers import Identifiers
from bridge.store.by_student import Text, judged, of_students, referred_students, texts_of
from bridge.store.directory import organizations
from bridge.store.facts.evidence import EvidenceView, evidence_of, lock_students, not_before_known
from bridge.store.facts.known_facts import Sought, known_facts
from bridge.store.stored import Stored
from consent.minimise import load_projection, minimise, surely_keeps_its_meaning
from consent.model import Slice
from mappings.fhir.cancellation_task import is_cancellation
from mappings.fhir.task_states import follow_up_code, state_of

_ELEMENT = "referral.status"
_ELEMENTS = (_ELEMENT, PART2_RECORD)
WITHDRAWN = "withdrawn-by-school"
_SENDER = "provider"
_SAYING = ("ServiceRequest", "Patient")
_AT_ONCE = 200  # students
_NOTHING = EvidenceView(())
_Read = tuple[Stored, dict[str, Any]]
"""A record, and its content."""


@dataclass(frozen=True, slots=True)
class _District:
    """What one district wrote under one agreement, by referral or student."""

    agreement: CompiledAgreement
    tasks: dict[str, _Read]
    requests: dict[str, OwnRequest]
    patients: dict[str, OwnPatient]
    withdrawn: dict[str, str]

    def spoken(self, may: Collection[str]) -> Iterator[Stored]:
        """Yield the Tasks that may be told of, and say more than the school did."""
        for request_id, (task, content) in self.tasks.items():
            of_school = _of_the_school(content, self.withdrawn.get(request_id, ""))
            if task.id in may and not of_school:
                yield task


@dataclass(frozen=True, slots=True)
class Left:
    """What went out of a referral.

    Attributes:
        along: what rode along.
        row: what was told, with it.
        disclosure: what is entered for it.
    """

    along: tuple[Riding, Scopes]
    row: FollowUp
    disclosure: Disclosure


@dataclass(frozen=True, slots=True)
class Followed:
    """One referral as its district may see it, before anything of it leaves.

    Attributes:
        row: what is told, without what rides along.
        whose: the student, and the provider's key.
        decided: what was decided, and what may be told of the Task; None where the school is told
            no more than it said itself.
        left: what went out of it before, so decided; None where that is not known.
    """

    row: FollowUp
    task: Stored
    whose: tuple[str, str]
    decided: tuple[RecordDecision, dict[str, Any]] | None
    left: Left | None = None

    @property
    def request_id(self) -> str:
        """The id of its ServiceRequest."""
        return self.task.referral_id


def follow_ups(
    connection: Connection, viewer: Viewer, clock: Clock, identifiers: Identifiers
) -> tuple[list[FollowUp], list[Disclosure]]:
    """Return the follow-up rows of a school, and the disclosures in them."""
    names = {o.id: o.name for o in organizations(connection).values()}
    bound = [agreement.id for agreement in viewer.agreements]
    students = referred_students(connection, viewer.organization, bound)
    lock_students(connection, students, share=True)
    now = clock.now()
    found: list[Followed] = []
    for start in range(0, len(students), _AT_ONCE):
        some = students[start : start + _AT_ONCE]
        found += followed(connection, viewer, some, (now, names))
    left = leaving(connection, viewer, found, identifiers)
    rows = [each.row if one is None else one.row for each, one in zip(found, left, strict=True)]
    rows.sort(key=lambda row: (row.sent_on, row.referral))
    return rows, [one.disclosure for one in left if one is not None]


def followed(
    connection: Connection,
    viewer: Viewer,
    students: Collection[str],
    known: tuple[datetime, Mapping[str, str]],
    wanted: Callable[[str], bool] | None = None,
) -> list[Followed]:
    """Return referrals of some students, who are locked, as their school may see them now.

    INVARIANT: what is known of a student beyond what the school wrote is read only where something
    of it is told. The database answers whether it may be, for each referral alike, answered or not:
    that it was, and may not be told, costs no row, no fact and no decision (docs/adr/0054).

    Args:
        connection: the database.
        viewer: somebody of the school.
        students: whose.
        known: the instant, and the name of each organisation by its id.
        wanted: tells which, by the ids of their ServiceRequests; all of theirs if None.
    """
    now, names = known
    own = (of_students(connection, ("Task",), students), texts_of(connection, _SAYING, students))
    asked_of: set[str] | None = None
    if wanted is not None:
        own = ([task for task in own[0] if wanted(task.referral_id)], own[1])
        asked_of = {task.referral_id for task in own[0]}
    districts = [_district(agreement, *own) for agreement in viewer.agreements]
    told = told_of(viewer, _SENDER, _ELEMENTS, now, connection.dialect.name)
    may = judged(connection, "Task", students, told, asked_of)
    spoken = [task for district in districts for task in district.spoken(may)]
    whose = {task.student_id for task in spoken}
    asked = (_SENDER, _ELEMENTS, now)
    known_of = evidence_about(connection, viewer, whose, asked) if whose else (_NOTHING, now)
    teller = _Teller(viewer, known_of, frozenset(task.id for task in spoken))
    answers = [each for district in districts for each in teller.answered(district)]
    asking = Asking(viewer, *asked, teller.decided)
    said = _Said({each.task.id: each for each in answers}, visits_of(connection, answers, asking))
    return [each for district in districts for each in said.told(district, names)]


def leaving(
    connection: Connection, viewer: Viewer, some: Sequence[Followed], identifiers: Identifiers
) -> list[Left | None]:
    """Return of each what leaves, with what rides along; None where the school said all of it."""
    scopes = iter(scopes_of(connection, viewer, [e.decided[0] for e in some if e.decided]))
    found: list[Left | None] = []
    for each in some:
        if each.decided is None:
            found.append(None)
            continue
        whole, resource = each.decided
        along = (riding(codes_of(whole)), next(scopes))
        if each.left is not None and each.left.along == along:
            found.append(each.left)
            continue
        released = sealed(viewer, each.task, resource, identifiers, along)
        words = [*(notice_of(one).short for one in along[0].notices), *map(str, along[1])]
        row = replace(each.row, notices=along[0].notices, terms=" ".join(words))
        found.append(Left(along, row, Disclosure(each.task, whole, released)))
    return found


def evidence_about(
    connection: Connection,
    viewer: Viewer,
    students: Collection[str],
    asked: tuple[str, tuple[str, ...], datetime],
) -> tuple[EvidenceView, datetime]:
    """Return what is known of the facts a decision can depend on, and the instant to decide at.

    Args:
        connection: the database.
        viewer: who asks.
        students: whose facts; they are locked.
        asked: the sending party and the elements the decision is about, and the instant now.
    """
    sender, elements, now = asked
    facts = {
        str(fact)
        for agreement in viewer.agreements
        for element in elements
        for purpose in viewer.purposes
        for fact in agreement.table.relevant_facts(
            Slice(sender, viewer.party, viewer.role, purpose, element)
        )
    }
    agreements = tuple(a.id for a in viewer.agreements)
    sought = Sought(frozenset(facts), agreements, elements, viewer.purposes, viewer.party)
    known = known_facts(connection, students, sought, now)
    if known.later:  # another machine's clock is ahead of this one's
        now = not_before_known(connection, students, now)
        return evidence_of(connection, students, now), now
    return EvidenceView([fact for said in known.of.values() for fact in said]), now


def _district(
    agreement: CompiledAgreement, tasks: Iterable[Stored], texts: Iterable[Text]
) -> _District:
    """Sort out a district's own records under one agreement, given in the order of change."""
    found, whose = _District(agreement, {}, {}, {}, {}), (agreement.id, agreement.entry.lea)
    for each in texts:
        if (each.agreement_id, each.custodian) != whose:
            continue
        if each.type == "ServiceRequest":
            found.requests[each.id] = REQUEST.decode(each.body)
        else:
            found.patients[each.student_id] = PATIENT.decode(each.body)
    for record in tasks:
        if (record.agreement_id, record.custodian) != whose:
            continue
        task = record.resource()
        if is_cancellation(task):
            found.withdrawn[record.referral_id] = str(task["authoredOn"])[:10]
        else:
            found.tasks[record.referral_id] = (record, task)
    return found


@dataclass(frozen=True, slots=True)
class _Teller:
    """Decides what may be told of Tasks, on evidence read under lock.

    Attributes:
        known: what is known of the students of what may be told, and the instant to decide at.
        spoken: ids of the Tasks that may be told of, as the database answers, and say something.
    """

    viewer: Viewer
    known: tuple[EvidenceView, datetime]
    spoken: frozenset[str]

    def answered(self, district: _District) -> Iterator[Answered]:
        """Yield the referrals of a district of whose answer something may be told."""
        for task, content in district.tasks.values():
            if task.id not in self.spoken:
                continue
            decided = self.decided(district.agreement, task)
            resource = _permitted((task, content), decided)
            if resource is not None:
                yield Answered(task, district.agreement, decided, resource)

    def decided(self, agreement: CompiledAgreement, stored: Stored) -> RecordDecision:
        """Decide the status as the provider's record, whoever keeps the resource it stands in.

        A session under 42 CFR Part 2 says nothing unless it may be told of itself.
        """
        asked = (stored, (PART2_RECORD if stored.element == PART2_ROW else _ELEMENT,))
        return decide_as(_SENDER, self.viewer, agreement, asked, self.known)


@dataclass(frozen=True, slots=True)
class _Said:
    """What some referrals say: the answers that may be told, by Task, and their sessions."""

    answers: Mapping[str, Answered]
    visits: Mapping[Referred, Visits]

    def told(self, district: _District, names: Mapping[str, str]) -> Iterator[Followed]:
        """Yield each referral of a district as it may be told."""
        for request_id, (task, content) in district.tasks.items():
            withdrawn = district.withdrawn.get(request_id, "")
            status, day, decided = self._tell(self.answers.get(task.id), withdrawn)
            row = _row(district, (task, content), (status, day), names)
            yield Followed(row, task, (task.student_id, district.agreement.entry.provider), decided)

    def _tell(
        self, answer: Answered | None, withdrawn: str
    ) -> tuple[str, str, tuple[RecordDecision, dict[str, Any]] | None]:
        """Return the status and its day, and what was decided; only the school's part where none.

        That is ``sent``, or from the day on which the school withdrew it, that it did.
        """
        if answer is None:
            return (WITHDRAWN, withdrawn, None) if withdrawn else ("sent", "", None)
        visits, resource = self.visits.get(answer.referred, NONE), answer.resource
        status = follow_up_code(resource, visits.contents)
        whole = _with(answer.decided, visits.protected)
        return status, str(resource.get("lastModified", ""))[:10], (whole, resource)


def _of_the_school(resource: dict[str, Any], withdrawn: str) -> bool:
    """Return whether a Task says no more than the school did: it sent it, or withdrew it."""
    if resource["status"] == "requested":
        return True
    return bool(withdrawn) and state_of(resource).business == WITHDRAWN


def _with(decided: RecordDecision, protected: Sequence[RecordDecision]) -> RecordDecision:
    """Return a decision with those on sessions under 42 CFR Part 2 that the status speaks of."""
    if not protected:
        return decided
    more = (each for one in protected for each in one.elements)
    return replace(decided, elements=tuple(dict.fromkeys((*decided.elements, *more))))


def _permitted(task: _Read, decided: RecordDecision) -> dict[str, Any] | None:
    stored, content = task
    permitted = {e.slice.element for e in decided.permitted}
    agreement = decided.agreement
    tz = agreement.agreement.effective.tz if agreement else "UTC"
    sure = surely_keeps_its_meaning(stored.body)
    return minimise(content, permitted, load_projection("to-school", tz), sure=sure)


def _row(
    district: _District, task: _Read, told: tuple[str, str], names: Mapping[str, str]
) -> FollowUp:
    request = district.requests[task[0].referral_id]
    patient = district.patients[task[0].student_id]
    return FollowUp(
        referral=request.number,
        student=patient.called,
        school=names.get(patient.school, ""),
        sent_on=request.day,
        provider=_organization(names, task[1].get("owner")),
        status=told[0],
        status_on=told[1],
    )


def _organization(names: Mapping[str, str], link: dict[str, Any] | None) -> str:
    return names.get(str((link or {}).get("reference", "")).partition("/")[2], "")
