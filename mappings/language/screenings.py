"""Putting a screening together, and refusing one that contradicts itself.

A score beyond its scale, a band the scale does not have, a band whose published range excludes the
score, a total that is not the sum of its items: one of the two is wrong, and nobody here can know
which. Nothing missing is worked out: no total from items, no band from a score.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from mappings.canonical import Coded, ItemAnswer, ScaleResult, SourceRow, StudentScreening
from mappings.canonical.instruments import SUMMED, Scale, items, scales
from mappings.language.outcome import HoldCode, Unreadable

Result = tuple[str, Decimal | None, Coded | None]
_ADVICE = "correct it in the source, or leave the row held"


def make_screening(
    origin: SourceRow,
    head: dict[str, Any],
    results: Iterable[Result],
    answers: Iterable[tuple[str, str | None]],
) -> StudentScreening:
    """Return the screening of a row.

    Args:
        origin: the row.
        head: its other fields by name; ``score`` and ``band`` are those of the total.
        results: score and band of each scale the map names.
        answers: the answer to each item the map names, None where there is none.

    Raises:
        Unreadable: it says nothing, or contradicts itself; names the scale.
    """
    instrument: Coded = head["instrument"]
    total = (instrument.code, head.pop("score", None), head.pop("band", None))
    named = [result for result in (total, *results) if result[1:] != (None, None)]
    known = dict(answers)
    # In the order of the form, whatever the order of the map.
    given = tuple(
        ItemAnswer(item, answer) for item in items() if (answer := known.get(item)) is not None
    )
    if not named and not given:
        raise _wrong("holds neither a score nor a band nor an answer", HoldCode.EMPTY)
    for scale, score, band in named:
        _refuse_contradiction(_scale(scale, instrument.code), score, band)
    _refuse_foreign(given, instrument.code)
    if len({scale for scale, _, _ in named}) != len(named):
        raise _wrong("says the total twice")
    order = list(scales())
    found = sorted(named, key=lambda result: order.index(result[0]))
    scores = tuple(ScaleResult(scale, score, band) for scale, score, band in found)
    _refuse_wrong_sum(instrument.code, scores, given)
    return StudentScreening(origin=origin, scores=scores, answers=given, **head)


def _scale(code: str, instrument: str) -> Scale:
    scale = scales()[code]
    if scale.instrument != instrument:
        raise _wrong(f"holds a result of {code}, which is no scale of this row's instrument")
    return scale


def _refuse_foreign(answers: tuple[ItemAnswer, ...], instrument: str) -> None:
    for answer in answers:
        if items()[answer.item].instrument != instrument:
            raise _wrong(f"holds an answer to {answer.item}, no item of this row's instrument")


def _refuse_contradiction(scale: Scale, score: Decimal | None, band: Coded | None) -> None:
    if score is not None and scale.most is not None and score > scale.most:
        raise _wrong(f"has a score of {scale.code} beyond the greatest, {scale.most}")
    if band is None:
        return
    if band.code not in scale.bands:
        raise _wrong(f"calls the score of {scale.code} what this scale is never called")
    least, most = scale.ranges.get(band.code, (None, None))
    if score is not None and least is not None and most is not None and not least <= score <= most:
        raise _wrong(f"has a score of {scale.code} outside the range of what it is called")


def _refuse_wrong_sum(
    instrument: str, scores: tuple[ScaleResult, ...], answers: tuple[ItemAnswer, ...]
) -> None:
    total = next((r.score for r in scores if r.scale == instrument), None)
    every = [item for item in items().values() if item.instrument == instrument]
    if total is None or instrument not in SUMMED or len(answers) != len(every):
        return
    if total != sum(int(answer.answer) for answer in answers):
        raise _wrong(f"has a total of {instrument} that is not the sum of its items")


def _wrong(text: str, code: HoldCode = HoldCode.UNREADABLE) -> Unreadable:
    return Unreadable(code, text, _ADVICE)
