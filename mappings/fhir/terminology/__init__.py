"""Our code systems and their maps to standard codes, kept as tables a person can review.

Each table ``NAME.csv`` is the code system ``https://schoolbridge.example/fhir/CodeSystem/NAME``; a
column beyond ``code`` and ``display`` maps the code to a standard one. Only codes checked against
a published value set or panel page are listed (ORIGIN.md); a cell left empty means that no
standard code is known, never that one is guessed.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from mappings.fhir.canonicals import BASE
from mappings.fhir.errors import UnknownCodeError
from mappings.fhir.fixed import fixed

TABLES: Final = (
    "care-consent",
    "concerns",
    "findhelp-statuses",
    "follow-up",
    "grade-levels",
    "instruments",
    "licences",
    "modalities",
    "places",
    "purposes",
    "referrer-roles",
    "release-elements",
    "respondents",
    "scales",
    "school-facts",
    "school-linked-services-statuses",
    "score-bands",
    "screening-items",
    "services",
    "status-reasons",
)


@dataclass(frozen=True, slots=True)
class CodeTable:
    """One code system: its canonical URL, its rows and its ready-made codings by code."""

    name: str
    system: str
    rows: Mapping[str, Mapping[str, str]]
    codings: Mapping[str, dict[str, Any]]

    def coding(self, code: str, path: str) -> dict[str, Any]:
        """Return the FHIR Coding of a code of this table.

        Raises:
            UnknownCodeError: the table has no such code.
        """
        coding = self.codings.get(code)
        if coding is None:
            raise UnknownCodeError(path, self.name)
        return coding

    def row(self, code: str, path: str) -> Mapping[str, str]:
        """Return the row of a code; ``path`` is the element the code was meant for.

        Raises:
            UnknownCodeError: the table has no such code.
        """
        row = self.rows.get(code)
        if row is None:
            raise UnknownCodeError(path, self.name)
        return row


@cache
def table(name: str) -> CodeTable:
    """Load one table of :data:`TABLES`.

    Raises:
        FileNotFoundError: there is no such table.
    """
    text = (files(__name__) / f"{name}.csv").read_text(encoding="utf-8")
    rows = {row["code"]: row for row in csv.DictReader(text.splitlines())}
    system = f"{BASE}/CodeSystem/{name}"
    codings = {
        code: fixed({"system": system, "code": code, "display": row["display"]})
        for code, row in rows.items()
    }
    return CodeTable(name, system, rows, codings)
