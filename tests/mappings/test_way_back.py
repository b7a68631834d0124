"""A row goes to FHIR and back into its own columns, and means the same when it is read again."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.canonical import Coded, Referral, SourceRow, Student
from mappings.fhir import DistrictSystems, ReferralContext, referral_resources
from mappings.fhir.referral_in import NEVER_HELD, WayBack, parse_referral
from mappings.language import (
    DICTIONARY,
    SHIPPED,
    CompiledMap,
    Kind,
    MapKind,
    Mapped,
    compile_map,
    load_map,
)
from mappings.language.document import FieldRule, MapDocument
from mappings.language.formats import date_format, written
from mappings.language.record_values import values_of
from mappings.language.writing_back import NoColumnsError, Shortfall, WrittenTable, write_back
from mappings.lineage import elements_of
from mappings.readers import SourceError, Table

SYSTEMS = DistrictSystems.of("millbrook", "state")
NOW = datetime(2026, 9, 14, 12, tzinfo=UTC)
WORDS = [*"abcdeäéñß,;:'\"=+-@./()", "x1", "07", "0", "NULLS"]
IN_COLUMNS = (
    "schoolbridge-template",
    "somerville-mtss-form",
    "google-forms-referral",
    "microsoft-forms-referral",
)
COMPILED = {name: compile_map(load_map(name)) for name in IN_COLUMNS}
HELD_BY_FHIR = frozenset(elements_of(MapKind.REFERRAL)) - {*NEVER_HELD}


class AnySchool(dict[str, str]):
    """Knows every school: its id is its code."""

    def __missing__(self, code: str) -> str:
        return f"school-{code.encode().hex()}"


class AnyCode(dict[str, str]):
    """Knows every school's code by its id."""

    def get(self, school_id: str, default: Any = None) -> Any:  # noqa: ANN401 - as a mapping has it
        if not school_id.startswith("school-"):
            return default
        return bytes.fromhex(school_id.removeprefix("school-")).decode()


CONTEXT = ReferralContext(
    district_id="millbrook",
    provider_id="harbor",
    school_ids=AnySchool(),
    id_for=lambda kind, key: f"{kind}-{key.encode().hex()}",
    recorded_at=NOW,
    systems=SYSTEMS,
)
BACK = WayBack(SYSTEMS, AnyCode(), {"millbrook": "lea", "harbor": "provider"})


# --- rows drawn from what a map understands -------------------------------------------------------


def some_text(dice: Random) -> str:
    return " ".join(dice.choices(WORDS, k=dice.randint(1, 6)))


def cell(rule: FieldRule, kind: MapKind, dice: Random) -> str:
    """Return a text a column may hold: usually one its field can read, in any of its formats."""
    entry = DICTIONARY[kind][rule.goes_to.text]
    spelled = [value.text for value in rule.values or ()] or list(entry.codes)
    match entry.kind:
        case Kind.DATE | Kind.MOMENT | Kind.INSTANT:
            day = datetime(2012, 1, 1) + timedelta(seconds=dice.randrange(470_000_000))  # noqa: DTZ001 - without a zone on purpose
            return written(day, date_format(dice.choice(rule.read_as).text))
        case Kind.DECIMAL:
            return dice.choice(["0", "7.5", "12", "12.50", "3"])
        case Kind.COUNT:
            return str(dice.randrange(40))
        case Kind.NAME:
            return f"Name{dice.randrange(10_000)}, Given {dice.randrange(99)}"
        case Kind.CODED_LIST | Kind.CODE_LIST:
            several = dice.sample(spelled, min(len(spelled), dice.randint(1, 3)))
            return (rule.split_on or ("",))[0].join(several[: 3 if rule.split_on else 1])
        case Kind.TEXT:
            return some_text(dice)
        case _:
            text = dice.choice(spelled)
            return dice.choice([text, text.upper(), f" {text} "])


def filled(compiled: CompiledMap, dice: Random) -> dict[str, dict[str, str]]:
    """Draw one row of every source, joined, and so full that most are not held."""
    document = compiled.document
    rows = {s.role: dict.fromkeys(compiled.recorded(s.role), "") for s in document.sources}
    for source in document.sources:
        reader = compiled.parts.get(source.reads_with, compiled)
        fill(rows[source.role], reader.document, source.role, dice)
    main = rows[document.main.role]
    for join in document.joins:
        for pair in join.pairs:
            other, name = rows[join.source.text], heading(main, pair.column.text)
            main[name] = main[name] or other[pair.matches.text]
            other[pair.matches.text] = main[name]
    for word in document.row_key:
        name = heading(main, word.text)
        main[name] = main[name] or "k@example.org"
    return rows


def fill(row: dict[str, str], document: MapDocument, role: str, dice: Random) -> None:
    for rule in document.fields:
        if rule.source == (role if document.source(role) else document.main.role):
            needed = DICTIONARY[document.kind][rule.goes_to.text].required
            for word in rule.columns if rule.together else rule.columns[:1]:
                if needed or dice.random() < 0.7:
                    row[heading(row, word.text)] = cell(rule, document.kind, dice)


def heading(row: dict[str, str], text: str) -> str:
    return next(name for name in row if name.split() == text.split())


def mapped(compiled: CompiledMap, rows: dict[str, dict[str, str]]) -> Referral | None:
    tables = {role: WrittenTable(tuple(row), (tuple(row.values()),)) for role, row in rows.items()}
    return read_again(compiled, tables)


def read_again(compiled: CompiledMap, tables: dict[str, WrittenTable]) -> Referral | None:
    def opener(role: str, table: WrittenTable) -> Any:  # noqa: ANN401 - as the writer takes it
        return lambda: Table(role, table.header, (list(row) for row in table.rows))

    try:
        found = list(compiled.run_tables({r: opener(r, t) for r, t in tables.items()}, {}))
    except SourceError:  # fewer rows match than the map asks for
        return None
    first = found[0] if found else None
    return first.record if isinstance(first, Mapped) else None


def through_fhir(record: Referral) -> Referral:
    resources = referral_resources(record, CONTEXT)
    return parse_referral(resources, SourceRow("fhir", "record", 1, record.number), BACK)


def only_in_fhir(record: Referral) -> dict[str, Any]:
    """Return what FHIR holds of a record: the fields that have an element."""
    values = values_of(record)
    for form in ("education", "health"):
        relationship = values.get(f"release.{form}.signer_relationship")
        if relationship is not None and relationship.code == "ONESELF":
            values.pop(f"release.{form}.signer", None)
    return {name: value for name, value in values.items() if name in HELD_BY_FHIR}


def records(compiled: CompiledMap, seed: int, count: int) -> Iterator[Referral]:
    dice = Random(seed)  # noqa: S311 - repeatable, not secret
    for _ in range(count):
        if (record := mapped(compiled, filled(compiled, dice))) is not None:
            yield record


# --- the properties -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", IN_COLUMNS)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_what_fhir_holds_of_a_row_comes_back_from_fhir(name: str, seed: int) -> None:
    for record in records(COMPILED[name], seed, 4):
        assert only_in_fhir(through_fhir(record)) == only_in_fhir(record)


@pytest.mark.turns(2)
@pytest.mark.parametrize("name", IN_COLUMNS)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_row_written_back_means_the_same_or_says_where_it_does_not(name: str, seed: int) -> None:
    compiled = COMPILED[name]
    for record in records(compiled, seed, 4):
        back = write_back(compiled, [record])
        again = read_again(compiled, dict(back.tables))
        unsaid = {n for fall in back.shortfalls for n in (*fall.unsaid, *fall.respelled)}
        assert not any(fall.held for fall in back.shortfalls)
        # A number made from a column that is not sent on is all that may be missing.
        assert unsaid <= ({"number"} if back.keyless else set()), unsaid
        if not back.keyless:
            assert again is not None
            assert values_of(again) == values_of(record)


@pytest.mark.turns(2)
@pytest.mark.parametrize("name", IN_COLUMNS)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_rows_through_fhir_into_columns_and_the_map_again_are_the_same_record(
    name: str, seed: int
) -> None:
    compiled = COMPILED[name]
    for record in records(compiled, seed, 4):
        back = write_back(compiled, [through_fhir(record)])
        (told,) = back.shortfalls or (None,)
        if told is None:
            again = read_again(compiled, dict(back.tables))
            assert again is not None
            assert only_in_fhir(again) == only_in_fhir(record)
        else:
            assert not told.held, told
            assert set(told.unsaid) <= ({"number"} if back.keyless else set()), told


def test_enough_random_rows_become_records() -> None:
    for name in IN_COLUMNS:
        found = sum(1 for _ in records(COMPILED[name], 1, 100))
        sys.stdout.write(f"{name}: {found} of 100 random rows are records\n")
        assert found > 25, name


# --- what cannot be said is told ------------------------------------------------------------------


def of_template() -> Referral:
    return next(records(COMPILED["schoolbridge-template"], 3, 100))


def test_a_code_the_map_has_no_word_for_is_told() -> None:
    record = replace(of_template(), urgency=Coded("no-such-code", "whenever"))

    (fall,) = write_back(COMPILED["schoolbridge-template"], [record]).shortfalls

    assert fall.row == 2
    assert any("Urgency" in reason for reason in fall.held)


def test_a_field_without_a_column_is_told_by_its_name() -> None:
    compiled = COMPILED["google-forms-referral"]
    record = replace(next(records(compiled, 5, 100)), iep=True)

    (fall,) = write_back(compiled, [record]).shortfalls

    assert "iep" in fall.unsaid


MAP = """map: "1"
id: small
title: Small
kind: referral
zone: America/New_York
sources:
  form: {format: csv, headings: [No, Made, Id, Last, First, Born, Urgency, Reason]}
row-key: No
fields:
  - {column: No, goes-to: number}
  - {column: Made, goes-to: authored_on, read-as: YYYY-MM-DD}
  - {column: Id, goes-to: student.local_id}
  - {column: Last, goes-to: student.family_name}
  - {column: First, goes-to: student.given_name}
  - {column: Born, goes-to: student.birth_date, read-as: YYYY-MM-DD}
  - {column: Urgency, goes-to: urgency, values: {Now: stat, At once: stat, Later: routine}}
  - {column: Reason, goes-to: reasons, values: {Worry: anxiety}}
not-on-form: [release.education, release.health]
examples:
  - name: nothing in it
    row: {No: "1"}
    held: [empty]
"""


def small(folder: Path) -> CompiledMap:
    (folder / "small.yaml").write_text(MAP, encoding="utf-8")
    return compile_map(load_map(str(folder / "small.yaml")))


@pytest.mark.parametrize(
    ("urgency", "written_as", "respelled", "held"),
    [
        (Coded("stat", "at once"), "at once", (), False),  # the words it came from
        (Coded("routine", "no hurry"), "Later", ("urgency",), False),  # one word for the code
        (Coded("stat", "crisis"), "", (), True),  # two words: nobody here may choose
    ],
)
def test_a_code_is_written_in_its_own_words_or_in_the_one_word_for_it(
    tmp_path: Path, urgency: Coded, written_as: str, respelled: tuple[str, ...], held: bool
) -> None:
    reasons = (Coded("anxiety", "Worry"),)
    student = Student("1", "Winterbourne", "Kim", date(2012, 3, 4))
    origin = SourceRow("x", "x", 1, "R1")
    record = Referral("R1", date(2026, 9, 2), student, urgency, reasons, origin)

    back = write_back(small(tmp_path), [record])

    assert back.tables["form"].rows[0][6] == written_as
    (fall,) = back.shortfalls or (Shortfall(2),)
    assert (fall.respelled, bool(fall.held)) == (respelled, held)


@pytest.mark.parametrize("name", ["fhir-referral", "hl7v2-ref"])
def test_messages_and_records_have_no_columns_to_write(name: str) -> None:
    with pytest.raises(NoColumnsError, match="messages or records"):
        write_back(compile_map(load_map(name)), [of_template()])


def test_every_shipped_map_of_referrals_is_tried_here() -> None:
    of_referrals = {n for n in SHIPPED if load_map(n).kind is MapKind.REFERRAL}
    assert of_referrals == {*IN_COLUMNS, "fhir-referral", "hl7v2-ref"}


def test_what_no_resource_holds_is_named() -> None:
    assert set(DICTIONARY[MapKind.REFERRAL]) - set(elements_of(MapKind.REFERRAL)) == {*NEVER_HELD}
