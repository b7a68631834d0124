"""A provider records a session: an Encounter of a referral it was given."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import Connection

from bridge.errors import Finding, UnprocessableError
from bridge.gate import CompiledAgreement, Seen, Viewer
from bridge.identity import Caller
from bridge.parts import Parts
from bridge.store.directory import organization_id
from bridge.store.intake import NewRecord
from mappings.canonical import Modality
from mappings.fhir.canonicals import ACT_CODE
from mappings.fhir.sessions_in import modalities_of, service_request_id

_PART2 = {"SUD", "ETH", "42CFRPart2", "ETHUD", "OPIOIDUD"}
_SUD = {"SUD", "ETHUD", "OPIOIDUD"}
_PLAIN = {"BH", "MH", "PSY"}
_REFERRAL: Final = "ServiceRequest/"
_LINK: Final = b'"reference":"'
_NESTED = (dict, list)
"""What may hold references; a union of the two would be made anew each time it is asked for."""


class SentSession:
    """An Encounter or Appointment as a provider sent it.

    Attributes:
        kind: the FHIR resource type.
        links: every reference in it, wherever it stands.
        referral: the id of the referral it says it answers; None if it says none.
    """

    __slots__ = ("kind", "links", "referral", "resource")

    def __init__(self, resource: Mapping[str, Any]) -> None:
        self.resource = resource
        self.kind = str(resource["resourceType"])
        self.links = _links_in(resource)
        self.referral = service_request_id(resource)

    def naming(self, kind: str) -> set[str]:
        """Return every reference to a resource of a type."""
        begins = f"{kind}/"
        return {link for link in self.links if link.startswith(begins)}


def _links_in(resource: Mapping[str, Any]) -> frozenset[str]:
    written = orjson.dumps(resource)
    if b"\\" not in written:  # as it is written: nothing in a text can look like one
        _, *after = written.split(_LINK)
        return frozenset([each[: each.index(b'"')].decode() for each in after])
    found, waiting = set[str](), list[Any]([resource])
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if isinstance(link := node.get("reference"), str):
                found.add(link)
            node = node.values()
        waiting += [inner for inner in node if isinstance(inner, _NESTED)]
    return frozenset(found)


def session_id_of(parts: Parts, caller: Caller, resource: Mapping[str, Any]) -> str:
    """Return the id a session gets: of its author and the author's own identifier alone.

    Raises:
        UnprocessableError: it has no identifier.
    """
    issue = parts.identifiers.issuer("session", caller.organization)
    return issue(str(resource["resourceType"]), session_key(resource))


def session_key(resource: Mapping[str, Any]) -> str:
    """Return the provider's own identifier of a session: system and value of the first one.

    Raises:
        UnprocessableError: there is none, so a repeat could not be told from a new session.
    """
    for identifier in resource.get("identifier", ()):
        if identifier.get("system") and identifier.get("value"):
            return f"{identifier['system']}|{identifier['value']}"
    text = "Give the session's identifier (system and value) in your own system."
    raise UnprocessableError(Finding("required", text, f"{resource['resourceType']}.identifier"))


def referrals_named(sent: SentSession) -> Iterator[str]:
    """Yield the ids of the referrals a session names, wherever it does."""
    if sent.referral is not None:
        yield sent.referral
    for reference in sent.links:
        if reference.startswith(_REFERRAL):
            yield reference[len(_REFERRAL) :]


def request_of(sent: SentSession, known: Mapping[str, Seen]) -> Seen:
    """Find the referral a session answers, among those the caller may read.

    Raises:
        UnprocessableError: none is named, or the one named is not here for this caller; or the
            session is of someone else than the referral.
    """
    path = f"{sent.kind}.basedOn"
    if sent.referral is None:
        raise UnprocessableError(Finding("required", "Name the referral it answers.", path))
    seen = known.get(sent.referral)
    if seen is None:
        raise UnprocessableError(Finding("not-found", "There is no such referral.", path))
    _of_this_student(sent, seen, known)
    return seen


def _of_this_student(sent: SentSession, referral: Seen, known: Mapping[str, Seen]) -> None:
    """Refuse what is of, or names, anybody else than the student who was referred.

    INVARIANT: a session is decided on one student's consents. Whoever else it named would be told
    of to whoever may be told of that student.

    Raises:
        UnprocessableError: another student, or a referral of another one.
    """
    student = referral.content["subject"]["reference"]
    if sent.kind == "Encounter" and sent.resource.get("subject", {}).get("reference") != student:
        text = "The session must be of the student who was referred."
        raise UnprocessableError(Finding("business-rule", text, "Encounter.subject"))
    if sent.links <= {student, f"{_REFERRAL}{referral.id}"}:  # as nearly all name
        return
    if sent.naming("Patient") - {student}:
        raise UnprocessableError(names_another(sent.kind))
    for reference in sent.naming("ServiceRequest") - {f"{_REFERRAL}{referral.id}"}:
        other = known.get(reference.partition("/")[2])
        if other is None or other.student_id != referral.student_id:
            text = "There is no such referral of this student."
            raise UnprocessableError(Finding("not-found", text, f"{sent.kind}.basedOn"))


def names_another(kind: str) -> Finding:
    """Say that a session names a student it is not of."""
    text = "Name only the student who was referred; record a session for each student."
    return Finding("business-rule", text, kind)


@dataclass(frozen=True, slots=True)
class Author:
    """Who records sessions: the organisation, its resource, and the agreements that bind it."""

    organization: str
    resource_id: str
    agreements: tuple[CompiledAgreement, ...]


def author_of(connection: Connection, viewer: Viewer) -> Author:
    """Return who is signed in as the author of sessions."""
    own = organization_id(connection, viewer.organization)
    return Author(viewer.organization, own, viewer.agreements)


def session_record(author: Author, sent: SentSession, request: Seen, session_id: str) -> NewRecord:
    """Return the record a session becomes: the author is who is signed in, not who it says."""
    agreement = next(a for a in author.agreements if a.id == request.agreement_id)
    content = {k: v for k, v in sent.resource.items() if k not in ("text", "contained")}
    # The author is who is signed in, whatever the resource claims.
    content |= {"id": session_id}
    element = coded_element(sent.resource, agreement)
    if element == "sud.row":
        content["meta"] = _labelled(content.get("meta", {}))
    if sent.kind == "Encounter":
        content["serviceProvider"] = {"reference": f"Organization/{author.resource_id}"}
    return NewRecord(
        resource=content,
        custodian=author.organization,
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
    found = modalities_of(resource)
    return not found or not {Modality.INDIVIDUAL, Modality.INTAKE}.issuperset(found)
