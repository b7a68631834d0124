"""Reading entries back: what was told about a person, what a request led to, what stands where.

INVARIANT: what was repeated counts each time, and so does each of the releases one entry lists.
Whoever asks about a person or a request is given, for an entry ``again``, what it says of each
entry it repeats: that entry, with the later's place, time and request; and for an entry
``releases`` what each of its rows says. Of what was erased they say nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, Select, select, text

from bridge.ledger.blocks import REACHING, rows_of, rows_read
from bridge.ledger.entry import Kind, Receipt, Recorded, read_body
from bridge.ledger.errors import LedgerDamaged, UnknownEntry
from bridge.ledger.listing import as_release
from bridge.ledger.repeating import MOST_REPEATED
from bridge.ledger.tables import ENTRY

_LATER: Final = ENTRY.alias("later")
_REPEATS: Final = (
    # The bound on the span lets the index find what repeats an entry, however long the log.
    (_LATER.c.log == ENTRY.c.log)
    & (_LATER.c.repeats_from > ENTRY.c.position - MOST_REPEATED)
    & (_LATER.c.repeats_from <= ENTRY.c.position)
    & (_LATER.c.repeats_to >= ENTRY.c.position)
)

_LISTED_ABOUT: Final = text(
    # Each entry that lists releases is looked into for the person: all rows are far more.
    "SELECT e.log, e.position, e.body, f.body AS block"  # noqa: S608 - names of ours
    " FROM ledger_entry e CROSS JOIN ledger_block f"
    f" WHERE e.kind = 'releases' AND f.log = e.log AND f.position = e.position AND {REACHING}"
).execution_options(yield_per=1000)


def recorded(connection: Connection, receipt: Receipt) -> Recorded:
    """Return one entry, or the release that one of its rows tells of.

    Raises:
        UnknownEntry: if there is none, or it was erased.
        LedgerDamaged: if it cannot be read.
    """
    query = _entries().where(ENTRY.c.log == receipt.log, ENTRY.c.position == receipt.index)
    found = connection.execute(query).one_or_none()
    if found is None:
        raise UnknownEntry(f"{receipt} does not exist or was erased")
    entry = _recorded(found)
    if receipt.row is None:
        return entry
    for nth, body in _rows(connection, entry):
        if nth == receipt.row:
            return _row(entry, nth, body)
    raise UnknownEntry(f"{receipt} does not exist or was erased")


def about(connection: Connection, subject: str) -> Iterator[Recorded]:
    """Yield every entry about a person, of all logs, oldest first: the accounting of disclosures.

    Raises:
        LedgerDamaged: if one cannot be read.
    """
    own = list(_read(connection, _entries().where(ENTRY.c.subject == subject)))
    first = {(each.entry.log, each.index): each for each in own}
    again = _again_about(connection, subject, first)
    listed = _listed_about(connection, subject)
    yield from sorted(
        [*own, *again, *listed], key=lambda each: (each.time, each.entry.log, each.index)
    )


def of_request(connection: Connection, request: str) -> Iterator[Recorded]:
    """Yield every entry a request led to.

    Raises:
        LedgerDamaged: if one cannot be read.
    """
    query = _entries().where(ENTRY.c.request == request)
    found = list(_read(connection, query.order_by(ENTRY.c.log, ENTRY.c.position)))
    return spelled_out(connection, found)


def entries(connection: Connection, log: str, start: int = 0) -> Iterator[Recorded]:
    """Yield the entries of a log from an index on as they stand, leaving out the erased ones.

    Raises:
        LedgerDamaged: if one cannot be read.
    """
    query = _entries().where(ENTRY.c.log == log, ENTRY.c.position >= start)
    return _read(connection, query.order_by(ENTRY.c.position))


def spelled_out(connection: Connection, found: Iterable[Recorded]) -> Iterator[Recorded]:
    """Yield entries; in place of each that repeats or lists others, what it says of each of them.

    Raises:
        LedgerDamaged: if one cannot be read.
    """
    for each in found:
        if each.entry.kind is Kind.RELEASES:
            yield from (_row(each, nth, body) for nth, body in _rows(connection, each))
            continue
        if each.entry.kind is not Kind.AGAIN:
            yield each
            continue
        log, refers = each.entry.log, each.entry.refers
        span = ENTRY.c.position.between(min(refers), max(refers))
        query = _entries().where(ENTRY.c.log == log, span).order_by(ENTRY.c.position)
        for earlier in _read(connection, query):
            yield _as_repeated(earlier, each)


def _listed_about(connection: Connection, subject: str) -> Iterator[Recorded]:
    with connection.execute(_LISTED_ABOUT, {"least": subject.encode()}) as found:
        for each in found:
            rows = rows_read(iter((each.block,)), f"{each.log}#{each.position}")
            own = [(row.nth, row.body) for row in rows if row.body and row.subject == subject]
            if own:
                listing = _recorded(each)
                yield from (_row(listing, nth, body) for nth, body in sorted(own))


def _rows(connection: Connection, listing: Recorded) -> Iterator[tuple[int, bytes]]:
    for row in rows_of(connection, listing.entry.log, listing.index):
        if row.body is not None:
            yield row.nth, row.body


def _row(listing: Recorded, nth: int, body: bytes) -> Recorded:
    try:
        return as_release(listing, nth, body)
    except ValueError:
        raise LedgerDamaged(f"{listing.entry.log}#{listing.index}.{nth} cannot be read") from None


def _again_about(
    connection: Connection, subject: str, first: dict[tuple[str, int], Recorded]
) -> Iterator[Recorded]:
    columns = (_LATER.c.log, _LATER.c.position, _LATER.c.body, ENTRY.c.position.label("of"))
    later: Select[Any] = select(*columns)
    query = later.select_from(ENTRY).join(_LATER, _REPEATS)
    query = query.where(ENTRY.c.subject == subject, _LATER.c.body.is_not(None))
    with connection.execute(query.execution_options(yield_per=1000)) as rows:
        for row in rows:
            yield _as_repeated(first[row.log, row.of], _recorded(row))


def _as_repeated(earlier: Recorded, later: Recorded) -> Recorded:
    """Return what an entry that repeats another says of it.

    Raises:
        LedgerDamaged: it does not name it.
    """
    if earlier.index not in later.entry.refers:
        raise LedgerDamaged(f"{later.entry.log}#{later.index} repeats another than it names")
    entry = replace(earlier.entry, request=later.entry.request)
    return Recorded(later.index, later.time, entry, repeats=earlier.index)


def _entries() -> Select[Any]:
    columns = select(ENTRY.c.log, ENTRY.c.position, ENTRY.c.body)
    return columns.where(ENTRY.c.body.is_not(None))


def _read(connection: Connection, query: Select[Any]) -> Iterator[Recorded]:
    with connection.execute(query.execution_options(yield_per=1000)) as rows:
        for row in rows:
            yield _recorded(row)


def _recorded(row: Any) -> Recorded:  # noqa: ANN401 - with place and body, whatever else
    try:
        return read_body(row.body)
    except ValueError:
        raise LedgerDamaged(f"{row.log}#{row.position} cannot be read") from None
