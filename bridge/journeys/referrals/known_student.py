"""What a district wrote of a student before, so that nobody types it twice (WCAG 3.3.7).

It is taken from what the gate gives the district of its own referrals, nothing a provider wrote,
and from the district's roster, whose word goes first. The answers have the names of the portal's
questions.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bridge.gate import OwnReferral, agreements_of, release_own_referrals
from bridge.identity import Caller
from bridge.journeys.families.guardian_blocks import is_blocked
from bridge.journeys.referrals.roster_answers import NO_GUARDIAN, Answers, roster_answers
from bridge.parts import HasParts, parts_of
from bridge.store.database.engine import read
from bridge.store.directory import organizations, student_of_key
from bridge.store.referrals import student_of_number

_CONCERNS = "/CodeSystem/concerns"
_LOCAL = "/NamingSystem/local-student/"


def known_student(whole: HasParts, caller: Caller, local_id: str) -> Answers:
    """Return answers about a student of this ID, from the last referral and the roster.

    Empty where neither knows it. A guardian whom an order keeps out is nobody's answer.
    """
    found: Answers = {}
    with read(whole.engine) as connection:
        student = student_of_key(connection, caller.organization, local_id)
        if student is None:
            return found
        rostered = roster_answers(connection, whole.identifiers, student.id)
    for referral in release_own_referrals(parts_of(whole), caller, [student.id]).referrals:
        patient = next(_of(referral, "Patient"), None)
        if patient is not None and _local_id(patient) == local_id:
            found = _about(referral, patient) | _school(whole, patient)
    found |= rostered | (_born(str(rostered["birth_date"])) if rostered else {})
    with read(whole.engine) as connection:
        who = (student.id, str(found.get("guardian", "")))
        if is_blocked(connection, whole.identifiers, who, whole.clock.now()):
            found |= NO_GUARDIAN
    return found


def known_referral(whole: HasParts, caller: Caller, number: str, provider: str) -> Answers | None:
    """Return the answers of one referral to a provider (by its name), all but provider and release.

    None: there is no such referral of this district.
    """
    with read(whole.engine) as connection:
        under = {a.id for a in agreements_of(connection, "lea", caller.organization)}
        whose = student_of_number(connection, under, number)
    for referral in release_own_referrals(parts_of(whole), caller, [whose]).referrals:
        request = next(_of(referral, "ServiceRequest"))
        patient = next(_of(referral, "Patient"), None)
        same = referral.provider == provider and request["identifier"][0]["value"] == number
        if same and patient is not None:
            student = _about(referral, patient) | _school(whole, patient)
            return {"local_id": _local_id(patient)} | student | _asked(request)
    return None


def _of(referral: OwnReferral, kind: str) -> Iterator[Mapping[str, Any]]:
    return (each for each in referral.resources if each["resourceType"] == kind)


def _local_id(patient: Mapping[str, Any]) -> str:
    ids = patient.get("identifier", ())
    return next((str(i["value"]) for i in ids if _LOCAL in str(i.get("system"))), "")


def _about(referral: OwnReferral, patient: Mapping[str, Any]) -> Answers:
    name = patient["name"][0]
    names = {"given_name": " ".join(name.get("given", ())), "family_name": name.get("family", "")}
    born = _born(str(patient["birthDate"]))
    person = next(_of(referral, "RelatedPerson"), None)
    return {**names, **born, **_spoken(patient), **(_family(person) if person else {})}


def _born(birth_date: str) -> Answers:
    year, month, day = birth_date.split("-")
    parts = {"birth_date-month": month, "birth_date-day": day, "birth_date-year": year}
    return {"birth_date": birth_date, **parts}


def _school(whole: HasParts, patient: Mapping[str, Any]) -> Answers:
    kept = str(patient.get("managingOrganization", {}).get("reference", "")).partition("/")[2]
    with read(whole.engine) as connection:
        known = organizations(connection).values()
    return next(({"school": o.key.partition("/")[2]} for o in known if o.id == kept), {})


def _spoken(patient: Mapping[str, Any]) -> Answers:
    codes = [
        coding["code"]
        for each in patient.get("communication", ())
        for coding in each["language"].get("coding", ())
    ]
    needed = [e["valueBoolean"] for e in patient.get("extension", ()) if "valueBoolean" in e]
    said = {"interpreter": "yes" if needed[0] else "no"} if needed else {}
    return {**({"home_language": codes[0]} if codes else {}), **said}


def _family(person: Mapping[str, Any]) -> Answers:
    codes = [c["code"] for r in person.get("relationship", ()) for c in r.get("coding", ())]
    phones = [t["value"] for t in person.get("telecom", ()) if t.get("system") == "phone"]
    name = person["name"][0]
    full = name.get("text") or " ".join([*name.get("given", ()), name.get("family", "")])
    relation = {"relationship": codes[0]} if codes else {}
    return {"guardian": full.strip(), "phone": next(iter(phones), ""), **relation}


def _asked(request: Mapping[str, Any]) -> Answers:
    """Return why and how soon; what somebody wrote in their own words is theirs to write again."""
    concerns = [
        coding["code"]
        for each in request.get("reasonCode", ())
        for coding in each.get("coding", ())
        if str(coding.get("system")).endswith(_CONCERNS)
    ]
    return {"concerns": concerns, "urgency": str(request.get("priority", "")), "description": ""}


def whole_pages(answers: Mapping[str, Any], pages: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the pages whose needed questions are all answered."""
    return [page for page, names in pages.items() if all(answers.get(name) for name in names)]
