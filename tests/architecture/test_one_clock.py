"""Time is taken from one place: what is logged, kept and decided cannot disagree about it."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = [p for name in ("bridge", "consent", "mappings") for p in (ROOT / name).rglob("*.py")]
CLOCK = ROOT / "bridge" / "clock.py"
# The demo's partners are systems of others, with clocks of their own.
OTHERS = [ROOT / "bridge" / "demo" / name for name in ("provider_ehr.py", "school_system.py")]
NAMES = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today")}
NAMES |= {("time", "time"), ("time", "time_ns"), ("time", "gmtime"), ("time", "localtime")}


def taken(source: str) -> Iterator[tuple[str, str]]:
    """Yield every reading of the machine's time of day in a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            of = getattr(node.value, "id", getattr(node.value, "attr", ""))
            if (of, node.attr) in NAMES:
                yield of, node.attr


def test_only_the_clock_reads_the_time_of_day() -> None:
    ours = (path for path in SOURCES if path not in (CLOCK, *OTHERS))
    readers = [path for path in ours if set(taken(path.read_text(encoding="utf-8")))]

    assert [path.relative_to(ROOT).as_posix() for path in readers] == []
    assert set(taken(CLOCK.read_text(encoding="utf-8")))


def test_a_second_reading_is_noticed() -> None:
    for source in ("import time\ntime.time()", "datetime.datetime.now(UTC)", "date.today()"):
        assert list(taken(source)), source
