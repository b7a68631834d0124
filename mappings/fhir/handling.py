"""How a resource must be handled: labels, the notice to display, the consent it rests on.

Sources: FHIR R4 security-labels.html; HL7 FHIR Data Segmentation for Privacy 1.0 (DS4P): a refrain
code with its basis, the ``display`` extension (a text that must be shown wherever the resource is),
and the artifact that justifies a label. What several resources share is told once more as an
OperationOutcome of information: beside the matches of a search (http.html, search mode ``outcome``)
and in the messages of an export (Bulk Data Access 2.0, manifest ``error``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from mappings.fhir.canonicals import ACT_CODE, BASE
from mappings.fhir.elements import Json

NOTICES: Final = f"{BASE}/CodeSystem/disclosure-notices"
CONSENT_SCOPE: Final = f"{BASE}/StructureDefinition/consent-scope"
_DS4P: Final = "http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-"
DISPLAY: Final = f"{_DS4P}display"
BASIS: Final = f"{_DS4P}sec-label-basis"
JUSTIFIED_BY: Final = f"{_DS4P}sec-label-related-artifact"
_TRANSLATION: Final = "http://hl7.org/fhir/StructureDefinition/translation"
MARK: Final = "NORDSCLCD"
"""No redisclosure without consent: the refrain code of R4; a mark of its own came after R4."""
PART2: Final = "42CFRPart2"


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice as FHIR needs it.

    Attributes:
        policy: code of v3-ActCode of the law behind it, or "".
        short: one sentence that may stand for the whole.
        texts: the whole text by language, English first.
    """

    id: str
    cite: str
    policy: str
    short: str
    texts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ConsentScope:
    """What the consent used covers of what went out (42 CFR 2.32).

    Attributes:
        form, basis: ids of the template's form and of the legal basis it met.
        elements, purposes: those of this release alone, never what else the form names.
        until: its last day; None where the recipient is told no day.
    """

    form: str
    basis: str
    elements: tuple[str, ...]
    purposes: tuple[str, ...]
    until: date | None

    def __str__(self) -> str:
        """Say it in words."""
        until = f", until {self.until.isoformat()}" if self.until else ""
        covered, purposes = ", ".join(self.elements), ", ".join(self.purposes)
        return f"Signed consent ({self.form}, {self.basis}): {covered} for {purposes}{until}."


def meta_of(refrains: Sequence[str], notices: Sequence[Notice], scopes: Sequence[str]) -> Json:
    """Return ``security`` and ``extension`` of a Meta, without the consent's own scope.

    Args:
        refrains: codes of v3-ActCode of what the recipient has signed not to do.
        notices: those that ride along.
        scopes: policy codes (v3-ActCode) of labels that :func:`with_scope` gives their artifact.
    """
    labels: list[Json] = [{"system": ACT_CODE, "code": code} for code in refrains]
    labels += [{"system": ACT_CODE, "code": code} for code in scopes]
    for each in notices:
        basis = {"url": BASIS, "valueCoding": _basis(each)}
        labels.append({"extension": [basis], "system": ACT_CODE, "code": MARK})
    shown = [{"url": DISPLAY, "valueAnnotation": {"text": each.short}} for each in notices]
    return {"security": labels, **({"extension": shown} if shown else {})}


def _basis(notice: Notice) -> Json:
    if notice.policy:
        return {"system": ACT_CODE, "code": notice.policy}
    return {"system": NOTICES, "code": notice.id}


def with_scope(labels: Sequence[Json], scopes: Sequence[ConsentScope]) -> list[Json]:
    """Return labels with the consents that justify them at the label of 42 CFR Part 2."""
    justified = [{"url": JUSTIFIED_BY, "valueRelatedArtifact": _artifact(s)} for s in scopes]
    return [
        {"extension": justified, **label} if label["code"] == PART2 else label for label in labels
    ]


def _artifact(scope: ConsentScope) -> Json:
    parts: list[Json] = [
        {"url": "form", "valueCode": scope.form},
        {"url": "basis", "valueCode": scope.basis},
        *({"url": "element", "valueCode": element} for element in scope.elements),
        *({"url": "purpose", "valueCode": purpose} for purpose in scope.purposes),
    ]
    if scope.until:
        parts.append({"url": "until", "valueDate": scope.until.isoformat()})
    told = {"url": CONSENT_SCOPE, "extension": parts}
    return {"extension": [told], "type": "justification", "display": str(scope)}


def build_outcome(notices: Sequence[Notice]) -> Json:
    """Build the OperationOutcome that tells the notices whole, in each language.

    It has an id, which many programs ask of every entry of a Bundle.
    """
    issues = [_issue(each) for each in notices]
    return {"resourceType": "OperationOutcome", "id": "notices", "issue": issues}


def _issue(notice: Notice) -> Json:
    (_, first), *others = notice.texts
    details: dict[str, Any] = {
        "coding": [{"system": NOTICES, "code": notice.id, "display": notice.cite}],
        "text": first,
        "_text": {"extension": [_translated(*other) for other in others]},
    }
    return {"severity": "information", "code": "informational", "details": details}


def _translated(language: str, text: str) -> Json:
    parts = [{"url": "lang", "valueCode": language}, {"url": "content", "valueString": text}]
    return {"url": _TRANSLATION, "extension": parts}
