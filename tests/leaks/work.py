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
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from sqlalchemy import Connection, Engine, event

# A list of ids makes as many parameters as it has ids: what counts is that there is a list.
_LIST = re.compile(r"\((?:\?|:\w+|%\(\w+\)s)(?:, (?:\?|:\w+|%\(\w+\)s))*\)")


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

    def note(self, *told: Any) -> None:  # noqa: ANN401 - as the library calls it
        _, _, statement, parameters, _, many = told
        self.statements.append((_LIST.sub("(*)", statement), len(parameters) if many else 1))

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


@contextmanager
def counted(engine: Engine) -> Iterator[Work]:
    """Count the work of an engine on SQLite while the context lasts."""
    work = Work()
    watched: dict[str, Any] = {"checkout": work.watch, "checkin": _leave, "begin": work.begun}
    watched |= {"before_cursor_execute": work.note, "commit": _ended, "rollback": _ended}
    for name, hook in watched.items():
        event.listen(engine, name, hook)
    try:
        yield work
    finally:
        for name, hook in watched.items():
            event.remove(engine, name, hook)


def _leave(connection: Any, *_: object) -> None:  # noqa: ANN401 - a driver's connection
    connection.row_factory = None
    connection.set_progress_handler(None, 0)


def _ended(connection: Connection) -> None:
    _leave(connection.connection.dbapi_connection)


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


_OURS = {"bridge", "consent", "mappings"}
