"""One entry stands for several that left once more: it counts for each of them, everywhere."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text, update

from bridge.clock import FixedClock
from bridge.ledger.append import Filled, append, erase, head
from bridge.ledger.check import Fault, Finding, verify_log
from bridge.ledger.entry import Entry, Kind, Receipt, Recorded
from bridge.ledger.errors import LedgerDamaged, LedgerHalted, NothingToRepeat
from bridge.ledger.halting import halt_all
from bridge.ledger.lookup import about, of_request
from bridge.ledger.proofs import export_lines
from bridge.ledger.repeating import MOST_REPEATED, Span, spans_of
from bridge.ledger.tables import ENTRY
from bridge.ledger.templates import Template
from bridge.ledger.verifier import Checkpoint, Refused, check_export
from bridge.migrations.state import create
from bridge.store.database.engine import open_engine, read, write
from tests.bridge.ledger.conftest import EntryMaker

LOG = "mou-1"


def again(*refers: int, request: str = "later") -> Entry:
    return Entry(LOG, Kind.AGAIN, receiving="clinic-2", request=request, refers=refers)


@pytest.fixture
def log(engine: Engine, clock: FixedClock, make_entry: EntryMaker) -> Iterator[Connection]:
    """Releases 0 to 3 about p0, p1, p0 and p2, of which 1 to 3 left again a minute later (4)."""
    with write(engine) as connection:
        subjects = ("p0", "p1", "p0", "p2")
        append(connection, [make_entry(subject=each) for each in subjects], clock)
        clock.advance(timedelta(minutes=1))
        append(connection, [again(1, 2, 3)], clock)
        yield connection


def places(found: Iterator[Recorded]) -> list[tuple[int, int | None]]:
    return [(each.index, each.repeats) for each in found]


def test_what_left_again_is_about_each_person_it_was_about(log: Connection) -> None:
    assert places(about(log, "p0")) == [(0, None), (2, None), (4, 2)]
    assert places(about(log, "p1")) == [(1, None), (4, 1)]
    assert places(about(log, "nobody")) == []


def test_it_says_what_the_first_said_with_its_own_time_and_request(log: Connection) -> None:
    first, repeated = about(log, "p2")
    assert repeated.time - first.time == timedelta(minutes=1)
    assert (first.entry.request, repeated.entry.request) == ("request-1", "later")
    assert repeated.entry.kind is Kind.RELEASE
    assert repeated.entry.elements == first.entry.elements


def test_its_request_led_to_each_of_them(log: Connection) -> None:
    assert places(of_request(log, "later")) == [(4, 1), (4, 2), (4, 3)]
    assert places(of_request(log, "request-1")) == [(n, None) for n in range(4)]


def test_what_was_erased_does_not_come_back_through_it(log: Connection, clock: FixedClock) -> None:
    erase(log, Entry(LOG, Kind.ERASURE, refers=(2,)), clock)
    assert places(about(log, "p0")) == [(0, None)]
    assert places(of_request(log, "later")) == [(4, 1), (4, 3)]
    assert verify_log(log, LOG).sound
    exported = [json.dumps(line) for line in export_lines(log, LOG)]
    stands = head(log, LOG)
    assert check_export(exported, Checkpoint("here", stands.size, stands.root, "")) == 1


def test_nothing_of_others_is_erased_with_it(log: Connection, clock: FixedClock) -> None:
    with pytest.raises(ValueError, match="erase what an entry repeats"):
        erase(log, Entry(LOG, Kind.ERASURE, refers=(2, 4)), clock)


def test_nothing_is_repeated_once_something_was_erased(log: Connection, clock: FixedClock) -> None:
    erase(log, Entry(LOG, Kind.ERASURE, refers=(0,)), clock)
    with pytest.raises(NothingToRepeat):
        append(log, [again(1, 2, 3)], clock)


def test_what_another_copy_of_the_log_had_there_is_not_repeated(
    log: Connection, clock: FixedClock, make_entry: EntryMaker
) -> None:
    receipts = append(log, [make_entry(), make_entry()], clock)
    spans = spans_of(log, receipts)
    assert spans is not None
    made = Template.of(again(*spans[LOG].indexes))
    assert append(log, [Filled(made, "later", spans[LOG])], clock) == [Receipt(LOG, 7)]
    for other in (Span(5, 6, bytes(32)), Span(5, 900, spans[LOG].leaf)):
        with pytest.raises(NothingToRepeat):
            append(log, [Filled(made, "later", other)], clock)


@pytest.mark.parametrize("at", [0, 9, 10, 11])
def test_one_of_many_that_is_not_there_as_it_was_is_found(
    log: Connection, clock: FixedClock, make_entry: EntryMaker, at: int
) -> None:
    receipts = append(log, [make_entry() for _ in range(12)], clock)
    spans = [found[LOG] for each in receipts if (found := spans_of(log, [each]))]
    made = [Filled(Template.of(again(*each.indexes)), "later", each) for each in spans]
    assert len(append(log, made, clock)) == 12
    log.execute(update(ENTRY).where(ENTRY.c.position == spans[at].last).values(leaf=bytes(32)))
    with pytest.raises(NothingToRepeat):
        append(log, made, clock)


def repeating(connection: Connection, clock: FixedClock, among: int) -> int:
    """Return how many steps of SQLite's machine eight entries take that each repeat another."""
    made = [Filled(Template.of(again(n)), "later", Span(n, n)) for n in range(among - 8, among)]
    raw: Any = connection.connection.dbapi_connection
    counted = [0]

    def tick() -> int:
        counted[0] += 1
        return 0

    raw.set_progress_handler(tick, 1)
    append(connection, made, clock)
    raw.set_progress_handler(None, 0)
    return counted[0]


def test_to_repeat_costs_the_same_in_a_long_log_whose_statistics_are_of_a_short_one(
    tmp_path: Path, clock: FixedClock, make_entry: EntryMaker
) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
    create(engine)
    with write(engine) as connection:
        append(connection, [make_entry()] * 20, clock)
        connection.exec_driver_sql("ANALYZE")
    engine.dispose()  # what is opened now reads the statistics
    with write(engine) as connection:
        few = repeating(connection, clock, 20)
        append(connection, [make_entry()] * 1000, clock)
        assert repeating(connection, clock, 1000) < 1.5 * few
    engine.dispose()


def test_only_what_was_written_together_is_one_span(
    log: Connection, clock: FixedClock, make_entry: EntryMaker
) -> None:
    assert spans_of(log, [Receipt(LOG, 0), Receipt(LOG, 2)]) is None
    many = append(log, [make_entry()] * (MOST_REPEATED + 1), clock)
    assert spans_of(log, many) is None
    assert spans_of(log, many[1:]) is not None
    with pytest.raises(ValueError, match="follow one another"):
        append(log, [again(0, 2)], clock)


def test_the_last_of_the_most_that_can_be_repeated_is_found(
    log: Connection, clock: FixedClock, make_entry: EntryMaker
) -> None:
    last = make_entry(subject="last")
    many = append(log, [*[make_entry()] * (MOST_REPEATED - 1), last], clock)
    (receipt,) = append(log, [again(*(each.index for each in many))], clock)
    assert places(about(log, "last")) == [(many[-1].index, None), (receipt.index, many[-1].index)]


def test_nothing_leaves_again_under_a_log_that_is_halted(
    log: Connection, clock: FixedClock
) -> None:
    halt_all(log, [])
    with pytest.raises(LedgerHalted):
        append(log, [again(1)], clock)


@pytest.mark.parametrize("refers", [(4,), (5,), (900,), ()])
def test_what_repeats_no_earlier_release_is_found_by_both_checks(
    log: Connection, clock: FixedClock, refers: tuple[int, ...]
) -> None:
    # As a faulty writer would have left it: the tree and the columns agree with it.
    wrong = Template.of(Entry(LOG, Kind.AGAIN, refers=refers))
    (receipt,) = append(log, [Filled(wrong, "later")], clock)
    ends = {"repeats_from": min(refers, default=None), "repeats_to": max(refers, default=None)}
    place = ENTRY.c.position == receipt.index
    log.execute(update(ENTRY).where(place).values(ends))
    assert verify_log(log, LOG).findings == (Finding(receipt.index, Fault.REPEATS),)
    exported, stands = [json.dumps(line) for line in export_lines(log, LOG)], head(log, LOG)
    with pytest.raises(Refused, match="repeats"):
        check_export(exported, Checkpoint("here", stands.size, stands.root, ""))


def test_columns_that_hide_whom_it_was_about_are_found(log: Connection) -> None:
    log.execute(update(ENTRY).where(ENTRY.c.position == 4).values(repeats_from=2))
    assert verify_log(log, LOG).findings == (Finding(4, Fault.COLUMNS),)
    log.execute(update(ENTRY).where(ENTRY.c.position == 4).values(repeats_from=0))
    with pytest.raises(LedgerDamaged):
        list(about(log, "p0"))


def test_a_head_that_forgets_an_erasure_is_found(log: Connection, clock: FixedClock) -> None:
    erase(log, Entry(LOG, Kind.ERASURE, refers=(2,)), clock)
    log.execute(text("UPDATE ledger_head SET last_erasure = NULL"))
    assert verify_log(log, LOG).findings == (Finding(None, Fault.COLUMNS),)


def test_what_repeats_an_entry_is_found_without_reading_the_log(engine: Engine) -> None:
    if engine.dialect.name != "sqlite":
        return  # its planner reads small tables whole
    said: list[str] = []
    with read(engine) as connection:
        raw = connection.connection.dbapi_connection
        assert raw is not None
        raw.set_trace_callback(said.append)  # type: ignore[attr-defined] # SQLite's connection
        list(about(connection, "p0"))
        raw.set_trace_callback(None)  # type: ignore[attr-defined] # SQLite's connection
        joined = next(each for each in said if "later" in each)
        plan = connection.execute(text(f"EXPLAIN QUERY PLAN {joined}")).all()
    steps = [str(row[3]) for row in plan]
    assert any("later USING INDEX ix_ledger_entry_repeats (log=? AND" in step for step in steps)
    assert any("ix_ledger_entry_subject" in step for step in steps)
