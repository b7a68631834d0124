"""What stands in front of an application and leaks: each must be noticed by the tests beside it."""

from collections.abc import Awaitable, Callable

from sqlalchemy import Engine, text
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.store.database.engine import read

Change = Callable[[Scope, Message], Message]


def records(engine: Engine, record_id: str = "") -> int:
    """Count what is stored, of whoever it is."""
    wanted = "WHERE id = :id" if record_id else ""
    with read(engine) as connection:
        query = text(f"SELECT count(*) FROM record {wanted}")  # noqa: S608 - a fixed text
        return int(connection.execute(query, {"id": record_id} if record_id else {}).scalar_one())


def own_head(app: ASGIApp, engine: Engine) -> ASGIApp:
    """Answer HEAD by whether there is such a record."""

    async def front(scope: Scope, receive: Receive, send: Send) -> None:
        parts = scope["path"].split("/") if scope["type"] == "http" else []
        if not parts or scope["method"] != "HEAD" or parts[1] != "fhir" or len(parts) < 4:
            await app(scope, receive, send)
            return
        status = 200 if records(engine, parts[3]) else 404
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    return front


def shared_queue(app: ASGIApp, engine: Engine) -> ASGIApp:
    """Say in a header how much work there is, of everybody's."""
    return _changed(app, lambda _, m: _with(m, b"x-queue-length", str(records(engine)).encode()))


def telling_health(app: ASGIApp, engine: Engine) -> ASGIApp:
    """Say beside a check of health how many records are kept."""

    def change(scope: Scope, message: Message) -> Message:
        if scope["path"] != "/healthz" or message["type"] != "http.response.body":
            return message
        return {**message, "body": f"{records(engine):03}".encode()[-3:]}  # of the same length

    return _changed(app, change)


def compressing(app: ASGIApp, _engine: Engine) -> ASGIApp:
    """Compress what is asked for together with what the asker sent."""
    return GZipMiddleware(app, minimum_size=10)


def cacheable(app: ASGIApp, _engine: Engine) -> ASGIApp:
    """Let whoever stands between keep an answer for the next reader."""

    def change(_scope: Scope, message: Message) -> Message:
        kept = [p for p in message.get("headers", ()) if p[0] not in (b"cache-control", b"vary")]
        return {**message, "headers": kept} if "headers" in message else message

    return _changed(app, change)


def _with(message: Message, name: bytes, value: bytes) -> Message:
    if message["type"] != "http.response.start":
        return message
    return {**message, "headers": [*message["headers"], (name, value)]}


def _changed(app: ASGIApp, change: Change) -> ASGIApp:
    async def front(scope: Scope, receive: Receive, send: Send) -> None:
        def sending(message: Message) -> Awaitable[None]:
            return send(change(scope, message))

        await app(scope, receive, sending)

    return front
