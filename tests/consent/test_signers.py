"""Who may sign which form, on which day, and when that right ends. All people made up."""

from dataclasses import replace
from datetime import date

import pytest

from consent.calendar import FOREVER, end_of, start_of
from consent.mou import Template
from consent.releases import forms_met, missing_parts
from consent.signers import Signer, authority_ends, has_authority, signer_of
from tests.consent.test_releases import EDUCATION, HEALTH, TEMPLATE
from tests.consent.worked_example import template_with

BIRTHDAY = date(2026, 9, 1)
EVE = date(2026, 8, 31)
COMING_OF_AGE = replace(HEALTH, birth_date=date(2008, 9, 1))
STUDENT = {"signer_relationship": "ONESELF"}
BOTH = {"cosigner_relationship": "ONESELF"}
ALONE = {"minor_consented": True}
FORMS = TEMPLATE.settings.consents


def may_sign(form: str, template: Template = TEMPLATE, **change: object) -> bool:
    release = replace(COMING_OF_AGE, **change)  # type: ignore[arg-type] # fields as a case changes them
    return has_authority(release, template.settings.consents[form], template)


@pytest.mark.parametrize("relationship", ["MTH", "FTH", "GUARD", "STPMTH", "ADOPTF", "GRMTH"])
def test_who_acts_as_a_parent_is_a_guardian(relationship: str) -> None:
    assert signer_of(relationship) is Signer.GUARDIAN


@pytest.mark.parametrize("relationship", [None, "", "NBOR", "SIB", "mth"])
def test_anybody_else_holds_no_right(relationship: str | None) -> None:
    assert signer_of(relationship) is Signer.OTHER


@pytest.mark.parametrize(
    ("form", "who", "eve", "birthday"),
    [
        ("ferpa", {}, True, False),
        ("ferpa", STUDENT, False, True),
        ("health", {}, True, False),
        ("health", STUDENT, False, True),
        ("health", ALONE, False, False),
        ("health", STUDENT | ALONE, True, True),
        ("ferpa", ALONE, True, False),
        ("ferpa", STUDENT | ALONE, False, True),
        ("part2", {}, False, False),
        ("part2", STUDENT, False, True),
        ("part2", BOTH, True, True),
        ("part2", ALONE, False, False),
        ("part2", STUDENT | ALONE, True, True),
        ("minor", {}, False, False),
        ("minor", STUDENT, True, False),
        ("minor", BOTH, True, False),
    ],
)
def test_who_may_sign_on_the_eve_of_the_18th_birthday_and_who_on_the_day(
    form: str, who: dict[str, object], eve: bool, birthday: bool
) -> None:
    assert may_sign(form, signed_on=EVE, **who) is eve
    assert may_sign(form, signed_on=BIRTHDAY, **who) is birthday


@pytest.mark.parametrize("form", sorted(FORMS))
def test_nobody_may_sign_a_form_that_bears_no_day(form: str) -> None:
    assert not may_sign(form, signed_on=None, **BOTH)


@pytest.mark.parametrize(
    ("rule", "form"),
    [
        ("education_rights_holder: {under_18: any_guardian_without_restriction", "ferpa"),
        ("health_rights_holder:    {under_18: any_guardian_without_restriction", "health"),
    ],
)
def test_where_all_guardians_must_sign_one_form_is_not_enough(rule: str, form: str) -> None:
    all_of_them = template_with(
        rule, rule.replace("any_guardian_without_restriction", "all_guardians")
    )

    assert may_sign(form, signed_on=EVE)
    assert not may_sign(form, all_of_them, signed_on=EVE)
    assert not may_sign(form, all_of_them, signed_on=EVE, **BOTH)


@pytest.mark.parametrize(
    ("right", "form"),
    [
        ("education_rights_holder", "ferpa"),
        ("health_rights_holder", "health"),
        ("part2_signers", "part2"),
    ],
)
def test_a_right_the_template_gives_to_nobody_is_nobodys(right: str, form: str) -> None:
    people = replace(TEMPLATE.settings.people, **{right: None})
    silent = replace(TEMPLATE, settings=replace(TEMPLATE.settings, people=people))

    assert may_sign(form, signed_on=EVE, **BOTH)
    assert not may_sign(form, silent, signed_on=EVE, **BOTH)


def test_where_the_template_names_no_signer_at_all_nobody_may_sign() -> None:
    people = TEMPLATE.settings.people
    assert people.part2_signers is not None
    nobody = replace(people.part2_signers, from_18=())
    template = replace(
        TEMPLATE,
        settings=replace(TEMPLATE.settings, people=replace(people, part2_signers=nobody)),
    )

    assert may_sign("part2", signed_on=BIRTHDAY, **BOTH)
    assert not may_sign("part2", template, signed_on=BIRTHDAY, **BOTH)


def test_a_form_for_a_signer_we_know_no_rule_of_is_signed_by_nobody() -> None:
    strange = replace(FORMS["minor"], signer="whoever asks")

    assert has_authority(replace(HEALTH, **STUDENT), FORMS["minor"], TEMPLATE)  # type: ignore[arg-type] # fields as a case changes them
    assert not has_authority(replace(HEALTH, **STUDENT), strange, TEMPLATE)  # type: ignore[arg-type] # fields as a case changes them


@pytest.mark.parametrize(
    ("born", "signed_on", "ends"),
    [
        (date(2008, 9, 1), EVE, "2026-09-01T04:00:00+00:00"),
        (date(2008, 9, 1), None, "2026-09-01T04:00:00+00:00"),
        (date(2008, 9, 1), BIRTHDAY, FOREVER.isoformat()),
        (date(2008, 2, 29), date(2026, 2, 28), "2026-03-01T05:00:00+00:00"),
        (date(2008, 2, 29), date(2026, 3, 1), FOREVER.isoformat()),
    ],
)
def test_a_right_ends_at_the_midnight_of_the_birthday_unless_signed_from_then_on(
    born: date, signed_on: date | None, ends: str
) -> None:
    release = replace(EDUCATION, birth_date=born, signed_on=signed_on)

    assert authority_ends(release, "America/New_York").isoformat() == ends


@pytest.mark.parametrize(
    ("day", "begins", "ends"),
    [
        (date(2026, 3, 8), "2026-03-08T05:00:00+00:00", "2026-03-09T04:00:00+00:00"),
        (date(9999, 12, 29), "9999-12-29T05:00:00+00:00", "9999-12-30T05:00:00+00:00"),
        (date(9999, 12, 31), FOREVER.isoformat(), FOREVER.isoformat()),
    ],
)
def test_a_day_is_as_long_as_the_districts_clock_says_and_the_last_has_no_end(
    day: date, begins: str, ends: str
) -> None:
    zone = "America/New_York"

    assert (start_of(day, zone).isoformat(), end_of(day, zone).isoformat()) == (begins, ends)


def test_a_minors_own_form_is_none_of_an_adults() -> None:
    minors = replace(HEALTH, **STUDENT)  # type: ignore[arg-type] # fields as a case changes them
    adults = replace(minors, birth_date=date(2008, 1, 1))

    assert "minor" in forms_met(minors, TEMPLATE)
    assert "minor" not in forms_met(adults, TEMPLATE)
    assert missing_parts(adults, TEMPLATE)["minor"] == ("signer_authority",)


def test_what_a_minor_alone_may_sign_does_not_last_beyond_the_18th_birthday() -> None:
    loose = template_with(
        "minor_consented: minor, from_18: student",
        "minor_consented: any_guardian_without_restriction, from_18: student",
    )

    assert may_sign("health", loose, signed_on=EVE, **ALONE)
    assert not may_sign("health", loose, signed_on=BIRTHDAY, **ALONE)
