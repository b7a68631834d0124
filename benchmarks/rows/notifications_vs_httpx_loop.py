"""Notifications per second of one core, against a bare loop of posts."""

from benchmarks.frame import Better, Row, per_cpu_second
from benchmarks.notifying import open_arms

ROW = Row(
    name="notifications.sent_vs_httpx_loop",
    unit="notifications per CPU-second",
    better=Better.HIGHER,
    goal=0.05,
    meaning=(
        "notifications of one event each (found, decided, entered in the ledger, numbered, signed, "
        "sent over a connection of its own and settled, both on disk) against an httpx client that "
        "posts as many of the same bodies over one connection and does nothing else"
    ),
    value=per_cpu_second,
    open=open_arms,
)
