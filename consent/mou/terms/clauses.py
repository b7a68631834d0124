"""Every numbered clause of the paper, so that nothing signed is unrepresented."""

from dataclasses import dataclass

from consent.mou.reading import Node, Vocabulary


@dataclass(frozen=True, slots=True)
class Clause:
    """One paper clause: the rules (flows, prohibitions) and settings that carry it out."""

    number: str
    title: str
    rules: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    text_only: bool = False


def read_clauses(node: Node, rules: Vocabulary, settings: Vocabulary) -> dict[str, Clause]:
    """Read ``clauses``; one that carries nothing out is a finding of ``consent.mou.coverage``."""
    return {number: _clause(number, child, rules, settings) for number, child in node.named()}


def _clause(number: str, node: Node, rules: Vocabulary, settings: Vocabulary) -> Clause:
    fields = node.fields("title", "rules settings text_only")
    clause = Clause(
        number,
        fields.text("title"),
        fields.words("rules", rules),
        fields.words("settings", settings),
        fields.flag("text_only"),
    )
    if clause.text_only and (clause.rules or clause.settings):
        node.note("says text_only: true and names rules or settings; it is one or the other")
    return clause
