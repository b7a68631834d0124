"""``explain``: where each column of a map goes, in words and in lineage."""

from dataclasses import dataclass

from mappings.language.dictionary import DICTIONARY
from mappings.language.document import FieldRule, MapDocument


@dataclass(frozen=True, slots=True)
class Lineage:
    """One column (or several) and where it goes.

    Attributes:
        source: role of the source.
        column: the heading; several together are joined by " + ", accepted ones by " or ".
        goes_to: canonical field; empty when the column is not sent.
        how: how the text is read, in words.
        otherwise: what happens to what cannot be read.
        about: what the field means, or why the column is not sent.
        columns: the headings one by one, where a field reads them.
    """

    source: str
    column: str
    goes_to: str
    how: str
    otherwise: str
    about: str
    columns: tuple[str, ...] = ()


def explain_map(document: MapDocument) -> list[Lineage]:
    """Return the lineage of every column and constant, in the order of the map."""
    known = DICTIONARY[document.kind]
    lines = [
        Lineage(
            rule.source,
            _heading(rule, document),
            rule.goes_to.text,
            _how(rule),
            rule.otherwise.value,
            known[rule.goes_to.text].about if rule.goes_to.text in known else "",
            tuple(word.text for word in rule.columns),
        )
        for rule in document.fields
    ]
    lines += [
        Lineage("", "(constant)", entry.name.text, f'always "{entry.value}"', "", "")
        for entry in document.constants
    ]
    for join in document.joins:
        for pair in join.pairs:
            how = f"finds the row with the same {pair.matches.text} (compared as {pair.compare})"
            source = document.source(join.source.text)
            goal = "student" if source and source.reads_with else f"row of {join.source.text}"
            lines.append(Lineage(document.main.role, pair.column.text, goal, how, "hold", ""))
    lines += [
        Lineage(entry.source, entry.column.text, "", "not sent", "", entry.why)
        for entry in document.unsent
    ]
    return lines


def _heading(rule: FieldRule, document: MapDocument) -> str:
    together = rule.together or rule.choose or not rule.columns
    names = [word.text for word in rule.columns or document.row_key]
    return (" + " if together else " or ").join(names)


def _how(rule: FieldRule) -> str:
    if rule.choose:
        return f"chosen by {len(rule.choose)} rules, the first that fits"
    if rule.made_from_key:
        return f'"{rule.prefix}" and the row key'
    parts = []
    if rule.read_as:
        parts.append("read as " + " or ".join(word.text for word in rule.read_as))
    if rule.split_on:
        parts.append("options divided by " + " or ".join(f'"{mark}"' for mark in rule.split_on))
    if rule.values is not None:
        table = rule.values_from or "the map"
        parts.append(f"{len(rule.values)} texts translated by the table of {table}")
    return "; ".join(parts) or "text as it stands"
