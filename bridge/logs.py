"""Logs: one JSON object a line, allow-listed fields only.

INVARIANT: no record value, no address with a query, no token. Libraries that would log them
(httpx logs every URL at INFO) are held at WARNING.
"""

import logging
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import BinaryIO, Final

import orjson
import structlog

ALLOWED = ("event", "level", "timestamp", "method", "route", "status", "code", "reason")
ALLOWED_ALSO = ("kind", "place", "count")
_KEPT = frozenset((*ALLOWED, *ALLOWED_ALSO))


class WithoutMessages(logging.Formatter):
    """Writes who warned and how badly, nothing else.

    A library's message or traceback may quote a record: the server prints the text of every
    exception that no route expected. Its kind and place are in our own line (bridge.api.problems).
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return logger and level."""
        return f"{record.name} {record.levelname}"


def configure_logs(*, for_good: bool = False) -> None:
    """Set logging up for a running server.

    Args:
        for_good: whether the process writes to one and the same output until it ends.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(WithoutMessages())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    for name in ("httpx", "httpcore", "uvicorn.access", "sqlalchemy"):
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _allowed,
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        # The server's own line of each request took a fifth of a read without these three.
        logger_factory=Lines,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=for_good,
    )
    _direct.lines = Lines() if for_good else None


def log_request(method: str, route: str, status: int, now: datetime) -> None:
    """Write the line of a request: the one that is written most, so it is put together by hand.

    It is the library's, byte for byte (a test compares), for a fifth of the CPU.

    Args:
        method: of the request.
        route: its template.
        status: of the answer.
        now: the machine's time, in UTC.
    """
    if _direct.lines is None:
        _access.info("request", method=method, route=route, status=status)
        return
    written = now.isoformat()[: -len("+00:00")]
    _direct.lines.msg(_before_time(method, route, status) + written.encode() + b'Z"}')


@lru_cache(maxsize=512)
def _before_time(method: str, route: str, status: int) -> bytes:
    said = {"method": method, "route": route, "status": status, "event": "request"}
    return orjson.dumps({**said, "level": "info", "timestamp": ""})[: -len('"}')]


class Lines:
    """Writes lines to the standard output, as whatever level; takes what the library gives it."""

    def __init__(self, *_: object) -> None:
        self._file = sys.stdout.buffer

    def msg(self, line: bytes) -> None:
        """Write a line, or keep it for :func:`written_together`."""
        if _held.lines is None:
            _write(self._file, line + b"\n")
        else:
            _held.lines.append(line + b"\n")

    debug = info = warning = error = critical = exception = msg


class _Direct:
    """Where a process that logs to one output for good writes its lines."""

    lines: Lines | None = None


_direct: Final = _Direct()
_access: Final = structlog.get_logger("bridge.access")


class _Held(threading.local):
    lines: list[bytes] | None = None


_held: Final = _Held()
_one_at_a_time: Final = threading.Lock()
MOST_AT_ONCE: Final = 4096
"""So many bytes reach a pipe in one piece, whoever else writes to it (POSIX ``PIPE_BUF``)."""


@contextmanager
def written_together() -> Iterator[None]:
    """Write the lines of this thread that come inside at the end, as many at once as may be."""
    lines: list[bytes] = []
    _held.lines = lines
    try:
        yield
    finally:
        _held.lines = None
        for piece in _pieces(lines):
            _write(sys.stdout.buffer, piece)


def _pieces(lines: Iterable[bytes]) -> Iterator[bytes]:
    piece = b""
    for line in lines:
        if piece and len(piece) + len(line) > MOST_AT_ONCE:
            yield piece
            piece = b""
        piece += line
    if piece:
        yield piece


def _write(file: BinaryIO, piece: bytes) -> None:
    with _one_at_a_time:
        file.write(piece)
        file.flush()


def _allowed(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Drop every field that is not on the list."""
    return {name: value for name, value in event.items() if name in _KEPT}
