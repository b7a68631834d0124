"""PractitionerRole of the clinician of a session: by which licence they practise (US Core 6.1.0).

Contained in the Encounter, so that no directory of clinicians comes into being and nothing of it
leaves with the Encounter: a contained resource is never released. State law asks for the licence
(Connecticut keeps one privilege for each, CGS 52-146c to 52-146s), never for the person's number.
"""

from typing import Any, Final

from mappings.canonical import Coded, ServiceSession
from mappings.fhir.canonicals import NUCC
from mappings.fhir.elements import Json, reference
from mappings.fhir.terminology import table

LOCAL_ID: Final = "clinician"
_LICENCES: Final = table("licences")
_BY_NUCC: Final = {row["nucc"]: code for code, row in _LICENCES.rows.items() if row["nucc"]}


def build(session: ServiceSession, provider_id: str) -> Json | None:
    """Build the PractitionerRole to contain, or None when the source does not say the licence.

    Raises:
        UnknownCodeError: the licence is of no table.
    """
    licence = session.licence
    if licence is None:
        return None
    role: dict[str, Any] = {
        "resourceType": "PractitionerRole",
        "id": LOCAL_ID,
        "organization": reference("Organization", provider_id),
        "specialty": [_specialty(licence)],
    }
    if session.clinician is not None:
        role["practitioner"] = {"display": session.clinician}
    return role


def _specialty(licence: Coded) -> Json:
    if not licence.code:
        return {"text": licence.text}
    path = "PractitionerRole.specialty"
    coding = [_LICENCES.coding(licence.code, path)]
    if nucc := _LICENCES.row(licence.code, path)["nucc"]:
        coding.insert(0, {"system": NUCC, "code": nucc})
    return {"coding": coding, "text": licence.text}


def parse(contained: list[Json]) -> Coded | None:
    """Read the licence out of what an Encounter contains; a code of another system is none."""
    for role in contained:
        if role.get("resourceType") != "PractitionerRole":
            continue
        for concept in role.get("specialty", ()):
            if (found := _licence(concept)) is not None:
                return found
    return None


def _licence(concept: Json) -> Coded | None:
    text = concept.get("text", "")
    for coding in concept.get("coding", ()):
        system, code = coding.get("system"), coding.get("code", "")
        if system == _LICENCES.system and code in _LICENCES.rows:
            return Coded(code, text or code)
        if system == NUCC and code in _BY_NUCC:
            return Coded(_BY_NUCC[code], text or code)
    return Coded("", text) if text else None
