"""Kept hashes that are missing halt a log, and are written anew where all else is sound."""

import pytest
from sqlalchemy import Engine, delete, update

from bridge.ledger.check import nodes_of, verify_log
from bridge.ledger.errors import LedgerDamaged, LedgerHalted, UnknownEntry
from bridge.ledger.halting import KnownHead
from bridge.ledger.mending import mend
from bridge.ledger.tables import ENTRY, HEAD, NODE
from bridge.store.database.engine import read, write
from tests.bridge.ledger.test_halting import LOG, compare_with, grow


@pytest.fixture
def known(engine: Engine) -> KnownHead:
    """A log of 600 entries that has lost a hash others' heads rest on."""
    known = grow(engine, 600)
    with write(engine) as connection:
        connection.execute(delete(NODE).where(NODE.c.position == 0))
    return known


def test_a_log_without_its_hashes_lets_nothing_leave_until_it_is_mended(
    engine: Engine, known: KnownHead
) -> None:
    assert compare_with(engine, known) == [600]
    with pytest.raises(LedgerHalted):
        grow(engine, 1)
    with write(engine) as connection:
        assert mend(connection, LOG) == 1
        assert mend(connection, LOG) == 0
    assert compare_with(engine, known) == []
    grow(engine, 1)
    with read(engine) as connection:
        assert verify_log(connection, LOG).sound


@pytest.mark.parametrize("damage", ["changed", "cut", "head", "node", "beyond"])
@pytest.mark.usefixtures("known")
def test_a_log_in_which_anything_else_is_wrong_is_left_as_it_is(
    engine: Engine, damage: str
) -> None:
    broken = {
        "changed": update(ENTRY).where(ENTRY.c.position == 7).values(body=b"{}"),
        "cut": delete(ENTRY).where(ENTRY.c.position == 599),
        "head": update(HEAD).values(root=b"\1" * 32),
        "node": update(NODE).values(hash=b"\1" * 32),
        "beyond": update(NODE).values(position=9),
    }
    with write(engine) as connection:
        connection.execute(broken[damage])
        before = nodes_of(connection, LOG)
        with pytest.raises(LedgerDamaged, match="put a copy in its place"):
            mend(connection, LOG)
        assert nodes_of(connection, LOG) == before


def test_a_log_that_is_none_is_not_mended(engine: Engine) -> None:
    with write(engine) as connection, pytest.raises(UnknownEntry):
        mend(connection, "mou-9")
