"""One slice compiled: law, template and agreement become bit masks."""

from collections.abc import Iterator
from dataclasses import replace

from consent.conditions import Conditions, Denial, Layer, Sources, Way, bits_of
from consent.duties import beyond, discharging, extent_of, notice_rules
from consent.law import Basis
from consent.model import Slice
from consent.mou.paper import clause_of
from consent.mou.template import Template
from consent.mou.terms.flows import Flow
from consent.mou.terms.prohibitions import Prohibition

PROVIDER = "provider"
EDUCATION_RECORD = "education_record"
PART2_RECORD = "part2_record"


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
    template, agreement = sources.template, sources.agreement
    if not is_known(asked, template):
        return Conditions(known=False)
    denials = tuple(_denials(asked, sources))
    layers = (
        *_laws(asked, sources),
        _flows("template", template.flows, asked, sources.able),
        _flows("agreement", agreement.flows, asked, sources.able),
    )
    return Conditions(
        known=True,
        denials=denials,
        layers=layers,
        clause=next((flow.clause for flow in template.flows if flow.names(asked)), ""),
        relevant=_relevant(denials, layers),
        review=_reviews(layers),
        review_hours=agreement.emergency.review_within_hours,
    )


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
    element = sources.template.elements[asked.element]
    kinds = kinds_of(element.kind, sources)
    by_law: dict[str, list[Basis]] = {}
    for basis in sources.law.bases:
        if basis.kind in kinds:
            by_law.setdefault(basis.law, []).append(basis)
    if not by_law:
        # No law known for this kind is no permission.
        yield Layer("law:none", "law:none", ())
    for law, bases in by_law.items():
        usable = [b for b in bases if b.applies(asked, element.ident)]
        ways = (_basis(basis, asked, sources.template) for basis in usable)
        able = tuple(
            way for way in ways if not beyond(way.obligations, sources.able, asked.recipient)
        )
        yield Layer(f"law:{law}", f"law:{law}", able)


def _basis(basis: Basis, asked: Slice, template: Template) -> Way:
    forms = {n: f for n, f in template.settings.consents.items() if basis.name in f.satisfies}
    # What rides with a release made under the form (42 CFR 2.32 for a Part 2 consent) ...
    codes = [code for form in forms.values() for code in form.accompany]
    # ... and the notices that a law itself asks for, where the template lists them.
    codes += [
        rule.id
        for rule in notice_rules()
        if rule.id in template.settings.redisclosure.notice
        and rule.rides(basis.law, basis.name, asked.recipient)
    ]
    form = next((name for name, form in forms.items() if form.accompany), "")
    return _way(Way(basis.name, bits_of(basis.needs), "", tuple(dict.fromkeys(codes)), form=form))


def _flows(name: str, flows: tuple[Flow, ...], asked: Slice, able: frozenset[str]) -> Layer:
    """Return the layer of the flows that name a slice.

    A flow with a duty that cannot be carried out is no way through. Where that closes the layer,
    the objection names the duty.
    """
    naming = [flow for flow in flows if flow.names(asked)]
    ways = tuple(
        _way(Way(flow.id, bits_of(flow.requires), flow.clause, flow.obligations))
        for flow in naming
        if not beyond(flow.obligations, able, asked.recipient)
    )
    beyonds = (beyond(flow.obligations, able, asked.recipient) for flow in naming)
    stuck = "" if ways else next(beyonds, "")
    return Layer(name, f"duty:{stuck}" if stuck else f"{name}:no-flow", ways)


def _way(way: Way) -> Way:
    """Add what the obligations of a way mean: the review they wait for, how far they let it go."""
    needs = way.needs | bits_of(discharging(way.obligations))
    return replace(way, needs=needs, extent=extent_of(way.obligations))


def _reviews(layers: tuple[Layer, ...]) -> int:
    codes = {code for layer in layers for way in layer.ways for code in way.obligations}
    return bits_of(discharging(codes))


def _relevant(denials: tuple[Denial, ...], layers: tuple[Layer, ...]) -> int:
    number = 0
    for denial in denials:
        number |= denial.when | denial.unless
    for layer in layers:
        for way in layer.ways:
            number |= way.needs
    return number
