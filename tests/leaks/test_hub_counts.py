"""What a state hub counts is what may go to it, and nobody puts questions of their own to it."""

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
import typer

from bridge.cli import state_hub
from bridge.gate import Query
from bridge.hub.counts import COLLECTED, CountRow, count_rows
from bridge.identity import Caller
from bridge.store.database.engine import read
from bridge.store.vault import find
from tests.leaks.broken_gates import EVERYTHING
from tests.leaks.callers import CLIENTS, Opened
from tests.leaks.trio import populated
from tests.leaks.viewpoints import VIEWPOINTS

HUB = next(view for view in VIEWPOINTS if view.name == "hub")
Rows = Callable[[Opened, str], Iterable[bytes]]


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Opened, ...]]:
    made = populated(HUB, tmp_path_factory.mktemp("worlds"))
    yield made
    for each in made:
        each.world.bridge.engine.dispose()


def given(opened: Opened, kind: str) -> list[bytes]:
    """Return the rows of a type that the hub gets."""
    loader = Caller("hub-loader-client", CLIENTS["hub loader"])
    found = opened.world.bridge.gate.search(loader, Query(kind, limit=500)).matches
    return [each.body for each in found]


def stored(opened: Opened, kind: str) -> list[bytes]:
    """Return every row of a type there is, whoever may have it."""
    with read(opened.world.bridge.engine) as connection:
        found, _ = find(connection, replace(Query(kind), limit=500), EVERYTHING)
    return [each.body.encode() for each in found]


def counted(opened: Opened, rows: Rows, folder: Path) -> list[CountRow]:
    folder.mkdir(exist_ok=True)
    for kind in COLLECTED:
        lines = [orjson.dumps(orjson.loads(body)) + b"\n" for body in rows(opened, kind)]
        (folder / f"{kind}.ndjson").write_bytes(b"".join(lines))
    return count_rows(folder)


def test_what_is_withheld_from_the_hub_is_in_none_of_its_counts(
    worlds: tuple[Opened, ...], tmp_path: Path
) -> None:
    full, absent, different = (counted(each, given, tmp_path) for each in worlds)
    assert full == absent == different
    whole = full[0]
    assert (whole.referrals, whole.students, whole.served, whole.sessions) == (3, 3, 3, 3)


def test_a_hub_that_is_given_every_row_is_noticed(
    worlds: tuple[Opened, ...], tmp_path: Path
) -> None:
    full, absent, different = (counted(each, stored, tmp_path) for each in worlds)
    assert full != absent
    assert different != absent


# --- fixed tables -------------------------------------------------------------------------------

# What somebody at a hub may say to it: none of it is a question about rows.
SAID = {
    "key": {"folder"},
    "collect": {"folder", "bridges", "fhir_base", "client_id", "name", "since_last", "as_json"},
    "table": {"folder", "minimum", "as_json"},
}


def askable(app: typer.Typer) -> dict[str, set[str]]:
    """Return the commands there are and what each is told."""
    called = {each.name or each.callback.__name__: each for each in app.registered_commands}  # type: ignore[union-attr] # every command is a function
    return {name: set(inspect.signature(each.callback).parameters) for name, each in called.items()}  # type: ignore[arg-type] # every command is a function


def test_a_hub_is_asked_for_its_fixed_table_and_nothing_else() -> None:
    assert askable(state_hub.app) == SAID


def test_a_command_that_takes_a_question_is_noticed() -> None:
    planted = typer.Typer()

    @planted.command()
    def table(folder: Path, where: str) -> None:
        """Count the rows somebody asks for."""

    assert askable(planted) != SAID
    assert "where" in askable(planted)["table"]
