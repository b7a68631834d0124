"""The gate's operations: search and read; for people :class:`SchoolSide`, :class:`ProviderSide`."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection, Engine

from bridge.clock import Clock
from bridge.errors import BadRequestError, Finding, GateError
from bridge.gate.accounts.requests import note_request
from bridge.gate.accounts.survey import SurveyRow, survey
from bridge.gate.authorise import CODED_ELEMENTS, Viewer, authorised
from bridge.gate.deciding import decided, recalled, sight_of
from bridge.gate.disclosures import Disclosure, entered_as, seen_of
from bridge.gate.duties.owing import owe
from bridge.gate.duties.riding import standing_notices
from bridge.gate.duties.waiting import WaitingText, waiting_texts
from bridge.gate.exports.export_side import ExportSide
from bridge.gate.history import past_views
from bridge.gate.hot.memory import Given, is_plain, lent
from bridge.gate.linking import MOST_REFERRING, followed, wanted
from bridge.gate.own.recording import REFERRAL, Asking, Known, SeenBefore, Written, told_of_own
from bridge.gate.people.making_ready import ReadySide
from bridge.gate.people.provider_side import ProviderSide
from bridge.gate.people.school_side import SchoolSide
from bridge.gate.people.told_again import ToldRows
from bridge.gate.released import GATE_MARK, Released, ReleasedResource, Seen
from bridge.gate.scope_limits import reaches_version, within_scopes
from bridge.gate.viewers import present_viewer, viewer_of
from bridge.identifiers import Identifiers
from bridge.identity import Caller
from bridge.ledger.append import append
from bridge.ledger.entry import Receipt
from bridge.store.database.engine import read, write
from bridge.store.facts.evidence import lock_students, not_before_known
from bridge.store.intake import let_changes_end
from bridge.store.vault import Match, Query, count, find, place_of

MOST_AT_ONCE: Final = 100  # so many records are looked for by id in one query
MOST_SEARCHES: Final = 8
"""So often a page is searched for anew. Who was found stays locked, so each search meets fewer."""
LEAST_STEP: Final = timedelta(milliseconds=1)
"""What a poller's cursor stays behind: a change of the same millisecond may still be under way."""


class Gate(SchoolSide, ProviderSide, ReadySide, ExportSide):
    """Releases records to registered callers. See the package's invariants."""

    def __init__(self, engine: Engine, clock: Clock, identifiers: Identifiers) -> None:
        self._engine = engine
        self._clock = clock
        self._identifiers = identifiers
        self.seen_before = SeenBefore(clock)
        self._told_rows = ToldRows()

    def search(
        self, caller: Caller, query: Query, includes: Sequence[str] = (), request: str = ""
    ) -> Released:
        """Release every record that matches a query and the caller may see.

        Args:
            caller: the registered client that asks; party, role and purposes are its own.
            query: what to look for.
            includes: names of :data:`bridge.store.search.index.INCLUDES` of the type asked for.
            request: id of the request, for the ledger.

        Raises:
            GateError: the decision could not be taken or written down; nothing left.
            UnauthorizedError: what the caller came in with was taken from it meanwhile.
        """
        with write(self._engine) as connection:
            let_changes_end(connection)
            return self.search_noted(connection, caller, query, (tuple(includes), request))

    def search_noted(
        self,
        connection: Connection,
        caller: Caller,
        query: Query,
        asked: tuple[tuple[str, ...], str],
    ) -> Released:
        """Do :meth:`search` inside a write transaction, noting what was named and not got."""
        came = self._clock.now()
        found = self.search_within(connection, caller, query, asked)
        note_request(connection, caller, (query, found), (asked[1], came))
        return found

    def search_within(
        self,
        connection: Connection,
        caller: Caller,
        query: Query,
        asked: tuple[tuple[str, ...], str] = ((), ""),
    ) -> Released:
        """Do :meth:`search` inside a write transaction that the caller commits."""
        includes, request = asked
        viewer = self._viewer(connection, caller)
        plain = is_plain(query)
        query = followed(connection, (caller, viewer), query, self._clock.now())
        as_of = self._clock.now() - LEAST_STEP
        matches, total = self._reached(connection, (caller, viewer), query)
        named = wanted(caller, matches, query.type, includes)
        extra = self._included(connection, (caller, viewer), named)
        plain = plain and len(extra) == sum(map(len, named.values()))
        extra += self._referring(connection, (caller, viewer), query, matches)
        receipts = self._entered(connection, viewer, [*matches, *extra], request)
        if plain and (memory := lent()):
            memory.given = Given(
                (caller, viewer), (query.type, includes), (matches, extra), receipts
            )
        return Released(
            matches=tuple(d.released for d in matches),
            included=tuple(d.released for d in extra),
            total=total,
            as_of=as_of,
            last=place_of(query.order, matches[-1].stored) if matches else (0, ""),
            mark=GATE_MARK,
        )

    def _viewer(self, connection: Connection, caller: Caller) -> Viewer:
        memory = lent()
        known = memory.viewer(caller, self._clock.now()) if memory else None
        return known or present_viewer(connection, caller, self._clock)

    def _reached(
        self, connection: Connection, asking: tuple[Caller, Viewer], query: Query
    ) -> tuple[list[Disclosure], int | None]:
        """Do :meth:`_released` within the limits of the caller's scopes."""
        caller, viewer = asking
        within = within_scopes(caller, query)
        return self._released(connection, viewer, within) if within else ([], 0)

    def _released(
        self, connection: Connection, viewer: Viewer, query: Query, *, linked: bool = True
    ) -> tuple[list[Disclosure], int | None]:
        """Search, lock, decide; search again when a consent changed before the lock was held.

        INVARIANT: what is decided is decided on evidence read after the students are locked, as of
        an instant after it: a revocation that held the lock while we waited is dated before.
        """
        if query.ids and viewer.party == "hub" and query.type in CODED_ELEMENTS:
            # A hub knows rows by pseudonym: what finds one by its id would tell whose it is.
            return [], 0
        now = self._clock.now()
        for _ in range(MOST_SEARCHES):
            sight = sight_of(connection, viewer, query.type, now)
            stored, total = find(connection, query, sight)
            students = {s.student_id for s in stored} - {""}
            lock_students(connection, students, share=True)
            now = not_before_known(connection, students, self._clock.now())
            out = decided(connection, viewer, stored, (self._identifiers, now), linked=linked)
            if len(out) == len(stored):
                return out, total
        raise GateError("the search filter and the decision disagree; nothing was released")

    def _included(
        self,
        connection: Connection,
        asking: tuple[Caller, Viewer],
        wanted: Mapping[str, tuple[str, ...]],
    ) -> list[Disclosure]:
        """Release the targets of references, each decided like any other record."""
        found: list[Disclosure] = []
        for kind, ids in wanted.items():
            known = recalled(connection, asking, (kind, ids), self._clock.now())
            there = {each.released.id for each in known}
            left = tuple(i for i in ids if i not in there)
            if left:
                query = Query(kind, ids=left, limit=len(left), interaction="read")
                known += self._reached(connection, asking, query)[0]
            found.extend(sorted(known, key=lambda each: each.stored.change))
        return found

    def _referring(
        self,
        connection: Connection,
        asking: tuple[Caller, Viewer],
        query: Query,
        matches: Sequence[Disclosure],
    ) -> list[Disclosure]:
        """Release what refers to the matches, each decided like any other record.

        Raises:
            BadRequestError: more refers to them than an answer may hold.
        """
        (caller, _), found = asking, list[Disclosure]()
        of = tuple((None, f"{match.released.type}/{match.released.id}") for match in matches)
        there = {(match.released.type, match.released.id) for match in matches}
        for source, param in query.reverse if of else ():
            if not caller.limits(source, "search-type"):
                continue
            referring = Query(source, matches=(Match(param, of),), limit=MOST_REFERRING)
            released, total = self._reached(connection, asking, referring)
            if total is None:
                text = f"More than {MOST_REFERRING} resources refer to this page; ask for less."
                raise BadRequestError(Finding("too-costly", text, "_revinclude"))
            new = [d for d in released if (d.released.type, d.released.id) not in there]
            there.update((d.released.type, d.released.id) for d in new)
            found += new
        return found

    def read(
        self, caller: Caller, kind: str, record_id: str, request: str = ""
    ) -> ReleasedResource | None:
        """Release one record, or None: not there, or not for this caller."""
        with write(self._engine) as connection:
            return self.read_noted(connection, caller, (kind, record_id), request)

    def read_noted(
        self, connection: Connection, caller: Caller, key: tuple[str, str], request: str
    ) -> ReleasedResource | None:
        """Do :meth:`read` inside a write transaction, noting it where it got nothing."""
        query = Query(key[0], ids=(key[1],), limit=1, interaction="read")
        released = self.search_noted(connection, caller, query, ((), request))
        return released.matches[0] if released.matches else None

    def read_within(
        self, connection: Connection, caller: Caller, kind: str, record_id: str
    ) -> ReleasedResource | None:
        """Do :meth:`read` inside a write transaction that the caller commits."""
        return self.read_all_within(connection, caller, kind, [record_id]).get(record_id)

    def read_all_within(
        self, connection: Connection, caller: Caller, kind: str, ids: Sequence[str]
    ) -> dict[str, ReleasedResource]:
        """Do :meth:`read_within` for up to :data:`MOST_AT_ONCE` records at once, by id."""
        query = Query(kind, ids=tuple(ids), limit=len(ids), interaction=caller.does(kind))
        found = self.search_within(connection, caller, query)
        return {released.id: released for released in found.matches}

    def history(
        self, caller: Caller, key: tuple[str, str], version: str = "", request: str = ""
    ) -> tuple[ReleasedResource, ...]:
        """Release the versions of a record that a caller may see, the latest first; or only one.

        None at all: no such record, or not for this caller (or no such version).
        """
        with write(self._engine) as connection:
            return self.history_within(connection, caller, key, (version, request))

    def history_within(
        self, connection: Connection, caller: Caller, key: tuple[str, str], asked: tuple[str, str]
    ) -> tuple[ReleasedResource, ...]:
        """Do :meth:`history` inside a write transaction that the caller commits."""
        version, request = asked
        viewer = self._viewer(connection, caller)
        kind, record_id = key
        query = Query(kind, ids=(record_id,), limit=1, interaction="read")
        found, _ = self._reached(connection, (caller, viewer), query)
        now = self._clock.now()
        views = past_views(connection, viewer, found[0], self._identifiers, now) if found else []
        known = (v for v in views if reaches_version(caller, kind, v.stored.resource()))
        shown = [each for each in known if version in ("", each.released.version)]
        self._entered(connection, viewer, shown, request)
        if not shown:
            asked_of = (query, Released((), mark=GATE_MARK))
            note_request(connection, caller, asked_of, (request, now))
        return tuple(each.released for each in shown)

    def _entered(
        self, connection: Connection, viewer: Viewer, told: Sequence[Disclosure], request: str
    ) -> list[Receipt]:
        """Enter disclosures in the ledger, and what is owed for them, before they leave."""
        found = (entered_as(viewer, each, self._identifiers, request) for each in told)
        receipts = append(connection, [entry for entry in found if entry], self._clock)
        owe(connection, self._identifiers, viewer, told, self._clock)
        if memory := lent():
            memory.told += told
        return receipts

    def note_asked(self, caller: Caller, key: tuple[str, str], request: str) -> None:
        """Note a request for a record that was answered with nothing."""
        with write(self._engine) as connection:
            asked = (Query(key[0], ids=(key[1],), limit=1), Released((), mark=GATE_MARK))
            note_request(connection, caller, asked, (request, self._clock.now()))

    def see(self, connection: Connection, caller: Caller, kind: str, record_id: str) -> Seen | None:
        """Return one record as the caller may see it now, without releasing it.

        References that depend on what else it may read are left out of it. Who has no scope to read
        a type at all may still refer to what its organisation may know of it.
        """
        found = self._seen(connection, self.asking(connection, caller), kind, [record_id])
        return seen_of(found[0]) if found else None

    def asking(self, connection: Connection, caller: Caller) -> Asking:
        """Return who asks, for several questions in one writing transaction."""
        return Asking(caller, self._viewer(connection, caller))

    def referrals(self, connection: Connection, asking: Asking, ids: Sequence[str]) -> Known:
        """Do :meth:`see` for referrals, deciding anew only where something may have changed."""
        known = self.seen_before.recall(connection, asking, ids)
        new = self._seen(connection, asking, REFERRAL, [i for i in ids if i not in known.seen])
        self.seen_before.learn(connection, asking, known, new)
        return known

    def release_written(
        self, connection: Connection, asking: Asking, written: Written
    ) -> dict[str, ReleasedResource]:
        """Release, by id, a caller's own records that were written in this transaction."""
        told = told_of_own(asking, written, self._identifiers)
        self._entered(connection, asking.viewer, told, "")
        return {each.stored.id: each.released for each in told}

    def _seen(
        self, connection: Connection, asking: Asking, kind: str, ids: Sequence[str]
    ) -> list[Disclosure]:
        (caller, viewer), done = (asking.caller, asking.viewer), asking.caller.does(kind)
        unlimited = done == "read" and not caller.limits(kind, "read")
        found: list[Disclosure] = []
        for start in range(0, len(ids), MOST_AT_ONCE):
            some = tuple(ids[start : start + MOST_AT_ONCE])
            query = Query(kind, ids=some, limit=len(some), interaction=done)
            within = query if unlimited else within_scopes(caller, query)
            found += self._released(connection, viewer, within, linked=False)[0] if within else ()
        return found

    def standing_notices(self, caller: Caller) -> tuple[str, ...]:
        """Return the notices that can ride with anything a caller may ever be given."""
        with read(self._engine) as connection:
            return standing_notices(viewer_of(connection, caller))

    def survey(self, callers: Sequence[Caller]) -> list[SurveyRow]:
        """Count, for the operator, what callers may see now and why not the rest."""
        with write(self._engine) as connection:
            viewers = [self._viewer(connection, caller) for caller in callers]
            return survey(connection, self._clock, viewers)

    def waiting_texts(self, callers: Sequence[Caller]) -> list[WaitingText]:
        """Return, for the operator, what waits for a person before it can go to some callers."""
        with read(self._engine) as connection:
            viewers = [viewer_of(connection, caller) for caller in callers]
            return waiting_texts(connection, self._clock, viewers)

    def now_visible(self, connection: Connection, caller: Caller, query: Query) -> int:
        """Count what a caller may see, releasing nothing, in a write transaction."""
        viewer = self._viewer(connection, caller)
        query = followed(connection, (caller, viewer), query, self._clock.now())
        within = within_scopes(caller, query)
        sight = authorised(viewer, query.type, self._clock.now(), connection.dialect.name)
        return count(connection, within, sight) if within else 0
