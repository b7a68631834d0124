"""Sessions a provider sends, kept together: what they share is looked up once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from bridge.errors import ConflictError, ForbiddenError, RefusedError
from bridge.gate import Asking, Gate, ReleasedResource, Seen, Written
from bridge.identity import Caller
from bridge.journeys.answers.count_sessions import count_sessions
from bridge.journeys.answers.record_care_consent import SaidOf, record_care_consent
from bridge.journeys.answers.record_encounter import (
    Author,
    SentSession,
    author_of,
    referrals_named,
    request_of,
    session_id_of,
    session_key,
    session_record,
)
from bridge.journeys.answers.sent_change import checked
from bridge.parts import Parts
from bridge.store.facts.evidence import lock_students
from bridge.store.intake import NewRecord, PutReport, put_records, take_turn


@dataclass(frozen=True, slots=True)
class Draft:
    """A session that is sound by itself; what it refers to was not looked at yet.

    Attributes:
        repeat: ``system|value`` of If-None-Exist, which makes sending it again harmless.
    """

    sent: SentSession
    id: str
    repeat: str | None


class SessionRefused(Exception):  # noqa: N818 - reads as what happened
    """One of several sessions is refused: which of them, and why. Nothing is to be kept."""

    def __init__(self, at: int, error: RefusedError) -> None:
        self.at, self.error = at, error
        super().__init__(at)


class refused_at:  # noqa: N801 - a context, made for each session of many: no generator
    """Say of what is refused inside which session it was.

    Raises:
        SessionRefused: it was refused.
    """

    __slots__ = ("_at",)

    def __init__(self, at: int) -> None:
        self._at = at

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: object
    ) -> None:
        """Raise what was refused as of its session."""
        if isinstance(error, RefusedError):
            raise SessionRefused(self._at, error) from None


def drafted(parts: Parts, caller: Caller, resource: Mapping[str, Any], repeat: str | None) -> Draft:
    """Check what a session says by itself.

    Raises:
        UnprocessableError: a rule of the content is broken, or it has no identifier.
    """
    checked(resource)
    return Draft(SentSession(resource), session_id_of(parts, caller, resource), repeat)


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
        repeat: as of :class:`Draft`.

    Raises:
        UnprocessableError: a rule of the content is broken, or it refers to what is not here.
        ConflictError: the identifier is already used by another session.
        ForbiddenError: the caller's scopes do not reach such a session.
    """
    draft = drafted(of[0], caller, resource, repeat)
    try:
        (recorded,) = record_drafts(connection, of, caller, [draft])
    except SessionRefused as refused:
        raise refused.error from None
    return recorded


def record_drafts(
    connection: Connection, of: tuple[Parts, Gate], caller: Caller, drafts: Sequence[Draft]
) -> list[tuple[ReleasedResource, bool]]:
    """Keep sessions of one type; returns each as released and whether it is new.

    What they share (the caller, the agreements, the lock, one look at the referrals, one release)
    is done once. Of several with one identifier each is a repeat of the one before it.

    Raises:
        SessionRefused: of what :func:`record_within` raises, for the first that is refused.
    """
    take_turn(connection)
    recorded: dict[int, tuple[ReleasedResource, bool]] = {}
    for some in _rounds(drafts):
        kept = _recorded(connection, of, caller, [(n, drafts[n]) for n in some])
        recorded |= dict(zip(some, kept, strict=True))
    return [recorded[n] for n in range(len(drafts))]


def _rounds(drafts: Sequence[Draft]) -> Iterator[list[int]]:
    """Yield which sessions can be kept together: no two with one id."""
    waiting = list(range(len(drafts)))
    while waiting:
        first = {drafts[n].id: n for n in reversed(waiting)}
        yield sorted(first.values())
        waiting = sorted(set(waiting).difference(first.values()))


def _recorded(
    connection: Connection,
    of: tuple[Parts, Gate],
    caller: Caller,
    drafts: Sequence[tuple[int, Draft]],
) -> list[tuple[ReleasedResource, bool]]:
    parts, gate = of
    named_ids = {each for _, draft in drafts for each in referrals_named(draft.sent)}
    asking = gate.asking(connection, caller)
    known = gate.referrals(connection, asking, sorted(named_ids))
    requests, records = list[Seen](), list[NewRecord]()
    for n, draft in drafts:
        with refused_at(n):
            requests.append(request_of(draft.sent, known.seen))
    # Only who was shown a referral is certain to be in the directory.
    author = author_of(connection, asking.viewer)
    for (n, draft), request in zip(drafts, requests, strict=True):
        with refused_at(n):
            records.append(session_record(author, draft.sent, request, draft.id))
    put = _put(connection, parts, drafts, records)
    gate.seen_before.wrote(connection, known)
    kept = set(put.new)
    new = [each for each in zip(drafts, records, strict=True) if each[0][1].id in kept]
    _tell(connection, parts, author, new)
    released = _released(connection, (gate, asking), [record for _, record in new], put)
    rest = [draft.id for _, draft in drafts if draft.id not in released]
    if rest:
        released |= gate.read_all_within(connection, asking.caller, records[0].type, rest)
    for n, draft in drafts:
        if draft.id not in released:  # out of reach of the scopes it came with: it is not kept
            raise SessionRefused(n, ForbiddenError())
    return [(released[draft.id], draft.id in kept) for _, draft in drafts]


def _released(
    connection: Connection, of: tuple[Gate, Asking], new: Sequence[NewRecord], put: PutReport
) -> dict[str, ReleasedResource]:
    """Release new sessions to their author, as they were written."""
    gate, asking = of
    if put.at is None:
        return {}
    return gate.release_written(connection, asking, Written(new, put.first, put.at))


def _put(
    connection: Connection,
    parts: Parts,
    drafts: Sequence[tuple[int, Draft]],
    records: Sequence[NewRecord],
) -> PutReport:
    """Keep what is not there yet."""
    # All at once and in their order: their counters are about to be moved one by one.
    lock_students(connection, {record.student_id or "" for record in records}, share=False)
    put = put_records(connection, records, parts.clock.now())
    if len(put.new) == len(drafts):
        return put
    for n, draft in drafts:
        repeated = draft.id in put.unchanged and draft.repeat == session_key(draft.sent.resource)
        if draft.id not in put.new and not repeated:
            text = "A session with this identifier is here already."
            raise SessionRefused(n, ConflictError(409, text))
    return put


def _tell(
    connection: Connection,
    parts: Parts,
    author: Author,
    new: Sequence[tuple[tuple[int, Draft], NewRecord]],
) -> None:
    """Let new sessions count, and record on whose consent each says that care is given."""
    for student_id in dict.fromkeys(record.student_id or "" for _, record in new):
        count_sessions(connection, parts, author.agreements, student_id)
    for (n, draft), record in new:
        if "extension" not in draft.sent.resource:
            continue  # it does not say
        about = SaidOf(record.type, record.id, record.agreement_id, record.student_id or "")
        with refused_at(n):
            record_care_consent(connection, parts, about, draft.sent.resource)
