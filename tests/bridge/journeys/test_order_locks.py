"""An order takes its turn before it locks a student, as every writer does (PostgreSQL alone)."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from bridge.journeys.families.guardian_blocks import Order, record_order
from bridge.journeys.families.register_release import file_release
from bridge.store.database.engine import write
from bridge.store.facts.evidence import lock_students
from bridge.store.intake import take_turn
from tests.bridge.journeys.test_release_register import FORM, PARTIES, student
from tests.support.worlds import World, make_world, referral

_WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")


@pytest.fixture
def served(postgres_url: str, tmp_path: Path) -> Iterator[World]:
    made = make_world(postgres_url, tmp_path)
    yield made
    made.bridge.engine.dispose()


def wait_for_one_that_waits(engine: Engine) -> None:
    for _ in range(200):
        with engine.connect() as connection:
            if connection.scalar(_WAITING):
                return
        time.sleep(0.02)
    raise AssertionError("nobody waits for a lock")


def test_whoever_has_the_turn_gets_the_student_while_an_order_waits(served: World) -> None:
    served.refer([referral(1)])
    refused = replace(FORM, answer="refused", signer="Mia Winterbourne", signer_relationship="MTH")
    file_release(served.parts, PARTIES, "1001", refused)
    watching, of = create_engine(served.bridge.engine.url), student(served)
    order = Order(guardian="Mia Winterbourne")
    with ThreadPoolExecutor(1) as pool:
        with write(served.bridge.engine) as connection:
            take_turn(connection)
            waits = pool.submit(record_order, served.parts, of, order)
            wait_for_one_that_waits(watching)
            connection.execute(text("SET LOCAL lock_timeout = '2s'"))
            assert lock_students(connection, [of], share=False)
        assert waits.result(timeout=20)[1] > 0
    watching.dispose()
