"""What a search says of a page in one text is what it finds, record by record, in its order."""

import pytest
from sqlalchemy import text

from bridge.gate.authorise import authorised
from bridge.gate.viewers import viewer_of
from bridge.store.database.engine import write
from bridge.store.search.searching import Sight, rows_sql
from bridge.store.search.stands import Place, in_one_text, last_of, places_in
from bridge.store.vault import Match, Order, Query, find, rows
from tests.support.worlds import NOW, World, caller, form_health, referral

REQUEST = "ServiceRequest"
ACTIVE = (Match("status", ((None, "active"),)),)
PAGES = (
    Query(REQUEST, limit=20),
    Query(REQUEST, limit=2),
    Query(REQUEST, limit=3, matches=ACTIVE),
    Query(REQUEST, limit=20, order=Order(descending=True)),
    Query(REQUEST, limit=3, order=Order("authored", descending=True)),
    Query(REQUEST, limit=3, order=Order("authored", tie="change", tie_descending=True)),
    Query("Encounter", limit=20),
)
SEEN_BEFORE = (
    "INSERT INTO view_change (standing, type, id, change, since)"
    " VALUES (:standing, 'ServiceRequest', :id, 1, '2026-11-02 00:00:00.000000+00:00')"
)


@pytest.fixture
def some(world: World) -> World:
    """Five referrals that may be seen, one of which stands elsewhere for who asks, and one not."""
    world.refer([referral(n) for n in range(1, 6)])
    world.refer([referral(9, releases=(form_health(),))])
    with write(world.bridge.engine) as connection:
        viewer = viewer_of(connection, caller())
        standing = authorised(viewer, REQUEST, NOW, connection.dialect.name).standing
        moved = {"standing": standing, "id": world.id_of(REQUEST, "R-4")}
        connection.execute(text(SEEN_BEFORE), moved)
    return world


@pytest.mark.parametrize("query", PAGES)
def test_the_text_of_a_page_is_what_is_found_in_its_order(some: World, query: Query) -> None:
    with write(some.bridge.engine) as connection:
        viewer = viewer_of(connection, caller())
        sight = authorised(viewer, query.type, NOW, connection.dialect.name)
        found, _ = find(connection, query, sight)
        said = rows(connection, query, sight)
    places = [Place(s.written, s.student_version, s.place, s.change) for s in found]
    assert said == in_one_text(places)
    assert list(places_in(said)) == places
    assert (bool(said), len(places)) == (query.type == REQUEST, min(5, query.limit) * bool(said))
    if said:
        assert last_of(said) == places[-1]


def test_who_saw_a_record_change_elsewhere_finds_it_there(some: World) -> None:
    with write(some.bridge.engine) as connection:
        viewer = viewer_of(connection, caller())
        sight = authorised(viewer, REQUEST, NOW, connection.dialect.name)
        first, *others = places_in(rows(connection, Query(REQUEST, limit=20), sight))
    assert (first.place, first.change) == (1, 1)
    assert first.written > 1
    assert all(each.place == each.change == each.written for each in others)


def test_a_page_is_one_row_on_sqlite(lite: World) -> None:
    lite.refer([referral(n) for n in range(3)])
    with write(lite.bridge.engine) as connection:
        sql, binds = rows_sql(Query(REQUEST, limit=20), Sight("1 = 1"), "sqlite")
        ((said,),) = connection.execute(text(sql), binds).all()
        assert len(places_in(said)) == 3
        none, binds = rows_sql(Query("Encounter", limit=20), Sight("1 = 1"), "sqlite")
        assert connection.execute(text(none), binds).all() == [(None,)]
