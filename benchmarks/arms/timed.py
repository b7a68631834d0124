"""How an arm is run: ``python -m benchmarks.arms.NAME SOURCE TARGET``.

It prepares itself, converts the file's first rows once for nothing, then reads the file and writes
one line per resource. Only this is timed: start-up (imports, compiling a map) is the same for ten
rows and for a million.
"""

import csv
import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

WARM_UP_CHUNKS = 5
Convert = Callable[[Path], Iterator[bytes]]


def id_for(resource_type: str, key: str) -> str:
    """Return an identifier; all arms use this one, so its cost is in both figures."""
    return hashlib.sha256(f"{resource_type}/{key}".encode()).hexdigest()[:32]


def run(convert: Convert) -> None:
    """Convert and print rows and CPU seconds; ``convert`` yields the lines of a row, or of some."""
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    for _ in islice(convert(source), WARM_UP_CHUNKS):
        pass
    start = time.process_time()
    with target.open("wb") as file:
        for lines in convert(source):
            file.write(lines)
    spent = time.process_time() - start
    with source.open(encoding="utf-8", newline="") as text:
        rows = sum(1 for _ in csv.reader(text)) - 1
    print(json.dumps({"units": rows, "cpu_seconds": spent}))
