"""A paper as one Rego policy: the same layers as its Cedar text, one rule a layer."""

from collections.abc import Iterable, Iterator

from consent.law import Basis
from consent.mou.terms.flows import Flow
from consent.mou.terms.prohibitions import Prohibition
from tests.consent.oracles.shipped import Paper


def exported(paper: Paper) -> str:
    """Return a paper, with its template and its law, as Rego text."""
    rules = (*paper.template.prohibitions, *paper.agreement.prohibitions)
    return "\n".join([
        "package release",
        "import rego.v1",
        "default allow := false",
        f"allow if {{ not denied; {met_laws(paper.law.bases)}; in_template; in_agreement }}",
        *(f"denied if {{ {prohibition(rule)} }}" for rule in rules),
        *laws(paper.law.bases),
        *(f"in_template if {{ {flow_holds(flow)} }}" for flow in paper.template.flows),
        *(f"in_agreement if {{ {flow_holds(f)} }}" for f in paper.agreement.flows if f.recipients),
    ])  # fmt: skip


def facts(names: Iterable[str]) -> list[str]:
    return [f"input.facts.{name}" for name in names]


def one_of(attribute: str, values: Iterable[str]) -> str:
    listed = ", ".join(f'"{value}"' for value in values)
    return f"input.{attribute} in {{{listed}}}"


def flow_holds(flow: Flow) -> str:
    reviewed = ["human_reviewed"] if "HUAPRV" in flow.obligations else []
    return "; ".join([
        one_of("sender", flow.senders), one_of("recipient", flow.to),
        one_of("role", flow.recipients), one_of("purpose", flow.purposes),
        one_of("element", flow.elements), *facts([*flow.requires, *reviewed]),
    ])  # fmt: skip


def prohibition(rule: Prohibition) -> str:
    parts = ["true", *facts(rule.when), *(f"not input.facts.{fact}" for fact in rule.unless)]
    if rule.kinds:
        parts.append(f"some kind in input.kinds; kind in {{{_listed(rule.kinds)}}}")
    for name, values in (
        ("element", rule.elements), ("purpose", rule.purposes), ("sender", rule.senders),
    ):  # fmt: skip
        parts += [one_of(name, values)] if values else []
    parts += [f"some aim in input.aims; aim in {{{_listed(rule.to)}}}"] if rule.to else []
    parts += ["input.free_text"] if rule.free_text else []
    return "; ".join(parts)


def _listed(values: Iterable[str]) -> str:
    return ", ".join(f'"{value}"' for value in values)


def _names(bases: tuple[Basis, ...]) -> dict[str, str]:
    """Return a name Rego takes for each law."""
    laws = dict.fromkeys(basis.law for basis in bases)
    return {law: law.lower().replace("-", "_") for law in laws}


def met_laws(bases: tuple[Basis, ...]) -> str:
    return "; ".join(f"not closed_{name}" for name in _names(bases).values())


def laws(bases: tuple[Basis, ...]) -> Iterator[str]:
    for law, name in _names(bases).items():
        own = [basis for basis in bases if basis.law == law]
        kinds = _listed(dict.fromkeys(basis.kind for basis in own))
        yield (
            f"closed_{name} if {{ some kind in input.kinds_in_law; kind in {{{kinds}}}; "
            f"not met_{name} }}"
        )
        yield from (f"met_{name} if {{ {basis_holds(basis)} }}" for basis in own)


def basis_holds(basis: Basis) -> str:
    parts = [f'"{basis.kind}" in input.kinds_in_law', *facts(sorted(basis.needs))]
    only = (("recipient", basis.to), ("purpose", basis.purposes), ("role", basis.roles),
            ("ident", basis.idents))  # fmt: skip
    parts += [one_of(name, sorted(values)) for name, values in only if values]
    return "; ".join(parts)
