"""Reference: ``csv`` + python-liquid and one template for this one file. Nothing is checked.

The template is kept compiled; code tables and the reading of dates are Python's, which is faster
than Liquid's own. The JSON that comes out is read once, as its last commas are too many, and
written one resource a line.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

import orjson
import pyjson5
from liquid import Environment
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
FILTERS = {
    "id_for": id_for,
    "iso": w.iso,
    "to_json_string": lambda text: orjson.dumps(text).decode(),
}


def convert(source: Path) -> Iterator[bytes]:
    """Yield the lines of each row."""
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), globals=TABLES)
    environment.filters |= FILTERS
    template = environment.get_template(TEMPLATE)
    with source.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            bundle = pyjson5.decode(template.render(msg={**row, "row": number}))
            yield b"".join(
                orjson.dumps(entry["resource"], option=orjson.OPT_APPEND_NEWLINE)
                for entry in bundle["entry"]
            )


if __name__ == "__main__":
    run(convert)
