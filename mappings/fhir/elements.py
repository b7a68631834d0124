"""The data types that several resources are made of."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from mappings.canonical import Coded
from mappings.fhir.canonicals import (
    ACT_CODE,
    CONFIDENTIALITY,
    DATA_ABSENT,
    DATA_ABSENT_REASON,
    IDENTIFIER_TYPE,
    SNOMED,
    SOURCE_TEXT,
)
from mappings.fhir.fixed import fixed, fixed_reference
from mappings.fhir.terminology import CodeTable

Json = dict[str, Any]

BEHAVIOURAL_HEALTH: Final[list[Json]] = fixed(
    [
        {"system": CONFIDENTIALITY, "code": "R", "display": "restricted"},
        {"system": ACT_CODE, "code": "MH", "display": "mental health information sensitivity"},
    ]
)
"""Labels of what speaks of a student's mental health (HL7 v3-Confidentiality, v3-ActCode)."""

PLACER: Final[Json] = fixed({"coding": [{"system": IDENTIFIER_TYPE, "code": "PLAC"}]})
"""Type of an identifier issued by who asks: the loop key of a closed-loop referral (BSeR, 360X)."""

UNKNOWN_CODING: Final[Json] = fixed(
    {"system": DATA_ABSENT, "code": "unknown", "display": "Unknown"}
)
UNKNOWN_CONCEPT: Final[Json] = fixed({"coding": [UNKNOWN_CODING], "text": "unknown"})
"""US Core, Missing Data: what a required element says when the source did not say."""

ABSENT_UNKNOWN: Final[Json] = fixed(
    {"extension": [{"url": DATA_ABSENT_REASON, "valueCode": "unknown"}]}
)


def meta(profiles: list[str], *, sensitive: bool = False) -> Json:
    """Return a ready-made ``meta``: the profiles claimed and, if sensitive, the labels."""
    labels = {"security": BEHAVIOURAL_HEALTH} if sensitive else {}
    made: Json = fixed({"profile": profiles, **labels} if profiles else labels)
    return made


def reference(resource_type: str, resource_id: str) -> Json:
    """Return a literal reference relative to the bridge's own base."""
    return fixed_reference(f"{resource_type}/{resource_id}")


def concept(table: CodeTable, coded: Coded, path: str) -> Json:
    """Return a code of ours beside the words it was read from.

    Where a map kept the words because it knows no code for them, the words stand alone.

    Raises:
        UnknownCodeError: the table has no such code.
    """
    if not coded.code:
        return {"text": coded.text}
    return {"coding": [table.coding(coded.code, path)], "text": coded.text}


def coded_concept(system: str, coded: Coded) -> Json:
    """Return a code of someone else's system beside the words, or the words where it has none."""
    if not coded.code:
        return {"text": coded.text}
    return {"coding": [{"system": system, "code": coded.code}], "text": coded.text}


def snomed(code: str) -> Json:
    """Return a SNOMED CT coding, without a display (its licence covers the descriptors)."""
    return {"system": SNOMED, "code": code}


def source_text(text: str) -> Json:
    """Return the sibling of a primitive element that carries the source's own words."""
    return {"extension": [{"url": SOURCE_TEXT, "valueString": text}]}


def instant(when: datetime) -> str:
    """Return a FHIR instant in UTC; ``when`` must be aware."""
    return when.astimezone(UTC).isoformat().replace("+00:00", "Z")


def date_time(when: datetime | date) -> str:
    """Return a FHIR dateTime: a day stays a day, an instant is written in UTC."""
    return instant(when) if isinstance(when, datetime) else when.isoformat()


def number(value: Decimal) -> int | float:
    """Return a JSON number; a whole one is written without a point."""
    return int(value) if value == value.to_integral_value() else float(value)


def telecom(phone: str | None, email: str | None) -> list[Json]:
    """Return the contact points there are; an empty list when there is none."""
    points = (("phone", phone), ("email", email))
    return [{"system": system, "value": value} for system, value in points if value]
