"""Paper and rules compared: every signed clause is carried out, every rule was signed.

A gap is a finding, not an error of reading: the document can be read and decides as it says, yet
somebody signed what nothing carries out, or something is carried out that nobody signed.
"""

from collections.abc import Iterator

from consent.mou.library import Bound, Kind
from consent.mou.terms.clauses import Clause
from consent.releases import DISSENT
from documents import Located, Position, Problem


def uncovered(bound: Bound, document: str) -> tuple[Problem, ...]:
    """Return what is signed and not carried out, or carried out and not signed, in order."""
    clauses = _clauses(bound)
    found = (
        *_empty_clauses(bound, document, clauses),
        *_unsigned(bound, document, clauses),
        *_not_held(bound, document),
    )
    return tuple(sorted(found))


def _clauses(bound: Bound) -> dict[str, Clause]:
    """Return all clauses that could carry a rule of this document: its own and those above."""
    own = {} if bound.kind is Kind.TEMPLATE else dict(bound.agreements[0].clauses)
    return {**bound.template.clauses, **own}


def _empty_clauses(bound: Bound, document: str, clauses: dict[str, Clause]) -> Iterator[Problem]:
    node = bound.located.entries.get("clauses")
    for number, where in (node.key_positions if node else {}).items():
        clause = clauses[number]
        if not (clause.rules or clause.settings or clause.text_only):
            text = f'clause "{number}" is signed and no rule or setting carries it out'
            advice = "name them under rules or settings, or say text_only: true"
            yield _problem(document, where, f"{text}; {advice}")


def _unsigned(bound: Bound, document: str, clauses: dict[str, Clause]) -> Iterator[Problem]:
    signed = {rule for clause in clauses.values() for rule in clause.rules}
    for rule, node in own_rules(bound.located):
        if rule not in signed:
            text = f"rule {rule} is carried out and no clause was signed for it"
            yield _problem(document, node.position, f"{text}; name it under a clause's rules")
    template_flows = bound.template.flows if bound.kind is Kind.TEMPLATE else ()
    nodes = dict(own_rules(bound.located))
    for flow in template_flows:
        clause = clauses.get(flow.clause)
        if flow.id in signed and (clause is None or flow.id not in clause.rules):
            where = nodes[flow.id].entries["clause"].position
            text = f'flow {flow.id} says clause "{flow.clause}", which does not name it'
            yield _problem(document, where, f"{text}; name it there, or say the right clause")


def _not_held(bound: Bound, document: str) -> Iterator[Problem]:
    """Yield a consent that is to be held while guardians disagree, with no rule that holds it."""
    conflict = bound.located.entries.get("consent_conflict")
    holds = bound.template.settings.consent_conflict.guardians_disagree == "hold"
    refusal = any(set(rule.when) == {DISSENT} for rule in bound.template.prohibitions)
    if conflict is not None and holds and not refusal:
        where = conflict.entries["guardians_disagree"].position
        text = "a disputed consent is held by a prohibition on refusals, and there is none"
        yield _problem(document, where, f"{text}; write one with when: [{DISSENT}]")


def own_rules(located: Located) -> Iterator[tuple[str, Located]]:
    """Yield the flows and prohibitions a document itself writes, with their nodes."""
    for block in ("flows", "prohibitions"):
        node = located.entries.get(block)
        for item in node.items if node else ():
            yield item.entries["id"].text, item


def _problem(document: str, where: Position, text: str) -> Problem:
    return Problem(document, where.line, where.column, text)
