"""The canonical dictionary: every field a map may fill, its type and its bound codes.

Generated pages and every check of a map read these tables; a field that is not here does not exist
for a map. ``ceds`` is the number of the element in the Common Education Data Standards.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from mappings.canonical import instruments
from mappings.language import codes


class Kind(StrEnum):
    """How the text of a cell becomes a value."""

    TEXT = "text"
    NAME = "name"
    DATE = "date"
    MOMENT = "date or time"
    INSTANT = "time"
    DECIMAL = "number"
    COUNT = "count"
    YES_NO = "yes or no"
    CODED = "code with the source's words"
    CODED_LIST = "codes with the source's words"
    CODE = "code"
    CODE_LIST = "codes"


class MapKind(StrEnum):
    """What one row of a map's main source is."""

    REFERRAL = "referral"
    ROSTER = "roster"
    SESSION = "session"
    SCREENING = "screening"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class CanonicalField:
    """One field of a canonical record.

    Attributes:
        name: as written behind ``goes-to``.
        kind: type of its value.
        about: what it means, for people.
        codes: the bound code list, where it has one.
        required: whether a record cannot be without it.
        most: the greatest number allowed, where there is one.
        never_assumed: urgency and consent: only a person's answer may fill it, never a constant.
    """

    name: str
    kind: Kind
    about: str
    codes: tuple[str, ...] = ()
    required: bool = False
    never_assumed: bool = False
    ceds: str = ""
    most: int | None = None

    @property
    def group(self) -> str:
        """The part of the record it belongs to: ``student``, ``screening.1``, or empty."""
        return self.name.rpartition(".")[0]

    @property
    def attribute(self) -> str:
        """Its name inside the group."""
        return self.name.rpartition(".")[2]


_T, _C, _Y = Kind.TEXT, Kind.CODED, Kind.YES_NO


def _student() -> tuple[CanonicalField, ...]:
    return (
        CanonicalField("local_id", _T, "the district's identifier", required=True, ceds="001075"),
        CanonicalField("state_id", _T, "the state's identifier", ceds="001075"),
        CanonicalField("family_name", _T, "last name", required=True, ceds="000172"),
        CanonicalField("given_name", _T, "first name", required=True, ceds="000115"),
        CanonicalField("name", Kind.NAME, "both names in one cell"),
        CanonicalField("birth_date", Kind.DATE, "date of birth", required=True, ceds="000033"),
        CanonicalField("sex", _C, "administrative sex", codes.SEX, ceds="000255"),
        CanonicalField("grade", _C, "grade level", codes.GRADES, ceds="000100"),
        CanonicalField("school", _T, "code of the school attended", ceds="001069"),
        CanonicalField("home_language", _C, "language at home", codes.LANGUAGES, ceds="000317"),
        CanonicalField("interpreter_needed", _Y, "the family needs an interpreter", codes.YES_NO),
        CanonicalField("phone", _T, "telephone", ceds="000279"),
        CanonicalField("email", _T, "e-mail address", ceds="000088"),
        CanonicalField("address_line", _T, "street, or the whole address", ceds="000269"),
        CanonicalField("city", _T, "city", ceds="000040"),
        CanonicalField("state", _T, "state", ceds="000267"),
        CanonicalField("postal_code", _T, "postal code", ceds="000214"),
        CanonicalField("enrolled", _Y, "enrolled now", codes.YES_NO, ceds="000094"),
    )


def _under(
    group: str, fields: tuple[CanonicalField, ...], *, never_assumed: bool = False
) -> tuple[CanonicalField, ...]:
    return tuple(
        CanonicalField(
            f"{group}.{entry.name}",
            entry.kind,
            entry.about,
            entry.codes,
            entry.required,
            never_assumed,
            entry.ceds,
        )
        for entry in fields
    )


_GUARDIAN = (
    CanonicalField("name", _T, "name of a parent or guardian", required=True),
    CanonicalField("relationship", _C, "relationship", codes.RELATIONSHIPS, ceds="000425"),
    CanonicalField("phone", _T, "telephone"),
    CanonicalField("email", _T, "e-mail address"),
    CanonicalField("contact_prohibited", _Y, "must not be contacted", codes.YES_NO),
)
_SCREENING = (
    CanonicalField("instrument", _C, "screening instrument", codes.INSTRUMENTS, required=True),
    CanonicalField("score", Kind.DECIMAL, "total score", required=True),
    CanonicalField("screened_on", Kind.DATE, "day it was taken"),
)
_RELEASE = (
    CanonicalField("answer", Kind.CODE, "answer on the form", codes.ANSWERS, required=True),
    CanonicalField("signer", _T, "who signed"),
    CanonicalField("signer_relationship", _C, "relationship of the signer", codes.SIGNERS),
    CanonicalField("signed_on", Kind.DATE, "day of the signature"),
    CanonicalField("expires_on", Kind.DATE, "day the release ends"),
    CanonicalField("elements", Kind.CODE_LIST, "what may be shared", codes.ELEMENTS),
    CanonicalField("purpose", Kind.CODE, "purpose the form names", codes.PURPOSES),
    CanonicalField("recipient", Kind.CODE, "who receives", codes.PARTIES),
    CanonicalField("discloser", Kind.CODE, "who discloses", codes.PARTIES),
    CanonicalField("statements", Kind.CODE_LIST, "statements printed", codes.STATEMENTS),
)
GUARDIAN_SLOTS: Final = ("1", "2", "3")
FORMS: Final = ("education", "health")
SCREENING_SLOTS: Final = ("1", "2", "3")

_REFERRAL = (
    CanonicalField("number", _T, "referral number", required=True),
    CanonicalField("authored_on", Kind.MOMENT, "when it was made", required=True, ceds="001481"),
    CanonicalField("urgency", _C, "how urgent", codes.URGENCY, required=True, never_assumed=True),
    CanonicalField(
        "reasons", Kind.CODED_LIST, "reasons", codes.REASONS, required=True, ceds="001483"
    ),
    CanonicalField("description", _T, "free text of the concern"),
    CanonicalField("requested_service", _C, "service asked for", codes.SERVICES, ceds="001485"),
    CanonicalField("referrer_name", _T, "who refers", ceds="001484"),
    CanonicalField("referrer_role", _C, "role of who refers", codes.REFERRER_ROLES),
    CanonicalField("interventions_tried", _T, "what was tried already"),
    CanonicalField("parent_notified", _Y, "a parent knows of the referral", codes.YES_NO),
    CanonicalField("attendance_percent", Kind.DECIMAL, "attendance, 0 to 100", most=100),
    CanonicalField("plan_504", _Y, "has a 504 plan", codes.YES_NO, ceds="000249"),
    CanonicalField("iep", _Y, "has an IEP", codes.YES_NO, ceds="000151"),
    CanonicalField("discipline_count", Kind.COUNT, "incidents"),
)
_SESSION = (
    CanonicalField("key", _T, "the provider's identifier of the session", required=True),
    CanonicalField("attendance", Kind.CODE, "what became of it", codes.ATTENDANCE, required=True),
    CanonicalField("referral_number", _T, "the school's referral number"),
    CanonicalField("patient_id", _T, "the identifier the bridge issued"),
    CanonicalField("starts", Kind.MOMENT, "start, or the day"),
    CanonicalField("ends", Kind.MOMENT, "end, or the day"),
    CanonicalField("modality", Kind.CODE, "how treatment was given", codes.MODALITIES),
    CanonicalField("place", Kind.CODE, "where", codes.PLACES),
    CanonicalField("clinician", _T, "name of the clinician"),
    CanonicalField("licence", _C, "the clinician's type of licence", codes.LICENCES),
)
_ANSWER = (
    CanonicalField("number", _T, "the school's referral number", required=True),
    CanonicalField("event", Kind.CODE, "what happened", codes.EVENTS, required=True),
    CanonicalField("patient_id", _T, "the identifier the bridge issued"),
    CanonicalField("said_on", Kind.MOMENT, "when it happened"),
    CanonicalField("reason", Kind.CODE, "why", codes.ANSWER_REASONS),
    CanonicalField("reason_text", _T, "why, in words the school may see"),
    CanonicalField(
        "consent",
        Kind.CODE,
        "on whose consent care is given",
        codes.CARE_CONSENTS,
        never_assumed=True,
    ),
)


_STUDENT_SCREENING = (
    CanonicalField("key", _T, "the source's key of the screening", required=True),
    CanonicalField("student_id", _T, "the district's identifier", required=True, ceds="001075"),
    CanonicalField("instrument", _C, "instrument", instruments.screeners(), required=True),
    CanonicalField("screened_on", Kind.DATE, "day it was taken", required=True),
    CanonicalField("respondent", _C, "who answered", codes.RESPONDENTS),
    CanonicalField("form", _T, "the vendor's form"),
    CanonicalField("score", Kind.DECIMAL, "total score, whatever the instrument"),
    CanonicalField("band", _C, "what the total is called", instruments.band_codes()),
)


def _results() -> Iterator[CanonicalField]:
    """Yield ``score.`` and ``band.`` of each scale, and ``answer.`` of each item."""
    for scale in instruments.scales().values():
        most = None if scale.most is None else int(scale.most)
        yield CanonicalField(f"score.{scale.code}", Kind.DECIMAL, scale.about, most=most)
        if scale.bands:
            about = f"what this is called: {scale.about}"
            yield CanonicalField(f"band.{scale.code}", _C, about, scale.bands)
    for item in instruments.items().values():
        about = f"answer to item {item.code}"
        yield CanonicalField(f"answer.{item.code}", Kind.CODE, about, item.answers)


def _index(*groups: tuple[CanonicalField, ...]) -> dict[str, CanonicalField]:
    return {entry.name: entry for group in groups for entry in group}


DICTIONARY: Final = {
    MapKind.REFERRAL: _index(
        _REFERRAL,
        _under("student", _student()),
        _under("guardian", _GUARDIAN),
        *(_under(f"screening.{slot}", _SCREENING) for slot in SCREENING_SLOTS),
        *(_under(f"release.{form}", _RELEASE, never_assumed=True) for form in FORMS),
    ),
    MapKind.ROSTER: _index(
        _under("student", _student()),
        *(_under(f"guardian.{slot}", _GUARDIAN) for slot in GUARDIAN_SLOTS),
    ),
    MapKind.SESSION: _index(_SESSION),
    MapKind.SCREENING: _index(_STUDENT_SCREENING, tuple(_results())),
    MapKind.ANSWER: _index(_ANSWER),
}
"""Every field by name, for each kind of map."""
