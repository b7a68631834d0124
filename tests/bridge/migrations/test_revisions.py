"""The revisions make the tables the code asks for, and a change of a table needs a revision."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from bridge.migrations import catalogue, versions
from bridge.migrations.catalogue import metadata
from bridge.migrations.state import State, create, index_digest, revisions, state_of
from bridge.migrations.upgrade import config_of, upgrade
from bridge.store.database.engine import open_engine, read, write

ROOT = Path(__file__).parents[3]
WHAT_TO_DO = (
    "the tables are not what the revisions make; write the next one with: "
    "make migration NAME=say_what_changes (then read the file it wrote)"
)


def differences(engine: Engine) -> list[object]:
    with read(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))


def triggers_of(engine: Engine) -> list[str]:
    """Return what the database itself says its triggers are."""
    query = {
        "sqlite": "SELECT sql FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": (
            "SELECT pg_get_triggerdef(t.oid) || ' ' || f.prosrc FROM pg_trigger t"
            " JOIN pg_proc f ON f.oid = t.tgfoid WHERE NOT t.tgisinternal"
        ),
    }[engine.dialect.name]
    with read(engine) as connection:
        return sorted(" ".join(sql.split()) for sql in connection.scalars(text(query)))


def described(engine: Engine) -> dict[str, object]:
    """Describe every table as the database itself knows it, the order of columns aside."""
    with read(engine) as connection:
        seen = inspect(connection)
        return {"triggers": triggers_of(engine)} | {
            table: {
                "columns": {
                    column["name"]: (str(column["type"]), column["nullable"], column["default"])
                    for column in seen.get_columns(table)
                },
                "key": sorted(seen.get_pk_constraint(table)["constrained_columns"]),
                "unique": sorted(
                    str(u["column_names"]) for u in seen.get_unique_constraints(table)
                ),
                "references": sorted(
                    str(sorted(f.items(), key=str)) for f in seen.get_foreign_keys(table)
                ),
                "indexes": sorted(
                    (str(i["name"]), str(i["column_names"]), i["unique"])
                    for i in seen.get_indexes(table)
                ),
            }
            for table in seen.get_table_names()
        }


def emptied(engine: Engine) -> None:
    with write(engine) as connection:
        metadata.drop_all(connection)
        connection.exec_driver_sql("DROP TABLE alembic_version")


@pytest.fixture
def fresh(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


def test_the_revisions_make_the_tables_the_code_asks_for(fresh: Engine) -> None:
    assert upgrade(fresh) is State.EMPTY
    assert differences(fresh) == [], WHAT_TO_DO
    assert state_of(fresh) is State.CURRENT


def test_a_new_database_is_made_as_the_revisions_would_make_it(fresh: Engine) -> None:
    upgrade(fresh)
    by_revisions = described(fresh)
    emptied(fresh)
    create(fresh)
    assert described(fresh) == by_revisions
    assert state_of(fresh) is State.CURRENT


def test_a_change_of_what_records_are_found_by_has_them_indexed_anew(fresh: Engine) -> None:
    with write(fresh) as connection:
        script = ScriptDirectory.from_config(config_of(connection))
    said = [getattr(r.module, "reindex", None) for r in script.walk_revisions()]
    last = next(digest for digest in said if digest)
    assert last == index_digest(), (
        "bridge.store.search.index.PARAMETERS changed: make migration NAME=index_what_changes, "
        f'and write reindex = "{index_digest()}" into it'
    )


def test_there_is_one_line_of_revisions_and_their_numbers_follow_each_other(fresh: Engine) -> None:
    with write(fresh) as connection:
        script = ScriptDirectory.from_config(config_of(connection))
    numbers = [f"r{n:04d}" for n in range(1, len(revisions()) + 1)]
    assert list(revisions()) == numbers, "two revisions carry one number: number yours anew"
    assert [r.revision for r in script.walk_revisions()] == numbers[::-1]
    files = sorted(Path(str(versions.__file__)).parent.glob("r*.py"))
    assert [file.name[:5] for file in files] == numbers


def test_the_catalogue_names_every_module_with_a_table() -> None:
    with_tables = {
        file.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
        for file in (ROOT / "bridge").rglob("*.py")
        if "table=True" in file.read_text(encoding="utf-8")
    }
    assert {module.__name__ for module in catalogue.TABLE_MODULES} >= with_tables
