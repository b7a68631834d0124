"""Where every guardian must sign: the pure rule. All people made up."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.joint import Authority, Given, asks_all, is_students_own, joint
from consent.model import FactName
from consent.mou import shipped_template
from consent.releases import DISSENT, Evidence
from consent.signed_release import SignedRelease
from tests.consent.worked_example import template_with

TZ = "America/New_York"
BASE = datetime(2026, 9, 1, 4, tzinfo=UTC)  # midnight of the district
BOTH = ("education", "health")
MOTHER = Authority("mother", BOTH, date(2020, 1, 1), date.max)
FATHER = replace(MOTHER, who="father")
C_FERPA = FactName("c_ferpa")


def at(day: int) -> datetime:
    return BASE + timedelta(days=day)


def consent(who: str, first: int = 0, last: int = 30, **more: str) -> Given:
    row = Evidence(
        C_FERPA, "referral.reason", "refer", "provider", at(first), at(last), at(first), "ferpa"
    )
    return Given(f"form of {who}", who, "education", row, **more)


def refusal(who: str, first: int, last: int, **more: str) -> Given:
    signed = consent(who, first, last, **more)
    return replace(signed, form=f"no of {who}", right="", row=replace(signed.row, fact=DISSENT))


def days(forms: Sequence[Given], register: Sequence[Authority]) -> set[tuple[str, int, int]]:
    return {
        (each.who, (each.row.valid_from - BASE).days, (each.row.valid_to - BASE).days)
        for each in joint(forms, register, TZ)
    }


@pytest.mark.parametrize(
    ("forms", "register", "counts"),
    [
        ([consent("mother")], [], set()),
        ([consent("mother")], [MOTHER], {("mother", 0, 30)}),
        ([consent("mother")], [MOTHER, FATHER], set()),
        (
            [consent("mother"), consent("father", 4)],
            [MOTHER, FATHER],
            {("mother", 4, 30), ("father", 4, 30)},
        ),
        (
            [consent("mother"), consent("father", 4, 9)],  # taken back on the tenth day
            [MOTHER, FATHER],
            {("mother", 4, 9), ("father", 4, 9)},
        ),
        (
            [consent("mother"), refusal("father", 5, 8)],
            [MOTHER],
            {("mother", 0, 5), ("mother", 8, 30)},
        ),
        (  # an authority that begins, and one that ends
            [consent("mother")],
            [MOTHER, replace(FATHER, first_day=date(2026, 9, 11))],
            {("mother", 0, 10)},
        ),
        (
            [consent("mother")],
            [MOTHER, replace(FATHER, last_day=date(2026, 9, 10))],
            {("mother", 10, 30)},
        ),
        ([consent("mother")], [MOTHER, replace(FATHER, may_sign=("health",))], {("mother", 0, 30)}),
        ([consent("mother")], [replace(MOTHER, may_sign=("health",))], set()),
        ([consent("uncle")], [MOTHER], set()),
        ([consent("mother"), consent("uncle")], [MOTHER], {("mother", 0, 30)}),
    ],
)
def test_all_signatures_together_are_the_consent(
    forms: list[Given], register: list[Authority], counts: set[tuple[str, int, int]]
) -> None:
    assert days(forms, register) == counts


def test_forms_count_together_for_what_both_cover_and_for_the_referral_both_name() -> None:
    once = consent("father", referral="R-1")
    both = joint([consent("mother"), once], [MOTHER, FATHER], TZ)
    assert {(each.who, each.referral) for each in both} == {("mother", "R-1"), ("father", "R-1")}
    other = replace(once, row=replace(once.row, purpose="follow"), referral="")
    assert not joint([consent("mother"), other], [MOTHER, FATHER], TZ)


def spans(forms: Sequence[Given], register: Sequence[Authority]) -> list[tuple[str, int, int]]:
    """Return form and days of each part, in order, with any that comes twice."""
    return [
        (each.form, (each.row.valid_from - BASE).days, (each.row.valid_to - BASE).days)
        for each in joint(forms, register, TZ)
    ]


def test_a_consent_comes_once_and_whole_though_other_authorities_begin_and_end_within_it() -> None:
    health = replace(FATHER, may_sign=("health",), first_day=date(2026, 9, 11))

    assert spans([consent("mother")], [MOTHER, health]) == [("form of mother", 0, 30)]
    assert [each.referral for each in joint([consent("mother")], [MOTHER], TZ)] == [""]


def test_a_part_between_two_refusals_is_a_part_of_its_own() -> None:
    refused = [refusal("father", 5, 8), refusal("father", 20, 22)]

    assert spans([consent("mother"), *refused], [MOTHER]) == [
        ("form of mother", 0, 5),
        ("form of mother", 8, 20),
        ("form of mother", 22, 30),
    ]


def test_a_form_covers_no_day_that_only_another_form_of_the_same_guardian_covers() -> None:
    first, second = consent("mother", 0, 5), replace(consent("mother", 3, 30), form="second")

    assert spans([first, second], [MOTHER]) == [("form of mother", 0, 5), ("second", 3, 30)]


def test_a_refusal_counts_for_what_it_speaks_of_and_the_referral_it_names() -> None:
    signed = consent("mother", referral="R-1")
    refused = refusal("father", 0, 30)
    elsewhere = replace(refused, row=replace(refused.row, element="student.name"))

    for of in ("", "R-1"):
        assert not spans([signed, replace(refused, referral=of)], [MOTHER])
    for other in (replace(refused, referral="R-2"), elsewhere, replace(elsewhere, referral="R-1")):
        assert spans([signed, other], [MOTHER]) == [("form of mother", 0, 30)]


WHO = st.sampled_from(("mother", "father", "uncle"))
SPAN = st.tuples(st.integers(0, 12), st.integers(0, 12)).filter(lambda pair: pair[0] < pair[1])
REFERRALS = st.sampled_from(("", "R-1", "R-2"))
CONSENTS = st.builds(lambda who, span, r: consent(who, *span, referral=r), WHO, SPAN, REFERRALS)
REFUSALS = st.builds(lambda who, span, r: refusal(who, *span, referral=r), WHO, SPAN, REFERRALS)
AUTHORITIES = st.builds(
    lambda who, right, span: Authority(
        who, right, at(span[0]).date(), (at(span[1]) - timedelta(days=1)).date()
    ),
    WHO,
    st.sampled_from((("education",), ("health",), BOTH)),
    SPAN,
)


def opened(forms: Sequence[Given], register: Sequence[Authority]) -> set[tuple[int, str]]:
    """Return the days, and the referral ("" for any other), for which something is consented to."""
    found = joint(forms, register, TZ)
    return {
        (day, referral)
        for day in range(13)
        for referral in ("", "R-1", "R-2")
        for each in found
        if each.referral in ("", referral) and each.row.valid_from <= at(day) < each.row.valid_to
    }


def known(register: Sequence[Authority]) -> set[int]:
    """Return the days on which the register knows who may sign for school records."""
    return {
        day
        for day in range(13)
        for each in register
        if each.first_day <= at(day).date() <= each.last_day and "education" in each.may_sign
    }


@given(st.lists(CONSENTS, max_size=4), st.lists(AUTHORITIES, max_size=3), REFUSALS)
def test_a_refusal_never_opens(
    forms: list[Given], register: list[Authority], refused: Given
) -> None:
    assert opened([*forms, refused], register) <= opened(forms, register)


@given(st.lists(CONSENTS, max_size=4), st.lists(AUTHORITIES, max_size=3), AUTHORITIES)
def test_one_more_guardian_never_opens_what_the_known_ones_have_not(
    forms: list[Given], register: list[Authority], added: Authority
) -> None:
    more = opened(forms, [*register, added]) - opened(forms, register)
    assert not {day for day, _ in more} & known(register)


@given(st.lists(CONSENTS | REFUSALS, max_size=6), st.lists(AUTHORITIES, max_size=3))
def test_nothing_is_consented_to_that_one_of_them_did_not_sign(
    forms: list[Given], register: list[Authority]
) -> None:
    for each in joint(forms, register, TZ):
        alone = [f for f in forms if f.form == each.form and f.row.fact == each.row.fact]
        assert any(
            f.row.valid_from <= each.row.valid_from
            and each.row.valid_to <= f.row.valid_to
            and f.referral in ("", each.referral)
            for f in alone
        )
    assert {day for day, _ in opened(forms, register)} <= known(register)


def test_only_the_term_asks_for_all() -> None:
    asked = {
        word: asks_all(template_with("guardians_disagree: hold", f"guardians_disagree: {word}"))
        for word in ("any_one_signs", "all_must_sign")
    }
    assert asked == {"any_one_signs": False, "all_must_sign": True}
    assert not asks_all(shipped_template())


@pytest.mark.parametrize(
    ("signer", "second", "source", "own"),
    [
        ("FTH", None, "ferpa", False),
        ("ONESELF", None, "minor", True),
        ("FTH", "ONESELF", "minor", True),
        ("ONESELF", "FTH", "part2", False),
        ("FTH", None, "minor", False),
    ],
)
def test_a_form_the_student_may_sign_alone_waits_for_no_guardian(
    signer: str, second: str | None, source: str, own: bool
) -> None:
    form = SignedRelease(
        "any", "signed", BASE, date(2012, 3, 4), "Somebody", signer, second, date(2026, 9, 1)
    )
    assert is_students_own(form, source, shipped_template()) is own
