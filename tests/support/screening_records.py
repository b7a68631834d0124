"""Screenings of invented students: every instrument, scale, band and item that is known."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from mappings.canonical import Coded, ItemAnswer, ScaleResult, SourceRow, StudentScreening
from mappings.canonical.instruments import items, scales, screeners

_ORIGIN = SourceRow("screening-scores", "scores.csv", 2, "S1")
FULL_SCREENING = StudentScreening(
    key="S1",
    student_id="100234",
    instrument=Coded("phq-9", "PHQ-9"),
    screened_on=date(2026, 9, 14),
    origin=_ORIGIN,
    respondent=Coded("self", "Student"),
    form="PHQ-9 on paper",
    scores=(ScaleResult("phq-9", Decimal(12), Coded("moderate", "Moderate")),),
    answers=tuple(ItemAnswer(f"phq-9.{n}", "1") for n in range(1, 10)),
)


def gad_7(number: int, key: str, **changes: Any) -> StudentScreening:  # noqa: ANN401 - fields as a case changes them
    """Return a GAD-7 of the n-th student of :func:`tests.support.worlds.referral`."""
    made = StudentScreening(
        key=key,
        student_id=str(1000 + number),
        instrument=Coded("gad-7", "GAD-7"),
        screened_on=date(2026, 9, 14),
        origin=SourceRow("screening-scores", "scores.csv", number + 2, key),
        scores=(ScaleResult("gad-7", Decimal(12)),),
    )
    return replace(made, **changes)


def screenings() -> Iterator[StudentScreening]:
    """Yield one screening with everything, then each scale, band, item and respondent once."""
    yield FULL_SCREENING
    for instrument in screeners():
        yield from _of(instrument)
    for respondent in ("self", "parent", "teacher", "clinician"):
        score = ScaleResult("sdq", Decimal(9))
        yield _made("sdq", respondent=Coded(respondent, respondent.title()), scores=(score,))


def _of(instrument: str) -> Iterator[StudentScreening]:
    own = [scale for scale in scales().values() if scale.instrument == instrument]
    for scale in own:
        for band in scale.bands:
            called = ScaleResult(scale.code, None, Coded(band, band.upper()))
            yield _made(instrument, scores=(called,))
        if scale.code != "c-ssrs":
            yield _made(instrument, scores=(ScaleResult(scale.code, Decimal("7.5")),))
    asked = [item for item in items().values() if item.instrument == instrument]
    if asked:
        answers = tuple(ItemAnswer(item.code, item.answers[0]) for item in asked)
        yield _made(instrument, answers=answers)


def _made(instrument: str, **changes: object) -> StudentScreening:
    code = Coded(instrument, instrument.upper())
    return StudentScreening("S2", "100234", code, date(2026, 9, 14), _ORIGIN, **changes)
