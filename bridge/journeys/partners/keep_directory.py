"""A party keeps its own entries of the directory: services and their capacity, places, staff roles.

An entry is public to the parties of an agreement and speaks of nobody but who works there, so what
may stand in it is a closed list of paths (``consent/projection``, the rows of these types) and free
text about capacity is not taken: a partner reads it before it refers, with no decision in between.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlalchemy import Connection

from bridge.errors import ConflictError, Finding, ForbiddenError, NotFoundError, UnprocessableError
from bridge.gate import Gate, ReleasedResource, keep_views
from bridge.gate.authorise import DIRECTORY_TYPES
from bridge.identity import Caller
from bridge.journeys.answers.sent_change import SentChange, checked, same_version
from bridge.parts import Parts
from bridge.store.directory import organizations
from bridge.store.intake import NewRecord, custodian_of, put_records, replace, take_turn
from consent.minimise import load_projection, minimise
from mappings.fhir.healthcare_service import broken_capacity

OWNERS: Final[Mapping[str, str]] = {
    "HealthcareService": "providedBy",
    "Location": "managingOrganization",
    "PractitionerRole": "organization",
}
"""The element that says whose entry it is: the party itself, or one of its sites."""


def new_entry(
    connection: Connection,
    of: tuple[Parts, Gate],
    caller: Caller,
    resource: Mapping[str, Any],
    repeat: str | None = None,
) -> tuple[ReleasedResource, bool]:
    """Check and keep a new entry of the caller's organisation; returns it and whether it is new.

    Raises:
        ForbiddenError: the caller is of no party that keeps entries.
        UnprocessableError: a rule of the content is broken, or it has no identifier.
        ConflictError: an entry with this identifier is there already.
    """
    parts, gate = of
    if caller.party not in ("provider", "lea"):
        raise ForbiddenError
    kind, key = str(resource.get("resourceType")), _key(resource)
    entry_id = parts.identifiers.issue("directory", caller.organization, kind, key)
    take_turn(connection)
    entry = _entry(connection, caller, {**resource, "id": entry_id})
    record = NewRecord(
        resource=entry,
        custodian=caller.organization,
        sender_role=str(caller.party),
        audience="",
        agreement_id="",
        source_key=f"{kind}:{key}",
    )
    put = put_records(connection, [record], parts.clock.now())
    if put.different or (put.unchanged and repeat != key):
        raise ConflictError(409, "An entry with this identifier is here already.")
    released = gate.read_within(connection, caller, kind, entry_id)
    if released is None:
        raise ConflictError(409, "The entry could not be kept.")
    return released, bool(put.new)


def change_entry(
    connection: Connection, of: tuple[Parts, Gate], caller: Caller, change: SentChange
) -> ReleasedResource:
    """Check and keep a changed entry, and release it as it now is.

    Raises:
        NotFoundError: no such entry that the caller may see.
        ForbiddenError: it is another party's.
        ConflictError: 428 without If-Match, 412 when it has changed since.
        UnprocessableError: a rule of the content is broken.
    """
    parts, gate = of
    take_turn(connection)
    key = (change.kind, change.record_id)
    seen = gate.see(connection, caller, *key)
    if seen is None:
        raise NotFoundError
    if custodian_of(connection, *key) != caller.organization:
        raise ForbiddenError
    same_version(seen, change.if_match)
    if (change.resource.get("resourceType"), change.resource.get("id")) != key:
        text = f"The resource in the body must be this {change.kind}."
        raise UnprocessableError(Finding("invalid", text, f"{change.kind}.id"))
    record = NewRecord(
        resource=_entry(connection, caller, change.resource),
        custodian=caller.organization,
        sender_role=str(caller.party),
        audience="",
        agreement_id="",
        source_key="",
    )
    replace(connection, record, parts.clock.now())
    keep_views(connection, parts, [key])
    released = gate.read_within(connection, caller, *key)
    if released is None:
        raise NotFoundError
    return released


def _key(resource: Mapping[str, Any]) -> str:
    for identifier in resource.get("identifier", ()):
        if identifier.get("system") and identifier.get("value"):
            return f"{identifier['system']}|{identifier['value']}"
    kind = resource.get("resourceType")
    text = "Give the entry's identifier (system and value) in your own system."
    raise UnprocessableError(Finding("required", text, f"{kind}.identifier"))


def _entry(connection: Connection, caller: Caller, resource: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry as it is kept.

    Raises:
        UnprocessableError: an element that is not kept, or that names another party's entry.
    """
    kind = str(resource["resourceType"])
    content = {name: value for name, value in resource.items() if name not in ("meta", "text")}
    checked(content)
    known = {each.key: each.id for each in organizations(connection).values()}
    own = {i for k, i in known.items() if k.partition("/")[0] == caller.organization}
    if kind in OWNERS:
        whose = {"reference": f"Organization/{known[caller.organization]}"}
        content.setdefault(OWNERS[kind], whose)
    kept = minimise(content, (), load_projection("to-provider"))
    findings = [Finding(i.code, i.text, i.path) for i in broken_capacity(content)]
    findings += _beyond(content, kept or {})
    findings += _foreign(connection, caller, content, own)
    if findings:
        raise UnprocessableError(*findings)
    return content


def _beyond(content: Mapping[str, Any], kept: Mapping[str, Any]) -> Iterator[Finding]:
    """Find what the closed list of paths does not have."""
    kind = content["resourceType"]
    for name, value in content.items():
        if kept.get(name) != value:
            text = "This, or a part of it, is not kept in the directory; leave it out."
            yield Finding("not-supported", text, f"{kind}.{name}")


def _foreign(
    connection: Connection, caller: Caller, content: Mapping[str, Any], own: set[str]
) -> Iterator[Finding]:
    """Find references to what is not the party's own."""
    kind = content["resourceType"]
    for name, value in content.items():
        for link in value if isinstance(value, list) else [value]:
            target = link.get("reference") if isinstance(link, Mapping) else None
            if isinstance(target, str) and not _is_own(connection, caller, target, own):
                text = "This refers to what is not an entry of your organisation."
                yield Finding("not-found", text, f"{kind}.{name}")


def _is_own(connection: Connection, caller: Caller, target: str, own: set[str]) -> bool:
    kind, _, target_id = target.partition("/")
    if kind == "Organization":
        return target_id in own
    return (
        kind in DIRECTORY_TYPES and custodian_of(connection, kind, target_id) == caller.organization
    )
