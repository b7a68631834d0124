"""Statements and routes prepared once for a whole run, not once for each database or application.

An engine keeps the statements it compiled, and a test has an engine of its own: without this every
test compiles again what the one before it did, a sixth of the CPU of the tests of the bridge. What
is compiled depends on the kind of database alone, as every engine here is opened the same way.

An application prepares its routes at its first request, which takes twenty times as long as the
request. What is prepared depends on the routers alone: the bridge comes with each request.
"""

from types import MappingProxyType
from typing import Any

from fastapi import FastAPI
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
_ROUTES: dict[int, Any] = {}
"""By the identity of a router, which it keeps alive: how the first application included it."""


def share_compiled(engine: Engine) -> Engine:
    """Let an engine use what others of its kind compiled."""
    opened = [engine, _readers_of(engine)] if engine.dialect.name == "sqlite" else [engine]
    for one in opened:
        one.update_execution_options(compiled_cache=_ALL)
    return engine


def share_routes(app: FastAPI) -> FastAPI:
    """Let an application use the routes that an earlier one prepared.

    It can override no dependency then, and says so: a test that does makes an application itself.
    """
    routes = app.router.routes
    for n, route in enumerate(routes):
        if router := getattr(route, "original_router", None):
            routes[n] = _ROUTES.setdefault(id(router), route)
    app.dependency_overrides = MappingProxyType({})  # type: ignore[assignment] # refuses a change
    return app
