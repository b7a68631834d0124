"""The worked, fictional template and agreement, and small things tests ask of them."""

import csv
from functools import cache
from pathlib import Path

from consent.law import Law, load_law
from consent.model import Slice
from consent.mou import (
    Agreement,
    Template,
    read_agreement,
    read_template,
    seal,
    shipped_agreement,
    shipped_document,
    shipped_template,
)
from consent.table import DecisionTable, compile_table
from documents import DocumentError

DATA = Path(__file__).parent / "data"
TEMPLATE = shipped_document("xx-smh-template").decode()
AGREEMENT = shipped_document("millbrook-harbor-2026").decode()
ALL_OK = ("in_force", "enrolled", "provider_active", "c_ferpa", "c_health")


@cache
def table() -> DecisionTable:
    return compile_table(shipped_template(), shipped_agreement(), law())


def law() -> Law:
    return load_law("US-XX")


def golden_cases() -> list[dict[str, str]]:
    return spec("golden-cases")


def spec(name: str) -> list[dict[str, str]]:
    """Return a table of ``data/``: what is given and what must come out."""
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def slice_of(words: str) -> Slice:
    """Return ``"lea provider intake refer referral.reason"`` as a slice."""
    return Slice(*words.split())


def edited(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, "an edit must say exactly where"
    return text.replace(old, new)


def template_with(old: str, new: str) -> Template:
    return read_template(edited(TEMPLATE, old, new).encode(), "template.yaml")


def agreement_with(old: str, new: str, template: Template | None = None) -> Agreement:
    signed = template or shipped_template()
    source = edited(AGREEMENT, old, new).encode()
    return read_agreement(seal(source, signed), "agreement.yaml", signed)


def problems_of(read: object, *arguments: object) -> list[str]:
    """Return the problems a reader raises; an error if it raises none."""
    try:
        read(*arguments)  # type: ignore[operator] # any of the readers
    except DocumentError as error:
        return [str(problem) for problem in error.problems]
    raise AssertionError("the document was read without a problem")
