from pathlib import Path

import pytest

from mappings.language import DICTIONARY, MapKind
from mappings.lineage import elements_of, explain_row
from mappings.readers import SourceError
from tests.support.small_map import compiled, rows_file


@pytest.mark.parametrize(
    ("field", "element"),
    [
        ("number", "ServiceRequest.identifier.value"),
        ("urgency", "ServiceRequest.priority"),
        ("student.name", "Patient.name.family"),
        ("guardian.phone", "RelatedPerson.telecom.value"),
        ("release.health.answer", "Consent.status"),
    ],
)
def test_a_field_of_a_referral_goes_where_its_builder_puts_it(field: str, element: str) -> None:
    assert element in elements_of(MapKind.REFERRAL)[field]


def test_what_becomes_of_a_session_is_told_by_a_status_alone() -> None:
    found = elements_of(MapKind.SESSION)["attendance"]
    assert found == ("Appointment.status", "Encounter.status")


def test_the_fields_that_reach_no_resource_are_these() -> None:
    """Evidence the register keeps, and who referred, whom a provider need not know by name."""
    missing = {n for n in DICTIONARY[MapKind.REFERRAL] if n not in elements_of(MapKind.REFERRAL)}
    releases = {
        f"release.{form}.{part}"
        for form in ("education", "health")
        for part in ("signer_relationship", "discloser")
    }
    assert missing == {"referrer_name", "student.enrolled", *releases}


def test_a_row_is_followed_from_its_cells_to_fhir(tmp_path: Path) -> None:
    rows = rows_file(tmp_path, {"Urgent": "Soon"}, {"No": "A2", "Urgent": "tomorrow"})
    by_column = {line.column: line for line in explain_row(compiled(tmp_path), [rows], 2)}
    assert by_column["Urgent or How urgent"].cell == "Soon"
    assert by_column["Urgent or How urgent"].value == "urgent"
    assert "ServiceRequest.priority" in by_column["Urgent or How urgent"].elements
    held = {line.column: line for line in explain_row(compiled(tmp_path), [rows], 3)}
    assert held["Urgent or How urgent"].value.startswith("held: ")


def test_a_row_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="row 9"):
        explain_row(compiled(tmp_path), [rows_file(tmp_path, {})], 9)
