"""Many records at once: facts as columns, and answers that are those of one record at a time."""

from array import array

import pytest

from consent import columns
from consent.cells import subsets
from consent.columns import Decisions, FactColumns, decide_columns, ones
from consent.conditions import Conditions, Denial, Layer, Way
from consent.decide import judge
from consent.duties import Extent

A, B, C, D, E = (1 << place for place in range(5))
EVERY_SET = list(subsets(A | B | C | D | E))
RICH = Conditions(
    known=True,
    denials=(Denial("P1", A | B, C, ""), Denial("P2", D | E, 0, "")),
    layers=(
        Layer(
            "law:X",
            "law:X",
            (
                Way("first", B | C, extent=Extent.DUTIES),
                Way("second", B, extent=Extent.PSEUDONYM),
                Way("third", A),
            ),
        ),
        Layer("law:Y", "law:Y", (Way("any", 0),)),
        Layer("template", "template:no-flow", (Way("T", C | D, extent=Extent.REDACT), Way("U", 0))),
        Layer("agreement", "agreement:no-flow", (Way("F", 0), Way("G", A | E))),
    ),
    relevant=A | B | C | D | E,
    review=C,
)


@pytest.mark.parametrize(
    "conditions",
    [
        RICH,
        Conditions(known=True, denials=RICH.denials, layers=RICH.layers),
        Conditions(known=True, denials=RICH.denials, layers=RICH.layers, review=B | C),
        Conditions(known=True, layers=(Layer("law:none", "law:none", ()), *RICH.layers)),
        Conditions(known=False, layers=RICH.layers),
    ],
    ids=["a-review", "no-review", "two-reviews", "no-law", "unknown"],
)
def test_many_records_are_decided_as_each_of_them_alone(conditions: Conditions) -> None:
    single = [judge(conditions, bits) for bits in EVERY_SET]

    many = decide_columns(conditions, FactColumns(EVERY_SET))

    assert many.count == len(EVERY_SET)
    assert list(many.flags()) == [decision.permitted for decision in single]
    assert many.extents() == [decision.extent for decision in single]
    for extent in Extent:
        there = many.where(extent)
        assert [bool(there >> place & 1) for place in range(many.count)] == [
            decision.extent is extent for decision in single
        ]


def test_a_column_says_of_which_records_a_fact_is_true() -> None:
    facts = FactColumns([A, B, A | B, 1 << 9 | A, 1 << 31])

    assert (facts.count, facts.every) == (5, 0b11111)
    assert facts.where(A) == 0b01101
    assert facts.where(B) == 0b00110
    assert facts.where(1 << 9) == 0b01000
    assert facts.where(1 << 31) == 0b10000
    assert facts.where(1 << 8) == facts.where(1 << 30) == 0


def test_several_facts_are_true_together_or_any_of_them() -> None:
    facts = FactColumns([A, B, A | B, 0])

    assert (facts.all_of(A | B), facts.any_of(A | B)) == (0b0100, 0b0111)
    assert (facts.all_of(0), facts.any_of(0)) == (0b1111, 0)


def test_what_is_assumed_of_every_record_leaves_the_records_as_they_were() -> None:
    facts = FactColumns([A, B, 0])
    before = facts.where(A)

    assumed = facts.assuming(A | C)

    assert assumed.where(A) == assumed.where(C) == assumed.every == facts.every
    assert (assumed.count, assumed.where(B)) == (3, 0b010)
    assert (facts.where(A), facts.where(C)) == (before, 0)


def test_no_record_at_all_is_decided_too() -> None:
    nothing = decide_columns(RICH, FactColumns(()))

    assert FactColumns(()).where(A) == FactColumns(()).every == 0
    assert (nothing.count, nothing.permitted) == (0, 0)
    assert (nothing.flags(), nothing.extents()) == (b"", [])
    assert [nothing.where(extent) for extent in Extent] == [0] * len(Extent)


@pytest.mark.parametrize("number", [-1, 1 << 32])
def test_a_number_that_can_be_no_set_of_facts_is_refused(number: int) -> None:
    with pytest.raises(OverflowError):
        FactColumns([A, number])


@pytest.mark.parametrize("kind", ["I", "B", "Q"])
def test_numbers_may_come_in_an_array_of_any_width(kind: str) -> None:
    numbers = array(kind, [A, B, A | B])

    assert FactColumns(numbers).where(B) == 0b110


def test_on_a_machine_that_writes_the_highest_byte_first_the_bytes_are_turned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(columns.sys, "byteorder", "big")

    # This machine is none: what is turned here stands at the other end of its number.
    turned = FactColumns([A, 0, B])

    assert (turned.where(A << 24), turned.where(B << 24)) == (0b001, 0b100)
    assert turned.where(A) == 0


def test_an_extent_nobody_reached_is_an_empty_column() -> None:
    some = Decisions(4, {Extent.PERMIT: 0b0001, Extent.HOLD: 0b0100})

    assert some.permitted == 0b0001
    assert some.where(Extent.REDACT) == 0
    assert some.where(Extent.DENY) == 0b1010
    assert some.flags() == b"\1\0\0\0"


def test_the_bits_of_a_number_come_lowest_first() -> None:
    assert list(ones(0b101100)) == [0b100, 0b1000, 0b100000]
    assert list(ones(0)) == []
