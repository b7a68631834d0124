"""Reference: ``csv`` + python-fhir-converter and one Liquid template for this one file.

The converter renders the template, reads what came out as JSON and drops what is empty; nothing
else is checked. The template is kept compiled; the code tables and the reading of dates are
Python's, which is faster than Liquid's own.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

import orjson
from fhir_converter.renderers import Stu3FhirRenderer, make_environment
from liquid.loaders import FileSystemLoader

from benchmarks.arms import words as w
from benchmarks.arms.plain_people import LABELS
from benchmarks.arms.timed import id_for, run

TEMPLATE = "referral.liquid"
TABLES = {
    "schools": w.SCHOOLS,
    "sexes": w.SEXES,
    "grades": w.GRADES,
    "languages": w.LANGUAGES,
    "relationships": w.RELATIONSHIPS,
    "urgencies": w.URGENCIES,
    "concerns": w.REASONS,
    "services": w.SERVICES,
    "roles": w.ROLES,
    "instruments": w.INSTRUMENTS,
    "purposes": w.PURPOSES,
    "elements": w.ELEMENTS,
    "statements": w.STATEMENTS,
    "element_order": w.ELEMENT_ORDER,
    "statement_order": w.STATEMENT_ORDER,
    "labels": orjson.dumps(LABELS).decode(),
}


def renderer() -> Stu3FhirRenderer:
    environment = make_environment(FileSystemLoader(Path(__file__).parent), globals=TABLES)
    environment.add_filter("id_for", id_for)
    environment.add_filter("iso", w.iso)
    return Stu3FhirRenderer(environment)


def convert(source: Path) -> Iterator[bytes]:
    """Yield the lines of each row."""
    converter = renderer()
    with source.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            text = orjson.dumps({**row, "row": number}).decode()
            bundle = converter.render_to_fhir(TEMPLATE, text)
            yield b"".join(
                orjson.dumps(entry["resource"], option=orjson.OPT_APPEND_NEWLINE)
                for entry in bundle["entry"]
            )


if __name__ == "__main__":
    run(convert)
