"""The hub's rows are counted in memory."""

from pathlib import Path

import duckdb
import pytest

from bridge.hub.counts import ENGINE

Settings = dict[str, str | bool | int | float | list[str]]
SMALL: Settings = {"memory_limit": "20MB"}


def spilled(config: Settings) -> int:
    """Keep more rows than there is memory for; returns the temporary files that took."""
    with duckdb.connect(":memory:", config={**config, **SMALL}) as database:
        database.execute("CREATE TABLE t AS SELECT range a, hash(range) b FROM range(3000000)")
        found = database.execute("SELECT count(*) FROM duckdb_temporary_files()").fetchone()
    assert found
    return int(found[0])


def test_rows_spill_into_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(duckdb.OutOfMemoryException):
        spilled(ENGINE)
    assert list(tmp_path.iterdir()) == []


def test_an_engine_that_may_spill_is_noticed(tmp_path: Path) -> None:
    assert spilled({"threads": 2, "temp_directory": str(tmp_path / "spilled")}) > 0
