"""PostgreSQL's driver reads the marks of a statement once, however long it is."""

from typing import Any

from psycopg import _queries

from bridge.driver import cursor_of
from bridge.store.database.engine import open_engine, read

VALUES = {f"value_{n}": n for n in range(100)}
STATEMENT = "SELECT " + " + ".join(
    f"%({name})s::int /* as long as the statement of a search is */" for name in VALUES
)


def test_a_long_statement_is_read_once_and_run_often(postgres_url: str) -> None:
    assert len(STATEMENT) > 4096
    engine = open_engine(postgres_url)
    remembered: Any = _queries._query2pg
    with read(engine) as connection, cursor_of(connection) as cursor:
        cursor.execute(STATEMENT, VALUES)
        before = remembered.cache_info()
        for _ in range(3):
            assert cursor.execute(STATEMENT, VALUES).fetchone() == (sum(VALUES.values()),)
        after = remembered.cache_info()
    engine.dispose()
    assert (after.misses - before.misses, after.hits - before.hits) == (0, 3)
