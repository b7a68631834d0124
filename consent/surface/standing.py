"""What holds for every document: proved over all its cells, whatever it states itself.

``standing.csv`` lists every standing property with the law or principle it rests on. Most are lines
about what may leave (``safeguards.py``). The rest, with the promise ``engine``, are about the table
itself: each has a check here, which asks nothing of how the table was compiled but its answers.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import product

from consent.compiling import compile_slice, is_known, kinds_of
from consent.conditions import Conditions, Denial, Sources, bits_of, facts_in
from consent.duties import able
from consent.facts import IfUnknown, facts_with_unknowns, load_facts
from consent.filters import filter_of
from consent.model import Slice
from consent.mou.template import Template
from consent.mou.terms.flows import Flow
from consent.mou.terms.prohibitions import Prohibition
from consent.surface.proving import Failure, broken, keep_smallest
from consent.surface.safeguards import safeguards, standing_rows
from consent.surface.universe import Universe, universe

_IDENTIFYING = ("direct", "indirect")
# A word that no document defines: a blank cannot be written in a name.
_NOWHERE = " "


@dataclass(frozen=True, slots=True)
class StandingProof:
    """How many standing properties there are, and which failed."""

    properties: int
    failures: tuple[Failure, ...]


@dataclass(frozen=True)
class _View:
    """One slice with its cells: all sets of its facts, and those of them that are open."""

    asked: Slice
    compiled: Conditions
    sources: Sources

    @cached_property
    def cells(self) -> Universe:
        return _cells_of(self.compiled)

    @cached_property
    def open(self) -> int:
        return self.cells.permitted(filter_of(self.compiled))

    def all_true(self, facts: tuple[str, ...]) -> int:
        """Return the cells with all these facts; a fact the slice does not look at is false."""
        return self.cells.all_true(facts) if set(facts) <= set(self.cells.facts) else 0


@lru_cache(maxsize=1024)
def _cells_of(compiled: Conditions) -> Universe:
    return universe({str(fact) for fact in facts_in(compiled.relevant)})


def prove_standing(conditions: Mapping[Slice, Conditions], sources: Sources) -> StandingProof:
    """Check each standing property on every cell of every live slice.

    Args:
        conditions: the table, as :func:`consent.surface.opening.conditions_of` returns it.
        sources: the documents it was compiled from.
    """
    rows = standing_rows()
    lines = broken(safeguards(sources.template), conditions, sources.template)
    worst = {failure.id: failure for failure in lines}
    for asked, compiled in conditions.items():
        view = _View(asked, compiled, sources)
        for name, check in _CHECKS.items():
            if against := check(view):
                facts = view.cells.smallest(against)
                found = Failure(name, "", asked, facts, against.bit_count())
                keep_smallest(worst, found)
    for asked in _undefined_and_open(sources):
        keep_smallest(worst, Failure("undefined-denied", "", asked, (), 1))
    texts = {row["id"]: row["says"] for row in rows}
    failures = (replace(worst[name], text=texts[name]) for name in texts if name in worst)
    return StandingProof(len(rows), tuple(failures))


def _deny_by_default(view: _View) -> int:
    return view.open & 1


def _unanswered_denies(view: _View) -> int:
    """Cells are numbered by their facts: the one with those that are true while unknown."""
    assumed = facts_with_unknowns((), (), under_18=None)
    number = sum(1 << place for place, fact in enumerate(view.cells.facts) if fact in assumed)
    return view.open & 1 << number


def _unanswered_opens_nothing(view: _View) -> int:
    found = 0
    for name, fact in load_facts().items():
        if name in view.cells.facts:
            true = view.cells.were_true(view.open, name)
            false = view.cells.were_false(view.open, name)
            strict, lax = (false, true) if fact.if_unknown is IfUnknown.FALSE else (true, false)
            found |= strict & ~lax
    return found


def _evidence_only_opens(view: _View) -> int:
    """Evidence is every fact that no prohibition of the documents fires on."""
    found = 0
    for fact in set(view.cells.facts) - _firing(view.sources):
        without = view.cells.were_false(view.open, fact)
        found |= without & ~view.cells.were_true(view.open, fact)
    return found


def _firing(sources: Sources) -> set[str]:
    rules = (*sources.template.prohibitions, *sources.agreement.prohibitions)
    return {fact for rule in rules for fact in rule.when}


def _prohibition_only_closes(view: _View) -> int:
    """Any set of conditions is made of these: one fact that sets it off, one that lifts it."""
    facts = [bits_of((fact,)) for fact in view.cells.facts]
    rules = [(bit, 0) for bit in facts] + [(0, bit) for bit in facts]
    found = _opened_under(view, 0, 0)
    for when, unless in rules:
        found |= _opened_under(view, when, unless) & ~view.open
    return found


def _opened_under(view: _View, when: int, unless: int) -> int:
    denials = (*view.compiled.denials, Denial("one more", when, unless, ""))
    return view.cells.permitted(filter_of(replace(view.compiled, denials=denials)))


def _law_agrees(view: _View) -> int:
    sources, asked = view.sources, view.asked
    element = sources.template.elements[asked.element]
    kinds = kinds_of(element.kind, sources)
    bases = [basis for basis in sources.law.bases if basis.kind in kinds]
    agreed = view.cells.everything if bases else 0
    for law in {basis.law for basis in bases}:
        met = 0
        for basis in bases:
            if basis.law == law and basis.applies(asked, element.ident):
                met |= view.all_true(tuple(basis.needs))
        agreed &= met
    return view.open & ~agreed


def _template_agrees(view: _View) -> int:
    template = view.sources.template
    return view.open & ~_allowed(view, template.flows, template.prohibitions)


def _agreement_agrees(view: _View) -> int:
    agreement = view.sources.agreement
    return view.open & ~_allowed(view, agreement.flows, agreement.prohibitions)


def _allowed(view: _View, flows: tuple[Flow, ...], rules: tuple[Prohibition, ...]) -> int:
    """Return the cells a document allows by its own words."""
    element = view.sources.template.elements[view.asked.element]
    kinds = frozenset((element.kind, *kinds_of(element.kind, view.sources)))
    allowed = 0
    for flow in flows:
        if flow.names(view.asked):
            allowed |= view.all_true(flow.requires)
    for rule in rules:
        if rule.names(view.asked, kinds, element.free_text):
            allowed &= ~view.all_true(rule.when) | view.cells.any_true(rule.unless)
    return allowed


def _duties_carried_out(view: _View) -> int:
    codes = {code for way in _ways(view.compiled) for code in way}
    return view.open if codes - able() else 0


def _ways(compiled: Conditions) -> Iterator[tuple[str, ...]]:
    return (way.obligations for layer in compiled.layers for way in layer.ways)


def _deidentified_has_no_name(view: _View) -> int:
    fact = "deidentified"
    element = view.sources.template.elements[view.asked.element]
    if element.ident not in _IDENTIFYING or fact not in view.cells.facts:
        return 0
    said = view.cells.were_true(view.open, fact)
    return said & ~view.cells.were_false(view.open, fact)


_CHECKS: Mapping[str, Callable[[_View], int]] = {
    "deny-by-default": _deny_by_default,
    "unanswered-denies": _unanswered_denies,
    "unanswered-opens-nothing": _unanswered_opens_nothing,
    "evidence-only-opens": _evidence_only_opens,
    "prohibition-only-closes": _prohibition_only_closes,
    "law-agrees": _law_agrees,
    "template-agrees": _template_agrees,
    "agreement-agrees": _agreement_agrees,
    "duties-carried-out": _duties_carried_out,
    "deidentified-has-no-name": _deidentified_has_no_name,
}


def _undefined_and_open(sources: Sources) -> Iterator[Slice]:
    """Yield the slices that no flow names, or no document defines, and that some facts open."""
    for asked in undefined_slices(sources.template):
        compiled = compile_slice(asked, sources)
        # A layer without a way never agrees; most slices end here.
        if all(layer.ways for layer in compiled.layers) and not filter_of(compiled).never:
            yield asked


def undefined_slices(template: Template) -> Iterator[Slice]:
    """Yield each slice of a template's words that no flow names, and with one word unknown."""
    named = {
        Slice(*words)
        for flow in template.flows
        for words in product(flow.senders, flow.to, flow.recipients, flow.purposes, flow.elements)
    }
    live = dict.fromkeys(asked for asked in named if is_known(asked, template))
    yield from (asked for asked in _of_words(template) if asked not in live)
    for asked in live:
        yield replace(asked, recipient=asked.sender)
        for place in ("sender", "recipient", "role", "purpose", "element"):
            yield replace(asked, **{place: _NOWHERE})


def _of_words(template: Template) -> Iterator[Slice]:
    for sender, recipient in product(template.roles, repeat=2):
        staff = template.roles[recipient].staff
        parts = ([sender], [recipient], staff, template.purposes, template.elements)
        yield from (Slice(*words) for words in product(*parts))
