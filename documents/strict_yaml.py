"""YAML without surprises: every scalar is text, every mistake has a line and a column.

What plain YAML loaders do to a document people sign (measured on PyYAML): ``on:`` and ``Yes:``
become booleans and silently merge, ``01`` and ``1`` collide, ``12:30`` becomes 750, a date becomes
a date object, the second of two equal keys wins. Here:

* no implicit types: a scalar is the text that was written (the reader of a field types it);
* no duplicate keys, no anchors, aliases, tags or merge keys; keys are text;
* one document per file; depth and size are capped;
* no character that cannot be seen, or that turns the order of others round: what a person reads and
  signs is what is read here (CVE-2021-42574);
* in ``{name: State of Example, Department of Education}`` the words after the comma carry no
  colon. Plain YAML makes them a key without a value; people mean a comma in the text, so they are
  read as such after text written without quotes, and refused anywhere else.

Each mapping, list and text carries its position, so that a later check can name line and column.
"""

import re
from dataclasses import dataclass, field, replace
from typing import NewType

import yaml

from documents.errors import DocumentError, Problem

MAX_BYTES = 2_000_000
MAX_DEPTH = 40

Depth = NewType("Depth", int)
# What to do about what the parser says, by a word of it.
_ADVICE = (
    ("\\t", "; indent with blanks, not with a tab"),
    ("another document", "; keep one document to a file, without ---"),
    ("expected ',' or", "; is a bracket or brace left open before this?"),
    ("expected <block end>", "; is a quote or bracket left open, or a line indented too far?"),
    ("end of stream", "; is a quote or bracket left open?"),
    ("mapping values are not allowed", "; put text that holds a colon in quotes"),
    ("could not find expected ':'", "; write key: value"),
    ("undefined alias", "; write the text out again"),
    ("cannot start any token", "; put the text in quotes"),
)
# Controls but for tab and line ends, other line ends, zero width, and the order of writing.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)
_MARKS_OF_THEM = re.compile("[&*!]")


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Line and column of a node, both counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Located:
    """One node of a document with its position.

    Exactly one of three shapes, told by ``kind``:

    * ``"text"``: ``text`` holds what was written; ``quoted`` says whether in quotes;
    * ``"list"``: ``items``;
    * ``"mapping"``: ``entries`` by key, and ``key_positions``.

    ``empty`` is true for a value left out (``key:`` with nothing behind it), ``null`` and ``~``.
    """

    kind: str
    position: Position
    text: str = ""
    quoted: bool = False
    items: tuple["Located", ...] = ()
    entries: dict[str, "Located"] = field(default_factory=dict)
    key_positions: dict[str, Position] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether nothing was written here."""
        return self.kind == "text" and not self.quoted and self.text in ("", "null", "~")

    def plain(self) -> object:
        """Return the node as nested dict, list, str and None, without positions."""
        if self.kind == "mapping":
            return {key: value.plain() for key, value in self.entries.items()}
        if self.kind == "list":
            return [item.plain() for item in self.items]
        return None if self.empty else self.text


def read_yaml(source: bytes, document: str) -> Located:
    """Read one YAML document strictly.

    Args:
        source: the bytes of the file, UTF-8 (a byte order mark is allowed).
        document: the name used in messages, usually the file's name.

    Raises:
        DocumentError: for anything this module's docstring refuses.
    """
    if len(source) > MAX_BYTES:
        raise DocumentError([Problem(document, 1, 1, f"larger than {MAX_BYTES} bytes")])
    text = _decoded(source, document)
    _refuse_unseen(text, document)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise DocumentError([_from_yaml(error, document)]) from None
    except RecursionError:
        raise DocumentError([Problem(document, 1, 1, "is nested too deeply")]) from None
    except yaml.YAMLError:
        raise DocumentError([Problem(document, 1, 1, "is not readable YAML")]) from None
    if node is None:
        raise DocumentError([Problem(document, 1, 1, "is empty")])
    _refuse_aliases(text, document)
    problems: list[Problem] = []
    located = _convert(node, document, problems, Depth(0))
    if problems:
        raise DocumentError(problems)
    return located


def _decoded(source: bytes, document: str) -> str:
    try:
        return source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        raise DocumentError(
            [Problem(document, line, 1, "is not UTF-8 text; save it as UTF-8")]
        ) from None


def _refuse_unseen(text: str, document: str) -> None:
    found = _UNSEEN.search(text)
    if found:
        before = text[: found.start()]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        said = f"holds a character that cannot be seen, U+{ord(found[0]):04X}; take it out"
        raise DocumentError([Problem(document, line, column, said)])


def _from_yaml(error: yaml.MarkedYAMLError, document: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    said = error.problem or "is not readable YAML"
    advice = next((text for word, text in _ADVICE if word in said), "")
    return Problem(document, line, column, said + advice)


def _refuse_aliases(text: str, document: str) -> None:
    """Refuse anchors, aliases and tags: they make one clause mean another one's text."""
    if not _MARKS_OF_THEM.search(text):
        return  # a second reading of the whole, so only where there can be any
    problems = []
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        if isinstance(token, yaml.AnchorToken | yaml.AliasToken | yaml.TagToken):
            mark = token.start_mark
            word = type(token).__name__.removesuffix("Token").lower()
            problems.append(
                Problem(document, mark.line + 1, mark.column + 1, f"YAML {word} is not allowed")
            )
    if problems:
        raise DocumentError(problems)


def _convert(node: yaml.Node, document: str, problems: list[Problem], depth: Depth) -> Located:
    position = Position(node.start_mark.line + 1, node.start_mark.column + 1)
    if depth > MAX_DEPTH:
        problems.append(Problem(document, position.line, position.column, "is nested too deeply"))
        return Located("text", position)
    deeper = Depth(depth + 1)
    if isinstance(node, yaml.ScalarNode):
        return Located("text", position, text=node.value, quoted=node.style is not None)
    if isinstance(node, yaml.SequenceNode):
        items = tuple(_convert(child, document, problems, deeper) for child in node.value)
        return Located("list", position, items=items)
    return _mapping(node, document, problems, deeper)


def _mapping(node: yaml.Node, document: str, problems: list[Problem], depth: Depth) -> Located:
    entries: dict[str, Located] = {}
    positions: dict[str, Position] = {}
    for key_node, value_node in node.value:
        mark = key_node.start_mark
        where = Position(mark.line + 1, mark.column + 1)
        if not isinstance(key_node, yaml.ScalarNode):
            problems.append(Problem(document, where.line, where.column, "a key must be text"))
            continue
        key = key_node.value
        if _lacks_colon(key_node, value_node):
            if not _continues(entries, key):
                text = f'"{key}" has no colon; write "{key}: ..." or put the text in quotes'
                problems.append(Problem(document, where.line, where.column, text))
            continue
        if key in entries:
            first = positions[key]
            text = f'key "{key}" stands twice (first on line {first.line})'
            problems.append(Problem(document, where.line, where.column, text))
            continue
        entries[key] = _convert(value_node, document, problems, depth)
        positions[key] = where
    start = Position(node.start_mark.line + 1, node.start_mark.column + 1)
    return Located("mapping", start, entries=entries, key_positions=positions)


def _lacks_colon(key_node: yaml.Node, value_node: yaml.Node) -> bool:
    """Whether a key of ``{ }`` is bare words: its empty value then begins where the key ends."""
    return bool(
        isinstance(value_node, yaml.ScalarNode)
        and value_node.style is None
        and value_node.value == ""
        and value_node.start_mark.index == key_node.end_mark.index
    )


def _continues(entries: dict[str, Located], words: str) -> bool:
    """Add bare words to the plain text before them; False if there is none."""
    last = next(reversed(entries), None)
    before = None if last is None else entries[last]
    if last is None or before is None or before.kind != "text" or before.quoted or before.empty:
        return False
    entries[last] = replace(before, text=f"{before.text}, {words}")
    return True
