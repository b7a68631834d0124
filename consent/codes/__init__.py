"""Codes a memorandum may use: HL7 purposes of use, obligations, and the few of our own."""

import csv
import io
from functools import cache
from importlib.resources import files


def _rows(name: str) -> list[dict[str, str]]:
    text = files("consent.codes").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text)))


@cache
def purpose_codes() -> frozenset[str]:
    """Return the codes of v3-ActReason's PurposeOfUse."""
    return frozenset(
        row["code"] for row in _rows("hl7-policy-codes.csv") if row["group"] == "PurposeOfUse"
    )


@cache
def label_codes() -> frozenset[str]:
    """Return the sensitivity labels an element may carry (v3-ActCode)."""
    return frozenset(
        row["code"] for row in _rows("hl7-policy-codes.csv") if row["group"] == "sensitivity"
    )


@cache
def obligation_codes() -> frozenset[str]:
    """Return the duties a release may carry: HL7 obligations and refrains, and our own."""
    hl7 = {
        row["code"]
        for row in _rows("hl7-policy-codes.csv")
        if row["group"] in ("obligation", "refrain")
    }
    return frozenset(hl7 | {row["code"] for row in _rows("local-obligations.csv")})


@cache
def obligation_words() -> dict[str, str]:
    """Return what each duty is, in the words of the code system."""
    rows = (*_rows("hl7-policy-codes.csv"), *_rows("local-obligations.csv"))
    return {row["code"]: row["display"] for row in rows if row["code"] in obligation_codes()}
