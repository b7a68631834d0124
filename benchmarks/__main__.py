"""``python -m benchmarks [--rounds N] [NAME ...]``: measure all rows, or those named."""

import argparse
import sys

from benchmarks.frame import chosen, measure
from benchmarks.report import write
from benchmarks.rows import ROWS


def main() -> int:
    """Measure and write; returns 0 whether or not goals are reached."""
    names = [row.name for row in ROWS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each arm, in turn")
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*names, []], help=str(names))
    asked = parser.parse_args()
    results = [measure(row, asked.rounds, tell) for row in chosen(ROWS, asked.names)]
    write(results, names)
    for result in results:
        verdict = "reached" if result.reached else "not reached"
        print(f"{result.row.name}: ratio {result.ratio:.3g}, goal {result.row.goal} {verdict}")
    return 0


def tell(line: str) -> None:
    """Show progress on standard error."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
