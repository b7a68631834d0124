"""Screenings brought into a world at an instant before the requests begin."""

from datetime import datetime, timedelta
from typing import Any

from bridge.journeys.files.import_screenings import import_screenings
from mappings.canonical import Coded, ItemAnswer
from mappings.language import Mapped
from tests.leaks.callers import Opened
from tests.support.screening_records import gad_7
from tests.support.worlds import LEA, NOW


def minute(number: float) -> datetime:
    """Return an instant before the requests begin."""
    return NOW - timedelta(hours=2) + timedelta(minutes=number)


def screen(opened: Opened, when: float, *numbers: int, **changes: Any) -> None:  # noqa: ANN401 - fields as a case changes them
    """Import a screening of the n-th student each; ``again`` tells it from an earlier one."""
    opened.at(minute(when))
    again = changes.pop("again", 0)
    rows = [gad_7(number, f"S-{number}-{again}", **changes) for number in numbers]
    report = import_screenings(opened.world.parts, LEA, [Mapped(row, 2) for row in rows])
    assert report.stored == len(rows), report.as_data()


def answers_of(variant: str) -> dict[str, Any]:
    """Return what a provider is not told of a screening whose score it may read."""
    given = {"full": ("3", "1"), "absent": (), "different": ("0",) * 7}[variant]
    told: dict[str, Any] = {
        "answers": tuple(ItemAnswer(f"gad-7.{n}", each) for n, each in enumerate(given, 1))
    }
    if variant == "full":
        told |= {"respondent": Coded("parent", "mother"), "form": "on paper"}
    return told
