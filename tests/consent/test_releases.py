"""Signed releases: which forms they meet, and what they are evidence of. All people made up."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from consent import releases
from consent.calendar import FOREVER
from consent.mou import shipped_template
from consent.releases import SignedRelease, evidence_of, forms_met, missing_parts
from consent.wording import covered_by, flow_cells

TEMPLATE = shipped_template()
EDUCATION = SignedRelease(
    form="education",
    answer="signed",
    recorded_at=datetime(2026, 9, 2, 15, tzinfo=UTC),
    birth_date=date(2011, 3, 14),
    signer="Synthetic Guardian",
    signer_relationship="MTH",
    signed_on=date(2026, 9, 1),
    elements=("referral",),
    purposes=("refer",),
    recipient="provider",
)
HEALTH = replace(
    EDUCATION,
    form="health",
    elements=("status", "visits"),
    purposes=("follow", "attend"),
    recipient="lea",
    discloser="provider",
    expires_on=date(2027, 6, 30),
    statements=("revoke", "condition", "redisclosure"),
)


def span(release: SignedRelease) -> tuple[str, str]:
    row = evidence_of(release, TEMPLATE)[0]
    return row.valid_from.isoformat(), row.valid_to.isoformat()


@pytest.mark.parametrize(
    ("release", "met"), [(EDUCATION, {"ferpa"}), (HEALTH, {"ferpa", "health"})]
)
def test_what_a_form_meets_is_computed_from_its_parts(
    release: SignedRelease, met: set[str]
) -> None:
    assert forms_met(release, TEMPLATE) == met


def test_what_a_form_calls_itself_counts_for_nothing() -> None:
    named = {
        forms_met(replace(EDUCATION, form=form), TEMPLATE) for form in ("health", "part2", "x")
    }

    assert named == {frozenset({"ferpa"})}


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"signer": None}, "signer"),
        ({"signed_on": None}, "signed_on"),
        ({"elements": ()}, "information"),
        ({"elements": ("status", "everything")}, "information"),
        ({"discloser": None}, "discloser"),
        ({"recipient": None}, "recipient"),
        ({"recipient": "anyone at all"}, "recipient"),
        ({"purposes": ()}, "purpose"),
        ({"purposes": ("marketing",)}, "purpose"),
        ({"expires_on": None}, "expiry"),
        ({"statements": ("condition", "redisclosure")}, "revoke_statement"),
        ({"statements": ("revoke", "redisclosure")}, "condition_statement"),
        ({"statements": ("revoke", "condition")}, "redisclosure_statement"),
        ({"signer_relationship": None}, "signer_authority"),
        ({"signer_relationship": "NBOR"}, "signer_authority"),
        ({"signer_relationship": "ONESELF"}, "signer_authority"),
    ],
    ids=str,
)
def test_a_health_form_without_a_part_is_none_and_the_clerk_is_told(
    change: dict[str, object], part: str
) -> None:
    release = replace(HEALTH, **change)  # type: ignore[arg-type] # fields as a case changes them

    assert "health" not in forms_met(release, TEMPLATE)
    assert part in missing_parts(release, TEMPLATE)["health"]
    assert {row.fact for row in evidence_of(release, TEMPLATE)} <= {"c_ferpa", "c_minor"}


def test_an_education_form_needs_no_expiry_and_no_statement() -> None:
    assert missing_parts(EDUCATION, TEMPLATE)["ferpa"] == ()


def test_evidence_is_one_row_per_element_purpose_and_recipient() -> None:
    rows = evidence_of(EDUCATION, TEMPLATE)
    flow = next(flow for flow in TEMPLATE.flows if flow.id == "F1")

    assert {row.element for row in rows} == set(flow.elements)
    assert {(row.fact, row.purpose, row.recipient, row.source) for row in rows} == {
        ("c_ferpa", "refer", "provider", "ferpa")
    }


def test_a_group_of_elements_goes_only_with_a_purpose_some_flow_has() -> None:
    rows = [row for row in evidence_of(HEALTH, TEMPLATE) if row.fact == "c_health"]

    assert {(row.element, row.purpose) for row in rows} == {
        ("referral.status", "follow"),
        ("clinician.contact", "follow"),
        ("close.reason", "follow"),
        ("visit.dates", "attend"),
    }


def test_one_element_may_be_named_by_itself() -> None:
    rows = evidence_of(replace(HEALTH, elements=("referral.status",)), TEMPLATE)

    assert {row.element for row in rows} == {"referral.status"}


def test_a_form_holds_from_the_districts_day_of_signature_to_its_own_last_day() -> None:
    assert span(HEALTH) == ("2026-09-01T04:00:00+00:00", "2027-07-01T04:00:00+00:00")


def test_a_form_lapses_after_the_templates_most_days_whatever_it_prints() -> None:
    printed = replace(HEALTH, expires_on=date(2030, 1, 1))

    assert span(printed)[1] == span(EDUCATION)[1] == "2027-09-01T04:00:00+00:00"


def test_a_zone_of_another_district_moves_the_instants() -> None:
    rows = evidence_of(HEALTH, TEMPLATE, tz="America/Los_Angeles")

    assert rows[0].valid_from.isoformat() == "2026-09-01T07:00:00+00:00"


def test_revoking_ends_a_form_from_then_on_only() -> None:
    revoked = replace(HEALTH, revoked_at=datetime(2026, 10, 5, 13, 30, tzinfo=UTC))

    assert span(revoked) == ("2026-09-01T04:00:00+00:00", "2026-10-05T13:30:00+00:00")


def test_a_guardians_signature_ends_at_local_midnight_of_the_18th_birthday() -> None:
    nearly = replace(EDUCATION, birth_date=date(2008, 11, 15))

    assert span(nearly)[1] == "2026-11-15T05:00:00+00:00"


def test_someone_born_on_29_february_comes_of_age_on_1_march() -> None:
    born = replace(EDUCATION, birth_date=date(2008, 2, 29), signed_on=date(2026, 2, 1))

    assert span(born)[1] == "2026-03-01T05:00:00+00:00"


@pytest.mark.parametrize(
    ("relationship", "signed_on", "met"),
    [
        ("MTH", date(2026, 8, 31), True),
        ("MTH", date(2026, 9, 1), False),
        ("ONESELF", date(2026, 8, 31), False),
        ("ONESELF", date(2026, 9, 1), True),
    ],
)
def test_the_right_to_sign_passes_to_the_student_on_the_18th_birthday(
    relationship: str, signed_on: date, met: bool
) -> None:
    release = replace(
        EDUCATION,
        birth_date=date(2008, 9, 1),
        signer_relationship=relationship,
        signed_on=signed_on,
    )

    assert ("ferpa" in forms_met(release, TEMPLATE)) is met


def test_a_student_who_signs_as_an_adult_is_not_cut_off_by_the_birthday() -> None:
    adult = replace(HEALTH, birth_date=date(2008, 1, 1), signer_relationship="ONESELF")

    assert span(adult)[1] == "2027-07-01T04:00:00+00:00"


def test_care_a_minor_sought_alone_is_signed_for_by_the_minor() -> None:
    alone = replace(HEALTH, minor_consented=True)

    assert "health" not in forms_met(alone, TEMPLATE)
    assert forms_met(replace(alone, signer_relationship="ONESELF"), TEMPLATE) >= {"health", "minor"}


def test_part_2_needs_minor_and_guardian_unless_the_minor_sought_care_alone() -> None:
    both = replace(HEALTH, cosigner_relationship="ONESELF")
    alone = replace(HEALTH, signer_relationship="ONESELF", minor_consented=True)

    assert "part2" not in forms_met(HEALTH, TEMPLATE)
    assert "part2" in forms_met(both, TEMPLATE)
    assert "part2" in forms_met(alone, TEMPLATE)


@pytest.mark.parametrize("answer", ["refused", "pending", ""])
def test_a_form_that_is_not_signed_meets_none_however_complete(answer: str) -> None:
    assert forms_met(replace(HEALTH, answer=answer), TEMPLATE) == frozenset()


@pytest.mark.parametrize(
    ("change", "lacking"),
    [
        ({}, ()),
        ({"signer": None}, ("signer", "signature")),
        ({"signed_on": None}, ("signed_on", "signature", "signer_authority")),
        ({"purposes": tuple(TEMPLATE.purposes)}, ()),
    ],
    ids=str,
)
def test_a_signature_is_a_name_and_a_day(
    change: dict[str, object], lacking: tuple[str, ...]
) -> None:
    both = replace(HEALTH, cosigner_relationship="ONESELF", **change)  # type: ignore[arg-type] # fields as a case changes them

    assert missing_parts(both, TEMPLATE)["part2"] == lacking


def test_session_notes_need_a_form_of_their_own() -> None:
    alone = replace(HEALTH, form="psynote", elements=("therapy.notes",))
    assert "psynote" not in forms_met(replace(alone, form="health"), TEMPLATE)
    mixed = replace(alone, elements=("therapy.notes", "diagnosis"))

    assert "psynote" in forms_met(alone, TEMPLATE)
    assert "psynote" not in forms_met(mixed, TEMPLATE)
    assert "psynote" not in forms_met(HEALTH, TEMPLATE)


@pytest.mark.parametrize("words", [(), ("therapy.notes", "everything")])
def test_a_form_of_unclear_words_does_not_stand_alone_for_session_notes(words: tuple[str]) -> None:
    unclear = replace(HEALTH, form="psynote", elements=words)

    assert missing_parts(unclear, TEMPLATE)["psynote"] == ("information", "stands_alone")


def test_a_part_with_two_names_is_asked_for_once() -> None:
    assert missing_parts(replace(EDUCATION, elements=()), TEMPLATE)["ferpa"] == ("records",)


@pytest.mark.parametrize("change", [{"answer": "pending"}, {"disputed": True}, {"answer": "maybe"}])
def test_a_pending_or_disputed_form_is_evidence_of_nothing(change: dict[str, object]) -> None:
    assert evidence_of(replace(HEALTH, **change), TEMPLATE) == ()  # type: ignore[arg-type] # fields as a case changes them


def test_a_refusal_is_dissent_to_what_it_names_and_to_nothing_else() -> None:
    rows = evidence_of(replace(HEALTH, answer="refused"), TEMPLATE)

    assert {row.fact for row in rows} == {"dissent"}
    assert {(row.element, row.purpose) for row in rows} == {
        ("referral.status", "follow"),
        ("clinician.contact", "follow"),
        ("close.reason", "follow"),
        ("visit.dates", "attend"),
    }
    assert {row.recipient for row in rows} == {"lea"}
    assert {row.valid_from.isoformat() for row in rows} == {"2026-09-01T04:00:00+00:00"}
    assert rows[0].valid_to.year == 9999


@pytest.mark.parametrize("purposes", [(), ("marketing",), ("refer", "marketing")])
def test_a_refusal_of_no_clear_purpose_is_dissent_for_every_purpose(purposes: tuple[str]) -> None:
    refused = replace(EDUCATION, answer="refused", elements=("student.name",))
    vague = replace(refused, purposes=purposes)

    passed = {cell for cell in flow_cells(TEMPLATE) if cell[::2] == ("student.name", "provider")}
    assert {row.purpose for row in evidence_of(refused, TEMPLATE)} == {"refer"}
    assert {row.purpose for row in evidence_of(vague, TEMPLATE)} == {cell[1] for cell in passed}
    assert len(passed) > 1


@pytest.mark.parametrize(("hour", "rows"), [(3, 0), (4, 0), (5, 4)])
@pytest.mark.parametrize("answer", ["signed", "refused"])
def test_what_was_taken_back_before_or_as_it_began_is_evidence_of_nothing(
    answer: str, hour: int, rows: int
) -> None:
    back = datetime(2026, 9, 1, hour, tzinfo=UTC)
    found = evidence_of(replace(HEALTH, answer=answer, revoked_at=back), TEMPLATE)

    assert len({(row.element, row.purpose) for row in found}) == rows


def test_a_form_opens_nothing_to_another_recipient_than_it_names() -> None:
    plan = replace(EDUCATION, elements=("safety.plan",), purposes=("safety",))

    cells = {cell for cell in flow_cells(TEMPLATE) if cell[:2] == ("safety.plan", "safety")}
    assert {recipient for _, _, recipient in cells} == {"lea", "provider"}
    assert {row.recipient for row in evidence_of(plan, TEMPLATE)} == {"provider"}


def test_a_minors_own_form_sets_the_fact_it_names() -> None:
    minors = replace(HEALTH, signer_relationship="ONESELF", expires_on=None)

    rows = [row for row in evidence_of(minors, TEMPLATE) if row.source == "minor"]

    assert {row.fact for row in rows} == {"c_minor"}
    assert {row.valid_to.date() for row in rows} == {date(2027, 2, 28)}


def test_a_form_that_bears_no_day_never_begins() -> None:
    form = TEMPLATE.settings.consents["health"]

    assert releases._validity(replace(HEALTH, signed_on=None), form, "UTC") == (FOREVER, FOREVER)


@pytest.mark.parametrize("words", [(), ("status", "something else")])
def test_a_refusal_that_names_nothing_clear_is_dissent_to_everything(words: tuple[str]) -> None:
    vague = replace(
        EDUCATION, answer="refused", elements=words, purposes=(), recipient=None, signed_on=None
    )
    rows = evidence_of(vague, TEMPLATE)

    passed = {element for flow in TEMPLATE.flows for element in flow.elements}
    assert {row.element for row in rows} == passed
    assert {row.recipient for row in rows} >= {"provider", "lea", "hub"}
    assert rows[0].valid_from == vague.recorded_at


def test_a_refusal_taken_back_ends() -> None:
    back = datetime(2026, 9, 20, tzinfo=UTC)
    refused = replace(HEALTH, answer="refused", revoked_at=back)

    assert {row.valid_to for row in evidence_of(refused, TEMPLATE)} == {back}


def test_a_form_revoked_before_it_began_is_evidence_of_nothing() -> None:
    early = replace(HEALTH, revoked_at=datetime(2026, 8, 1, tzinfo=UTC))

    assert evidence_of(early, TEMPLATE) == ()


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        evidence_of(replace(HEALTH, recorded_at=datetime(2026, 9, 2)), TEMPLATE)  # noqa: DTZ001 - without a zone on purpose
    with pytest.raises(ValueError, match="time zone"):
        evidence_of(replace(HEALTH, revoked_at=datetime(2026, 9, 9)), TEMPLATE)  # noqa: DTZ001 - without a zone on purpose


def test_words_for_a_flow_that_the_template_does_not_have_cover_nothing() -> None:
    other = replace(TEMPLATE, flows=tuple(flow for flow in TEMPLATE.flows if flow.id != "F2"))

    assert covered_by(("status",), TEMPLATE).complete
    assert covered_by(("status", "visits"), other) == replace(
        covered_by(("visits",), TEMPLATE), complete=False
    )
