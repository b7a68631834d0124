"""A school's follow-up as it is decided on all that is known, whether or not it may be told."""

from collections.abc import Sequence

from bridge.gate.authorise import SESSION_TYPES
from bridge.gate.people import follow_up
from bridge.gate.people.follow_up import Followed
from bridge.gate.people.visits import Answered, Visits
from bridge.gate.viewers import present_viewer
from bridge.identity import Caller
from bridge.store.by_student import of_students, referred_students, texts_of
from bridge.store.database.engine import write
from bridge.store.directory import organizations
from bridge.store.facts.evidence import evidence_of, not_before_known
from bridge.store.stored import Stored
from tests.support.worlds import World

Line = tuple[str, str, str, str]
"""Of a referral: its number, its provider, its status and the day of that."""


def decided_in_full(world: World, caller: Caller) -> list[Line]:
    """Decide every Task and session in the program, on every fact there is.

    The pages ask the database first and read no more than that lets through: they must say this.
    """
    with write(world.bridge.engine) as connection:
        viewer = present_viewer(connection, caller, world.clock)
        names = {o.id: o.name for o in organizations(connection).values()}
        bound = [agreement.id for agreement in viewer.agreements]
        students = referred_students(connection, viewer.organization, bound)
        now = not_before_known(connection, students, world.clock.now())
        tasks = of_students(connection, ("Task",), students)
        texts = texts_of(connection, ("ServiceRequest", "Patient"), students)
        every = frozenset(each.id for each in tasks)
        sessions = of_students(connection, SESSION_TYPES, students)
        known = (evidence_of(connection, students, now), now)
        told: list[Followed] = []
        for agreement in viewer.agreements:
            district = follow_up._district(agreement, tasks, texts)
            spoken = frozenset(task.id for task in district.spoken(every))
            teller = follow_up._Teller(viewer, known, spoken)
            answers = {each.task.id: each for each in teller.answered(district)}
            visits = {each.referred: _visits(teller, each, sessions) for each in answers.values()}
            told += follow_up._Said(answers, visits).told(district, names)
    return sorted(_line(each) for each in told)


def _visits(teller: follow_up._Teller, answer: Answered, sessions: Sequence[Stored]) -> Visits:
    """Decide every session of a referral."""
    found = Visits()
    for each in sessions:
        if (each.student_id, each.agreement_id, each.referral_id) == answer.referred:
            decided = teller.decided(answer.agreement, each)
            if decided.permitted:
                found.contents.append(each.resource())
    return found


def as_released(world: World, caller: Caller) -> list[Line]:
    """Return the same of what the gate releases."""
    rows = world.bridge.gate.follow_up(caller).rows
    return sorted((row.referral, row.provider, row.status, row.status_on) for row in rows)


def _line(each: Followed) -> Line:
    row = each.row
    return (row.referral, row.provider, row.status, row.status_on)
