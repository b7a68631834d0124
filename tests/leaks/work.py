"""Counting the work a request makes the database do: what is withheld costs what is absent costs.

The time an answer takes is made of this work. It is counted, so that a busy machine decides
nothing: the statements in order, and how often each was carried out; the rows that came back; the
steps the database's machine took (SQLite); the bytes answered; the functions of the bridge that
were called. Values are left out.
"""

import re
import sys
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any
from unittest.mock import patch

from sqlalchemy import Connection, Engine, event

from bridge import driver

# A list of ids makes as many parameters as it has ids: what counts is that there is a list.
_LIST = re.compile(r"\((?:\?|:\w+|%\(\w+\)s)(?:, (?:\?|:\w+|%\(\w+\)s))*\)")


MOST_STEPS = 200
"""What looking at one record that is there may add: measured 167 (of 3,206 for an absent one)."""


@dataclass
class Work:
    """What a request made the database do.

    Attributes:
        statements: each with how often it was carried out.
        rows: how many came back.
        steps: of SQLite's virtual machine.
    """

    statements: list[tuple[str, int]] = field(default_factory=list)
    rows: int = 0
    steps: int = 0
    _watched: list[Any] = field(default_factory=list, repr=False, compare=False)

    def note(self, *told: Any) -> None:  # noqa: ANN401 - as the library calls it
        _, _, statement, parameters, _, many = told
        self.asked(statement, len(parameters) if many else 1)

    def asked(self, statement: str, times: int) -> None:
        self.statements.append((_LIST.sub("(*)", statement), times))

    def row(self, _cursor: object, values: tuple[object, ...]) -> tuple[object, ...]:
        self.rows += 1
        return values

    def step(self) -> int:
        self.steps += 1
        return 0

    def watch(self, connection: Any, *_: object) -> None:  # noqa: ANN401 - a driver's connection
        connection.row_factory = self.row
        connection.set_progress_handler(self.step, 1)

    def begun(self, connection: Connection) -> None:
        # A connection that is kept by who answers reads is not taken from the pool each time.
        self.watch(connection.connection.dbapi_connection)

    def opened(self, connection: Connection) -> None:
        """Watch a connection that is kept by who answers: it is not taken from the pool each time.

        Neither does it begin and end by the toolkit, which would tell of it.
        """
        raw = connection.connection.dbapi_connection
        self._watched.append(raw)
        self.watch(raw)

    def end(self) -> None:
        """Watch none of those any more."""
        for raw in self._watched:
            _leave(raw)


class _Noted:
    """A cursor of the driver's own, whose statements are counted like any others."""

    def __init__(self, cursor: Any, work: Work) -> None:  # noqa: ANN401 - the driver's
        self._cursor, self._work = cursor, work

    def execute(self, sql: str, *given: object) -> "_Noted":
        self._work.asked(sql, 1)
        self._cursor.execute(sql, *given)
        return self

    def executemany(self, sql: str, rows: Iterable[object]) -> "_Noted":
        every = list(rows)
        self._work.asked(sql, len(every))
        self._cursor.executemany(sql, every)
        return self

    def __iter__(self) -> Iterator[Any]:
        return iter(self._cursor)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the driver's
        return getattr(self._cursor, name)


@contextmanager
def _noting_cursors(engine: Engine, work: Work) -> Iterator[None]:
    opens = driver._Opened
    usual = opens.__enter__

    def enter(opened: Any) -> Any:  # noqa: ANN401 - the driver's
        connection = opened._connection
        if connection.engine.pool is not engine.pool:
            return usual(opened)
        work.opened(connection)
        return _Noted(usual(opened), work)

    with patch.object(opens, "__enter__", enter):
        yield
    work.end()


@contextmanager
def counted(engine: Engine, *, every: bool = False) -> Iterator[Work]:
    """Count the work of an engine on SQLite while the context lasts.

    Args:
        engine: the engine.
        every: whether also what goes by the driver alone: the statements, and all that a connection
            does which is kept by who answers.
    """
    work = Work()
    watched: dict[str, Any] = {"checkout": work.watch, "checkin": _leave, "begin": work.begun}
    watched |= {"before_cursor_execute": work.note, "commit": _ended, "rollback": _ended}
    for name, hook in watched.items():
        event.listen(engine, name, hook)
    try:
        with _noting_cursors(engine, work) if every else nullcontext():
            yield work
    finally:
        for name, hook in watched.items():
            event.remove(engine, name, hook)


def _ended(connection: Connection) -> None:
    _leave(connection.connection.dbapi_connection)


def _leave(connection: Any, *_: object) -> None:  # noqa: ANN401 - a driver's connection
    connection.row_factory = None
    connection.set_progress_handler(None, 0)


@contextmanager
def called() -> Iterator[Counter[str]]:
    """Count the calls of the bridge's own functions while the context lasts, in new threads too."""
    found: Counter[str] = Counter()

    def note(frame: FrameType, what: str, _: object) -> None:
        code = frame.f_code
        if what == "call" and _OURS.intersection(Path(code.co_filename).parts):
            found[f"{Path(code.co_filename).name} {code.co_qualname}"] += 1

    before = sys.getprofile()
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield found
    finally:
        sys.setprofile(before)
        threading.setprofile(None)


@dataclass(frozen=True)
class Cost:
    """What an answer took, and how much of it there is."""

    work: Work
    status: int
    length: int

    def apart(self, other: "Cost", most_steps: int = MOST_STEPS) -> str:
        """Return in what two costs differ; "" where nothing tells them apart."""
        mine, theirs = self.work, other.work
        found = {
            "statements": mine.statements != theirs.statements,
            "rows": mine.rows != theirs.rows,
            "answer": (self.status, self.length) != (other.status, other.length),
            "steps": abs(mine.steps - theirs.steps) > most_steps,
        }
        return " ".join(name for name, differs in found.items() if differs)


_OURS = {"bridge", "consent", "mappings"}
