"""Sealing: write the template's digest into an agreement, and change nothing else."""

import re

from consent.mou.agreement import expect_template
from consent.mou.reading import Node, Reading
from consent.mou.template import Template
from documents import Located, read_yaml

_SCALAR = re.compile(r""""[^"\n]*"|'[^'\n]*'|[^\s,}\]#]+""")


def seal(source: bytes, template: Template) -> bytes:
    """Return the agreement with ``extends.digest`` filled in, byte-equal otherwise.

    Args:
        source: the bytes of an agreement.
        template: the template its parties read and sign.

    Raises:
        DocumentError: if ``extends`` names another template or version, or has no digest to fill.
    """
    reading = Reading("agreement")
    located = read_yaml(source, reading.document)
    digest = _digest_node(located, template, reading)
    text = source.decode("utf-8")
    start = _offset(text, digest)
    # A mark of byte order is no column of the first line.
    match = _SCALAR.match(text, start)
    if match is None:
        Node(digest, "extends.digest", reading).note("must be text on one line")
        reading.finish()
        raise AssertionError("unreachable: finish raises")
    return (text[:start] + f'"{template.digest}"' + text[match.end() :]).encode()


def _digest_node(located: Located, template: Template, reading: Reading) -> Located:
    extends = located.entries.get("extends", located)
    fields = Node(extends, "extends", reading).fields("id version digest")
    expect_template(fields, template)
    reading.finish()
    return fields.nodes["digest"].located


def _offset(text: str, located: Located) -> int:
    lines = text.splitlines(keepends=True)
    before = sum(len(line) for line in lines[: located.position.line - 1])
    mark = 1 if text.startswith("\ufeff") and located.position.line == 1 else 0
    return before + mark + located.position.column - 1
