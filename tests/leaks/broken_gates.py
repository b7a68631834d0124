"""Gates with one fault each. Every one must be caught by comparing three worlds."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, text

from bridge.errors import ForbiddenError
from bridge.gate import Gate, Query, ReleasedFollowUps, ReleasedResource
from bridge.gate.authorise import Authorised, Viewer
from bridge.gate.decisions import RecordDecision
from bridge.gate.disclosures import Disclosure
from bridge.gate.own.recording import Asking
from bridge.gate.projection import sealed
from bridge.gate.released import GATE_MARK
from bridge.gate.viewers import viewer_of
from bridge.identifiers import Identifiers
from bridge.identity import Caller
from bridge.store.database.engine import read
from bridge.store.vault import Match, Stored, find, versions_of

Found = tuple[list[Disclosure], int]
EVERYTHING = Authorised(text("1 = 1"), {})
_PUBLIC = RecordDecision(None, "", ())


class CountsFirst(Gate):
    """Counts what matches before it asks what the caller may know."""

    def _released(
        self, connection: Connection, viewer: Viewer, query: Query, *, linked: bool = True
    ) -> Found:
        found, _ = super()._released(connection, viewer, query, linked=linked)
        return found, find(connection, query, EVERYTHING)[1]


class SaysForbidden(Gate):
    """Tells a caller that what it may not read is there."""

    def read_noted(
        self, connection: Connection, caller: Caller, key: tuple[str, str], request: str
    ) -> ReleasedResource | None:
        found = super().read_noted(connection, caller, key, request)
        if found is None and find(connection, Query(key[0], ids=(key[1],)), EVERYTHING)[1]:
            raise ForbiddenError
        return found


class RefusesAloud(Gate):
    """Tells who writes to what it may not see that it is there."""

    def _seen(
        self, connection: Connection, asking: Asking, kind: str, ids: Sequence[str]
    ) -> list[Disclosure]:
        found = super()._seen(connection, asking, kind, ids)
        there = {each.stored.id for each in found}
        hidden = tuple(each for each in ids if each not in there)
        if hidden and find(connection, Query(kind, ids=hidden), EVERYTHING)[1]:
            raise ForbiddenError
        return found


class IncludesAll(Gate):
    """Includes whatever a released record refers to."""

    def _included(
        self,
        connection: Connection,
        asking: tuple[Caller, Viewer],
        wanted: Mapping[str, tuple[str, ...]],
    ) -> list[Disclosure]:
        found = super()._included(connection, asking, wanted)
        there = {(d.released.type, d.released.id) for d in found}
        for kind, ids in wanted.items():
            hidden = [i for i in ids if (kind, i) not in there]
            if hidden:
                stored = find(connection, Query(kind, ids=tuple(hidden)), EVERYTHING)[0]
                found += [self._whole(asking[1], record) for record in stored]
        return found

    def _whole(self, viewer: Viewer, stored: Stored) -> Disclosure:
        released = sealed(viewer, stored, stored.resource(), self._identifiers)
        return Disclosure(stored, _PUBLIC, released)


class PagesFirst(Gate):
    """Cuts pages before it asks what the caller may know: they come up short."""

    def _released(
        self, connection: Connection, viewer: Viewer, query: Query, *, linked: bool = True
    ) -> Found:
        page, _ = find(connection, query, EVERYTHING)
        found, total = super()._released(connection, viewer, query, linked=linked)
        there = {record.id for record in page}
        return [d for d in found if d.stored.id in there], total


class DatesByLastChange(Gate):
    """Dates what it releases by the last change of anything of that type."""

    def _released(
        self, connection: Connection, viewer: Viewer, query: Query, *, linked: bool = True
    ) -> Found:
        found, total = super()._released(connection, viewer, query, linked=linked)
        newest = find(connection, Query(query.type, limit=100_000), EVERYTHING)[0]
        last = max((record.last_updated for record in newest), default=None)
        return [self._dated(viewer, disclosure, last) for disclosure in found], total

    def _dated(self, viewer: Viewer, old: Disclosure, last: datetime | None) -> Disclosure:
        if last is None or old.released.last_updated == last:
            return old
        return replace(old, released=replace(old.released, last_updated=last))


class TagsByStoredVersion(Gate):
    """Makes the entity tag from the stored record, with what is withheld in it."""

    def _released(
        self, connection: Connection, viewer: Viewer, query: Query, *, linked: bool = True
    ) -> Found:
        found, total = super()._released(connection, viewer, query, linked=linked)
        return [self._tagged(disclosure) for disclosure in found], total

    def _tagged(self, old: Disclosure) -> Disclosure:
        version = self._identifiers.seal(old.stored.body)
        return replace(old, released=replace(old.released, version=version))


class TellsOfNotices(Gate):
    """Lets the notice of protected records ride wherever any are stored."""

    def _released(
        self, connection: Connection, viewer: Viewer, query: Query, *, linked: bool = True
    ) -> Found:
        found, total = super()._released(connection, viewer, query, linked=linked)
        stored = find(connection, Query("Encounter", limit=100_000), EVERYTHING)[0]
        if any(record.element == "sud.row" for record in stored):
            found = [self._told(disclosure) for disclosure in found]
        return found, total

    def _told(self, old: Disclosure) -> Disclosure:
        return replace(old, released=replace(old.released, notices=("p2.notice",)))


class LinksAll(Gate):
    """Leaves references to what the caller may not read in what it may."""

    def _released(
        self, connection: Connection, viewer: Viewer, query: Query, *, linked: bool = True
    ) -> Found:
        found, total = super()._released(connection, viewer, query, linked=linked)
        return [self._linked(viewer, disclosure) for disclosure in found], total

    def _linked(self, viewer: Viewer, old: Disclosure) -> Disclosure:
        links = old.stored.resource().get("supportingInfo")
        if not links or viewer.party == "hub":
            return old
        whole = {**old.stored.resource(), "supportingInfo": links}
        return replace(old, released=sealed(viewer, old.stored, whole, self._identifiers))


class ForgetsViews(Gate):
    """Lets every change move a record, whether the caller can see what changed or not."""

    def _viewer(self, connection: Connection, caller: Caller) -> Viewer:
        connection.execute(text("DELETE FROM view_change"))
        return super()._viewer(connection, caller)


class KeepsOldVersionsWhole(Gate):
    """Shows older versions as they were stored."""

    def history_within(
        self, connection: Connection, caller: Caller, key: tuple[str, str], asked: tuple[str, str]
    ) -> tuple[ReleasedResource, ...]:
        found = super().history_within(connection, caller, key, asked)
        if not found:
            return found
        viewer, query = self._viewer(connection, caller), Query(key[0], ids=(key[1],))
        (current,) = find(connection, query, EVERYTHING)[0]
        old = versions_of(connection, current)
        whole = (sealed(viewer, each, each.resource(), self._identifiers) for each in old)
        return (*found, *whole)


class BringsAllThatRefer(Gate):
    """Includes whatever refers to a released record."""

    def _referring(
        self,
        connection: Connection,
        asking: tuple[Caller, Viewer],
        query: Query,
        matches: Sequence[Disclosure],
    ) -> list[Disclosure]:
        found = super()._referring(connection, asking, query, matches)
        there = {(d.released.type, d.released.id) for d in found}
        of = tuple((None, f"{match.released.type}/{match.released.id}") for match in matches)
        for source, param in query.reverse if of else ():
            wide = Query(source, matches=(Match(param, of),), limit=1000)
            for stored in find(connection, wide, EVERYTHING)[0]:
                if (stored.type, stored.id) not in there:
                    released = sealed(asking[1], stored, stored.resource(), self._identifiers)
                    found.append(Disclosure(stored, _PUBLIC, released))
        return found


class CountsSessions(Gate):
    """Tells a school of every session of its referrals, told or not."""

    def follow_up(self, caller: Caller, request: str = "") -> ReleasedFollowUps:
        released = super().follow_up(caller, request)
        with read(self._engine) as connection:
            sessions = find(connection, Query("Encounter", limit=10_000), EVERYTHING)[0]
        known = {self._number(session) for session in sessions}
        rows = [
            replace(row, status="services-started") if row.referral in known else row
            for row in released.rows
        ]
        return ReleasedFollowUps(tuple(rows), GATE_MARK)

    def _number(self, session: Stored) -> str:
        with read(self._engine) as connection:
            query = Query("ServiceRequest", ids=(session.referral_id,))
            (request,) = find(connection, query, EVERYTHING)[0]
        return str(request.resource()["identifier"][0]["value"])


class ListsRefusals(Gate):
    """Lets an export name a type of which every row is withheld."""

    def file_ends(
        self, connection: Connection, caller: Caller, query: Query
    ) -> tuple[int, ...] | None:
        viewer = viewer_of(connection, caller)
        return () if viewer.agreements and find(connection, query, EVERYTHING)[1] else None


class PlainPages(Identifiers):
    """Writes the change number into page links as it is."""

    def hide(self, number: int, *bound: str) -> str:
        return f"{number}.{self.seal(str(number), *bound)}"

    def reveal(self, text: str, *bound: str) -> int | None:
        number = text.partition(".")[0]
        return int(number) if number.isdecimal() else None


PROVIDER_FAULTS: Sequence[type[Gate]] = (
    CountsFirst,
    SaysForbidden,
    RefusesAloud,
    IncludesAll,
    PagesFirst,
    DatesByLastChange,
    TagsByStoredVersion,
    LinksAll,
    ListsRefusals,
    ForgetsViews,
    BringsAllThatRefer,
)
