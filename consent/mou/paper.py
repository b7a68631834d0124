"""From a rule back to the paper that was signed."""

from consent.mou.agreement import Agreement
from consent.mou.template import Template


def clause_of(rule: str, template: Template, agreement: Agreement | None = None) -> str:
    """Return the number of the clause that carries a flow or prohibition, or "".

    A flow's own ``clause`` wins; else the first clause, agreement before template, that lists it.
    """
    for flow in (*template.flows, *template.spoken):
        if flow.id == rule:
            return flow.clause
    own = agreement.clauses.values() if agreement else ()
    listed = (
        clause.number for clause in (*own, *template.clauses.values()) if rule in clause.rules
    )
    return next(listed, "")


def notices(template: Template) -> tuple[str, ...]:
    """Return the ids of the notices that forbid passing on (34 CFR 99.33(d), 42 CFR 2.32)."""
    return template.settings.redisclosure.notice
