"""Create, update, patch: what a party may write, as a request or as an entry of a batch."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from bridge.api.negotiation import JSON_TYPES, PATCH_TYPE, preferences, require_type
from bridge.api.offered import DIRECTORY
from bridge.api.patches import patched
from bridge.api.reading import parsed, parsed_any, relative
from bridge.api.replies import Reply, written_reply
from bridge.context import Call, Transaction
from bridge.errors import BadRequestError, Finding, NotFoundError
from bridge.gate import Gate, ReleasedResource, Seen
from bridge.identity import Caller
from bridge.journeys.answers.answer_referral import TaskAnswer, answer_within
from bridge.journeys.answers.change_session import change_session
from bridge.journeys.answers.record_sessions import (
    Draft,
    drafted,
    record_drafts,
    record_within,
    refused_at,
)
from bridge.journeys.answers.sent_change import SentChange
from bridge.journeys.partners.keep_directory import change_entry, new_entry
from bridge.journeys.referrals.order_onward import order_onward
from bridge.journeys.referrals.request_stop import request_stop
from bridge.parts import Parts, parts_of
from bridge.store.database.engine import write
from bridge.store.database.group_commit import commit_together

T = TypeVar("T")
Journey = Callable[
    [Transaction, tuple[Parts, Gate], Caller, Mapping[str, Any], str | None],
    tuple[ReleasedResource, bool],
]
"""What keeps a new resource; returns it as it leaves, and whether it is new."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A resource as it was sent, and the headers that say how it is meant."""

    kind: str
    record_id: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    resource: object = field(default=None, repr=False)

    def parsed(self) -> dict[str, Any]:
        """Return the resource.

        Raises:
            BadRequestError: there is none.
        """
        return dict(self.resource) if isinstance(self.resource, dict) else parsed(self.body)


@contextmanager
def writing(call: Call) -> Iterator[Transaction]:
    """Give the transaction a call is part of, or one of its own."""
    if call.within is not None:
        yield call.within
        return
    with write(call.bridge.engine) as connection:
        yield connection


def committed(call: Call, work: Callable[[Transaction], T]) -> T:
    """Do work in the transaction a call is part of, or in one of its own.

    Its own waits for the disk together with others; another thread may do the work.
    """
    if call.within is not None:
        return work(call.within)
    return commit_together(call.bridge.engine, work)


def create(call: Call, sent: Sent) -> Reply:
    """Create a resource: a session, an entry of the directory, what is said of a referral.

    Raises:
        RefusedError: the scope, the content or the party does not allow it.
    """
    resource, repeat = _new(call, sent)
    parts, gate, caller = parts_of(call.bridge), call.bridge.gate, creating(call, sent.kind)

    def kept(connection: Transaction) -> tuple[ReleasedResource, bool]:
        journey = _journey(caller, sent.kind)
        return journey(connection, (parts, gate), caller, resource, repeat)

    released, new = committed(call, kept)
    return _reply(call, sent, released, 201 if new else 200)


def _journey(caller: Caller, kind: str) -> Journey:
    if kind == "ServiceRequest" or (kind == "Task" and caller.party == "provider"):
        return order_onward
    if kind == "Task":
        return request_stop
    return new_entry if kind in DIRECTORY else record_within


def create_sessions(call: Call, sent: Sequence[Sent]) -> list[Reply]:
    """Create sessions of one type, together what :func:`create` does for each.

    Raises:
        SessionRefused: the first that is refused, and why.
    """
    of, caller = (parts_of(call.bridge), call.bridge.gate), creating(call, sent[0].kind)
    drafts = drafts_of(call, sent)
    recorded = committed(call, lambda c: record_drafts(c, of, caller, drafts))
    return created(call, sent, recorded)


def creating(call: Call, kind: str) -> Caller:
    """Return who calls, as who creates resources of a type."""
    return replace(call.caller, doing=(kind, "create"))


def drafts_of(call: Call, sent: Sequence[Sent]) -> list[Draft]:
    """Check what sessions say by themselves; nothing is looked up.

    Raises:
        SessionRefused: the first that is refused, and why.
    """
    parts, drafts, allowed = parts_of(call.bridge), list[Draft](), set[str]()
    for n, each in enumerate(sent):
        with refused_at(n):
            if each.kind not in allowed:  # asked once of each type
                call.require(each.kind, "create")
                allowed.add(each.kind)
            drafts.append(drafted(parts, call.caller, *_read(call, each)))
    return drafts


def created(
    call: Call, sent: Sequence[Sent], recorded: Sequence[tuple[ReleasedResource, bool]]
) -> list[Reply]:
    """Answer creates of sessions with what was kept."""
    return [
        _reply(call, each, released, 201 if new else 200)
        for each, (released, new) in zip(sent, recorded, strict=True)
    ]


def _new(call: Call, sent: Sent) -> tuple[dict[str, Any], str | None]:
    """Return what is to be created, and If-None-Exist."""
    call.require(sent.kind, "create")
    return _read(call, sent)


def _read(call: Call, sent: Sent) -> tuple[dict[str, Any], str | None]:
    require_type(sent.headers.get("content-type"), *JSON_TYPES)
    resource = relative(sent.parsed(), call.bridge.settings.fhir_base)
    if resource.get("resourceType") != sent.kind:
        text = "The resource in the body is of another type than the address."
        raise BadRequestError(Finding("invalid", text, sent.kind))
    return resource, _repeat(sent.headers.get("if-none-exist"))


def update(call: Call, sent: Sent, *, patch: bool) -> Reply:
    """Change a resource, whole or by a patch of what the caller was shown of it.

    Raises:
        RefusedError: the scope, the version, the content or the party does not allow it.
    """
    call.require(sent.kind, "patch" if patch else "update")
    allowed = (PATCH_TYPE,) if patch else JSON_TYPES
    require_type(sent.headers.get("content-type"), *allowed)
    body = parsed_any(sent.body) if patch else sent.parsed()

    def changed(connection: Transaction) -> ReleasedResource:
        if patch:
            resource = patched(_seen(connection, call, sent).content, body)
        else:
            resource = dict(body) if isinstance(body, dict) else {}
        resource = relative(resource, call.bridge.settings.fhir_base)
        return _changed(connection, call, sent, resource)

    return _reply(call, sent, committed(call, changed), 200)


def _seen(connection: Transaction, call: Call, sent: Sent) -> Seen:
    seen: Seen | None = call.bridge.gate.see(
        connection, _doing(call, sent, "update"), sent.kind, sent.record_id
    )
    if seen is None:
        raise NotFoundError
    return seen


def _changed(
    connection: Transaction, call: Call, sent: Sent, resource: dict[str, Any]
) -> ReleasedResource:
    parts, gate, caller = parts_of(call.bridge), call.bridge.gate, _doing(call, sent, "update")
    if_match = sent.headers.get("if-match")
    if sent.kind == "Task":
        answer = TaskAnswer(sent.record_id, resource, if_match)
        return answer_within(connection, (parts, gate), caller, answer)
    change = SentChange(sent.kind, sent.record_id, resource, if_match)
    journey = change_entry if sent.kind in DIRECTORY else change_session
    return journey(connection, (parts, gate), caller, change)


def _doing(call: Call, sent: Sent, interaction: str) -> Caller:
    """Return the caller as who writes: what it writes to is within its scopes for that."""
    return replace(call.caller, doing=(sent.kind, interaction))


def _reply(call: Call, sent: Sent, released: ReleasedResource, status: int) -> Reply:
    wanted = preferences(sent.headers.get("prefer")).returns
    return written_reply(released, call.bridge.settings.fhir_base, status, wanted)


def _repeat(written: str | None) -> str | None:
    """Read If-None-Exist: only the identifier of the resource itself is understood."""
    if written is None:
        return None
    name, _, value = written.partition("=")
    if name != "identifier" or "|" not in value or "&" in value:
        text = "If-None-Exist understands identifier=system|value."
        raise BadRequestError(Finding("not-supported", text))
    return value
