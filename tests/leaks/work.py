"""Counting the work a request makes the database do: what is withheld costs what is absent costs.

The time an answer takes is made of this work. It is counted, so that a busy machine decides
nothing: the statements in order, and how often each was carried out; the rows that came back; the
steps the database's machine took (SQLite); the bytes answered. Values are left out.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, event

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


@contextmanager
def counted(engine: Engine) -> Iterator[Work]:
    """Count the work of an engine on SQLite while the context lasts."""
    work = Work()

    def note(*told: Any) -> None:  # noqa: ANN401 - as the library calls it
        _, _, statement, parameters, _, many = told
        work.statements.append((_LIST.sub("(*)", statement), len(parameters) if many else 1))

    def row(_cursor: object, values: tuple[object, ...]) -> tuple[object, ...]:
        work.rows += 1
        return values

    def step() -> int:
        work.steps += 1
        return 0

    def watch(connection: Any, *_: object) -> None:  # noqa: ANN401 - a driver's connection
        connection.row_factory = row
        connection.set_progress_handler(step, 1)

    def leave(connection: Any, *_: object) -> None:  # noqa: ANN401 - a driver's connection
        connection.row_factory = None
        connection.set_progress_handler(None, 0)

    watched = {"before_cursor_execute": note, "checkout": watch, "checkin": leave}
    for name, hook in watched.items():
        event.listen(engine, name, hook)
    try:
        yield work
    finally:
        for name, hook in watched.items():
            event.remove(engine, name, hook)
