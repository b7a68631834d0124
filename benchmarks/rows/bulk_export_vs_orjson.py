"""A hub's export of sessions: our server against parsing, filtering and dumping with orjson."""

from benchmarks.exported import BACKEND, open_arms
from benchmarks.frame import Better, Row, cpu_milliseconds

ROW = Row(
    name="bulk.export_vs_orjson",
    unit="ms of CPU per session",
    better=Better.LOWER,
    goal=3.3,
    meaning=(
        "how many times the CPU of parsing, looking up in a set and dumping with orjson our server"
        " needs to export a session to the hub over HTTP, with consent decision, minimising,"
        f" pseudonyms and a ledger entry for each on disk; ours on {BACKEND}"
    ),
    value=cpu_milliseconds,
    open=open_arms,
)
