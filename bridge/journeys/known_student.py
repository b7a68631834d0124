"""What a district wrote of a student before, so that nobody types it twice (WCAG 3.3.7).

It is taken from what the gate gives the district of its own referrals: nothing a provider wrote.
"""

from collections.abc import Mapping
from typing import Any

from bridge.gate.own_referrals import release_own_referrals
from bridge.identity import Caller
from bridge.parts import HasParts, parts_of


def known_student(whole: HasParts, caller: Caller, local_id: str) -> dict[str, str]:
    """Return answers about a student from the last referral with this ID; empty for none."""
    found: dict[str, str] = {}
    for referral in release_own_referrals(parts_of(whole), caller).referrals:
        patients = [r for r in referral.resources if r["resourceType"] == "Patient"]
        if any(_has(patient, local_id) for patient in patients):
            found = _said(patients[0]) | _family(referral.resources)
    return found


def _has(patient: Mapping[str, Any], local_id: str) -> bool:
    return any(each["value"] == local_id for each in patient.get("identifier", ()))


def _said(patient: Mapping[str, Any]) -> dict[str, str]:
    name, (year, month, day) = patient["name"][0], str(patient["birthDate"]).split("-")
    parts = {"birth_date-month": month, "birth_date-day": day, "birth_date-year": year}
    names = {"given_name": " ".join(name.get("given", ())), "family_name": name.get("family", "")}
    return {**names, "birth_date": str(patient["birthDate"]), **parts}


def _family(resources: tuple[Mapping[str, Any], ...]) -> dict[str, str]:
    for person in resources:
        if person["resourceType"] == "RelatedPerson":
            codes = [c["code"] for r in person.get("relationship", ()) for c in r.get("coding", ())]
            phones = [t["value"] for t in person.get("telecom", ()) if t.get("system") == "phone"]
            name = person["name"][0]
            full = name.get("text") or " ".join([*name.get("given", ()), name.get("family", "")])
            relation = {"relationship": codes[0]} if codes else {}
            return {"guardian": full.strip(), "phone": next(iter(phones), ""), **relation}
    return {}
