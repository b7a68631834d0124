"""A change of a table class is drafted as a revision that makes it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CHECK = """
from tests.bridge.migrations.test_revisions import differences
from bridge.migrations.upgrade import upgrade
from bridge.store.database.engine import open_engine
engine = open_engine("sqlite:///new.sqlite3")
upgrade(engine)
assert differences(engine) == [], differences(engine)
"""

BEFORE = "    birth_date: date\n"
AFTER = "    birth_date: date | None\n    seen_at: datetime | None = None\n"
MORE = """

class ColourRow(SQLModel, table=True):
    __tablename__ = "colour"
    name: str = Field(primary_key=True)
    of: str = Field(foreign_key="student.id", index=True)
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the code that may be changed."""
    for package in ("bridge", "consent", "documents", "mappings", "tests/support"):
        shutil.copytree(ROOT / package, tmp_path / package)
    shutil.copytree(ROOT / "tests/bridge/migrations", tmp_path / "tests/bridge/migrations")
    return tmp_path


def run(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-P", *arguments]
    done = subprocess.run(  # noqa: S603 - our own program
        command,
        cwd=folder,
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout if done.returncode == 0 else f"failed: {done.stderr}"


@pytest.mark.slow
def test_a_draft_makes_what_was_changed_in_the_table_classes(copy: Path) -> None:
    tables = copy / "bridge" / "store" / "tables.py"
    text = tables.read_text(encoding="utf-8")
    changed = text.replace(BEFORE, AFTER) + MORE
    assert AFTER in changed
    tables.write_text(changed, encoding="utf-8")
    assert "failed" in run(copy, "-c", CHECK)
    told = run(copy, "-m", "bridge.migrations.draft", "add_colour")
    assert told.endswith("read it, then run the tests\n"), told
    assert "_add_colour.py" in told
    assert run(copy, "-c", CHECK) == ""
