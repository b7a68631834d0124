"""For any cells at all: nothing vanishes, nothing crashes, the fast way and the slow way agree."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.language import Held, Mapped, flatten
from mappings.readers import Table
from tests.support.small_map import HEADER, ROW, compiled

COMPILED = compiled(Path(tempfile.mkdtemp()))
HEADINGS = tuple(HEADER.split(","))
ODD = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = {heading: st.one_of(st.just(ROW.get(heading, "")), ODD) for heading in HEADINGS}
ROWS = st.lists(st.fixed_dictionaries(VALUES), min_size=1, max_size=6)


def run(rows: list[dict[str, str]]) -> tuple[list[Mapped | Held], int, int]:
    cells = [[row[heading] for heading in HEADINGS] for row in rows]
    done = COMPILED.run_tables({"form": lambda: Table("rows", HEADINGS, iter(cells))}, {})
    found = list(done)
    return found, done.report.read, done.report.duplicates + done.report.blank


@settings(max_examples=80, deadline=None)
@given(ROWS)
def test_every_row_is_a_record_or_held_or_a_duplicate(rows: list[dict[str, str]]) -> None:
    found, _, others = run(rows)
    assert len(found) + others == len(rows)


@settings(max_examples=80, deadline=None)
@given(ROWS)
def test_every_filled_cell_of_a_record_is_in_it(rows: list[dict[str, str]]) -> None:
    found, *_ = run(rows)
    for outcome in found:
        if isinstance(outcome, Mapped):
            row = rows[outcome.source_row - 2]
            filled = {heading for heading in HEADINGS if row[heading].strip() not in ("", "NULL")}
            # Every heading but Club (do-not-send) fills exactly one field here.
            assert len(flatten(outcome.record)) == len(filled - {"Club"})


@settings(max_examples=40, deadline=None)
@given(ROWS)
def test_the_order_of_rows_with_keys_of_their_own_does_not_matter(
    rows: list[dict[str, str]],
) -> None:
    keyed = [row | {"No": f"K{number}"} for number, row in enumerate(rows)]
    forward = {o.record.number: o.record for o in run(keyed)[0] if isinstance(o, Mapped)}
    backward = {o.record.number: o.record for o in run(keyed[::-1])[0] if isinstance(o, Mapped)}
    assert {k: flatten(v) for k, v in forward.items()} == {
        k: flatten(v) for k, v in backward.items()
    }
