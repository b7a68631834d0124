"""Sealing: write the parent's digest into a document, and change nothing else."""

import re

from consent.mou.narrowing import Parent, expect_parent
from consent.mou.reading import Node, Reading
from documents import Located, read_yaml

_SCALAR = re.compile(r""""[^"\n]*"|'[^'\n]*'|[^\s,}\]#]+""")


def seal(source: bytes, parent: Parent) -> bytes:
    """Return a document with ``extends.digest`` filled in, byte-equal otherwise.

    Args:
        source: the bytes of an agreement, an amendment or a use licence.
        parent: the document its parties read and sign: of an agreement, its template.

    Raises:
        DocumentError: if ``extends`` names another document or version, or has no digest to fill.
    """
    reading = Reading("agreement")
    located = read_yaml(source, reading.document)
    digest = _digest_node(located, parent, reading)
    text = source.decode("utf-8")
    start = _offset(text, digest)
    # A mark of byte order is no column of the first line.
    match = _SCALAR.match(text, start)
    if match is None:
        Node(digest, "extends.digest", reading).note("must be text on one line")
        reading.finish()
        raise AssertionError("unreachable: finish raises")
    return (text[:start] + f'"{parent.digest}"' + text[match.end() :]).encode()


def _digest_node(located: Located, parent: Parent, reading: Reading) -> Located:
    extends = located.entries.get("extends", located)
    fields = Node(extends, "extends", reading).fields("id version digest")
    expect_parent(fields, parent)
    reading.finish()
    return fields.nodes["digest"].located


def _offset(text: str, located: Located) -> int:
    lines = text.splitlines(keepends=True)
    before = sum(len(line) for line in lines[: located.position.line - 1])
    mark = 1 if text.startswith("\ufeff") and located.position.line == 1 else 0
    return before + mark + located.position.column - 1
