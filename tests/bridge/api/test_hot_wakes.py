"""One connection that closes takes no other's answer with it."""

from types import SimpleNamespace
from typing import Any

from bridge.api.hot import Wanted
from bridge.api.hot_connections import Exchange
from bridge.api.replies import Reply


class Closing:
    """A transport on which something else was refused while an answer was under way."""

    def is_closing(self) -> bool:
        return True

    def write(self, _: bytes) -> None:
        raise RuntimeError("the handler is closed")


def test_an_answer_to_a_connection_that_closes_is_dropped() -> None:
    lane: Any = SimpleNamespace(measures=None, reply=lambda *_: Reply(200, b"{}"))
    transport = Closing()
    connection: Any = SimpleNamespace(
        scope={"method": "GET", "headers": []},
        transport=transport,
        write=lambda reply, **_: transport.write(reply.body),
    )
    exchange = Exchange(connection, lane, Wanted("Task", "one"))
    exchange._asked = object()  # type: ignore[assignment] # anything but None
    exchange.set_result(None)
    assert exchange.done()
