"""Counters and histograms as Prometheus reads them, of one process or of several together.

Several processes of one server write theirs to small files of a folder; whichever is asked adds
them up (prometheus/client_python, "Multiprocess Mode"). A process that died keeps its counts there,
so that no counter goes back while the server runs.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, values
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER: Final = "other"
"""A method is whatever a caller sends: it must not become a label."""
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_UNITS: Final = (1, 2, 4, 8, 16, 32, 64)


def share_between_processes(folder: Path) -> None:
    """Let what this process counts from now on stand beside that of others, in a folder."""
    folder.mkdir(mode=0o700, exist_ok=True)
    os.environ[_FOLDER] = str(folder)  # noqa: TID251 - the library takes it from nowhere else
    values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call] # the library's, without types


class Prometheus:
    """Counts of one process (:class:`bridge.measures.Measures`).

    Args:
        folder: where several processes keep theirs; None for one that serves alone.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder, self._registry = folder, CollectorRegistry()
        self._requests = self._histogram(
            "request_seconds",
            "How long requests took, by route and by class of their answer.",
            _SECONDS,
            ("method", "route", "status"),
        )
        self._known: dict[tuple[str, str, int], Histogram] = {}
        self._refused = self._counter(
            "refused_requests",
            "Requests answered with an error; 404 is for what is withheld and for what is not.",
            ("code",),
        )
        self._batches = self._histogram(
            "read_batch_requests", "Reads and searches answered in one transaction.", _UNITS
        )
        self._commits = self._histogram(
            "commit_units", "Units of work that one wait for the disk made durable.", _UNITS
        )
        self._waits = self._histogram(
            "commit_wait_seconds",
            "How long writers waited: for their turn (SQLite), for the disk (PostgreSQL).",
            _SECONDS,
        )
        self._entered = self._counter(
            "disclosures",
            "Entries of the ledger by which something leaves, of all parties together.",
        )
        self._looked = self._counter(
            "delivery_looks", "Looks at what is to be sent; while it stands still nothing is."
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request by the template of its route, and time it."""
        key = (method, route, status // 100)
        known = self._known.get(key)
        if known is None:
            said = method if method in METHODS else OTHER
            known = self._requests.labels(said, route, f"{status // 100}xx")
            if said is not OTHER:
                self._known[key] = known
        known.observe(seconds)
        if status >= 400:
            self._refused.labels(str(status)).inc()

    def batched(self, requests: int) -> None:
        """Count the reads and searches that were answered in one transaction."""
        self._batches.observe(requests)

    def committed(self, units: int) -> None:
        """Count the units of work that one wait for the disk made durable."""
        self._commits.observe(units)

    def waited(self, seconds: float) -> None:
        """Time a wait for the turn to write, or for the disk."""
        self._waits.observe(seconds)

    def entered(self, disclosures: int) -> None:
        """Count the ledger's entries by which something leaves."""
        self._entered.inc(disclosures)

    def looked(self) -> None:
        """Count a look at what is to be sent."""
        self._looked.inc()

    def text(self, more: Iterable[Metric] = ()) -> bytes:
        """Return all of it, and more, as Prometheus reads it (text format 0.0.4)."""
        told = CollectorRegistry(auto_describe=False) if self._folder else self._registry
        if self._folder:
            MultiProcessCollector(told, path=str(self._folder))  # type: ignore[no-untyped-call] # the library's, without types
        also = CollectorRegistry(auto_describe=False)
        also.register(_Given(more))
        return generate_latest(told) + generate_latest(also)

    def _histogram(
        self, name: str, meaning: str, buckets: Iterable[float], labels: Iterable[str] = ()
    ) -> Histogram:
        named = f"schoolbridge_{name}"
        return Histogram(named, meaning, labels, registry=self._registry, buckets=tuple(buckets))

    def _counter(self, name: str, meaning: str, labels: Iterable[str] = ()) -> Counter:
        return Counter(f"schoolbridge_{name}", meaning, labels, registry=self._registry)


class _Given(Collector):
    """What was looked up for one answer."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterable[Metric]:
        """Return it."""
        return self._metrics
