from dataclasses import replace
from typing import Any

from mappings.canonical import Coded, Guardian, Referral
from mappings.fhir import referral_resources
from mappings.fhir.writing import ReferralWriter
from tests.support.fhir_records import BARE, BARE_STUDENT, CONTEXT, FULL, GUARDIAN

ADA = Guardian("Ada Example", Coded("MTH", "Mother"), "555-0100")
CY = Guardian("Cy Example", Coded("FTH", "Father"), contact_prohibited=True)
BOTH = replace(BARE, student=replace(BARE_STUDENT, guardians=(ADA, CY)))


def of(referral: Referral, kind: str) -> list[dict[str, Any]]:
    made = referral_resources(referral, CONTEXT)
    return [item for item in made if item["resourceType"] == kind]


def names(referral: Referral) -> list[str]:
    return [person["name"][0]["text"] for person in of(referral, "RelatedPerson")]


def test_everyone_the_roster_names_becomes_a_person_with_an_id_of_their_own() -> None:
    found = of(BOTH, "RelatedPerson")
    assert names(BOTH) == ["Ada Example", "Cy Example"]
    assert len({person["id"] for person in found}) == 2


def test_the_form_s_own_guardian_stands_alone() -> None:
    assert names(replace(BOTH, guardian=GUARDIAN)) == [GUARDIAN.name]
    assert names(replace(BOTH, guardian=ADA)) == ["Ada Example", "Cy Example"]


def test_one_name_twice_is_one_person() -> None:
    again = replace(BARE_STUDENT, guardians=(ADA, replace(ADA, phone="555-0199")))
    assert names(replace(BARE, student=again)) == ["Ada Example"]


def test_nobody_is_contacted_before_a_person_looked_where_one_guardian_may_not_be() -> None:
    assert "orderDetail" in of(BOTH, "ServiceRequest")[0]
    alone = replace(BARE_STUDENT, guardians=(ADA,))
    assert "orderDetail" not in of(replace(BARE, student=alone), "ServiceRequest")[0]


def test_a_form_signed_by_the_second_guardian_refers_to_that_one() -> None:
    release = replace(FULL.releases[0], signer=CY.name, signer_relationship=None)
    signed = replace(BOTH, releases=(release,))
    person = of(signed, "RelatedPerson")[1]
    assert f"RelatedPerson/{person['id']}" in str(of(signed, "Consent")[0])


def test_templates_write_the_same_bytes_for_several_guardians() -> None:
    writer = ReferralWriter(CONTEXT)
    for number in ("R-1", "R-2", "R-3"):
        referral = replace(BOTH, number=number)
        kinds = [kind for kind, _ in writer.lines(referral)]
        assert kinds == [item["resourceType"] for item in referral_resources(referral, CONTEXT)]
