"""What a template writes is byte for byte what the builders give; nothing unproved is kept."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.canonical import Coded, Referral, Screening, Student
from mappings.fhir import ReferralContext, referral_resources
from mappings.fhir.elements import Json, date_time
from mappings.fhir.errors import FhirError
from mappings.fhir.probes import HIDDEN, LookedIntoError, TextProbe, probe
from mappings.fhir.recipes import PATIENT, RECIPES, SCORE, Ids, Recipe
from mappings.fhir.writing import InvalidResourceError, ReferralWriter
from tests.support.fhir_records import BARE, CONTEXT, FULL, referrals

PRIVATE_USE = "\ue0000\ue001"
TEXTS = st.text(min_size=1, max_size=20).filter(lambda text: not text.isspace()) | st.sampled_from(
    ['"', "\\", '","', "a\n\tb", "Zoë", "a\u2028b", "8000-01-01", "7000000000", PRIVATE_USE]
)
CONTEXT_OF_HASHES = replace(
    CONTEXT, id_for=lambda kind, key: sha256(f"{kind}/{key}".encode()).hexdigest()
)
DAYS = st.dates(date(1900, 1, 1), date(9000, 1, 1))
WHENS = DAYS | st.datetimes(datetime(1900, 1, 1), datetime(9000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is drawn beside it
NUMBERS = st.decimals(0, 100, places=2)


def built(referral: Referral, context: ReferralContext = CONTEXT) -> list[tuple[str, bytes]]:
    resources = referral_resources(referral, context)
    return [(item["resourceType"], orjson.dumps(item)) for item in resources]


def test_every_resource_is_written_as_its_builder_gives_it_however_often_it_comes() -> None:
    writer = ReferralWriter(CONTEXT)
    for _ in range(3):
        for referral in referrals():
            assert writer.lines(referral) == built(referral)


def test_every_form_that_comes_again_has_a_template() -> None:
    writer = ReferralWriter(CONTEXT)
    for number in ("R-1", "R-2", "R-3"):
        writer.lines(replace(FULL, number=number))

    assert writer.proven == len(writer.lines(FULL))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_values_of_any_kind_go_where_the_builders_put_them(data: st.DataObject) -> None:
    writer = ReferralWriter(CONTEXT_OF_HASHES)
    for _ in range(3):
        referral = _filled(data)

        assert writer.lines(referral) == built(referral, CONTEXT_OF_HASHES)


def _filled(data: st.DataObject) -> Referral:
    text = data.draw(TEXTS)
    student = replace(FULL.student, family_name=text, city=data.draw(TEXTS), phone=text)
    score = Screening(Coded("phq-9", "PHQ-9"), data.draw(NUMBERS), data.draw(DAYS))
    return replace(
        FULL,
        number=data.draw(TEXTS),
        authored_on=data.draw(WHENS),
        student=replace(student, birth_date=data.draw(DAYS)),
        description=data.draw(TEXTS),
        attendance_percent=data.draw(NUMBERS),
        screenings=(score,),
        urgency=Coded("routine", data.draw(st.sampled_from(["now", PRIVATE_USE]))),
        reasons=(*FULL.reasons, Coded("", data.draw(TEXTS))),
    )


def test_a_code_no_table_has_is_refused_as_the_builder_refuses_it() -> None:
    writer = ReferralWriter(CONTEXT)
    for _ in range(2):
        writer.lines(BARE)

    for _ in range(2):
        with pytest.raises(FhirError, match="terminology/concerns"):
            writer.lines(replace(BARE, reasons=(Coded("nonsense", "x"),)))


@pytest.mark.parametrize(
    "change",
    [
        {"urgency": Coded("banana", "as written")},
        {"description": "  "},
        {"student": replace(BARE.student, family_name="")},
    ],
)
def test_what_fails_the_full_check_is_never_written(change: dict[str, Any]) -> None:
    writer = ReferralWriter(CONTEXT)
    first = replace(BARE, description="known before")
    for _ in range(3):
        writer.lines(first)

    for _ in range(3):
        with pytest.raises(InvalidResourceError):
            writer.lines(replace(first, **change))


def test_an_id_that_json_would_have_to_escape_is_refused() -> None:
    context = replace(CONTEXT, id_for=lambda kind, key: f'{kind}"{key}')

    with pytest.raises(InvalidResourceError, match=r"Resource\.id"):
        ReferralWriter(context).lines(BARE)


def test_a_builder_that_looks_into_a_value_gets_no_template(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def looks(student: Student, ids: Ids, _: object, context: ReferralContext) -> Json:
        made = PATIENT.build(student, ids, None, context)
        return {**made, "gender": "female" if student.given_name.startswith("Zoe") else "male"}

    recipe = Recipe("Patient", looks, PATIENT.texts, PATIENT.codes)
    monkeypatch.setattr("mappings.fhir.writing.RECIPES", (recipe, *RECIPES[1:]))
    monkeypatch.setattr("mappings.fhir.recipes.PATIENT", recipe)
    writer = ReferralWriter(CONTEXT)

    for name, gender in (("Robin", b"male"), ("Robin", b"male"), ("Zoe", b"female")):
        student = replace(BARE.student, given_name=name)
        assert b'"gender":"%b"' % gender in writer.lines(replace(BARE, student=student))[0][1]
    assert writer.proven < len(writer.lines(BARE))


def test_a_builder_that_reckons_with_a_number_gets_no_template(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def doubles(screening: Screening, ids: Ids, _: object, context: ReferralContext) -> Json:
        return SCORE.build(replace(screening, score=screening.score * 2), ids, None, context)

    recipe = replace(SCORE, build=doubles)
    others = tuple(each for each in RECIPES if each is not SCORE)
    monkeypatch.setattr("mappings.fhir.writing.RECIPES", (recipe, *others))
    monkeypatch.setattr("mappings.fhir.recipes.SCORE", recipe)
    writer = ReferralWriter(CONTEXT)

    for score in (3, 3, 5, 7):
        taken = Screening(Coded("phq-9", "PHQ-9"), Decimal(score))
        lines = writer.lines(replace(BARE, screenings=(taken,)))
        assert b'"value":%d,' % (2 * score) in dict(lines)["Observation"]


def test_a_code_whose_words_look_like_a_probe_is_not_taken_for_a_value() -> None:
    writer = ReferralWriter(CONTEXT_OF_HASHES)
    urgency = Coded("routine", PRIVATE_USE)

    for number in (PRIVATE_USE, PRIVATE_USE, PRIVATE_USE, "R-9"):
        referral = replace(BARE, number=number, urgency=urgency)
        assert writer.lines(referral) == built(referral, CONTEXT_OF_HASHES)


@pytest.mark.parametrize("value", [date(2026, 9, 1), datetime(2026, 9, 1, tzinfo=UTC)])
def test_the_probe_of_a_day_is_written_and_nothing_else(value: date) -> None:
    day = probe(3, value)

    assert date_time(day).startswith("8000-01-04")
    for look in (
        lambda d: d.year,
        lambda d: d == value,
        lambda d: d < value,
        lambda d: d.weekday(),
        lambda d: d + timedelta(days=1),
        hash,
    ):
        with pytest.raises(LookedIntoError):
            look(day)


def test_a_probe_is_copied_and_nothing_else() -> None:
    text = probe(3, "Ana")

    assert f"Patient/{text}" == "Patient/\ue0003\ue001"
    for look in (len, hash, list, lambda t: t.upper(), lambda t: t == "Ana", lambda t: t[0]):
        with pytest.raises(LookedIntoError):
            look(text)
    for look in (bool, lambda hidden: hidden.name, lambda hidden: hidden == 1):
        with pytest.raises(LookedIntoError):
            look(HIDDEN)
    assert isinstance(text, TextProbe)
    assert probe(3, Decimal("1.5")) % 1 == Decimal("0.5")
    with pytest.raises(LookedIntoError):
        probe(1, True)


def test_codes_that_come_and_go_are_never_taken_for_one_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # An object that is gone leaves its place in memory, and so its id, to another one.
    monkeypatch.setattr("mappings.fhir.writing._MOST_FORMS", 3)
    monkeypatch.setattr("mappings.fhir.writing._MOST_VALUES", 3)
    writer = ReferralWriter(CONTEXT)

    for number in range(400):
        urgency = Coded(("routine", "urgent", "stat")[number * number % 3], f"as {number % 5}")
        reason = Coded(("anxiety", "grief")[number // 3 % 2], f"written {number % 7}")
        referral = replace(BARE, urgency=urgency, reasons=(reason,) * (1 + number % 2))
        assert writer.lines(referral) == built(referral)
    assert writer.proven > 0
