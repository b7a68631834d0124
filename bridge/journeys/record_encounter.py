"""A provider records a session: an Encounter of a referral it was given."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from bridge.errors import ConflictError, Finding, ForbiddenError, UnprocessableError
from bridge.gate import CompiledAgreement, Gate, ReleasedResource, Seen, agreements_of
from bridge.identity import Caller
from bridge.journeys.count_sessions import count_sessions
from bridge.journeys.record_care_consent import record_care_consent
from bridge.journeys.sent_change import checked
from bridge.parts import Parts
from bridge.store.directory import organizations
from bridge.store.engine import write
from bridge.store.intake import NewRecord, put_records, take_turn
from mappings.canonical import Modality
from mappings.fhir.canonicals import ACT_CODE
from mappings.fhir.sessions_in import modalities_of, service_request_id

_PART2 = {"SUD", "ETH", "42CFRPart2", "ETHUD", "OPIOIDUD"}
_SUD = {"SUD", "ETHUD", "OPIOIDUD"}
_PLAIN = {"BH", "MH", "PSY"}


@dataclass(frozen=True, slots=True)
class SentSession:
    """An Encounter or Appointment as a provider sent it."""

    resource: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """The FHIR resource type."""
        return str(self.resource["resourceType"])

    @property
    def key(self) -> str:
        """The provider's own identifier of the session: system and value of the first one.

        Raises:
            UnprocessableError: there is none, so a repeat could not be told from a new session.
        """
        for identifier in self.resource.get("identifier", ()):
            if identifier.get("system") and identifier.get("value"):
                return f"{identifier['system']}|{identifier['value']}"
        text = "Give the session's identifier (system and value) in your own system."
        raise UnprocessableError(Finding("required", text, f"{self.kind}.identifier"))


def record_encounter(
    parts: Parts, gate: Gate, caller: Caller, resource: Mapping[str, Any], repeat: str | None
) -> tuple[ReleasedResource, bool]:
    """Do :func:`record_within` in a transaction of its own."""
    with write(parts.engine) as connection:
        return record_within(connection, (parts, gate), caller, resource, repeat)


def session_id_of(parts: Parts, caller: Caller, resource: Mapping[str, Any]) -> str:
    """Return the id a session gets: of its author and the author's own identifier alone.

    Raises:
        UnprocessableError: it has no identifier.
    """
    sent = SentSession(resource)
    return parts.identifiers.issue("session", caller.organization, sent.kind, sent.key)


def record_within(
    connection: Connection,
    of: tuple[Parts, Gate],
    caller: Caller,
    resource: Mapping[str, Any],
    repeat: str | None,
) -> tuple[ReleasedResource, bool]:
    """Check and keep a session; returns it as released and whether it is new.

    Args:
        connection: a write transaction that the caller commits.
        of: the bridge's parts, and the gate that releases the stored session back to its author.
        caller: the provider's client.
        resource: the Encounter as sent.
        repeat: ``system|value`` of If-None-Exist, which makes sending it again harmless.

    Raises:
        UnprocessableError: a rule of the content is broken, or it refers to what is not here.
        ConflictError: the identifier is already used by another session.
        ForbiddenError: the caller's scopes do not reach such a session.
    """
    parts, gate = of
    checked(resource)
    sent = SentSession(resource)
    session_id = session_id_of(parts, caller, resource)
    take_turn(connection)
    request = request_of(connection, gate, caller, sent)
    record = session_record(connection, (caller, sent, request), session_id)
    put = put_records(connection, [record], parts.clock.now())
    if put.different or (put.unchanged and repeat != sent.key):
        raise ConflictError(409, "A session with this identifier is here already.")
    if put.new:
        count_sessions(connection, parts, caller.organization, request.student_id)
        about = gate.see(connection, caller, sent.kind, session_id)
        if about is not None:
            record_care_consent(connection, parts, about, resource)
    released = gate.read_within(connection, caller, sent.kind, session_id)
    if released is None:  # out of reach of the scopes it came with: it is not kept
        raise ForbiddenError
    return released, bool(put.new)


def request_of(connection: Connection, gate: Gate, caller: Caller, sent: SentSession) -> Seen:
    """Find the referral a session answers, among those the caller may read.

    Raises:
        UnprocessableError: none is named, or the one named is not here for this caller; or the
            session is of someone else than the referral.
    """
    path = f"{sent.kind}.basedOn"
    request_id = service_request_id(dict(sent.resource))
    if request_id is None:
        raise UnprocessableError(Finding("required", "Name the referral it answers.", path))
    seen = gate.see(connection, caller, "ServiceRequest", request_id)
    if seen is None:
        raise UnprocessableError(Finding("not-found", "There is no such referral.", path))
    _of_this_student(connection, (gate, caller), sent, seen)
    return seen


def _of_this_student(
    connection: Connection, of: tuple[Gate, Caller], sent: SentSession, referral: Seen
) -> None:
    """Refuse what is of, or names, anybody else than the student who was referred.

    INVARIANT: a session is decided on one student's consents. Whoever else it named would be told
    of to whoever may be told of that student.

    Raises:
        UnprocessableError: another student, or a referral of another one.
    """
    gate, caller = of
    student = referral.content["subject"]["reference"]
    if sent.kind == "Encounter" and sent.resource.get("subject", {}).get("reference") != student:
        text = "The session must be of the student who was referred."
        raise UnprocessableError(Finding("business-rule", text, "Encounter.subject"))
    if named(sent.resource, "Patient") - {student}:
        raise UnprocessableError(names_another(sent.kind))
    for reference in named(sent.resource, "ServiceRequest") - {f"ServiceRequest/{referral.id}"}:
        other = gate.see(connection, caller, "ServiceRequest", reference.partition("/")[2])
        if other is None or other.student_id != referral.student_id:
            text = "There is no such referral of this student."
            raise UnprocessableError(Finding("not-found", text, f"{sent.kind}.basedOn"))


def named(node: object, kind: str) -> set[str]:
    """Return every reference to a resource of a type, wherever it stands."""
    if isinstance(node, list):
        return set().union(*(named(item, kind) for item in node))
    if not isinstance(node, Mapping):
        return set()
    found = set().union(*(named(item, kind) for item in node.values()))
    link = node.get("reference")
    if isinstance(link, str) and link.startswith(f"{kind}/"):
        found.add(link)
    return found


def names_another(kind: str) -> Finding:
    """Say that a session names a student it is not of."""
    text = "Name only the student who was referred; record a session for each student."
    return Finding("business-rule", text, kind)


def session_record(
    connection: Connection,
    of: tuple[Caller, SentSession, Seen],
    session_id: str,
) -> NewRecord:
    """Return the record a session becomes: the author is who is signed in, not who it says."""
    caller, sent, request = of
    bound = agreements_of(connection, caller.party, caller.organization)
    agreement = next(a for a in bound if a.id == request.agreement_id)
    own = organizations(connection)[caller.organization].id
    content = {k: v for k, v in sent.resource.items() if k not in ("text", "contained")}
    # The author is who is signed in, whatever the resource claims.
    content |= {"id": session_id}
    element = coded_element(sent.resource, agreement)
    if element == "sud.row":
        content["meta"] = _labelled(content.get("meta", {}))
    if sent.kind == "Encounter":
        content["serviceProvider"] = {"reference": f"Organization/{own}"}
    return NewRecord(
        resource=content,
        custodian=caller.organization,
        sender_role="provider",
        audience=agreement.entry.lea,
        agreement_id=agreement.id,
        source_key=session_id,
        student_id=request.student_id,
        referral_id=request.id,
        element=element,
        third_party=speaks_of_others(sent.resource),
    )


def _labelled(meta: Mapping[str, Any]) -> dict[str, Any]:
    """Label what is counted as Part 2 so, that whoever reads it treats it alike.

    The views know it by the codes of :data:`_SUD`; another code of Part 2 gets one beside it.
    """
    labels = list(meta.get("security", ()))
    if not any(label.get("code") in _SUD for label in labels):
        labels.append({"system": ACT_CODE, "code": "SUD"})
    return {**meta, "security": labels}


def coded_element(resource: Mapping[str, Any], agreement: CompiledAgreement) -> str:
    """Return which element a session's coded row is: ``sud.row`` under 42 CFR Part 2.

    A provider with a Part 2 programme must say which of its sessions are not part of it: without a
    label that says so, the more protected kind is assumed.
    """
    labels = {label.get("code") for label in resource.get("meta", {}).get("security", ())}
    if labels & _PART2:
        return "sud.row"
    provider = agreement.agreement.parties["provider"]
    return "sud.row" if provider.part2_program and not labels & _PLAIN else "enc.row"


def speaks_of_others(resource: Mapping[str, Any]) -> bool:
    """Return whether a session by its kind is about more than one person.

    The facts table counts family and group sessions so; a session that does not say what it was
    counts with them, and one whose codes do not agree.
    """
    found = modalities_of(dict(resource))
    return not found or not {Modality.INDIVIDUAL, Modality.INTAKE}.issuperset(found)
