"""New sessions, as most of them come, kept without the framework: many requests, one transaction.

A create of a session, and a transaction that creates nothing but sessions of one type. Those that
wait are checked each by itself and then kept together: one lock, one look at their referrals, one
wait for the disk. What both this and the routes answer is the same, byte for byte (a test
compares).

INVARIANTS
* Nothing is answered before what it tells of is on disk.
* What is refused, for whatever reason, is undone and left to the routes, which do it again alone
  and say why; one request that is refused takes no other with it.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from bridge.api.batch import new_sessions, transaction_reply
from bridge.api.interactions import Interaction, all_sent
from bridge.api.replies import Reply
from bridge.api.writing import Sent, created, creating, drafts_of
from bridge.context import Bridge, Call
from bridge.errors import RefusedError
from bridge.gate import ReleasedResource
from bridge.gate.hot.batches import Line
from bridge.identity import caller_of
from bridge.journeys.answers.record_sessions import Draft, SessionRefused, record_drafts
from bridge.parts import parts_of
from bridge.store.database.engine import read
from bridge.store.database.group_commit import commit_together

_MOST_AT_A_TIME: Final = 8  # transactions of one batch, where each has its own


@dataclass(slots=True, eq=False)
class Sending:
    """One request that waits for its answer.

    Attributes:
        bearer: the token as it came.
        kind: the type to create; "" for a Bundle.
        waiting: the future of who waits.
        reply: the answer; None where the routes are to give it.
    """

    bearer: str = field(repr=False)
    kind: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    waiting: Any = field(repr=False)
    reply: Reply | None = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class _Ready:
    """A request whose sessions are sound by themselves."""

    sending: Sending
    call: Call
    sent: Sequence[Sent]
    drafts: Sequence[Draft]

    @property
    def shared(self) -> tuple[int, str]:
        """What those have alike that can be kept together: who sends (by its token), and what."""
        return id(self.call.caller), self.sent[0].kind

    def answer(self, recorded: Sequence[tuple[ReleasedResource, bool]]) -> None:
        """Say what was kept."""
        replies = created(self.call, self.sent, recorded)
        self.sending.reply = replies[0] if self.sending.kind else transaction_reply(replies)


class Recording:
    """Keeps new sessions in batches, in a thread of its own."""

    def __init__(self, bridge: Bridge, answered: Callable[[Sequence[Sending]], None]) -> None:
        self._bridge, self._answered = bridge, answered
        self._line: Line[Sending] = Line(("writes", bridge.engine), self._answer)

    def ask(self, sending: Sending) -> None:
        """Put a request in line."""
        self._line.join(sending)

    def _answer(self, batch: list[Sending]) -> None:
        try:
            groups: dict[tuple[int, str], list[_Ready]] = {}
            for ready in self._ready(batch):
                groups.setdefault(ready.shared, []).append(ready)
            self._keep(list(groups.values()))
        except Exception as error:  # noqa: BLE001 - answered where it was asked for
            for each in batch:
                each.error = None if each.reply else error
        self._answered(batch)

    def _ready(self, batch: Sequence[Sending]) -> Iterator[_Ready]:
        """Yield what is sound by itself, with who sends it; the rest is left to the routes."""
        bridge = self._bridge
        tokens = {sending.bearer for sending in batch}  # most come with the same
        with read(bridge.engine) as connection:
            of = {each: caller_of(connection, each, bridge.clock, bridge.tokens) for each in tokens}
        for sending in batch:
            caller = of[sending.bearer]
            if caller is None:
                continue
            call = Call(bridge, caller, secrets.token_hex(8))
            try:
                sent = _sent(call, sending)
                drafts = drafts_of(call, sent)
            except (RefusedError, SessionRefused):
                continue
            if drafts:
                yield _Ready(sending, call, sent, drafts)

    def _keep(self, groups: Sequence[list[_Ready]]) -> None:
        """Keep what may be kept; where it waits for the disk, groups wait together."""
        if len(groups) < 2:
            for group in groups:
                self._kept(group)
            return
        with ThreadPoolExecutor(min(len(groups), _MOST_AT_A_TIME)) as threads:
            for _ in threads.map(self._kept, groups):
                pass

    def _kept(self, group: list[_Ready]) -> None:
        """Keep the sessions of one sender and type, but for requests that are refused."""
        while group:
            try:
                self._record(group)
            except SessionRefused as refused:
                del group[_place_of(group, refused.at)]
            except RefusedError:
                return  # of who sends them: so is each of them
            else:
                return

    def _record(self, group: Sequence[_Ready]) -> None:
        of = (parts_of(self._bridge), self._bridge.gate)
        caller = creating(group[0].call, group[0].sent[0].kind)
        drafts = [draft for ready in group for draft in ready.drafts]
        recorded = iter(
            commit_together(self._bridge.engine, lambda c: record_drafts(c, of, caller, drafts))
        )
        for ready in group:
            ready.answer([next(recorded) for _ in ready.drafts])


def _sent(call: Call, sending: Sending) -> list[Sent]:
    """Return the sessions a request creates; none for a Bundle that does something else."""
    if not sending.kind:
        return all_sent(new_sessions(call, sending.body) or ())
    asked = Interaction("POST", sending.kind, headers=sending.headers, body=sending.body)
    return all_sent([asked])


def _place_of(group: Sequence[_Ready], at: int) -> int:
    """Return which request the session at a place is of."""
    for n, ready in enumerate(group):
        if at < len(ready.drafts):
            return n
        at -= len(ready.drafts)
    raise LookupError(at)
