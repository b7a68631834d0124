"""Consent from a Release (SDOH Clinical Care 3.0.0 Consent, category IDSCL).

The resource states what a form says. Whether the form meets the law, and what may leave, is
decided elsewhere, never here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from mappings.canonical import Coded, Release
from mappings.fhir.canonicals import (
    ACT_CODE,
    ACT_REASON,
    CONSENT_POLICY,
    CONSENT_SCOPE,
    PARTICIPATION,
    RELEASE_STATEMENT,
    SDOHCC,
)
from mappings.fhir.elements import Json, meta
from mappings.fhir.errors import UnknownCodeError
from mappings.fhir.fixed import fixed
from mappings.fhir.terminology import table

META: Final = meta([f"{SDOHCC}Consent"])
SCOPE: Final[Json] = fixed({"coding": [{"system": CONSENT_SCOPE, "code": "patient-privacy"}]})
CATEGORY: Final[list[Json]] = fixed([{"coding": [{"system": ACT_CODE, "code": "IDSCL"}]}])

_STATUS: Final = {"signed": "active", "refused": "rejected", "pending": "proposed"}
_FERPA: Final = "https://www.ecfr.gov/current/title-34/part-99/section-99.30"
_FORMS: Final[dict[str, Json]] = fixed(
    {
        "education": {"policy": [{"uri": _FERPA}]},
        "health": {"policyRule": {"coding": [{"system": CONSENT_POLICY, "code": "hipaa-auth"}]}},
    }
)
_KEPT_ELSEWHERE: Final[Json] = fixed({"title": "Form kept by the school district"})
_RECIPIENT: Final[Json] = fixed({"coding": [{"system": PARTICIPATION, "code": "IRCP"}]})
_SELF: Final = Coded("ONESELF", "")
_PURPOSES: Final = table("purposes")
_ELEMENTS: Final = table("release-elements")


@dataclass(frozen=True, slots=True)
class ConsentLinks:
    """References a Consent needs.

    Attributes:
        signer: reference of the RelatedPerson or Patient who signed, if it is known which.
        document: reference of the DocumentReference of the signed form, if the bridge keeps it.
    """

    patient: Json
    district: Json
    provider: Json
    signer: Json | None = None
    document: Json | None = None


def build(release: Release, consent_id: str, links: ConsentLinks) -> Json:
    """Build the Consent: a permit when the form is signed, otherwise a denial.

    A form that is only asked for (``proposed``) is written as a denial too: a reader that
    overlooks the status then withholds, where a permit would let it send. The profile is claimed
    only where its required ``dateTime`` is known.

    Raises:
        UnknownCodeError: the form, answer, purpose or an element is not a code of ours.
    """
    if release.form not in _FORMS or release.answer not in _STATUS:
        raise UnknownCodeError("Consent.status", "release-answers")
    consent: dict[str, Any] = {
        "resourceType": "Consent",
        "id": consent_id,
        "status": _STATUS[release.answer],
        "scope": SCOPE,
        "category": CATEGORY,
        "patient": links.patient,
        "organization": [links.district],
        **_FORMS[release.form],
        "provision": _provision(release, links),
    }
    if release.signed_on is not None:
        consent["meta"] = META
        consent["dateTime"] = release.signed_on.isoformat()
    _add_evidence(consent, release, links)
    return consent


def _add_evidence(consent: dict[str, Any], release: Release, links: ConsentLinks) -> None:
    if links.document is not None:
        consent["sourceReference"] = links.document
    else:
        consent["sourceAttachment"] = _KEPT_ELSEWHERE
    if links.signer is not None:
        consent["performer"] = [links.signer]
    elif release.signer is not None:
        consent["performer"] = [{"display": release.signer}]
    if release.statements:
        consent["extension"] = [
            {"url": RELEASE_STATEMENT, "valueCode": statement} for statement in release.statements
        ]


def _provision(release: Release, links: ConsentLinks) -> Json:
    provision: dict[str, Any] = {"type": "permit" if release.answer == "signed" else "deny"}
    if period := _period(release):
        provision["period"] = period
    if (recipient := _recipient(release, links)) is not None:
        provision["actor"] = [{"role": _RECIPIENT, "reference": recipient}]
    if release.purpose is not None:
        provision["purpose"] = _purpose(release.purpose)
    if release.elements:
        path = "Consent.provision.code"
        provision["code"] = [
            {"coding": [_ELEMENTS.coding(name, path)]} for name in release.elements
        ]
    return provision


def _period(release: Release) -> Json:
    period: dict[str, Any] = {}
    if release.signed_on is not None:
        period["start"] = release.signed_on.isoformat()
    if release.expires_on is not None:
        period["end"] = release.expires_on.isoformat()
    return period


def _recipient(release: Release, links: ConsentLinks) -> Json | None:
    match release.recipient:
        case "provider":
            return links.provider
        case "lea":
            return links.district
        case _:
            return None


def _purpose(purpose: str) -> list[Json]:
    ours = _PURPOSES.coding(purpose, "Consent.provision.purpose")
    reason = _PURPOSES.rows[purpose]["act_reason"]
    return [{"system": ACT_REASON, "code": reason}, ours] if reason else [ours]


def parse(consent: Json, signers: Mapping[str, str], parties: Mapping[str, str]) -> Release:
    """Read the release a Consent was built from.

    The relationship of who signed (but for the student) and who discloses are no part of a Consent.

    Args:
        consent: as :func:`build` made it.
        signers: reference of a RelatedPerson or the Patient -> the name of who signed.
        parties: id of an Organization -> ``lea`` or ``provider``.
    """
    provision, period = consent["provision"], consent["provision"].get("period", {})
    signer = (consent.get("performer") or [{}])[0]
    signed_by = signer.get("reference", "")
    actor = (provision.get("actor") or [{}])[0].get("reference", {}).get("reference", "")
    answers = {status: answer for answer, status in _STATUS.items()}
    extensions = consent.get("extension", ())
    return Release(
        form="health" if "policyRule" in consent else "education",
        answer=answers[consent["status"]],
        signer=signer.get("display") or signers.get(signed_by),
        signer_relationship=_SELF if signed_by.startswith("Patient/") else None,
        signed_on=_day(consent.get("dateTime")),
        expires_on=_day(period.get("end")),
        elements=tuple(each["coding"][0]["code"] for each in provision.get("code", ())),
        purpose=_ours(provision.get("purpose", ())),
        recipient=parties.get(actor.partition("/")[2]),
        statements=tuple(e["valueCode"] for e in extensions if e["url"] == RELEASE_STATEMENT),
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _ours(codings: Iterable[Json]) -> str | None:
    return next((c["code"] for c in codings if c["system"] == _PURPOSES.system), None)
