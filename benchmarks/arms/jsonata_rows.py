"""Reference: ``csv`` + one JSONata expression for this one file + ``orjson``. Nothing is checked.

The expression is parsed once. What costs JSONata most is done before it starts: code tables hold
whole codings, and the reading of dates is Python's.
"""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

import orjson
from jsonata import Jsonata

from benchmarks.arms import words as w
from benchmarks.arms.plain_people import LABELS, Json, coding
from benchmarks.arms.timed import id_for, run

EXPRESSION = Path(__file__).with_name("referral.jsonata")


def codings(table: str, entries: Mapping[str, tuple[str, ...]]) -> Json:
    return {text: coding(table, *entry[:2]) for text, entry in entries.items()}


def bound(system: str, entries: Mapping[str, tuple[str, str, str]], table: str) -> Json:
    """Return two codings for each text: of a published system, and of our own table."""
    own = codings(table, entries)
    return {text: [{"system": system, "code": e[2]}, own[text]] for text, e in entries.items()}


TABLES: Json = {
    "schools": w.SCHOOLS,
    "sexes": w.SEXES,
    "grades": codings("grade-levels", w.GRADES),
    "languages": w.LANGUAGES,
    "relationships": w.RELATIONSHIPS,
    "urgencies": w.URGENCIES,
    "concerns": codings("concerns", w.REASONS),
    "services": bound(w.SNOMED, w.SERVICES, "services"),
    "roles": codings("referrer-roles", w.ROLES),
    "instruments": bound(w.LOINC, w.INSTRUMENTS, "instruments"),
    "purposes": bound(w.HL7 + "v3-ActReason", w.PURPOSES, "purposes"),
    "elements": codings("release-elements", w.ELEMENTS),
    "statements": w.STATEMENTS,
    "element_order": w.ELEMENT_ORDER,
    "statement_order": w.STATEMENT_ORDER,
    "labels": LABELS,
}


def expression() -> Jsonata:
    parsed = Jsonata(EXPRESSION.read_text(encoding="utf-8"))
    parsed.set_validate_input(validate_input=False)
    parsed.set_output_convert_nulls(output_convert_nulls=False)
    parsed.register_lambda("id_for", id_for)
    parsed.register_lambda("iso", w.iso)
    for name, table in TABLES.items():
        parsed.assign(name, table)
    return parsed


def convert(source: Path) -> Iterator[bytes]:
    """Yield the lines of each row."""
    parsed = expression()
    with source.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            yield b"".join(
                orjson.dumps(resource, option=orjson.OPT_APPEND_NEWLINE)
                for resource in parsed.evaluate({**row, "row": number})
            )


if __name__ == "__main__":
    run(convert)
