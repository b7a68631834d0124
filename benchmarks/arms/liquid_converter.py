"""Reference: ``csv`` + python-fhir-converter and a Liquid template for this one file.

The converter renders the template, reads what came out as JSON and drops what is empty; nothing
else is checked.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

import orjson
from fhir_converter.renderers import Stu3FhirRenderer, make_environment
from liquid.loaders import FileSystemLoader

from benchmarks.arms.liquid_engine import FILTERS, TABLES, TEMPLATE
from benchmarks.arms.timed import run


def renderer() -> Stu3FhirRenderer:
    environment = make_environment(FileSystemLoader(Path(__file__).parent), globals=TABLES)
    environment.filters |= FILTERS
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
