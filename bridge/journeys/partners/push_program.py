"""A district's own Ed-Fi ODS is told which students are in services.

It is the follow-up of one staff role, cut to a yes with its days: a program association begins when
services start and ends when they do. Whatever reads otherwise to that role has none: not referred,
not begun, withheld, and a minor treated alone are one thing there. What was written is taken out
when the role may not know it any more.

INVARIANT: nothing is written but what the gate released to the role in this run, nothing that a
notice must ride with (an ODS has no place for it), and nothing about a student whom this bridge
does not know is touched.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bridge.gate import FollowUp, release_own_referrals
from bridge.identity import Caller, Party, Standing
from bridge.information_systems import InformationSystem
from bridge.journeys.referrals.work_list import ENDED, HasGate
from bridge.outbound.ods import OdsClient
from bridge.parts import parts_of

IN_SERVICES: Final = frozenset({"services-started", "services-paused"})
_NUMBERS: Final = {"local": "/NamingSystem/local-student/", "state": "/NamingSystem/state-student/"}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Push:
    """What is to be done: associations to keep, and ids of those to take out.

    Attributes:
        unchanged: how many stand as they should.
        foreign: how many are of students this bridge does not know; they are left alone.
    """

    keep: tuple[Json, ...] = field(default=(), repr=False)
    take_out: tuple[str, ...] = ()
    unchanged: int = 0
    foreign: int = 0

    def counts(self) -> dict[str, int]:
        """Return the counts; no value of a record."""
        told = {"kept": len(self.keep), "taken_out": len(self.take_out)}
        return {**told, "unchanged": self.unchanged, "foreign": self.foreign}


def plan_push(
    whole: HasGate, system: InformationSystem, there: Iterable[Mapping[str, Any]]
) -> Push:
    """Return what has to change in an ODS, in which some associations stand.

    Raises:
        GateError: nothing could be decided.
    """
    standing = Standing(Party.LEA, system.name, "", system.role, ("follow",))
    caller = Caller(f"operator:{system.name}", standing)
    rows = whole.gate.follow_up(caller).rows
    students = _students(whole, caller, system)
    wanted: dict[str, list[FollowUp]] = {student: [] for student in students.values()}
    for row in rows:
        student = students.get((row.referral, row.provider))
        if student is not None and not row.notices:
            wanted[student].append(row)
    return _compared(system, wanted, there)


def push_program(client: OdsClient, push: Push) -> None:
    """Do what was planned; done again after a break, it does the rest.

    Raises:
        OutboundError: the ODS did not take it; what went before stands.
    """
    for resource_id in push.take_out:  # what may not be known goes first
        client.take_out(resource_id)
    for association in push.keep:
        client.keep(association)


def _students(
    whole: HasGate, caller: Caller, system: InformationSystem
) -> dict[tuple[str, str], str]:
    """Return the ODS's number of the student of each referral, by its number and provider."""
    found: dict[tuple[str, str], str] = {}
    for referral in release_own_referrals(parts_of(whole), caller).referrals:
        number = str(referral.resources[0]["identifier"][0]["value"])
        for resource in referral.resources:
            ids = resource.get("identifier", ()) if resource["resourceType"] == "Patient" else ()
            for each in ids:
                if _NUMBERS[system.student_id] in str(each.get("system")):
                    found[number, referral.provider] = str(each["value"])
    return found


def _compared(
    system: InformationSystem,
    wanted: Mapping[str, list[FollowUp]],
    there: Iterable[Mapping[str, Any]],
) -> Push:
    standing: dict[str, list[Mapping[str, Any]]] = {}
    for each in there:
        standing.setdefault(str(each["studentReference"]["studentUniqueId"]), []).append(each)
    keep: list[Json] = []
    take_out: list[str] = []
    unchanged = 0
    for student, rows in wanted.items():
        found = standing.pop(student, [])
        should = _should(system, student, rows, found)
        same = [each for each in found if should is not None and _says(each, should)]
        unchanged += len(same[:1])
        if should is not None and not same:
            keep.append(should)
        keys = {_key(should)} if should is not None else set()
        take_out += [str(each["id"]) for each in found if _key(each) not in keys]
    foreign = sum(len(each) for each in standing.values())
    return Push(tuple(keep), tuple(take_out), unchanged, foreign)


def _should(
    system: InformationSystem,
    student: str,
    rows: Iterable[FollowUp],
    found: Iterable[Mapping[str, Any]],
) -> Json | None:
    """Return the association that should stand; None for none.

    The day on which it began is the one first written: what a later status is dated with is not.
    """
    told = list(rows)
    began = next(iter(sorted(_days(found))), "")
    now = sorted(row.status_on for row in told if row.status in IN_SERVICES)
    if now:
        return _association(system, student, began or now[0])
    ended = sorted(row.status_on for row in told if row.status in ENDED and row.status_on)
    if began and ended:
        return {**_association(system, student, began), "endDate": max(ended[-1], began)}
    return None


def _days(found: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    return (str(each["beginDate"])[:10] for each in found)


def _association(system: InformationSystem, student: str, began: str) -> Json:
    place = {"educationOrganizationId": system.education_organization}
    program = {"programName": system.program, "programTypeDescriptor": system.program_type}
    return {
        "beginDate": began,
        "educationOrganizationReference": place,
        "programReference": {**place, **program},
        "studentReference": {"studentUniqueId": student},
    }


def _key(association: Mapping[str, Any]) -> tuple[str, str]:
    place = association["educationOrganizationReference"]["educationOrganizationId"]
    return str(association["beginDate"])[:10], str(place)


def _says(there: Mapping[str, Any], should: Mapping[str, Any]) -> bool:
    ends = [str(each.get("endDate") or "")[:10] for each in (there, should)]
    return _key(there) == _key(should) and ends[0] == ends[1]
