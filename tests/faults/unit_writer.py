"""Writes numbered units from several threads until it is killed; tells each number once kept.

``unit_writer.py URL FIRST THREADS [careless]``: careless tells a number before the commit, or on
PostgreSQL before the flush.
"""

import itertools
import os
import sys
import threading

from sqlalchemy import Connection, text

from bridge.store.database.engine import open_engine, unflushed
from bridge.store.database.group_commit import commit_together


def main() -> None:
    url, first, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    careless = "careless" in sys.argv
    engine = open_engine(url)
    fast = unflushed(engine) if engine.dialect.name == "postgresql" else None
    numbers = itertools.count(first)

    def keep(connection: Connection, n: int) -> None:
        connection.execute(text("INSERT INTO kept VALUES (:n)"), {"n": n})
        if careless and fast is None:
            tell(n)

    def work() -> None:
        while True:
            n = next(numbers)
            if careless and fast is not None:
                with fast.begin() as connection:
                    keep(connection, n)
                tell(n)
                continue
            commit_together(engine, lambda connection, n=n: keep(connection, n))
            if not careless:
                tell(n)

    for _ in range(threads):
        threading.Thread(target=work, daemon=True).start()
    threading.Event().wait()


def tell(n: int) -> None:
    os.write(1, b"%d\n" % n)


if __name__ == "__main__":
    main()
