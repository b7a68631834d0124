"""``GET /metrics``: figures of the work, for the operator's monitoring (docs/operations.md)."""

import hmac
from collections.abc import Iterator, Mapping
from typing import Final

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from bridge.context import BridgeOf, bearer_of
from bridge.errors import NotFoundError, UnauthorizedError
from bridge.journeys.running.look_at_queues import Queues, look_at_queues
from bridge.parts import parts_of
from bridge.store.partners.export_progress import STATES
from bridge.store.partners.subscriptions import STATUSES

router = APIRouter()


@router.get("/metrics")
def metrics(request: Request, bridge: BridgeOf) -> Response:
    """Return the figures to whoever has the token of the settings; without one there are none.

    Raises:
        NotFoundError: the settings name no token.
        UnauthorizedError: not with that token.
    """
    if bridge.measures is None:
        raise NotFoundError
    given, wanted = bearer_of(request), bridge.settings.metrics_token
    if not hmac.compare_digest(given.encode(), wanted.encode()):
        raise UnauthorizedError
    queues = look_at_queues(parts_of(bridge))
    return Response(bridge.measures.text(_gauges(queues)), media_type=CONTENT_TYPE_LATEST)


def _gauges(queues: Queues) -> Iterator[Metric]:
    for name, counts, states in (
        ("subscriptions", queues.subscriptions, STATUSES),
        ("notifications_waiting", queues.notifications, STATUSES),
        ("export_jobs", queues.exports, STATES),
    ):
        yield _by(name, counts, states)
    numbers: dict[str, float | None] = {
        "notification_oldest_seconds": queues.oldest,
        "held_rows": queues.held,
        "students_set_aside": queues.aside,
        "ledger_idle_seconds": queues.idle,
        "ledger_halted_logs": queues.halted,
        "sqlite_wal_bytes": queues.log_bytes,
    }
    for name, value in numbers.items():
        if value is not None:
            yield GaugeMetricFamily(f"schoolbridge_{name}", _MEANING[name], value=value)


def _by(name: str, counts: Mapping[str, int], states: tuple[str, ...]) -> Metric:
    made = GaugeMetricFamily(f"schoolbridge_{name}", _MEANING[name], labels=("state",))
    for state in states:  # each is there from the beginning, with 0
        made.add_metric([state], counts.get(state, 0))
    return made


_MEANING: Final = {
    "subscriptions": "Subscriptions of partners.",
    "notifications_waiting": "Notifications not taken yet; in error: dead letters.",
    "export_jobs": "Bulk exports that are kept.",
    "notification_oldest_seconds": "Age of the oldest notification that will be tried again.",
    "held_rows": "Rows of imports that wait for a person.",
    "students_set_aside": "Students whose records could not be looked at; they are tried again.",
    "ledger_idle_seconds": "Since the last entry of the disclosure ledger.",
    "ledger_halted_logs": "Logs of the ledger by which nothing leaves until somebody has looked.",
    "sqlite_wal_bytes": "Size of SQLite's write-ahead log.",
}
