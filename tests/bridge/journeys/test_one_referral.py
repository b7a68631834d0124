"""A form for one referral covers no other; one for a purpose covers it until it expires."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bridge.gate import Query
from bridge.journeys.families.exchange_consents import export_consents
from bridge.journeys.families.register_release import file_release, forms_of
from bridge.journeys.files.import_releases import columns, import_releases
from consent.signed_release import SignedRelease
from tests.bridge.journeys.test_release_register import FORM
from tests.support.worlds import COVE, HARBOR, LEA, SourceRow, World, caller, referral

PARTIES = (LEA, HARBOR)
FIRST = replace(FORM, referral="R-1")


def two_referrals(world: World, *forms: SignedRelease) -> None:
    """One student with two referrals and the forms given."""
    again = {"student": {"local_id": "1001"}, "releases": ()}
    second = referral(2, origin=SourceRow("test-form", "referrals.csv", 9, "R-2"), **again)
    world.refer([referral(1, releases=()), second])
    for form in forms:
        file_release(world.parts, PARTIES, "1001", form)


def visible(world: World, kind: str = "ServiceRequest") -> set[str]:
    found = world.bridge.gate.search(caller(), Query(kind)).matches
    known = {world.id_of(kind, number): number for number in ("R-1", "R-2")}
    return {known.get(match.id, "own") for match in found}


def test_a_form_for_one_referral_lets_that_one_leave_with_the_students_own_data(
    world: World,
) -> None:
    two_referrals(world, FIRST)
    assert visible(world) == {"R-1"}
    assert visible(world, "Patient") == {"own"}


def test_a_form_for_a_purpose_lets_both_leave_until_it_expires(world: World) -> None:
    two_referrals(world, FORM)
    assert visible(world) == {"R-1", "R-2"}
    world.clock.advance(timedelta(days=400))
    assert visible(world) == set()


def test_each_referral_with_a_form_of_its_own(world: World) -> None:
    two_referrals(world, FIRST, replace(FORM, referral="R-2"))
    assert visible(world) == {"R-1", "R-2"}


def test_a_refusal_of_one_referral_holds_that_one_alone(world: World) -> None:
    two_referrals(world, FORM, replace(FIRST, answer="refused", signer="Ann Winterbourne"))
    assert visible(world) == {"R-2"}
    assert visible(world, "Patient") == {"own"}


def test_the_number_counts_between_the_parties_it_was_given_between(lite: World) -> None:
    two_referrals(lite)
    file_release(lite.parts, (LEA, COVE), "1001", FIRST)
    assert visible(lite) == set()


def test_guardians_who_answer_for_different_referrals_do_not_disagree(lite: World) -> None:
    two_referrals(lite, FIRST)
    other = replace(FORM, referral="R-2", answer="refused", signer="Ann Winterbourne")
    assert file_release(lite.parts, PARTIES, "1001", other).notes == ()


def test_the_limit_is_kept_and_read_from_a_file(world: World, tmp_path: Path) -> None:
    two_referrals(world)
    row = {
        "Student number": "1001", "Form": "education", "Answer": "signed",
        "Signer": "Max Winterbourne", "Relationship": "FTH", "Signed on": "2026-09-01",
        "Covers": "referral", "Purposes": "refer", "Recipient": "provider",
        "Referral number": "R-2",
    }  # fmt: skip
    file = tmp_path / "forms.csv"
    file.write_text(f"{','.join(columns())}\n{','.join(row.get(h, '') for h in columns())}\n")
    report = import_releases(world.parts, PARTIES, file)
    assert (report.filed, report.held) == (1, [])
    assert visible(world) == {"R-2"}
    (kept,) = forms_of(world.parts, LEA, "1001")
    assert kept.form.referral == "R-2"


def test_a_form_for_one_referral_is_not_written_as_a_consent_that_would_be_wider(
    lite: World, tmp_path: Path
) -> None:
    two_referrals(lite, FIRST, FORM)
    count, missing = export_consents(lite.parts, LEA, "1001", tmp_path / "forms.ndjson")
    assert count == 1
    assert any("one referral alone" in each.what for each in missing)
