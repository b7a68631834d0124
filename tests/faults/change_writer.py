"""Writes and amends records from a process of its own, in transactions of all sizes.

``change_writer.py URL SEED CHANGES [careless]``: careless takes its numbers in a transaction before
the one that writes the records.
"""

import contextlib
import random
import sys
import time
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine

from bridge.driver import cursor_of, stored_instant
from bridge.store.database.engine import open_engine, write
from bridge.store.database.group_commit import commit_together
from bridge.store.intake import _NEW_RECORDS, NewRecord, _row, amend, next_changes, put_records

AT = datetime(2026, 9, 1, tzinfo=UTC)
ROLLED_BACK = 0.05
GROUPED = 0.5


class ChangedItsMindError(Exception):
    """The transaction is rolled back on purpose."""


class Writer:
    def __init__(self, engine: Engine, seed: int) -> None:
        self.engine = engine
        self.dice = random.Random(seed)  # noqa: S311 - repeatable
        self.name = f"w{seed}"
        self.made = 0

    def change(self) -> int:
        """Make one transaction; returns how many changes it made."""
        done = 0

        def work(connection: Connection) -> None:
            nonlocal done
            done = self._new(connection) if self.dice.random() < 0.7 else self._amended(connection)
            if self.dice.random() < 0.1:
                time.sleep(self.dice.uniform(0, 0.003))  # others get far ahead meanwhile
            if self.dice.random() < ROLLED_BACK:
                raise ChangedItsMindError

        before = self.made
        try:
            if self.dice.random() < GROUPED:
                commit_together(self.engine, work)
            else:
                with write(self.engine) as connection:
                    work(connection)
        except ChangedItsMindError:
            self.made = before
            return 0
        return done

    def careless(self) -> int:
        with write(self.engine) as connection:
            first, at = next_changes(connection, 1, AT)
        time.sleep(self.dice.uniform(0, 0.005))
        self.made += 1
        with write(self.engine) as connection:
            dialect = connection.dialect.name
            row = _row(self.record(self.made), first, stored_instant(dialect, at))
            with cursor_of(connection) as cursor:
                _NEW_RECORDS.write(cursor, dialect, [row])
        return 1

    def record(self, n: int) -> NewRecord:
        resource = {"resourceType": "Task", "id": f"{self.name}-{n}", "status": "requested"}
        return NewRecord(resource, "c", "lea", "a", "m", f"{self.name}-{n}")

    def _new(self, connection: Connection) -> int:
        count = self.dice.randint(1, 8)
        put_records(connection, [self.record(self.made + n + 1) for n in range(count)], AT)
        self.made += count
        return count

    def _amended(self, connection: Connection) -> int:
        count = min(self.made, self.dice.randint(1, 3))
        for _ in range(count):
            of = f"{self.name}-{self.dice.randint(1, self.made)}"
            amend(connection, ("Task", of), {"status": "accepted"}, AT)
        return count


def main() -> None:
    url, seed, changes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    engine = open_engine(url)
    writer, done = Writer(engine, seed), 0
    change = writer.careless if "careless" in sys.argv else writer.change
    while done < changes:
        done += change()
    engine.dispose()
    sys.stdout.write(f"{done}\n")


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main()
