"""How an arm is run: ``python -m benchmarks.arms.NAME SOURCE TARGET``.

It prepares itself, then reads the file and writes one line per resource. Only reading, mapping and
writing are timed: start-up (imports, compiling a map) is the same for ten rows and for a million.
"""

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

Convert = Callable[[Path], Iterator[bytes]]


def id_for(resource_type: str, key: str) -> str:
    """Return an identifier; all arms use this one, so its cost is in both figures."""
    return hashlib.sha256(f"{resource_type}/{key}".encode()).hexdigest()[:32]


def run(convert: Convert) -> None:
    """Convert and print rows and CPU seconds; ``convert`` yields one chunk of lines per row."""
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    rows = 0
    start = time.process_time()
    with target.open("wb") as file:
        for lines in convert(source):
            file.write(lines)
            rows += 1
    print(json.dumps({"units": rows, "cpu_seconds": time.process_time() - start}))
