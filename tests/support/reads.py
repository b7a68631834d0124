"""Reads answered in batches, as the server answers them, without a web."""

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.gate import Query, Released
from bridge.gate.hot.asked import Asked
from bridge.gate.hot.together import Together
from tests.support.worlds import World


@dataclass
class Reads:
    """One process's batches; a second one stands for another worker on the same database."""

    world: World
    kind: type[Together] = Together
    together: Together = field(init=False)

    def __post_init__(self) -> None:
        bridge = self.world.bridge
        self.together = self.kind(bridge.gate, bridge, bridge.tokens)

    def ask(self, token: str, named: Sequence[tuple[str, str]]) -> list[Asked]:
        """Ask for several records at once and wait for all answers."""
        done = threading.Semaphore(0)

        def answered(some: Sequence[Asked]) -> None:
            done.release(len(some))

        asked = [Asked(token, kind, i, f"{n:08x}", answered, None) for n, (kind, i) in
                 enumerate(named)]  # fmt: skip
        for each in asked:
            self.together.ask(each)
        for _ in asked:
            assert done.acquire(timeout=60)
        return asked

    def read(self, token: str, kind: str, record_id: str) -> Any:  # noqa: ANN401 - what was found
        """Read one record; raises what the read raised."""
        (asked,) = self.ask(token, [(kind, record_id)])
        if asked.error is not None:
            raise asked.error
        return asked.found

    def search(self, token: str, query: Query, *includes: str) -> Released:
        """Search one type; raises what the search raised."""
        done = threading.Semaphore(0)
        asked = Asked(token, query.type, "", "search", lambda _: done.release(), None,
                      lambda _: (query, includes))  # fmt: skip
        self.together.ask(asked)
        assert done.acquire(timeout=60)
        if asked.error is not None:
            raise asked.error
        assert isinstance(asked.found, Released)
        return asked.found

    def statements(self, token: str, kind: str, record_id: str) -> list[str]:
        """Return the statements a read runs on SQLite, without their values."""
        said: list[str] = []
        raw: Any = self.together._connected().connection.dbapi_connection
        raw.set_trace_callback(said.append)
        self.ask(token, [(kind, record_id)])
        raw.set_trace_callback(None)
        return [re.sub(r"'[^']*'|\b\d+\b|(?<=sa_savepoint_)\d+", "?", each) for each in said]
