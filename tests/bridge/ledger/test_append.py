import threading
from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine, select

from bridge.clock import FixedClock
from bridge.ledger.append import append, erase, head, logs
from bridge.ledger.entry import Entry, Kind, Receipt
from bridge.ledger.errors import UnknownEntry
from bridge.ledger.lookup import about, entries, of_request, recorded
from bridge.ledger.tables import ENTRY
from bridge.ledger.verifier import EMPTY_ROOT, root_of
from bridge.store.database.engine import read, write
from tests.bridge.ledger.conftest import EntryMaker


def leaves(connection: Connection, log: str) -> list[bytes]:
    query = select(ENTRY.c.leaf).where(ENTRY.c.log == log).order_by(ENTRY.c.position)
    return list(connection.scalars(query))


def test_entries_get_consecutive_places(
    engine: Engine, clock: FixedClock, make_entry: EntryMaker
) -> None:
    with write(engine) as connection:
        first = append(connection, [make_entry(), make_entry()], clock)
        second = append(connection, [make_entry()], clock)
    assert first + second == [Receipt("mou-1", 0), Receipt("mou-1", 1), Receipt("mou-1", 2)]


def test_the_head_is_the_root_over_all_leaves(
    engine: Engine, clock: FixedClock, make_entry: EntryMaker
) -> None:
    with write(engine) as connection:
        for many in (1, 2, 5, 300):
            append(connection, [make_entry()] * many, clock)
        found = head(connection, "mou-1")
        assert (found.size, found.root) == root_of(leaves(connection, "mou-1"))
    assert found.size == 308


def test_receipts_come_in_the_order_of_the_entries_whatever_their_log(
    engine: Engine, clock: FixedClock, make_entry: EntryMaker
) -> None:
    names = ["b", "a", "b", "c", "a"]
    with write(engine) as connection:
        receipts = append(connection, [make_entry(log=name) for name in names], clock)
        assert logs(connection) == ["a", "b", "c"]
    assert [str(receipt) for receipt in receipts] == ["b#0", "a#0", "b#1", "c#0", "a#1"]


def test_an_entry_is_read_back_as_it_was_written(
    engine: Engine, clock: FixedClock, make_entry: EntryMaker
) -> None:
    bare = Entry("mou-1", Kind.DENY, "d", "c", "intake", "refer", "r")
    with write(engine) as connection:
        receipts = append(connection, [make_entry(), bare], clock)
    with read(engine) as connection:
        found = [recorded(connection, receipt) for receipt in receipts]
    assert [one.entry for one in found] == [make_entry(), bare]
    assert {one.time for one in found} == {clock.now()}


def test_the_accounting_of_a_person_goes_across_logs_in_order_of_time(
    engine: Engine, clock: FixedClock, make_entry: EntryMaker
) -> None:
    with write(engine) as connection:
        append(connection, [make_entry(log="b"), make_entry(log="b", subject="other")], clock)
        clock.advance(timedelta(minutes=1))
        append(connection, [make_entry(log="a", request="request-2")], clock)
        told = list(about(connection, "pseudonym-1"))
        asked = list(of_request(connection, "request-2"))
    assert [(one.entry.log, one.index) for one in told] == [("b", 0), ("a", 0)]
    assert [one.entry.log for one in asked] == ["a"]


def test_times_never_go_backwards_when_the_clock_is_set_back(
    engine: Engine, clock: FixedClock, make_entry: EntryMaker
) -> None:
    with write(engine) as connection:
        append(connection, [make_entry()], clock)
        latest = clock.now()
        clock.advance(timedelta(seconds=-30))
        append(connection, [make_entry()], clock)
        times = [one.time for one in entries(connection, "mou-1")]
        assert head(connection, "mou-1").time == latest
    assert times == [latest, latest]


def test_nothing_stays_of_an_entry_whose_transaction_was_rolled_back(
    engine: Engine, clock: FixedClock, make_entry: EntryMaker
) -> None:
    with engine.connect() as connection:
        append(connection, [make_entry()], clock)
        connection.rollback()
    with read(engine) as connection:
        assert head(connection, "mou-1").root == EMPTY_ROOT
        assert leaves(connection, "mou-1") == []


def test_many_writers_at_once_leave_one_unbroken_sequence(
    engine: Engine, clock: FixedClock, make_entry: EntryMaker
) -> None:
    def add() -> None:
        for _ in range(10):
            with write(engine) as connection:
                append(connection, [make_entry(), make_entry(log="mou-2")], clock)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with read(engine) as connection:
        for log in ("mou-1", "mou-2"):
            found = head(connection, log)
            assert (found.size, found.root) == root_of(leaves(connection, log))
            assert found.size == 40


def test_every_entry_has_its_own_secret_salt(
    engine: Engine, clock: FixedClock, make_entry: EntryMaker
) -> None:
    with write(engine) as connection:
        append(connection, [make_entry()] * 3, clock)
        salts = set(connection.scalars(select(ENTRY.c.salt)))
        assert len(set(leaves(connection, "mou-1"))) == 3
    assert (len(salts), {len(salt) for salt in salts}) == (3, {32})


def test_an_erasure_destroys_what_was_said_and_keeps_the_tree(
    engine: Engine, clock: FixedClock, make_entry: EntryMaker
) -> None:
    with write(engine) as connection:
        gone, kept = append(connection, [make_entry(), make_entry()], clock)
        erasure = make_entry(kind=Kind.ERASURE, subject=None, refers=(gone.index,))
        assert erase(connection, erasure, clock).index == 2
        assert root_of(leaves(connection, "mou-1"))[1] == head(connection, "mou-1").root
        assert [one.index for one in about(connection, "pseudonym-1")] == [kept.index]
        with pytest.raises(UnknownEntry):
            recorded(connection, gone)


@pytest.mark.parametrize("refers", [(1,), (0, 5), (-1,)])
def test_an_erasure_names_entries_that_exist_and_not_itself(
    engine: Engine, clock: FixedClock, make_entry: EntryMaker, refers: tuple[int, ...]
) -> None:
    with write(engine) as connection:
        append(connection, [make_entry()], clock)
        with pytest.raises(UnknownEntry):
            erase(connection, make_entry(kind=Kind.ERASURE, refers=refers), clock)
