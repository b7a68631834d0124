"""One fact of a filter as SQL and as Python reads it: alike, however a row is scoped or dated."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, bindparam, text

from bridge.store.database.engine import write
from bridge.store.facts.conditions import (
    EVIDENCE,
    Scope,
    binds,
    clause,
    condition,
    gathered,
    of_own_student,
    quoted,
    said_of_anybody,
    sometime,
)
from bridge.store.facts.evidence import (
    NewEvidence,
    evidence_of,
    record_evidence,
    supersede,
)
from bridge.store.facts.held_facts import RecordFacts
from consent.model import FactName, Filter, Literal
from tests.support.worlds import World

NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ROW: dict[str, Any] = {
    "id": "e1", "fact": "c_ferpa", "valid_from": NOW, "recorded_at": NOW, "source": "form",
    "source_id": "form-1", "student_id": "s1",
}  # fmt: skip
CHANGES: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"fact": "c_health"}, False),
    ({"value": False}, False),
    ({"student_id": ""}, True),
    ({"student_id": "s2"}, False),
    ({"agreement_id": "a1"}, True),
    ({"agreement_id": "a2"}, False),
    ({"referral_id": "ref1"}, True),
    ({"referral_id": "ref2"}, False),
    ({"record_id": "r1"}, True),
    ({"record_id": "r2"}, False),
    ({"element": "referral.reason"}, True),
    ({"element": "visit.dates"}, False),
    ({"purpose": "refer"}, True),
    ({"purpose": "follow"}, False),
    ({"recipient": "provider"}, True),
    ({"recipient": "lea"}, False),
    ({"valid_from": NOW + SECOND}, False),
    ({"valid_to": NOW}, False),
    ({"valid_to": NOW + SECOND}, True),
    ({"recorded_at": NOW + SECOND}, False),
]


def scope(**changes: object) -> Scope:
    usual: dict[str, Any] = {
        "agreement_id": "a1", "element": "referral.reason", "purpose": "refer",
        "recipient": "provider", "constants": {},
    }  # fmt: skip
    return Scope(**usual | changes)


def about(*, minor: bool = True, third_party: bool = False) -> RecordFacts:
    return RecordFacts("r1", "s1", "ref1", third_party=third_party, minor=minor)


def in_sql(connection: Connection, fact: str, asked: Scope, record: RecordFacts) -> bool:
    """Ask the database, of one record that stands in the query itself."""
    return answer(connection, condition(of_fact(fact), asked), record)


def of_its_student(connection: Connection, fact: str, asked: Scope, record: RecordFacts) -> bool:
    """Do :func:`in_sql` without what is said of anybody, where nothing is of these facts."""
    whole = condition(of_fact(fact), asked)
    own, facts = of_own_student(whole)
    return answer(connection, whole if facts & said_of_anybody(connection) else own, record)


def at_one_look(connection: Connection, fact: str, asked: Scope, record: RecordFacts) -> bool:
    """Do :func:`in_sql` as PostgreSQL is asked."""
    return answer(connection, gathered(of_fact(fact), asked), record)


def of_fact(fact: str) -> Filter:
    return Filter((((Literal(FactName(fact)),),),))


def answer(
    connection: Connection, sql: str, record: RecordFacts, later: dict[str, datetime] | None = None
) -> bool:
    made = clause(sql, ["a1"])
    if ":until" in sql:
        made = made.bindparams(bindparam("until", type_=EVIDENCE.c.valid_from.type))
    born = date(2010, 1, 1) if record.minor else date(2001, 1, 1)
    one = (
        "(SELECT 's1' AS student_id, 'r1' AS id, 'ref1' AS referral_id,"
        f" {record.third_party} AS third_party) AS record,"
        f" (SELECT '{born}' AS birth_date) AS student"
    )
    known = binds(NOW, {"a1": date(2008, 10, 1)}) | (later or {})
    used = {name: value for name, value in known.items() if f":{name}" in made.text}
    query = text(f"SELECT count(*) FROM {one} WHERE {made.text}")  # noqa: S608 ours
    typed = query.bindparams(*made._bindparams.values())
    return bool(connection.execute(typed, used).scalar_one())


def in_python(connection: Connection, fact: str, asked: Scope, record: RecordFacts) -> bool:
    view = evidence_of(connection, {"s1"}, NOW)
    return fact in view.true_facts([fact], asked, record)[0]


def both(connection: Connection, fact: str, asked: Scope, record: RecordFacts) -> bool:
    ways = (in_sql, at_one_look, of_its_student, in_python)
    answers = {read(connection, fact, asked, record) for read in ways}
    assert len(answers) == 1
    return answers.pop()


@pytest.mark.parametrize(("change", "holds"), CHANGES, ids=lambda change: str(change)[:40])
def test_a_row_counts_in_sql_where_it_counts_in_python(
    lite: World, change: dict[str, Any], holds: bool
) -> None:
    with write(lite.bridge.engine) as connection:
        record_evidence(connection, [NewEvidence(**ROW | change)])

        assert both(connection, "c_ferpa", scope(), about()) is holds


def test_a_superseded_row_counts_no_more(lite: World) -> None:
    with write(lite.bridge.engine) as connection:
        record_evidence(connection, [NewEvidence(**ROW)])
        before = both(connection, "c_ferpa", scope(), about())
        supersede(connection, "form-1", "s1", NOW)

        assert (before, both(connection, "c_ferpa", scope(), about())) == (True, False)


@pytest.mark.parametrize("value", [True, False])
def test_what_the_bridge_itself_knows_wins_over_every_row(lite: World, value: bool) -> None:
    with write(lite.bridge.engine) as connection:
        record_evidence(connection, [NewEvidence(**ROW | {"value": not value})])
        known = scope(constants={"c_ferpa": value})

        assert both(connection, "c_ferpa", known, about()) is value


@pytest.mark.parametrize("free_text", [True, False])
@pytest.mark.parametrize("third_party", [True, False])
def test_free_text_and_records_about_others_speak_of_others(
    lite: World, free_text: bool, third_party: bool
) -> None:
    asked = scope(free_text=free_text)
    with write(lite.bridge.engine) as connection:
        answer = both(connection, "third_party_present", asked, about(third_party=third_party))

    assert answer is (free_text or third_party)


@pytest.mark.parametrize("minor", [True, False])
@pytest.mark.parametrize("stated", [True, False, None])
def test_whose_consent_care_rests_on_is_assumed_against_release_below_18(
    lite: World, minor: bool, stated: bool | None
) -> None:
    with write(lite.bridge.engine) as connection:
        if stated is not None:
            row = NewEvidence(**ROW | {"fact": "minor_consented_care", "value": stated})
            record_evidence(connection, [row])
        answer = both(connection, "minor_consented_care", scope(), about(minor=minor))

    assert answer is (minor if stated is None else stated)


def test_one_look_answers_whatever_is_asked_of_what_is_said() -> None:
    every = ("c_ferpa", "dissent", "minor_consented_care", "c_ferpa")
    said = Filter(tuple(((Literal(FactName(fact)),),) for fact in every))

    assert gathered(said, scope()).count("FROM evidence") == 1
    assert condition(said, scope()).count("FROM evidence") > len(every)


def test_what_the_bridge_itself_knows_takes_no_look() -> None:
    known = scope(constants={"in_force": True})

    assert "evidence" not in gathered(of_fact("in_force"), known)


def test_a_condition_by_student_names_each_of_its_facts() -> None:
    every = ("c_ferpa", "dissent", "minor_consented_care")
    said = (((Literal(FactName(fact)),),) for fact in every)

    assert of_own_student(condition(Filter(tuple(said)), scope()))[1] == set(every)


@pytest.mark.parametrize("name", ["a'b", "a;b", 'a"b', "a\\b", "a\nb", "a%b"])
def test_a_name_that_could_end_a_string_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="letters, digits"):
        quoted(name)


CHECKED = ("c_ferpa", "dissent", "minor_consented_care")
INSTANTS = (0, 1, 3600, 86_399)
LATER = NOW + timedelta(hours=1)
DATED: list[dict[str, Any]] = [
    {}, {"valid_from": LATER}, {"valid_to": LATER}, {"recorded_at": LATER},
    {"valid_to": NOW}, {"valid_to": NOW + timedelta(days=2)},
    {"valid_from": LATER, "valid_to": NOW + timedelta(hours=2)},
]  # fmt: skip


def may_hold(connection: Connection, sql: str) -> bool:
    day = {"until": NOW + timedelta(days=1)}
    return answer(connection, sometime(sql), about(), later=day)


def holds_in(connection: Connection, sql: str) -> set[int]:
    """Return after how many seconds a condition holds."""
    at = {n: {"as_of": NOW + n * SECOND} for n in INSTANTS}
    return {n for n, when in at.items() if answer(connection, sql, about(), later=when)}


@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("fact", CHECKED)
@pytest.mark.parametrize("value", [True, False, None])
@pytest.mark.parametrize("dated", DATED, ids=lambda dated: " ".join(dated) or "as usual")
def test_what_may_hold_at_no_instant_of_a_day_holds_at_none(
    lite: World, dated: dict[str, Any], fact: str, value: bool | None, wanted: bool
) -> None:
    sql = condition(Filter((((Literal(FactName(fact), wanted=wanted),),),)), scope())
    with write(lite.bridge.engine) as connection:
        row = ROW | {"fact": fact, "value": value} | dated
        record_evidence(connection, [NewEvidence(**row)])
        possible, held = may_hold(connection, sql), holds_in(connection, sql)
    assert possible or not held
    if dated == {} or dated.get("valid_to") == NOW:  # nothing changes that day
        assert possible is bool(held)


def test_a_condition_that_is_asked_of_now_alone_would_be_noticed(lite: World) -> None:
    sql = condition(of_fact("c_ferpa"), scope())
    with write(lite.bridge.engine) as connection:
        record_evidence(connection, [NewEvidence(**ROW | {"valid_from": LATER})])
        assert holds_in(connection, sql) == {3600, 86_399}
        assert not answer(connection, sql, about())
        assert may_hold(connection, sql)
