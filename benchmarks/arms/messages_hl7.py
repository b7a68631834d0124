"""The hl7 library: each message parsed, and nothing made of it but its appointment's number."""

import json
from collections.abc import Iterator
from pathlib import Path

import hl7

from benchmarks.arms.timed import run


def convert(source: Path) -> Iterator[bytes]:
    """Yield the appointment's number of each message, as a resource would carry it."""
    text = source.read_bytes().decode("utf-8")  # read_text would change the line ends
    for message in text.split("MSH|")[1:]:
        parsed = hl7.parse(f"MSH|{message}")
        key = parsed.extract_field("SCH", 1, 2, 1, 1)
        yield json.dumps({"identifier": [{"value": key}]}).encode() + b"\n"


if __name__ == "__main__":
    run(convert)
