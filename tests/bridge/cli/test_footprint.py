"""A server loads what it serves with, and no more: each library is megabytes of every worker."""

import subprocess
import sys
from pathlib import Path

UNUSED = (
    *("psycopg", "rich", "watchfiles", "pygments", "fhir", "fhirpathpy", "hypothesis", "altair"),
    *("duckdb", "ibis", "pyspark", "pyarrow", "openpyxl", "weasyprint", "alembic", "numpy"),
)
LOADED = """
import sys
from bridge.cli import serving
{meddling}
serving.share_heaps()
with serving.without_ornaments():
    import uvicorn, bridge.app, bridge.api.hot_connections
print(*sorted(name for name in {unused} if sys.modules.get(name)))
"""


def loaded(meddling: str = "") -> list[str]:
    """Return which unused libraries a process has loaded once it could serve from SQLite."""
    program = LOADED.format(meddling=meddling, unused=UNUSED)
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path.cwd())  # noqa: S603 - ours
    return done.stdout.split()


def test_a_server_on_sqlite_loads_nothing_it_does_not_serve_with() -> None:
    assert loaded() == []


def test_a_library_that_is_loaded_is_noticed() -> None:
    assert loaded("import psycopg") == ["psycopg"]


HIDDEN = """
from bridge.cli.footprint import without_ornaments
try:
    with without_ornaments():
        import watchfiles
except ImportError:
    import watchfiles
    print(watchfiles.__name__)
"""


def test_what_was_hidden_can_be_imported_afterwards() -> None:
    command = [sys.executable, "-c", HIDDEN]  # a process that nothing has loaded it into
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path.cwd())  # noqa: S603 - ours
    assert done.stdout.split() == ["watchfiles"]
