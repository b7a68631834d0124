"""What must hold for one slice, as bit masks: what :mod:`consent.compiling` makes.

Each fact of ``facts.csv`` is one bit, in the order of that file; a set of facts is one number.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache

from consent.duties import Extent, able
from consent.facts import load_facts
from consent.law import Law
from consent.model import FactName
from consent.mou.agreement import Agreement
from consent.mou.template import Template


@dataclass(frozen=True, slots=True)
class Sources:
    """The three documents a decision rests on, and the duties the sender can carry out."""

    template: Template
    agreement: Agreement
    law: Law
    able: frozenset[str] = field(default_factory=able)


@dataclass(frozen=True, slots=True)
class Denial:
    """A prohibition that speaks of this slice."""

    id: str
    when: int
    unless: int
    clause: str

    def objects(self, bits: int) -> bool:
        """Whether it denies under these facts."""
        return bits & self.when == self.when and not bits & self.unless


@dataclass(frozen=True, slots=True)
class Way:
    """One way to satisfy a layer: a legal basis or a flow, with the facts it needs.

    Attributes:
        extent: how far its obligations let an element go.
        form: the template's form that met a basis and brings obligations, or "".
    """

    name: str
    needs: int
    clause: str = ""
    obligations: tuple[str, ...] = ()
    extent: Extent = Extent.PERMIT
    form: str = ""


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer that must agree; any one of its ways will do, none means it never agrees."""

    name: str
    objection: str
    ways: tuple[Way, ...]

    def met(self, bits: int) -> Iterator[Way]:
        """Yield the ways that hold under these facts."""
        return (way for way in self.ways if bits & way.needs == way.needs)


@dataclass(frozen=True, slots=True)
class Conditions:
    """All that decides one slice.

    Attributes:
        known: False if the documents do not define the slice; then nothing else counts.
        layers: laws in the pack's order, then template, then agreement.
        clause: of the first flow that names the slice, or "".
        relevant: the facts any part looks at.
        review: the facts that discharge a duty of review; a cell that lacks nothing else is held.
        review_hours: within which a release is reviewed afterwards.
    """

    known: bool
    denials: tuple[Denial, ...] = ()
    layers: tuple[Layer, ...] = ()
    clause: str = ""
    relevant: int = 0
    review: int = 0
    review_hours: int = 0


@cache
def fact_bits() -> dict[str, int]:
    """Return the bit of each fact."""
    return {str(name): 1 << index for index, name in enumerate(load_facts())}


def bits_of(facts: Collection[str]) -> int:
    """Return a set of facts as a number.

    Raises:
        KeyError: for a name that is no fact.
    """
    bits = fact_bits()
    number = 0
    for fact in facts:
        number |= bits[fact]
    return number


@lru_cache(maxsize=4096)  # many records are decided under the same facts
def facts_in(number: int) -> frozenset[FactName]:
    """Return the facts of a number."""
    return frozenset(FactName(name) for name, bit in fact_bits().items() if number & bit)
