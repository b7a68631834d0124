"""What is known of each screening instrument: its scales, the bands of a scale, its items.

Read from ``scales.csv``, ``bands.csv`` and ``items.csv`` beside this module. A range of a band or a
greatest score is listed only where a published source gives it (column ``origin``); where none is
listed, nothing is checked and nothing is worked out. No wording of an item is copied: several
instruments are under copyright, and an answer needs only its number.
"""

import csv
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Final


@dataclass(frozen=True, slots=True)
class Scale:
    """One scale of an instrument; the total has the instrument's own code.

    Attributes:
        most: the greatest score there is, or None if it is not known here.
        bands: the bands its results may be called, lowest first.
        ranges: for some of them, the least and greatest score, both included.
    """

    code: str
    instrument: str
    about: str
    most: Decimal | None
    bands: tuple[str, ...]
    ranges: dict[str, tuple[Decimal, Decimal]]


@dataclass(frozen=True, slots=True)
class Item:
    """One question of an instrument: its answers are ``0`` to ``3`` and the like, or yes and no."""

    code: str
    instrument: str
    answers: tuple[str, ...]


@cache
def scales() -> dict[str, Scale]:
    """Return every scale by its code, totals first within an instrument."""
    bands = _rows("bands")
    found = {}
    for row in _rows("scales"):
        own = [band for band in bands if band["scale"] == row["scale"]]
        ranges = {
            band["band"]: (Decimal(band["least"]), Decimal(band["most"]))
            for band in own
            if band["least"]
        }
        most = Decimal(row["most"]) if row["most"] else None
        names = tuple(band["band"] for band in own)
        code = row["scale"]
        found[code] = Scale(code, row["instrument"], row["about"], most, names, ranges)
    return found


@cache
def items() -> dict[str, Item]:
    """Return every item by its code, in the order of the form."""
    found = {}
    for row in _rows("items"):
        for number in range(1, int(row["items"]) + 1):
            code = f"{row['instrument']}.{number}"
            found[code] = Item(code, row["instrument"], tuple(row["answers"].split()))
    return found


@cache
def screeners() -> tuple[str, ...]:
    """Return the code of every instrument."""
    return tuple(dict.fromkeys(scale.instrument for scale in scales().values()))


@cache
def band_codes() -> tuple[str, ...]:
    """Return every band any scale has, each once."""
    return tuple(dict.fromkeys(band for scale in scales().values() for band in scale.bands))


SUMMED: Final = ("phq-9", "phq-a", "gad-7", "psc-17")
"""Instruments whose total is the sum of all their items."""


def _rows(name: str) -> list[dict[str, str]]:
    text = (files(__package__) / f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
