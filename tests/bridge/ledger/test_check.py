from collections.abc import Callable

import pytest
from sqlalchemy import ColumnElement, Connection, Engine, delete, insert, select, update

from bridge.clock import FixedClock
from bridge.ledger.append import append, erase, head
from bridge.ledger.check import Fault, Finding, VerifyReport, verify_log
from bridge.ledger.entry import Kind, Recorded, body_of, read_body
from bridge.ledger.tables import ENTRY, HEAD, NODE
from bridge.ledger.verifier import entry_leaf, root_of
from bridge.store.database.engine import read, write
from tests.bridge.ledger.conftest import EntryMaker

Tamper = Callable[[Connection], object]
LOG = "mou-1"
LAST = 519


def at(position: int) -> ColumnElement[bool]:
    return (ENTRY.c.log == LOG) & (ENTRY.c.position == position)


def fill(connection: Connection, clock: FixedClock, make_entry: EntryMaker) -> None:
    """520 entries: two tiles full and a rest, so every kind of hash is there."""
    append(connection, [make_entry(subject=f"p{n}") for n in range(LAST + 1)], clock)
    append(connection, [make_entry(log="mou-2")], clock)


def body_at(connection: Connection, position: int) -> bytes:
    return bytes(connection.scalars(select(ENTRY.c.body).where(at(position))).one())


def change_body(connection: Connection, position: int, *, with_leaf: bool = False) -> None:
    body = body_at(connection, position).replace(b"clinic-2", b"clinic-9")
    values: dict[str, object] = {"body": body}
    if with_leaf:
        values |= {"salt": bytes(32), "leaf": entry_leaf(bytes(32), body)}
    connection.execute(update(ENTRY).where(at(position)).values(values))


def swap(connection: Connection, one: int, other: int) -> None:
    for source, target in ((one, 10_000), (other, one), (10_000, other)):
        moved = update(ENTRY).where(at(source)).values(position=target)
        connection.execute(moved)


def remove(connection: Connection, position: int) -> None:
    connection.execute(delete(ENTRY).where(at(position)))


def close_gap(connection: Connection, position: int) -> None:
    remove(connection, position)
    for later in range(position + 1, LAST + 1):
        moved = update(ENTRY).where(at(later)).values(position=later - 1)
        connection.execute(moved)


def insert_copy(connection: Connection, position: int, target: int) -> None:
    row = connection.execute(select(ENTRY).where(at(position))).one()
    connection.execute(insert(ENTRY), {**row._mapping, "position": target})


def set_columns(connection: Connection, position: int, **values: object) -> None:
    connection.execute(update(ENTRY).where(at(position)).values(values))


TAMPERINGS: dict[str, tuple[Tamper, set[Finding]]] = {
    "a changed entry": (
        lambda connection: change_body(connection, 7),
        {Finding(7, Fault.CHANGED), Finding(None, Fault.ROOT), Finding(None, Fault.NODES)},
    ),
    "a changed entry with a new leaf": (
        lambda connection: change_body(connection, 517, with_leaf=True),
        {Finding(None, Fault.ROOT)},
    ),
    "a changed salt": (
        lambda connection: set_columns(connection, LAST, salt=bytes(32)),
        {Finding(LAST, Fault.CHANGED), Finding(None, Fault.ROOT)},
    ),
    "a changed leaf": (
        lambda connection: set_columns(connection, 3, leaf=bytes(32)),
        {Finding(3, Fault.CHANGED)},
    ),
    "a removed entry": (
        lambda connection: remove(connection, 515),
        {Finding(515, Fault.MISSING), Finding(None, Fault.ROOT)},
    ),
    "the last entry removed": (
        lambda connection: remove(connection, LAST),
        {Finding(None, Fault.TRUNCATED), Finding(None, Fault.ROOT)},
    ),
    "a removed entry with the gap closed": (
        lambda connection: close_gap(connection, 517),
        {
            Finding(517, Fault.MOVED),
            Finding(518, Fault.MOVED),
            Finding(None, Fault.TRUNCATED),
            Finding(None, Fault.ROOT),
        },
    ),
    "an entry added behind the head": (
        lambda connection: insert_copy(connection, 2, LAST + 1),
        {
            Finding(LAST + 1, Fault.MOVED),
            Finding(LAST + 1, Fault.BEYOND),
            Finding(None, Fault.ROOT),
        },
    ),
    "two entries swapped": (
        lambda connection: swap(connection, 516, 518),
        {Finding(516, Fault.MOVED), Finding(518, Fault.MOVED), Finding(None, Fault.ROOT)},
    ),
    "a subject hidden from the search": (
        lambda connection: set_columns(connection, 4, subject="p5"),
        {Finding(4, Fault.COLUMNS)},
    ),
    "a request hidden from the search": (
        lambda connection: set_columns(connection, 4, request="another"),
        {Finding(4, Fault.COLUMNS)},
    ),
    "an entry emptied in silence": (
        lambda connection: set_columns(connection, 4, body=None, salt=None, subject=None),
        {Finding(4, Fault.ERASED)},
    ),
    "an entry that is no entry": (
        lambda connection: set_columns(connection, LAST, body=b"{}"),
        {Finding(LAST, Fault.CHANGED), Finding(None, Fault.ROOT)},
    ),
    "a head with another root": (
        lambda connection: connection.execute(update(HEAD).values(root=bytes(32))),
        {Finding(None, Fault.ROOT)},
    ),
    "an inner node changed": (
        lambda connection: connection.execute(update(NODE).values(hash=bytes(32))),
        {Finding(None, Fault.NODES)},
    ),
    "an inner node removed": (
        lambda connection: connection.execute(delete(NODE).where(NODE.c.position == 1)),
        {Finding(None, Fault.NODES)},
    ),
}


def test_an_untouched_log_is_sound(
    engine: Engine, clock: FixedClock, make_entry: EntryMaker
) -> None:
    with write(engine) as connection:
        fill(connection, clock, make_entry)
    with read(engine) as connection:
        report = verify_log(connection, LOG)
        stands = head(connection, LOG)
    assert report == VerifyReport(LOG, stands.size, stands.root, (), ())
    assert report.sound


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampering_is_found_and_its_place_named(
    engine: Engine, clock: FixedClock, make_entry: EntryMaker, name: str
) -> None:
    tamper, expected = TAMPERINGS[name]
    with write(engine) as connection:
        fill(connection, clock, make_entry)
        tamper(connection)
        report = verify_log(connection, LOG)
    assert not report.sound
    assert set(report.findings) == expected


def cut(connection: Connection, size: int) -> None:
    """What a restored backup looks like: fewer entries, and a head that fits them."""
    kept = [leaf for leaf in leaves(connection) if leaf][:size]
    gone = delete(ENTRY).where(ENTRY.c.log == LOG, ENTRY.c.position >= size)
    connection.execute(gone)
    forge_head(connection, *root_of(kept))


def leaves(connection: Connection) -> list[bytes]:
    query = select(ENTRY.c.leaf).where(ENTRY.c.log == LOG).order_by(ENTRY.c.position)
    return list(connection.scalars(query))


def forge_head(connection: Connection, size: int, root: bytes) -> None:
    forged = update(HEAD).where(HEAD.c.log == LOG).values(size=size, root=root)
    connection.execute(forged)


def test_a_log_cut_together_with_its_head_is_found_by_a_remembered_head(
    engine: Engine, clock: FixedClock, make_entry: EntryMaker
) -> None:
    with write(engine) as connection:
        append(connection, [make_entry()] * 9, clock)
        remembered = head(connection, LOG)
        cut(connection, 5)
        assert verify_log(connection, LOG).sound
        report = verify_log(connection, LOG, (remembered.size, remembered.root))
    assert report.findings == (Finding(None, Fault.CUT),)


def test_a_log_rewritten_together_with_its_head_is_found_by_a_remembered_head(
    engine: Engine, clock: FixedClock, make_entry: EntryMaker
) -> None:
    with write(engine) as connection:
        append(connection, [make_entry()] * 5, clock)
        remembered = head(connection, LOG)
        append(connection, [make_entry()] * 4, clock)
        change_body(connection, 2, with_leaf=True)
        forge_head(connection, *root_of(leaves(connection)))
        assert verify_log(connection, LOG).sound
        report = verify_log(connection, LOG, (remembered.size, remembered.root))
    assert report.findings == (Finding(None, Fault.REWRITTEN),)


@pytest.mark.parametrize("size", [0, 1, 5, 9])
def test_a_log_that_only_grew_agrees_with_every_remembered_head(
    engine: Engine, clock: FixedClock, make_entry: EntryMaker, size: int
) -> None:
    with write(engine) as connection:
        append(connection, [make_entry()] * size, clock)
        remembered = head(connection, LOG)
        append(connection, [make_entry()] * (9 - size), clock)
        assert verify_log(connection, LOG, (remembered.size, remembered.root)).sound


def test_an_erasure_by_law_leaves_the_log_sound_and_is_listed(
    engine: Engine, clock: FixedClock, make_entry: EntryMaker
) -> None:
    with write(engine) as connection:
        append(connection, [make_entry()] * 3, clock)
        erase(connection, make_entry(kind=Kind.ERASURE, refers=(1,)), clock)
        report = verify_log(connection, LOG)
    assert (report.sound, report.erased, report.size) == (True, (1,), 4)


def test_an_erasure_does_not_excuse_what_is_emptied_after_it(
    engine: Engine, clock: FixedClock, make_entry: EntryMaker
) -> None:
    early = make_entry(kind=Kind.ERASURE, refers=(0, 2))
    with write(engine) as connection:
        append(connection, [early, make_entry(), make_entry()], clock)
        for position in (0, 2):
            set_columns(connection, position, body=None, salt=None, subject=None)
        report = verify_log(connection, LOG)
    assert report.findings == (Finding(0, Fault.ERASED), Finding(2, Fault.ERASED))


def test_an_erasure_excuses_only_what_came_before_it(
    engine: Engine, clock: FixedClock, make_entry: EntryMaker
) -> None:
    early = make_entry(kind=Kind.ERASURE, refers=(0, 2))
    with write(engine) as connection:
        append(connection, [make_entry(), early, make_entry()], clock)
        for position in (0, 2):
            set_columns(connection, position, body=None, salt=None, subject=None)
        report = verify_log(connection, LOG)
    assert report.findings == (Finding(2, Fault.ERASED),)


def test_times_set_back_by_hand_are_found(
    engine: Engine, clock: FixedClock, make_entry: EntryMaker
) -> None:
    with write(engine) as connection:
        append(connection, [make_entry()] * 3, clock)
        said = read_body(body_at(connection, 1))
        early = said.time.replace(year=2020)
        body = body_of(Recorded(1, early, said.entry))
        salt = bytes(32)
        leaf = entry_leaf(salt, body)
        set_columns(connection, 1, body=body, salt=salt, leaf=leaf, recorded_at=early)
        forge_head(connection, *root_of(leaves(connection)))
        report = verify_log(connection, LOG)
    assert report.findings == (Finding(1, Fault.BACKWARDS),)


def test_a_finding_says_where_and_what_in_words() -> None:
    assert str(Finding(7, Fault.CHANGED)) == "entry 7: the entry is not what was committed to"
    assert str(Finding(None, Fault.CUT)) == "log: is shorter than the log remembered"
