"""The result of a screening as a school or a vendor reports it, apart from any referral."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from mappings.canonical.referral import Coded, SourceRow


@dataclass(frozen=True, slots=True)
class ScaleResult:
    """What one scale came to.

    Attributes:
        scale: code of the scale (``phq-9`` for the total, ``bess-eri`` for a part of BESS).
        score: in the scale's own unit, or None where the source names only a band.
        band: what the source calls the score (``elevated``), with its own words; never worked out.
    """

    scale: str
    score: Decimal | None = None
    band: Coded | None = None


@dataclass(frozen=True, slots=True)
class ItemAnswer:
    """The answer to one item: ``0`` to ``3``, or ``yes`` or ``no``."""

    item: str
    answer: str


@dataclass(frozen=True, slots=True)
class StudentScreening:
    """One screening of one student.

    Attributes:
        key: the source's own key of the screening, unique within the source.
        student_id: the district's student identifier (CEDS 001075).
        instrument: code of the instrument and the source's words.
        screened_on: day it was taken.
        respondent: who answered (``self``, ``parent``, ``teacher``, ``clinician``), if known.
        form: name of the vendor's form, if it has several.
        scores: the scales reported, the total first.
        answers: answers to single items, where the source has them.
    """

    key: str
    student_id: str
    instrument: Coded
    screened_on: date
    origin: SourceRow
    respondent: Coded | None = None
    form: str | None = None
    scores: tuple[ScaleResult, ...] = ()
    answers: tuple[ItemAnswer, ...] = ()
