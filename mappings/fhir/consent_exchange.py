"""Signed forms to and from FHIR Consent, for exchange with other consent services (R4, FAST-style).

HL7 FAST Consent: ``source`` and ``performer`` are required, provisions nest one level, a revoked
consent is kept as ``inactive``. The root provision denies and each nested one permits: a reader
that overlooks the nesting then withholds, where the other way round it would let things pass.

R4 Consent cannot hold all of a form, nor any term of an agreement but its address: :func:`lost`
says what does not survive. Reading refuses what it does not understand, because anything
overlooked in a provision would widen it (R4 Consent.provision is a list of exceptions).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from mappings.fhir.canonicals import (
    ACT_CODE,
    ACT_REASON,
    BASE,
    CONSENT_POLICY,
    CONSENT_SCOPE,
    PARTICIPATION,
    RELEASE_STATEMENT,
    ROLE_CODE,
)
from mappings.fhir.elements import Json
from mappings.fhir.errors import ParseError
from mappings.fhir.fixed import fixed

ELEMENTS: Final = f"{BASE}/CodeSystem/mou-elements"
PURPOSES: Final = f"{BASE}/CodeSystem/mou-purposes"
PARTIES: Final = f"{BASE}/NamingSystem/party-role"
FORMS: Final = f"{BASE}/NamingSystem/form"

_SCOPE: Final[Json] = fixed({"coding": [{"system": CONSENT_SCOPE, "code": "patient-privacy"}]})
_CATEGORY: Final[list[Json]] = fixed([{"coding": [{"system": ACT_CODE, "code": "IDSCL"}]}])
_POLICY: Final[Json] = fixed({"coding": [{"system": CONSENT_POLICY, "code": "hipaa-auth"}]})
_KEPT: Final[Json] = fixed({"title": "Form kept by the school district"})
_STATUS: Final = {"signed": "active", "refused": "rejected", "pending": "proposed"}
_ANSWERS: Final = {status: answer for answer, status in _STATUS.items()}
_ACTORS: Final = {"recipient": "IRCP", "discloser": "CST"}
_REASONS: Final = {"refer": "COC", "follow": "COC", "treat": "TREAT", "rights": "PATRQT"}
_UNDERSTOOD: Final = frozenset({"type", "period", "actor", "purpose", "code", "provision"})
_STUDENT: Final = "ONESELF"


@dataclass(frozen=True, slots=True)
class ExchangedForm:
    """One signed form as it can be exchanged; ids and roles as the agreement names them.

    Attributes:
        signers: (v3-RoleCode, name) of one or two who signed.
        revoked: whether it was revoked since; R4 has no place for when.
    """

    form: str
    answer: str
    signers: tuple[tuple[str, str], ...] = ()
    signed_on: date | None = None
    expires_on: date | None = None
    elements: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    recipient: str | None = None
    discloser: str | None = None
    statements: tuple[str, ...] = ()
    minor_consented: bool = False
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Lost:
    """Something a Consent of R4 has no place for: where it would stand, and what it is."""

    path: str
    what: str


def lost(form: ExchangedForm) -> tuple[Lost, ...]:
    """Return what of a form, and of the agreement it is used under, a Consent does not carry."""
    always = (
        Lost("Consent.policy", "the agreement's flows, prohibitions and obligations"),
        Lost("Consent.provision", "the clause of the agreement"),
        Lost("Consent.provision.code", "the path of each element inside a resource"),
        Lost("Consent.verification", "which law's requirements the form meets"),
    )
    of_form = (
        (form.revoked, Lost("Consent.status", "the instant of revocation")),
        (form.minor_consented, Lost("Consent", "that the care is on the minor's own consent")),
    )
    return (*always, *(what for there, what in of_form if there))


def build(form: ExchangedForm, consent_id: str, patient: Json) -> Json:
    """Build the Consent of one form."""
    consent: dict[str, Any] = {
        "resourceType": "Consent",
        "id": consent_id,
        "identifier": [{"system": FORMS, "value": form.form}],
        "status": "inactive" if form.revoked else _STATUS[form.answer],
        "scope": _SCOPE,
        "category": _CATEGORY,
        "patient": patient,
        "sourceAttachment": _KEPT,
        "policyRule": _POLICY,
        "provision": _root(form),
    }
    if form.signed_on:
        consent["dateTime"] = form.signed_on.isoformat()
    _add_signers(consent, form, patient)
    if form.statements:
        consent["extension"] = [
            {"url": RELEASE_STATEMENT, "valueCode": statement} for statement in form.statements
        ]
    return consent


def _add_signers(consent: dict[str, Any], form: ExchangedForm, patient: Json) -> None:
    people, performers = [], []
    for n, (role, name) in enumerate(form.signers, 1):
        if role == _STUDENT:
            performers.append({**patient, "display": name})
            continue
        person: dict[str, Any] = {"resourceType": "RelatedPerson", "id": f"signer-{n}"}
        person |= {"patient": patient, "name": [{"text": name}]}
        if role:
            person["relationship"] = [{"coding": [{"system": ROLE_CODE, "code": role}]}]
        people.append(person)
        performers.append({"reference": f"#signer-{n}"})
    if people:
        consent["contained"] = people
    if performers:
        consent["performer"] = performers


def _root(form: ExchangedForm) -> Json:
    root: dict[str, Any] = {"type": "deny"}
    if form.answer == "refused":
        return root | _said(form)
    return root | {"provision": [{"type": "permit"} | _said(form)]}


def _said(form: ExchangedForm) -> Json:
    said: dict[str, Any] = {}
    period = {"start": form.signed_on, "end": form.expires_on}
    if any(period.values()):
        said["period"] = {name: day.isoformat() for name, day in period.items() if day}
    actors = [_actor(form, name) for name in _ACTORS if getattr(form, name)]
    if actors:
        said["actor"] = actors
    if form.purposes:
        said["purpose"] = [coding for purpose in form.purposes for coding in _purpose(purpose)]
    if form.elements:
        said["code"] = [{"coding": [{"system": ELEMENTS, "code": e}]} for e in form.elements]
    return said


def _actor(form: ExchangedForm, name: str) -> Json:
    role = {"coding": [{"system": PARTICIPATION, "code": _ACTORS[name]}]}
    who = {"identifier": {"system": PARTIES, "value": getattr(form, name)}}
    return {"role": role, "reference": who}


def _purpose(purpose: str) -> Iterator[Json]:
    if purpose in _REASONS:
        yield {"system": ACT_REASON, "code": _REASONS[purpose]}
    yield {"system": PURPOSES, "code": purpose}


def parse(consent: Json) -> tuple[ExchangedForm, ...]:
    """Read a Consent as the forms it holds: one for each nested permit, or the root alone.

    Raises:
        ParseError: anything in it is not understood; the text repeats no value.
    """
    try:
        return tuple(_forms(consent))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        # ``from None``: the cause would quote the value that was sent.
        raise ParseError("Consent", "cannot be read; send what this bridge exports") from None


def _forms(consent: Json) -> Iterator[ExchangedForm]:
    if "modifierExtension" in consent:
        raise ParseError("Consent.modifierExtension", "is not understood; leave it out")
    revoked = consent["status"] == "inactive"
    answer = "signed" if revoked else _ANSWERS.get(consent["status"], "")
    if not answer:
        raise ParseError("Consent.status", "is not one a signed form can have")
    root = consent["provision"]
    for path, provision in _provisions(root, answer):
        yield _form(consent, (path, provision), answer, revoked=revoked)


def _provisions(root: Json, answer: str) -> Iterator[tuple[str, Json]]:
    """Yield what states a form: nested permits under a root that denies, or the root alone."""
    _check(root, "Consent.provision")
    nested = root.get("provision", [])
    wanted = "deny" if answer == "refused" else "permit"
    if not nested:
        if root["type"] != wanted:
            raise ParseError("Consent.provision.type", f"does not fit the status; send {wanted}")
        yield "Consent.provision", root
        return
    if root["type"] != "deny" or len(root) > 2:
        raise ParseError("Consent.provision", "a root with nested provisions only denies")
    for n, provision in enumerate(nested):
        path = f"Consent.provision.provision[{n}]"
        _check(provision, path)
        if provision["type"] != wanted or "provision" in provision:
            raise ParseError(path, "exceptions within exceptions are not understood")
        yield path, provision


def _check(provision: Json, path: str) -> None:
    strange = sorted(provision.keys() - _UNDERSTOOD)
    if strange:
        raise ParseError(path, "holds an element that is not understood and may narrow it")


def _form(consent: Json, stated: tuple[str, Json], answer: str, *, revoked: bool) -> ExchangedForm:
    path, provision = stated
    period = provision.get("period", {})
    signed_on = consent.get("dateTime") or period.get("start")
    return ExchangedForm(
        form=_form_name(consent),
        answer=answer,
        signers=tuple(_signers(consent)),
        signed_on=date.fromisoformat(signed_on) if signed_on else None,
        expires_on=date.fromisoformat(period["end"]) if "end" in period else None,
        elements=tuple(
            _code(c["coding"], ELEMENTS, f"{path}.code") for c in provision.get("code", ())
        ),
        purposes=_purposes(provision, path),
        recipient=_party(provision, "IRCP", path),
        discloser=_party(provision, "CST", path),
        statements=_statements(consent),
        revoked=revoked,
    )


def _form_name(consent: Json) -> str:
    named = [i["value"] for i in consent.get("identifier", ()) if i.get("system") == FORMS]
    return str(named[0]) if named else "consent"


def _statements(consent: Json) -> tuple[str, ...]:
    extensions = consent.get("extension", ())
    return tuple(e["valueCode"] for e in extensions if e["url"] == RELEASE_STATEMENT)


def _signers(consent: Json) -> Iterator[tuple[str, str]]:
    people = {f"#{p['id']}": p for p in consent.get("contained", ())}
    for performer in consent.get("performer", ()):
        person = people.get(performer.get("reference", ""))
        if person is not None:
            roles = person.get("relationship", [{"coding": [{"code": ""}]}])
            yield roles[0]["coding"][0]["code"], person["name"][0]["text"]
        elif performer.get("reference") == consent["patient"].get("reference"):
            yield _STUDENT, performer.get("display", "")
        else:
            yield "", performer.get("display", "")


def _purposes(provision: Json, path: str) -> tuple[str, ...]:
    codings = provision.get("purpose", [])
    ours = tuple(c["code"] for c in codings if c.get("system") == PURPOSES)
    strange = [c for c in codings if c.get("system") not in (PURPOSES, ACT_REASON)]
    if strange or (codings and not ours):
        raise ParseError(f"{path}.purpose", "give the agreement's own purpose")
    return ours


def _code(codings: list[Json], system: str, path: str) -> str:
    found = [str(c["code"]) for c in codings if c.get("system") == system]
    if len(found) != 1:
        raise ParseError(path, "give the agreement's own element, once in each concept")
    return found[0]


def _party(provision: Json, role: str, path: str) -> str | None:
    known = set(_ACTORS.values())
    found = []
    for actor in provision.get("actor", ()):
        code = actor["role"]["coding"][0]["code"]
        identifier = actor["reference"].get("identifier", {})
        if code not in known or identifier.get("system") != PARTIES:
            raise ParseError(f"{path}.actor", "give recipient and discloser by party role")
        if code == role:
            found.append(str(identifier["value"]))
    if len(found) > 1:
        raise ParseError(f"{path}.actor", "give each role once")
    return found[0] if found else None
