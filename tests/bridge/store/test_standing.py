"""Asked for many at once, each record stands or does not as it would alone."""

from sqlalchemy import text

from bridge.store.database.engine import write
from bridge.store.search.index import PARAMETERS, ParameterKind
from bridge.store.search.searching import IN_ONE_SYSTEM
from bridge.store.standing import Stood, numbered, standing
from tests.support.worlds import World, referral

COUNTERS = (
    "SELECT r.type, r.id, r.change, coalesce(s.version, 0) FROM record r"
    " LEFT JOIN student s ON s.id = r.student_id ORDER BY r.change"
)


def moved(stood: Stood, how: int) -> Stood:
    """Return what once stood: with another change or version, of another record, or as it is."""
    kind, record_id, change, version = stood
    return [
        stood,
        (kind, record_id, change + 1, version),
        (kind, record_id, change, version + 1),
        (kind, record_id + "x", change, version),
        ("Nothing", record_id, change, version),
    ][how]


def test_each_of_many_stands_as_it_would_alone(world: World) -> None:
    world.refer(referral(n) for n in range(4))
    with write(world.bridge.engine) as connection:
        found: list[Stood] = [tuple(row) for row in connection.execute(text(COUNTERS))]
        asked = [moved(each, n % 5) for n, each in enumerate(found)]
        for some in (*(asked[:n] for n in range(13)), asked, found):
            assert standing(connection, some) == [each in found for each in some]
            assert [standing(connection, [each])[0] for each in some] == standing(connection, some)
    assert len(found) > 20


def test_where_its_student_was_compared_a_record_stands_while_its_number_is_there(
    lite: World,
) -> None:
    lite.refer(referral(n) for n in range(8))
    with write(lite.bridge.engine) as connection:
        found: list[Stood] = [tuple(row) for row in connection.execute(text(COUNTERS))]
        each_alone = [(kind, (change,)) for kind, _, change, _ in found]
        assert numbered(connection, each_alone) == [True] * len(found)
        kinds = sorted({kind for kind, *_ in found})
        whole = [(k, tuple(change for kind, _, change, _ in found if kind == k)) for k in kinds]
        assert numbered(connection, whole) == [True] * len(kinds)
        connection.execute(text("UPDATE record SET change = change + 1000 WHERE type = 'Task'"))
        assert numbered(connection, each_alone) == [each[0] != "Task" for each in found]
        connection.execute(text("DELETE FROM record WHERE type = 'Patient'"))
        left = [each[0] not in ("Task", "Patient") for each in found]
        assert numbered(connection, each_alone) == left
        # One that is gone is enough, wherever it stands among those of others.
        assert numbered(connection, whole) == [k not in ("Task", "Patient") for k in kinds]
        assert numbered(connection, [("Encounter", ()), ("Nothing", (1,))]) == [True, False]
    assert len(found) > 40


def test_no_two_records_have_one_number(world: World) -> None:
    world.refer(referral(n) for n in range(4))
    with write(world.bridge.engine) as connection:
        sql = "SELECT count(*) - count(DISTINCT change), count(*) FROM record"
        ((shared, every),) = connection.execute(text(sql)).all()
    assert (shared, every > 20) == (0, True)


def test_what_is_searched_for_as_of_one_system_is_a_code_of_one_system() -> None:
    every = [p for some in PARAMETERS.values() for p in some if p.name in IN_ONE_SYSTEM]

    assert {(p.kind, p.paths, bool(p.system)) for p in every} == {
        (ParameterKind.TOKEN, "status", True)
    }
