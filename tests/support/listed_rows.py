"""The rows of entries that list several releases, as tests look at them and spoil them."""

from collections.abc import Iterator
from typing import Any

import orjson
from sqlalchemy import Connection, update

from bridge.ledger.blocks import KeptRow, rows_in
from bridge.ledger.tables import BLOCK


def every_row(connection: Connection) -> Iterator[tuple[str, int, KeptRow]]:
    """Yield each row with its entry's log and place, in the order of entries and in theirs."""
    found = [
        (block.log, block.position, row)
        for block in connection.execute(BLOCK.select())
        for row in rows_in(block.body)
    ]
    yield from sorted(found, key=lambda each: (each[0], each[1], each[2].nth))


def spoil(connection: Connection, which: int, **values: Any) -> None:  # noqa: ANN401 - what a row says
    """Change what is kept of a row: its ``row``, ``salt`` or ``nth``, or its block's ``last``."""
    for block in connection.execute(BLOCK.select()).all():
        said = orjson.loads(block.body)
        if which in said["nth"]:
            at, last = said["nth"].index(which), values.pop("last", block.last)
            for name, value in values.items():
                said[f"{name}s" if name != "nth" else name][at] = value
            place = (BLOCK.c.position == block.position) & (BLOCK.c.block == block.block)
            changed = {"body": orjson.dumps(said), "last": last}
            connection.execute(update(BLOCK).where(place).values(**changed))
