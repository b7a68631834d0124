"""What must hold for one slice, compiled from law, template and agreement to bit masks.

Each fact of ``facts.csv`` is one bit, in the order of that file; a set of facts is one number.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache

from consent.facts import load_facts
from consent.law import Basis, Law
from consent.model import FactName, Slice
from consent.mou.agreement import Agreement
from consent.mou.paper import clause_of
from consent.mou.template import Template
from consent.mou.terms.flows import Flow
from consent.mou.terms.prohibitions import Prohibition

PROVIDER = "provider"
EDUCATION_RECORD = "education_record"
PART2_RECORD = "part2_record"


@dataclass(frozen=True, slots=True)
class Sources:
    """The three documents a decision rests on."""

    template: Template
    agreement: Agreement
    law: Law


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
    """One way to satisfy a layer: a legal basis or a flow, with the facts it needs."""

    name: str
    needs: int
    clause: str = ""
    obligations: tuple[str, ...] = ()


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
    """

    known: bool
    denials: tuple[Denial, ...] = ()
    layers: tuple[Layer, ...] = ()
    clause: str = ""
    relevant: int = 0


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


def facts_in(number: int) -> frozenset[FactName]:
    """Return the facts of a number."""
    return frozenset(FactName(name) for name, bit in fact_bits().items() if number & bit)


def is_known(asked: Slice, template: Template) -> bool:
    """Whether the documents define a slice: five known names, two different parties."""
    role = template.roles.get(asked.recipient)
    return (
        asked.sender != asked.recipient
        and asked.sender in template.roles
        and role is not None
        and asked.role in role.staff
        and asked.purpose in template.purposes
        and asked.element in template.elements
    )


def kinds_of(kind: str, sources: Sources) -> tuple[str, ...]:
    """Return the kinds whose laws govern an element of a catalogue kind.

    A provider that keeps its record *for the school* keeps an education record: FERPA instead of
    HIPAA (HHS and ED joint guidance, December 2019). Part 2 goes on to govern such a record, so
    there the laws add up.
    """
    provider = sources.agreement.parties.get(PROVIDER)
    if provider is None or not provider.acts_for_lea:
        return (kind,)
    match kind:
        case "treatment_record":
            return (EDUCATION_RECORD,)
        case "part2_record":
            return (EDUCATION_RECORD, PART2_RECORD)
        case _:
            return (kind,)


def compile_slice(asked: Slice, sources: Sources) -> Conditions:
    """Compile one slice."""
    template = sources.template
    if not is_known(asked, template):
        return Conditions(known=False)
    denials = tuple(_denials(asked, sources))
    template_flows = _ways(template.flows, asked)
    layers = (
        *_laws(asked, sources),
        Layer("template", "template:no-flow", template_flows),
        Layer("agreement", "agreement:no-flow", _ways(sources.agreement.flows, asked)),
    )
    clause = next((way.clause for way in template_flows), "")
    return Conditions(True, denials, layers, clause, _relevant(denials, layers))


def _denials(asked: Slice, sources: Sources) -> Iterator[Denial]:
    element = sources.template.elements[asked.element]
    # INVARIANT: a prohibition on a kind holds for the catalogue's kind and for the kind it counts
    # as in law, so that moving a record under another law never lifts a prohibition.
    kinds = frozenset((element.kind, *kinds_of(element.kind, sources)))
    for rule in (*sources.template.prohibitions, *sources.agreement.prohibitions):
        if rule.names(asked, kinds, element.free_text):
            yield _denial(rule, sources)


def _denial(rule: Prohibition, sources: Sources) -> Denial:
    clause = clause_of(rule.id, sources.template, sources.agreement)
    return Denial(rule.id, bits_of(rule.when), bits_of(rule.unless), clause)


def _laws(asked: Slice, sources: Sources) -> Iterator[Layer]:
    kinds = kinds_of(sources.template.elements[asked.element].kind, sources)
    by_law: dict[str, list[Basis]] = {}
    for basis in sources.law.bases:
        if basis.kind in kinds:
            by_law.setdefault(basis.law, []).append(basis)
    if not by_law:
        # No law known for this kind is no permission.
        yield Layer("law:none", "law:none", ())
    for law, bases in by_law.items():
        usable = [b for b in bases if b.applies(asked.recipient, asked.role, asked.purpose)]
        ways = tuple(
            Way(basis.name, bits_of(basis.needs), "", _accompanying(basis.name, sources.template))
            for basis in usable
        )
        yield Layer(f"law:{law}", f"law:{law}", ways)


def _accompanying(basis: str, template: Template) -> tuple[str, ...]:
    """Return what rides with a release on this basis (42 CFR 2.32 for a Part 2 consent)."""
    forms = template.settings.consents.values()
    return tuple(code for form in forms if basis in form.satisfies for code in form.accompany)


def _ways(flows: tuple[Flow, ...], asked: Slice) -> tuple[Way, ...]:
    return tuple(
        Way(flow.id, bits_of(flow.requires), flow.clause, flow.obligations)
        for flow in flows
        if flow.names(asked)
    )


def _relevant(denials: tuple[Denial, ...], layers: tuple[Layer, ...]) -> int:
    number = 0
    for denial in denials:
        number |= denial.when | denial.unless
    for layer in layers:
        for way in layer.ways:
            number |= way.needs
    return number
