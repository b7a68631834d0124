"""Statements compiled once for all the databases of a run, not once for each.

An engine keeps the statements it compiled, and a test has an engine of its own: without this every
test compiles again what the one before it did, a sixth of the CPU of the tests of the bridge. What
is compiled depends on the kind of database alone, as every engine here is opened the same way.
"""

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.util import LRUCache

from bridge.store.database.engine import _readers_of

_MOST = 1500


class _Shared:
    """What SQLAlchemy looks a statement up in: under the database's kind, not the engine's own."""

    def __init__(self) -> None:
        self._kept: LRUCache[Any, Any] = LRUCache(_MOST)

    def get(self, key: tuple[Any, ...]) -> Any:  # noqa: ANN401 - a compiled statement
        return self._kept.get((key[0].name, *key[1:]))

    def __setitem__(self, key: tuple[Any, ...], compiled: object) -> None:
        self._kept[key[0].name, *key[1:]] = compiled


_ALL = _Shared()


def share_compiled(engine: Engine) -> Engine:
    """Let an engine use what others of its kind compiled."""
    opened = [engine, _readers_of(engine)] if engine.dialect.name == "sqlite" else [engine]
    for one in opened:
        one.update_execution_options(compiled_cache=_ALL)
    return engine
