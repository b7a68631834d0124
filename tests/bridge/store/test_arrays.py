"""Many values of a statement as one: PostgreSQL reads back what was written."""

import random

from bridge.driver import array_of, cursor_of
from bridge.store.database.engine import open_engine, read

LETTERS = "aZ0-.\"\\{},;'% \n\té€\U0001f600"


def test_what_was_written_as_an_array_is_read_back(postgres_url: str) -> None:
    draw = random.Random(7)  # noqa: S311 - nothing secret
    of_any = ["".join(draw.choices(LETTERS, k=draw.randrange(6))) for _ in range(300)]
    engine = open_engine(postgres_url)
    with read(engine) as connection, cursor_of(connection) as cursor:
        for texts in (of_any, ["", "NULL", "null", "{}", "\\", '"'], ["one"], []):
            assert cursor.execute("SELECT %s::text[]", (array_of(texts),)).fetchone() == (texts,)
        for numbers in ([2**62, -1, 0], [7], []):
            assert cursor.execute("SELECT %s::bigint[]", (array_of(numbers),)).fetchone() == (
                numbers,
            )
    engine.dispose()
