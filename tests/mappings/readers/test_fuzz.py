"""Any bytes at all: a reader gives rows of text or one refusal, in little memory.

``make faults`` lets each reader run for ten minutes; the seed is printed, and
``SCHOOLBRIDGE_TEST_SEED`` repeats a run.
"""

import json
import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mappings.language import MapKind, draft_map
from mappings.readers import SourceError, SourceFormat, open_table
from tests.support.reader_fuzz import (
    FORMATS,
    Content,
    anything,
    feed,
    how,
    written,
    written_csv,
)

ROOT = Path(__file__).parents[3]
CELL = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
RECTANGLE = st.integers(2, 5).flatmap(
    lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), min_size=2, max_size=6)
)


@pytest.mark.parametrize("name", FORMATS)
def test_no_input_breaks_a_reader(name: str) -> None:
    asked = how(name)

    @settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(anything(name))
    def every(content: bytes | dict[str, bytes]) -> None:
        assert feed(name, content, asked) in ("read", "refused")

    every()


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=RECTANGLE)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_what_a_csv_file_says_is_read_as_written(
    tmp_path: Path, rows: list[list[str]], delimiter: str
) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(written_csv(rows, delimiter))
    table = open_table(path, SourceFormat(("csv",), delimiter=delimiter))
    assert [list(table.header), *table.rows] == rows


@pytest.mark.parametrize("name", FORMATS)
def test_any_input_is_drafted_or_refused(name: str) -> None:
    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(content=anything(name))
    def every(content: Content) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = written(Path(folder), name, content)
            try:
                told = draft_map(path, MapKind.SESSION)
            except SourceError as error:
                told = str(error)
        assert folder not in told
        assert told

    every()


@pytest.mark.faults
@pytest.mark.parametrize("name", FORMATS)
def test_ten_minutes_of_any_input_break_no_reader(name: str) -> None:
    seed = int(os.environ.get("SCHOOLBRIDGE_TEST_SEED") or secrets.randbelow(10**9))  # noqa: TID251 - a switch of the tests
    command = [sys.executable, "-m", "tests.support.reader_fuzz", name, "600", str(seed)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    print(f"{name}: seed {seed}: {done.stdout.strip()}")  # noqa: T201 - what the run found
    assert done.returncode == 0, done.stderr[-2_000:]
    found = json.loads(done.stdout)
    assert found["peak_mb"] < 256
    assert found["refused"] > 0
