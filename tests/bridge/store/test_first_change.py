"""Change numbers begin at one, whoever writes first."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from sqlalchemy import create_engine, text

from bridge.migrations.state import create
from bridge.store.database.engine import open_engine, write
from bridge.store.intake import next_changes

AT = datetime(2026, 9, 2, 8, tzinfo=UTC)
_WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")


def test_of_two_that_write_first_at_once_each_gets_numbers_of_its_own(postgres_url: str) -> None:
    engine = open_engine(postgres_url)
    create(engine)
    watching = create_engine(engine.url)

    def second() -> int:
        with write(engine) as connection:
            return next_changes(connection, 3, AT)[0]

    with ThreadPoolExecutor(1) as threads:
        with write(engine) as connection:
            first = next_changes(connection, 2, AT)[0]
            other = threads.submit(second)
            with watching.connect() as looking:
                while not looking.execute(_WAITING).scalar_one():
                    assert not other.done()
                    looking.rollback()  # within a transaction it shows what it showed at first
        assert (first, other.result(timeout=10)) == (1, 3)
    watching.dispose()
    engine.dispose()
