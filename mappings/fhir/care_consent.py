"""On whose consent care is given: the extension ``care-consent`` of a Task or Encounter.

A provider says so because only it knows. Where a minor is treated alone, what the school may learn
back differs (facts the consent rules decide on); an unreadable answer is therefore a fault, and no
answer is ``None`` — never a guess.
"""

from enum import StrEnum

from mappings.fhir.canonicals import CARE_CONSENT
from mappings.fhir.elements import Json
from mappings.fhir.errors import ParseError


class CareConsent(StrEnum):
    """Whose consent care rests on."""

    GUARDIAN = "guardian"
    MINOR = "minor"
    ADULT = "adult"


def build(consent: CareConsent) -> Json:
    """Build the extension."""
    return {"url": CARE_CONSENT, "valueCode": consent.value}


def parse(resource: Json) -> CareConsent | None:
    """Read the extension of a Task or Encounter; None when the provider has not said.

    Raises:
        ParseError: the extension is given twice, or its value is not one of the three codes.
    """
    path = f"{resource.get('resourceType')}.extension(care-consent)"
    found = [item for item in resource.get("extension", ()) if item.get("url") == CARE_CONSENT]
    if not found:
        return None
    if len(found) > 1:
        raise ParseError(path, "give the extension once")
    try:
        return CareConsent(found[0].get("valueCode"))
    except ValueError:
        # ``from None``: the cause would quote the value that was sent.
        raise ParseError(path, "give valueCode guardian, minor or adult") from None
