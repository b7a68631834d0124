"""A session is found by its student and referral with or without rows of its own for that."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, text

from bridge.migrations.state import create
from bridge.store.database.engine import open_engine, read, write
from bridge.store.facts.conditions import TRUE
from bridge.store.search.index_values import starts
from bridge.store.search.query import Match, Query
from bridge.store.search.searching import Sight, rows_sql
from bridge.store.search.stands import joined, places_in

RECORD = (
    "INSERT INTO record (type, id, custodian, sender_role, audience, agreement_id, student_id,"
    " referral_id, element, third_party, source_key, content_digest, version, change, last_updated,"
    " body) VALUES (:type, :id, 'x', 'lea', '', 'a', :student, :referral, '', FALSE, :id, '', 1,"
    " :change, '2026-11-01', '{}')"
)
FOUND = (
    "INSERT INTO search_value (change, type, id, param, system, value, agreement_id, starts)"
    " VALUES (:change, :type, :id, :param, '', :value, 'a', :starts)"
)
ROWS = (
    ("Patient", "p-1", "s-1", "r-1", {}),
    ("Patient", "p-2", "s-2", "r-2", {}),
    ("ServiceRequest", "r-1", "s-1", "r-1", {"patient": "Patient/p-1"}),
    ("ServiceRequest", "r-2", "s-2", "r-2", {"patient": "Patient/p-2"}),
    ("Encounter", "e-1", "s-1", "r-1",
     {"patient": "Patient/p-1", "based-on": "ServiceRequest/r-1", "status": "finished"}),
    ("Encounter", "e-2", "s-2", "r-2",
     {"patient": "Patient/p-2", "based-on": "ServiceRequest/r-2", "status": "finished"}),
    ("Encounter", "e-3", "s-2", "r-2",
     {"patient": "Patient/p-2", "based-on": "CarePlan/c-1", "status": "planned"}),
)  # fmt: skip


@pytest.fixture(params=["as it is", "as it was"])
def filled(database_url: str, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Two students and three sessions, as they are written now or were by earlier versions."""
    engine = open_engine(database_url)
    create(engine)
    with write(engine) as connection:
        for n, (kind, record_id, student, referral, values) in enumerate(ROWS, 1):
            of = {"type": kind, "id": record_id, "change": n}
            connection.execute(text(RECORD), {**of, "student": student, "referral": referral})
            for param, value in values.items():
                begins = request.param == "as it was" or starts(param, value)
                said = {"param": param, "value": value, "starts": 1 if begins else None}
                connection.execute(text(FOUND), {**of, **said})
    yield engine
    engine.dispose()


def found(connection: Connection, *asked: tuple[str, str]) -> list[str]:
    """Return the ids of sessions that meet criteria; values of one are parted by a comma."""
    matches = tuple(
        Match(param, tuple((None, value) for value in values.split(","))) for param, values in asked
    )
    dialect = connection.dialect.name
    sql, binds = rows_sql(Query("Encounter", matches=matches), Sight(TRUE, ("a",)), dialect)
    said = joined(row[0] for row in connection.execute(text(sql), binds))
    return [ROWS[place.written - 1][1] for place in places_in(said)]


def test_sessions_are_found_by_student_referral_and_anything_else(filled: Engine) -> None:
    with read(filled) as connection:
        assert found(connection, ("patient", "Patient/p-1")) == ["e-1"]
        assert found(connection, ("patient", "Patient/p-2")) == ["e-2", "e-3"]
        assert found(connection, ("patient", "Patient/p-1,Patient/p-2")) == ["e-1", "e-2", "e-3"]
        assert found(connection, ("patient", "Patient/p-9")) == []
        assert found(connection, ("patient", "Group/p-1")) == []
        # Of a student with two referrals each session is found by its own alone.
        assert found(connection, ("based-on", "ServiceRequest/r-1")) == ["e-1"]
        assert found(connection, ("based-on", "ServiceRequest/r-2")) == ["e-2"]
        # What is no referral of ours is found by rows of its own, also beside one that is.
        assert found(connection, ("based-on", "CarePlan/c-1")) == ["e-3"]
        mixed = "CarePlan/c-1,ServiceRequest/r-1"
        assert found(connection, ("based-on", mixed)) == ["e-1", "e-3"]
        both = (("based-on", "ServiceRequest/r-1"), ("patient", "Patient/p-2"))
        assert found(connection, *both) == []


def test_what_follows_from_the_student_begins_no_search_of_its_own() -> None:
    assert not starts("patient", "Patient/p-1")
    assert not starts("based-on", "ServiceRequest/r-1")
    assert starts("based-on", "CarePlan/c-1")
    assert starts("focus", "ServiceRequest/r-1")
    assert not starts("class", "FLD")
