"""Scalar, columns, filter, SQL and a prover say the same on every cell of each shipped paper."""

from array import array
from collections.abc import Iterator

import pysqlite3.dbapi2 as sqlite
import pytest
import z3

from bridge.store.facts.conditions import written
from consent.columns import FactColumns
from consent.conditions import facts_in
from consent.duties import Extent
from consent.filters import holds
from consent.model import Filter, Literal
from tests.consent.oracles.formulas import each_slice, of_filter
from tests.consent.oracles.shipped import Paper, bit, each_paper, papers, permitted, told


@each_paper
def test_columns_say_what_the_scalar_says_and_how_far_on_every_cell(paper: Paper) -> None:
    compared = differences = 0
    for asked in paper.table.slices():
        cells = paper.cells(asked)
        many = paper.table.decide_many(asked, FactColumns([bits for bits, _ in cells]))
        flags = bytes(decision.permitted for _, decision in cells)
        differences += many.flags() != flags
        differences += many.extents() != [decision.extent for _, decision in cells]
        compared += len(cells)

    told(paper, "columns", compared, differences)
    assert compared > 1000
    assert differences == 0


@each_paper
def test_the_filter_says_what_the_scalar_says_on_every_cell(paper: Paper) -> None:
    compared = differences = 0
    for asked in paper.table.slices():
        condition = paper.table.filter(asked)
        for bits, decision in paper.table.cells_of(asked):
            compared += 1
            differences += holds(condition, frozenset(facts_in(bits))) != decision.permitted

    told(paper, "filter", compared, differences)
    assert compared > 1000
    assert differences == 0


def in_sql(condition: Filter) -> str:
    """Write a filter over a table with the facts of one cell a row, as the store writes it."""

    def literal(one: Literal) -> str:
        return f"(bits & {bit(one.fact)}) {'<>' if one.wanted else '='} 0"

    return written(condition, literal)


def by_sql(paper: Paper) -> Iterator[tuple[set[int], set[int], int]]:
    with sqlite.connect(":memory:") as connection:
        connection.execute("CREATE TABLE cell (bits INTEGER)")
        for asked in paper.table.slices():
            cells = paper.cells(asked)
            connection.execute("DELETE FROM cell")
            connection.executemany("INSERT INTO cell VALUES (?)", [(bits,) for bits, _ in cells])
            where = in_sql(paper.table.filter(asked))
            rows = connection.execute(f"SELECT bits FROM cell WHERE {where}")  # noqa: S608 ours
            yield {bits for (bits,) in rows}, permitted(cells), len(cells)


@each_paper
def test_sqlite_finds_the_cells_the_scalar_permits(paper: Paper) -> None:
    answers = list(by_sql(paper))

    differences = sum(len(found ^ wanted) for found, wanted, _ in answers)
    compared = sum(size for _, _, size in answers)

    told(paper, "SQL", compared, differences)
    assert sum(len(found) for found, _, _ in answers) > 100
    assert differences == 0


@each_paper
def test_a_prover_finds_no_cell_where_the_documents_and_the_filter_differ(paper: Paper) -> None:
    differing = each_slice(
        paper, lambda asked, permit: z3.Xor(permit, of_filter(paper.table.filter(asked)))
    )

    sizes = [paper.table.cells_of(asked).relevant.bit_count() for asked in paper.table.slices()]
    compared = sum(1 << size for size in sizes)
    told(paper, "z3", compared, len(differing))
    assert differing == []


def test_columns_of_no_records_decide_nothing() -> None:
    table = papers()[0].table
    asked = table.slices()[0]

    none = table.decide_many(asked, FactColumns([]))

    assert (none.count, none.permitted, none.flags(), none.extents()) == (0, 0, b"", [])


def test_a_slice_no_document_defines_is_denied_for_every_record() -> None:
    table = papers()[0].table
    unknown = type(table.slices()[0])("lea", "lea", "nurse", "refer", "nothing")

    many = table.decide_many(unknown, FactColumns(array("I", [0, 5, 2**29 - 1])))

    assert many.flags() == b"\0\0\0"
    assert many.where(Extent.DENY) == 0b111


@pytest.mark.parametrize("wrong", [-1, 2**40])
def test_facts_that_cannot_be_facts_are_refused(wrong: int) -> None:
    with pytest.raises(OverflowError):
        FactColumns([wrong])
