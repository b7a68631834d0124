"""One entry lists several releases: it counts for each of them, and one can be erased."""

import json
import re
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, delete, text

from bridge.clock import FixedClock
from bridge.identifiers import Identifiers
from bridge.ledger.append import append, erase, head
from bridge.ledger.blocks import TOGETHER, blocks_of, rows_in
from bridge.ledger.check import Fault, Finding, verify_log
from bridge.ledger.entry import Entry, Kind, Receipt, Recorded
from bridge.ledger.errors import LedgerDamaged, LedgerHalted, UnknownEntry
from bridge.ledger.halting import halt_all
from bridge.ledger.listing import Listed, ListedRows, evidence_text
from bridge.ledger.lookup import about, of_request, recorded
from bridge.ledger.notes import Signer, sign_head
from bridge.ledger.proofs import export_lines, receipt_document
from bridge.ledger.tables import BLOCK, ENTRY
from bridge.ledger.verifier import (
    Checkpoint,
    Refused,
    check_export,
    check_receipt,
    open_note,
)
from bridge.store.database.engine import write
from tests.bridge.ledger.conftest import EntryMaker
from tests.support.listed_rows import every_row, spoil

LOG = "mou-1"
SIGNER = Signer.from_seed("bridge.district.example", bytes(range(32)))
SUBJECTS = ("p0", "p1", "p0", "p2")


def listed(make_entry: EntryMaker, *subjects: str) -> Listed:
    rows = ListedRows()
    for n, each in enumerate(subjects):
        rows.add(each, f"row-{n}", f"digest-{n}", ("form",) if n % 2 else ())
    return Listed.of(make_entry(), "Encounter", rows)


@pytest.mark.parametrize("evidence", [(), ("form",), ("a", 'é"\\')])
def test_rows_of_names_we_issued_are_written_as_any(evidence: tuple[str, ...]) -> None:
    issue, rows, issued = Identifiers("a-secret").issue, ListedRows(), ListedRows()
    said = issue("student", "1"), issue("row", "1"), "0123456789abcdef" * 2
    other = issue("student", "2"), issue("row", "2"), "fedcba9876543210" * 2
    for each in (said, other):
        rows.add(*each, evidence)
    subjects, things, digests = zip(said, other, strict=True)
    written = [evidence_text(evidence)] * 2
    encoded = [[each.encode() for each in some] for some in (things, digests)]
    issued.add_issued(subjects, *encoded, written)
    assert issued == rows
    with pytest.raises(ValueError, match="shorter"):
        issued.add_issued(subjects, *encoded, written[:1])


@pytest.fixture
def log(engine: Engine, clock: FixedClock, make_entry: EntryMaker) -> Iterator[Connection]:
    """A release about p0 (0), then four about p0, p1, p0 and p2 in one entry (1)."""
    with write(engine) as connection:
        append(connection, [make_entry(subject="p0"), listed(make_entry, *SUBJECTS)], clock)
        yield connection


def places(found: Iterator[Recorded]) -> list[tuple[int, int | None]]:
    return [(each.index, each.row) for each in found]


def checked(connection: Connection) -> int:
    lines = [json.dumps(line) for line in export_lines(connection, LOG)]
    now = head(connection, LOG)
    return check_export(lines, Checkpoint("origin", now.size, now.root, ""))


def test_each_row_is_about_its_person(log: Connection) -> None:
    assert places(about(log, "p0")) == [(0, None), (1, 0), (1, 2)]
    assert places(about(log, "p2")) == [(1, 3)]
    assert places(about(log, "nobody")) == []


def test_a_row_reads_as_a_release_of_its_own(log: Connection) -> None:
    ((only,), whole) = list(about(log, "p1")), recorded(log, Receipt(LOG, 1))
    said = only.entry
    assert (said.kind, whole.entry.kind) == (Kind.RELEASE, Kind.RELEASES)
    assert said.resource is not None
    assert (said.resource.type, said.resource.id) == ("Encounter", "row-1")
    assert (said.resource.digest, said.evidence, said.subject) == ("digest-1", ("form",), "p1")
    assert (said.elements, said.ruling, said.terms) == (
        *(whole.entry.elements, whole.entry.ruling, whole.entry.terms),
    )
    assert (only.time, said.request) == (whole.time, whole.entry.request)


def test_a_request_led_to_each_of_them(log: Connection) -> None:
    assert places(of_request(log, "request-1")) == [(0, None), *((1, n) for n in range(4))]


def test_a_row_is_found_by_its_receipt(log: Connection) -> None:
    receipt = Receipt.parse(f"{LOG}#1.3")
    assert str(receipt) == f"{LOG}#1.3"
    assert recorded(log, receipt).entry.subject == "p2"
    for absent in (f"{LOG}#1.4", f"{LOG}#0.0"):
        with pytest.raises(UnknownEntry):
            recorded(log, Receipt.parse(absent))


@pytest.mark.parametrize(
    "text", ["#1", "mou-1#", "mou-1#1.", "mou-1#.1", "mou-1#1.x", "mou-1#1.2.3"]
)
def test_no_other_text_is_a_receipt(text: str) -> None:
    with pytest.raises(ValueError, match=r"log#index"):
        Receipt.parse(text)


def test_both_verifiers_find_it_sound(log: Connection) -> None:
    assert verify_log(log, LOG).sound
    assert checked(log) == 0


@pytest.mark.parametrize(
    "values",
    [
        {"row": {"digest": "x", "evidence": [], "id": "row-1", "subject": "p1"}},
        {"row": {}},
        {"row": "not a row"},
        {"salt": "00"},
        {"salt": "not hexadecimal"},
        {"salt": None},
        {"nth": 9},
        {"row": {"erased": "00" * 32}, "salt": None},
    ],
)
def test_a_row_that_was_changed_is_found_by_both(log: Connection, values: dict[str, Any]) -> None:
    spoil(log, 1, **values)
    assert Finding(1, Fault.ROWS) in verify_log(log, LOG).findings
    with pytest.raises((Refused, LedgerDamaged)):
        checked(log)


def test_a_row_of_another_number_is_found(log: Connection) -> None:
    spoil(log, 3, nth=9)  # still the last of them
    assert verify_log(log, LOG).findings == (Finding(1, Fault.ROWS),)


def test_rows_that_were_taken_out_or_put_in_are_found(log: Connection) -> None:
    block = dict(log.execute(BLOCK.select()).mappings().one())
    log.execute(delete(BLOCK))
    assert verify_log(log, LOG).findings == (Finding(1, Fault.ROWS),)
    log.execute(BLOCK.insert(), [block, block | {"position": 7}])
    assert verify_log(log, LOG).findings == (Finding(None, Fault.ROWS),)


@pytest.mark.parametrize("last", [b"p1", b""])
def test_rows_where_nobody_would_look_for_them_are_found(log: Connection, last: bytes) -> None:
    spoil(log, 1, last=last)
    assert verify_log(log, LOG).findings == (Finding(1, Fault.ROWS),)


def test_a_person_whose_rows_lie_in_two_blocks_is_found(log: Connection) -> None:
    (block,) = log.execute(BLOCK.select()).mappings()
    said = json.loads(block["body"])
    for number, (some, last) in enumerate((([0], b"p0"), ([1, 2, 3], b"p2"))):
        body = {name: [said[name][at] for at in some] for name in said}
        parted = {"body": orjson.dumps(body), "last": last, "block": number + 1}
        log.execute(BLOCK.insert(), dict(block) | parted)
    log.execute(delete(BLOCK).where(BLOCK.c.block == 0))
    assert verify_log(log, LOG).findings == (Finding(1, Fault.ROWS),)


def test_rows_of_one_person_are_erased_and_the_others_stay(
    log: Connection, clock: FixedClock
) -> None:
    erase(log, Entry(LOG, Kind.ERASURE, subject="p0", refers=(1,)), clock)
    assert places(of_request(log, "request-1")) == [(0, None), (1, 1), (1, 3)]
    assert [place for place in places(about(log, "p0")) if place[0] == 1] == []
    assert verify_log(log, LOG).sound
    assert checked(log) == 1
    stored = [row for _, _, row in every_row(log)]
    assert [row.body is None for row in stored] == [True, False, True, False]
    assert [row.salt is None and row.subject is None for row in stored] == [True, False] * 2


def test_of_the_erased_nothing_is_left_where_their_rows_were(
    log: Connection, clock: FixedClock
) -> None:
    for whose in ("p2", "p0", "p1"):
        salts = [
            row.salt.hex() for _, _, row in every_row(log) if row.subject == whose and row.salt
        ]
        erase(log, Entry(LOG, Kind.ERASURE, subject=whose, refers=(1,)), clock)
        for kept in log.execute(BLOCK.select()):
            assert whose.encode() not in kept.body + kept.last
            assert not any(salt.encode() in kept.body for salt in salts)
        assert verify_log(log, LOG).sound


def test_rows_emptied_without_an_erasure_are_found_by_both(log: Connection) -> None:
    (digest,) = [row.digest for _, _, row in every_row(log) if row.nth == 2]
    spoil(log, 2, row={"erased": digest.hex()}, salt=None)
    assert verify_log(log, LOG).findings == (Finding(1, Fault.ERASED),)
    with pytest.raises(Refused, match="left out"):
        checked(log)


@pytest.mark.parametrize("whose", [None, "p7"])
def test_an_erasure_says_whose_rows_are_to_go(
    log: Connection, clock: FixedClock, whose: str | None
) -> None:
    expected = ValueError if whose is None else UnknownEntry
    with pytest.raises(expected), log.begin_nested():
        erase(log, Entry(LOG, Kind.ERASURE, subject=whose, refers=(1,)), clock)
    assert len(places(of_request(log, "request-1"))) == 5


def receipt(connection: Connection, text: str) -> dict[str, Any]:
    note = sign_head(head(connection, LOG), SIGNER)
    signed = open_note(note, [SIGNER.vkey])
    return receipt_document(connection, Receipt.parse(text), note, signed)


def test_a_receipt_proves_one_row_and_tells_nothing_of_the_others(log: Connection) -> None:
    document = receipt(log, f"{LOG}#1.3")
    entry = check_receipt(json.loads(json.dumps(document)), [SIGNER.vkey])
    assert (entry["kind"], entry["row"]["subject"]) == ("releases", "p2")
    # As a word: digests are written in letters and digits, and may hold these two.
    word = r"(?<![A-Za-z0-9+/_-])(p0|p1|row-0|row-1)(?![A-Za-z0-9+/_-])"
    assert not re.search(word, json.dumps(document))
    assert re.search(word.replace("p0", "p2"), json.dumps(entry))
    assert "row" not in check_receipt(receipt(log, f"{LOG}#1"), [SIGNER.vkey])


@pytest.mark.parametrize(
    "changes",
    [
        {"digests": []},
        {"digests": ["00" * 32] * 4},
        {"digests": None},
        {"row": {"nth": 2}},
        {"row": {"nth": -1}},
        {"row": {"nth": True}},
        {"row": {"nth": 4}},
        {"row": {"salt": "00"}},
        {"row": {"body": '{"subject":"p9"}'}},
        {"row": {"body": None}},
    ],
)
def test_a_receipt_of_another_row_is_refused(log: Connection, changes: dict[str, Any]) -> None:
    document = receipt(log, f"{LOG}#1.3")
    row = document["row"] | changes.get("row", {})
    with pytest.raises(Refused):
        check_receipt({**document, **changes, "row": row}, [SIGNER.vkey])


def test_a_receipt_that_brings_a_digest_of_its_own_is_refused(log: Connection) -> None:
    document = receipt(log, f"{LOG}#1.3")
    forged = {"body": '{"subject":"p9"}', "digest": document["digests"][3]}
    with pytest.raises(Refused):
        check_receipt({**document, "row": document["row"] | forged}, [SIGNER.vkey])


def test_an_erased_row_has_no_receipt(log: Connection, clock: FixedClock) -> None:
    erase(log, Entry(LOG, Kind.ERASURE, subject="p2", refers=(1,)), clock)
    with pytest.raises(UnknownEntry):
        receipt(log, f"{LOG}#1.3")
    assert check_receipt(receipt(log, f"{LOG}#1.1"), [SIGNER.vkey])["row"]["subject"] == "p1"


def test_a_row_that_cannot_be_read_is_damage(log: Connection) -> None:
    spoil(log, 1, row="not a row")
    with pytest.raises(LedgerDamaged):
        list(of_request(log, "request-1"))


def test_a_halted_log_lists_nothing(
    log: Connection, clock: FixedClock, make_entry: EntryMaker
) -> None:
    halt_all(log, [LOG])
    with pytest.raises(LedgerHalted):
        append(log, [listed(make_entry, "p0")], clock)


def test_an_entry_lists_at_least_one(make_entry: EntryMaker) -> None:
    with pytest.raises(ValueError, match="at least one"):
        listed(make_entry)


def test_the_stored_body_is_canonical(log: Connection) -> None:
    said = [json.loads(row.body or b"") for _, _, row in every_row(log)]
    assert [each["subject"] for each in said] == list(SUBJECTS)
    assert all(sorted(each) == list(each) for each in said)
    kinds = list(log.scalars(ENTRY.select().with_only_columns(ENTRY.c.kind)))
    assert kinds == ["release", "releases"]


def test_the_rows_about_a_person_are_sought_in_each_entry_that_lists_some(
    log: Connection,
) -> None:
    if log.dialect.name != "sqlite":
        return  # its planner reads small tables whole
    said: list[str] = []
    raw = log.connection.dbapi_connection
    assert raw is not None
    raw.set_trace_callback(said.append)  # type: ignore[attr-defined] # SQLite's connection
    assert places(about(log, "p2")) == [(1, 3)]
    raw.set_trace_callback(None)  # type: ignore[attr-defined] # SQLite's connection
    sought = next(each for each in said if "ledger_block" in each)
    steps = [str(row[3]) for row in log.execute(text(f"EXPLAIN QUERY PLAN {sought}"))]
    assert "SCAN e USING INDEX ix_ledger_entry_listing" in steps
    for found in ("log=? AND position=? AND last>?", "log=? AND position=? AND last=?"):
        assert any(f"sqlite_autoindex_ledger_block_1 ({found})" in step for step in steps)


@given(
    st.lists(st.sampled_from([f"p{n}" for n in range(30)]), min_size=1, max_size=120),
    st.integers(0, 29),
)
def test_all_rows_of_a_person_are_in_the_first_block_that_reaches_it(
    subjects: list[str], whose: int
) -> None:
    bodies = [json.dumps({"subject": each}).encode() for each in subjects]
    blocks = list(blocks_of(subjects, bodies, [b"salt"] * len(subjects)))
    assert [number for _, number, _ in blocks] == list(range(len(blocks)))
    assert sorted(row.nth for *_, body in blocks for row in rows_in(body)) == [
        *range(len(subjects))
    ]
    person = f"p{whose}"
    reaching = next((body for last, _, body in blocks if last >= person.encode()), b"")
    found = [row.nth for row in rows_in(reaching) if row.subject == person] if reaching else []
    assert found == [n for n, each in enumerate(subjects) if each == person]
    assert all(len(rows_in(body)) >= TOGETHER for *_, body in blocks[:-1])
