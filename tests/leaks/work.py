"""Counting the work a request makes the database do: what is withheld costs what is absent costs.

The time an answer takes is made of this work. It is counted, so that a busy machine decides
nothing: the statements in order, and how often each was carried out. Values are left out.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

Work = list[tuple[str, int]]
# A list of ids makes as many parameters as it has ids: what counts is that there is a list.
_LIST = re.compile(r"\((?:\?|:\w+|%\(\w+\)s)(?:, (?:\?|:\w+|%\(\w+\)s))*\)")


@contextmanager
def counted(engine: Engine) -> Iterator[Work]:
    """Count the statements of an engine while the context lasts."""
    work: Work = []

    def note(*told: Any) -> None:  # noqa: ANN401 - as the library calls it
        _, _, statement, parameters, _, many = told
        work.append((_LIST.sub("(*)", statement), len(parameters) if many else 1))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield work
    finally:
        event.remove(engine, "before_cursor_execute", note)
