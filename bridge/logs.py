"""Logs: one JSON object a line, allow-listed fields only.

INVARIANT: no record value, no address with a query, no token. Libraries that would log them
(httpx logs every URL at INFO) are held at WARNING.
"""

import logging

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
        logger_factory=structlog.BytesLoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=for_good,
    )


def _allowed(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Drop every field that is not on the list."""
    return {name: value for name, value in event.items() if name in _KEPT}
