"""From the bytes of a map to a :class:`MapDocument`."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from documents import DocumentError, Located, Position, Problem, read_yaml
from mappings.language.dictionary import MapKind
from mappings.language.document import (
    Constant,
    Example,
    FieldRule,
    JoinRule,
    MapDocument,
    SourceSpec,
    Unsent,
)
from mappings.language.outline import NOTHING, Outline
from mappings.language.past import UntilPast
from mappings.language.reading_fields import read_field, read_hold
from mappings.language.reading_sources import read_join, read_source
from mappings.language.value_tables import ReadTable

VERSION: Final = "1"
OPEN: Final = "decide?"
"""What a draft writes before each suggestion; a map that holds it does not load."""
TOP_KEYS = (
    *("map", "id", "title", "kind", "zone", "sources", "row-key", "fields", "not-on-form"),
    *("constants", "joins", "do-not-send", "examples", "hold-when", "until-past"),
)

UNSENT_KEYS: Final = ("column", "source", "why")
EXAMPLE_KEYS: Final = ("name", "given", "row", "message", "expect", "held", "exported")


def read_map(source: bytes, path: Path, read: ReadTable) -> MapDocument:
    """Read a map.

    Args:
        source: the YAML of the map.
        path: where it stands; its name is used in messages.
        read: gives the bytes of a value table by its name.

    Raises:
        DocumentError: the document is no YAML or lacks what nothing can be checked without:
            its kind or its first source. Everything else is noted in ``problems``.
    """
    return read_located(read_yaml(source, path.name), path, read)


def read_located(located: Located, path: Path, read: ReadTable) -> MapDocument:
    """Read a map whose YAML was read already; see :func:`read_map`.

    Raises:
        DocumentError: it has no kind or no source.
    """
    if undecided := list(_undecided(located)):
        raise DocumentError([Problem(path.name, w.line, w.column, text) for w, text in undecided])
    outline = Outline(path.name)
    root = outline.section(located, TOP_KEYS, "a map")
    if outline.text(root, "map", needed=True).text not in ("", VERSION):
        outline.problem(
            root.entries["map"].position, f'this version reads maps of map: "{VERSION}"'
        )
    kinds = tuple(kind.value for kind in MapKind)
    kind = outline.one_of(root, "kind", kinds, "")
    sources = _sources(root, outline)
    if not kind or not sources:
        needed = Problem(path.name, 1, 1, f"a map needs a kind ({', '.join(kinds)}) and sources")
        raise DocumentError([needed, *outline.problems])
    document = _document(root, outline, path, (MapKind(kind), sources))
    fields = _fields(root, outline, sources[0].role, read)
    return replace(document, fields=fields, problems=tuple(outline.problems))


def _undecided(node: Located) -> Iterator[tuple[Position, str]]:
    """Find what a draft left to a person."""
    for item in (*node.items, *node.entries.values()):
        yield from _undecided(item)
    if node.text.startswith(OPEN):
        suggested = node.text.removeprefix(OPEN).strip()
        if suggested:
            yield node.position, f'still open: is it "{suggested}"? Keep it without "{OPEN}"'
        else:
            yield node.position, f'still open: write what it is in the place of "{OPEN}"'


def _document(
    root: Located, outline: Outline, path: Path, known: tuple[MapKind, tuple[SourceSpec, ...]]
) -> MapDocument:
    """Return the map but for its fields and problems."""
    kind, sources = known
    main = sources[0].role
    return MapDocument(
        document=path.name,
        folder=path.parent,
        id=outline.text(root, "id", needed=True).text,
        title=outline.text(root, "title", needed=True).text,
        kind=kind,
        zone=outline.text(root, "zone", needed=True),
        sources=sources,
        row_key=outline.words(root, "row-key"),
        fields=(),
        not_on_form=outline.words(root, "not-on-form"),
        constants=_constants(root, outline),
        joins=_joins(root, outline),
        unsent=_unsent(root, outline, main),
        examples=_examples(root, outline, main),
        hold_when=tuple(read_hold(item, outline) for item in outline.items(root, "hold-when")),
        until_past=_until_past(root, outline, kind),
    )


def _until_past(root: Located, outline: Outline, kind: MapKind) -> UntilPast:
    ways = tuple(way.value for way in UntilPast)
    if "until-past" in root.entries and kind is not MapKind.SESSION:
        outline.problem(root.entries["until-past"].position, "until-past is for maps of sessions")
    return UntilPast(outline.one_of(root, "until-past", ways, UntilPast.HOLD.value))


def _sources(root: Located, outline: Outline) -> tuple[SourceSpec, ...]:
    return tuple(read_source(name, node, outline) for name, node in outline.pairs(root, "sources"))


def _fields(root: Located, outline: Outline, main: str, read: ReadTable) -> tuple[FieldRule, ...]:
    return tuple(read_field(node, outline, main, read) for node in outline.items(root, "fields"))


def _joins(root: Located, outline: Outline) -> tuple[JoinRule, ...]:
    return tuple(read_join(node, outline) for node in outline.items(root, "joins"))


def _constants(root: Located, outline: Outline) -> tuple[Constant, ...]:
    found = []
    for name, node in outline.pairs(root, "constants"):
        if node.kind != "text" or node.empty:
            outline.problem(node.position, "a constant is one text")
        found.append(Constant(name, node.text))
    return tuple(found)


def _unsent(root: Located, outline: Outline, main: str) -> tuple[Unsent, ...]:
    found: list[Unsent] = []
    for item in outline.items(root, "do-not-send"):
        node = outline.section(item, UNSENT_KEYS, "do-not-send")
        why = outline.text(node, "why", needed=True).text
        role = outline.text(node, "source").text or main
        found.extend(Unsent(word, role, why) for word in outline.words(node, "column"))
    return tuple(found)


def _examples(root: Located, outline: Outline, main: str) -> tuple[Example, ...]:
    return tuple(_example(item, outline, main) for item in outline.items(root, "examples"))


def _example(item: Located, outline: Outline, main: str) -> Example:
    node = outline.section(
        item,
        EXAMPLE_KEYS,
        "an example",
    )
    given: dict[str, dict[str, str] | str] = {}
    for role, entry in outline.pairs(node, "given"):
        given[role.text] = _row(entry, outline)
    if "row" in node.entries:
        given[main] = _row(node.entries["row"], outline)
    if message := outline.text(node, "message").text:
        given[main] = message
    expect = _row(node.entries.get("expect", NOTHING), outline)
    held = outline.texts(node, "held")
    if not given or bool(held) == bool(expect):
        outline.problem(node.position, "an example has rows, and either expect or held")
    name = outline.text(node, "name", needed=True).text
    expected = expect if isinstance(expect, dict) else {}
    exported = outline.text(node, "exported").text
    return Example(name, node.position, given, expected, held, exported)


def _row(node: Located, outline: Outline) -> dict[str, str] | str:
    if node.kind == "text":
        return node.text
    if node.kind == "list" or any(value.kind != "text" for value in node.entries.values()):
        outline.problem(node.position, "a row is written as heading and text")
        return {}
    return {heading: value.text for heading, value in node.entries.items()}
