"""SQLite compiles a statement once: what makes it compile again each time costs more than the rest.

A bound LIMIT does, for one: its value is looked at for the plan.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, text

from bridge.store.database.engine import write
from tests.support.worlds import World, encounter, post_session, put_task, referral

SQLITE_OK, SQLITE_TRANSACTION = 0, 22


@contextmanager
def compiling(world: World) -> Iterator[list[str]]:
    """Yield a list that is given the tables of what SQLite compiles meanwhile."""
    compiled: list[str] = []

    def watch(connection: Any, *_: object) -> None:  # noqa: ANN401 - a driver's connection
        def asked(action: int, table: str | None, *_more: object) -> int:
            if action != SQLITE_TRANSACTION:
                compiled.append(str(table))
            return SQLITE_OK

        connection.set_authorizer(asked)

    engine = world.bridge.engine
    engine.dispose()
    event.listen(engine, "connect", watch)
    yield compiled
    event.remove(engine, "connect", watch)


PATHS = (
    "ServiceRequest/{id}",
    "ServiceRequest?status=active&_include=ServiceRequest:patient&_count=20",
    "Task?_lastUpdated=gt2020-01-01&_count=20&_total=accurate",
)


@pytest.mark.parametrize("analysed", [False, True])
@pytest.mark.parametrize("path", PATHS)
def test_what_was_asked_before_is_not_compiled_again(
    lite: World, path: str, *, analysed: bool
) -> None:
    lite.refer([referral(1), referral(2)])
    if analysed:
        with write(lite.bridge.engine) as connection:
            connection.execute(text("ANALYZE"))
    web, place = lite.web(), path.format(id=lite.id_of("ServiceRequest", "R-1"))
    with compiling(lite) as compiled:
        for _ in range(5):
            assert web.get(f"/fhir/{place}").status_code == 200
        assert "record" in compiled
        compiled.clear()
        for _ in range(3):
            assert web.get(f"/fhir/{place}").status_code == 200
    assert sorted(set(compiled)) == []


def test_what_was_written_before_is_not_compiled_again(lite: World) -> None:
    lite.refer([referral(1)])
    web = lite.web()
    place = f"/fhir/Task/{lite.id_of('Task', 'R-1')}"
    put_task(web, web.get(place).json(), "accepted")
    with compiling(lite) as compiled:
        for n in range(8):
            if n == 5:
                assert "record" in compiled
                compiled.clear()
            task = web.get(place).json()
            assert post_session(web, encounter(task, f"S-{n}")).status_code == 201
            status = ("in-progress", "on-hold")[n % 2]
            reason = {"statusReason": {"text": "Away"}}
            assert put_task(web, task, status, **reason).status_code == 200
    assert sorted(set(compiled)) == []
