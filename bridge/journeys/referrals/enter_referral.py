"""A school enters a referral by hand: what would leave is rehearsed, then it is sent once.

INVARIANT: the rehearsal is the sending itself, undone: the same rows, the same decision as the
gate's (:mod:`bridge.gate.people.foreseen`; nothing that is undone may be remembered), and no entry
in the ledger, since nothing leaves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection

from bridge.gate import agreements_of, foreseen
from bridge.identity import Caller, Party, Standing, read_scopes
from bridge.journeys.files.held_rows import HeldRow
from bridge.journeys.files.import_referrals import ReferralImport
from bridge.journeys.referrals.keep_drafts import Draft, draft_of, keep_draft
from bridge.journeys.referrals.own_follow_up import take_new
from bridge.journeys.referrals.withdraw_referral import OwnNumber
from bridge.journeys.referrals.work_list import HasGate, district_calendar
from bridge.journeys.referrals.write_note import NewNote, write_note
from bridge.parts import Parts, parts_of
from bridge.store.database.engine import read, write
from bridge.store.directory import OrganizationEntry, organizations
from bridge.store.people.notes import INTERNAL
from mappings.canonical import Coded, Guardian, Referral, Release, SourceRow, Student
from mappings.language import Mapped

KIND: Final = "referral"
# The answer that the guardian who was named is who signed.
BY_GUARDIAN: Final = "by_guardian"
_SIGNER: Final = ("signer", "signer_relationship")
_STATEMENTS: Final = ("condition", "redisclosure", "revoke")
_READS: Final = read_scopes("system/*.rs")
_ROLES: Final = {"counselor": "counsellor", "nurse": "nurse", "social_worker": "social-worker"}


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What would come of sending.

    Attributes:
        sent: what the provider could read at once, by the gate's decision.
        problems: why the referral could not be taken at all.
    """

    sent: tuple[Mapping[str, Any], ...] = field(repr=False)
    problems: tuple[str, ...] = ()


def providers_of(parts: Parts, lea: str) -> list[OrganizationEntry]:
    """Return the providers a district has an agreement with."""
    with read(parts.engine) as connection:
        known = organizations(connection)
        keys = {each.entry.provider for each in agreements_of(connection, Party.LEA, lea)}
    return [known[key] for key in sorted(keys)]


def sites_of(parts: Parts, lea: str) -> list[tuple[str, str]]:
    """Return key and name of each school of a district."""
    with read(parts.engine) as connection:
        known = organizations(connection).values()
    return [(o.key.partition("/")[2], o.name) for o in known if o.parent == lea]


def referral_of(parts: Parts, caller: Caller, draft: Draft) -> Referral:
    """Return the referral a whole draft says, under the number it will have."""
    said = draft.values
    number = number_of(parts, caller, draft.id)
    role = _ROLES.get(caller.role)
    return Referral(
        number,
        date.fromisoformat(said["authored_on"]),
        _student(said),
        Coded(said["urgency"], said["urgency"]),
        tuple(Coded(code, code) for code in said["concerns"]),
        SourceRow("portal", "portal", 1, number),
        description=said["description"] or None,
        referrer_role=Coded(role, caller.role) if role else None,
        guardian=Guardian(said["guardian"], _relation(said["relationship"]), said["phone"] or None),
        releases=_releases(said),
    )


def number_of(parts: Parts, caller: Caller, draft_id: str) -> str:
    """Return a draft's referral number: of one draft always the same, so it is sent once."""
    return (
        f"P-{parts.identifiers.seal('referral number', caller.organization, draft_id)[:10].upper()}"
    )


def rehearse(parts: Parts, caller: Caller, draft: Draft) -> Rehearsal:
    """Return what would leave if a draft were sent now; nothing is sent and nothing stays."""
    row = Mapped(made := referral_of(parts, caller, draft), made.origin.row)
    lea, provider = caller.organization, draft.values["provider"]
    with write(parts.engine) as connection:
        report = ReferralImport(parts, lea, provider, undone=True).run_within(connection, [row])
        seen = Rehearsal((), _texts(report.held))
        if not report.held:
            request = parts.identifiers.issue(lea, provider, "ServiceRequest", made.number)
            seen = Rehearsal(_seen(parts, connection, provider, request))
        # All of it, and not back to a savepoint: what is then committed waits for the disk although
        # nothing of it stays.
        connection.rollback()
    return seen


def _seen(
    parts: Parts, connection: Connection, provider: str, request: str
) -> tuple[dict[str, Any], ...]:
    """Return what any role of a provider may read of a referral and what it shares."""
    callers = []
    for role in _provider_roles(connection, provider):
        standing = Standing(Party.PROVIDER, provider, "", role, ("refer",), _READS)
        callers.append(Caller(f"rehearsal:{provider}", standing))
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for seen in foreseen(connection, parts, callers, request):
        found.setdefault((seen.type, seen.id), {}).update(seen.content)
    return tuple(found.values())


def _provider_roles(connection: Connection, provider: str) -> list[str]:
    agreements = agreements_of(connection, Party.PROVIDER, provider)
    return sorted({s for each in agreements for s in each.template.roles[Party.PROVIDER].staff})


def send(
    whole: HasGate, caller: Caller, draft: Draft, note: str = ""
) -> tuple[str, tuple[str, ...]]:
    """Send a draft, which whoever sends it follows up on; sending it again changes nothing.

    ``note`` is kept beside the referral as an internal one of the school.

    Returns:
        The referral's number and why it could not be taken: one of them is empty.
    """
    parts = parts_of(whole)
    known = draft_of(parts, caller, KIND, draft.id)
    if known is not None and known.became:
        return known.became, ()
    row = Mapped(made := referral_of(parts, caller, draft), made.origin.row)
    report = ReferralImport(parts, caller.organization, draft.values["provider"]).run([row])
    if report.held:
        return "", _texts(report.held)
    own = OwnNumber(caller.organization, draft.values["provider"], made.number)
    take_new(parts, caller, own)
    if note:
        write_note(parts, caller, own, NewNote(draft.id, INTERNAL, note))
    keep_draft(parts, caller, replace(draft, became=made.number))
    return made.number, ()


def next_step(whole: HasGate, calendars: Path, lea: str, *, signed: bool) -> date:
    """Return the day on which somebody should look again: for an answer, or for the signature."""
    calendar = district_calendar(whole, lea, calendars)
    today = calendar.today(whole.clock.now())
    return calendar.after(today, 2, "business") if signed else calendar.after(today, 5, "school")


def _texts(held: Sequence[HeldRow]) -> tuple[str, ...]:
    return tuple(text for row in held for text in row.texts)


def _student(said: Mapping[str, Any]) -> Student:
    language = said["home_language"]
    return Student(
        said["local_id"],
        said["family_name"],
        said["given_name"],
        date.fromisoformat(said["birth_date"]),
        school=said["school"] or None,
        home_language=Coded(language, language) if language else None,
        interpreter_needed=said["interpreter"] == "yes",
    )


def _relation(code: str) -> Coded | None:
    return Coded(code, code) if code else None


def _releases(said: Mapping[str, Any]) -> tuple[Release, ...]:
    """Return the district's two forms, as they were answered."""
    answer = "signed" if said["signed"] == "yes" else "pending"
    form = Release("education", answer)
    back = Release("health", "signed" if said["back"] == ["yes"] else "pending")
    if answer == "pending":
        return (form, replace(back, answer="pending"))
    names = ("guardian", "relationship") if said.get(BY_GUARDIAN) else _SIGNER
    signer, relationship = (said[name] for name in names)
    signed = replace(
        form,
        signer=signer,
        signer_relationship=_relation(relationship),
        signed_on=date.fromisoformat(said["signed_on"]),
        expires_on=date.fromisoformat(said["expires_on"]) if said["expires_on"] else None,
        elements=("referral",),
        purpose="refer",
        recipient="provider",
        discloser="lea",
        statements=_STATEMENTS,
    )
    if back.answer == "pending":
        return (signed, back)
    told = replace(signed, form="health", elements=("status",), purpose="follow")
    return (signed, replace(told, recipient="lea", discloser="provider"))
