"""The surface lock: a surface as a file a person can review, in one canonical form.

One group for each way of being open; under it, per direction and purpose, roles and elements. Two
documents that release the same have byte-equal locks.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator

from consent.model import Slice
from consent.mou.reading import Fields, Node, Reading
from consent.surface.opening import Opening
from consent.surface.released import Surface
from documents import read_yaml

_HEAD = """\
# The released surface of {name}: each slice some facts open, with its minimal permit sets.
# Written by `schoolbridge mou surface {name} --lock`. A change here is a change of what may leave.
"""
_DIRECTION = tuple[str, str, str]


def locked_text(surface: Surface) -> str:
    """Return a surface as the text of its lock file."""
    lines = [
        'surface: "1"',
        f"document: {surface.name}",
        f"digest: {_quoted(surface.digest)}",
        "open:" if surface.openings else "open: []",
        *_groups(surface),
        "rests_on:",
        *(f"  {_quoted(path)}: {_quoted(value)}" for path, value in surface.rests_on.items()),
    ]
    return _HEAD.format(name=surface.name) + "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _groups(surface: Surface) -> Iterator[str]:
    groups: dict[Opening, list[Slice]] = defaultdict(list)
    for asked, opening in surface.openings.items():
        groups[opening].append(asked)
    for opening, slices in sorted(groups.items(), key=lambda group: min(group[1])):
        yield "  - duties: " + _listed(opening.duties)
        yield "    permits:"
        yield from (f"      - {_listed(term)}" for term in opening.permits)
        yield "    cells:"
        yield from (f"      - {line}" for line in sorted(_lines(slices)))


def _listed(words: Iterable[str]) -> str:
    return "[" + ", ".join(_quoted(word) for word in words) + "]"


def _lines(slices: list[Slice]) -> Iterator[str]:
    """Yield ``sender recipient role,role purpose element element``: elements of the same roles."""
    roles: dict[_DIRECTION, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for s in sorted(slices):
        roles[s.sender, s.recipient, s.purpose][s.element].append(s.role)
    for (sender, recipient, purpose), by_element in roles.items():
        same: dict[str, list[str]] = defaultdict(list)
        for element, names in by_element.items():
            same[",".join(names)].append(element)
        for names_of, elements in same.items():
            yield f"{sender} {recipient} {names_of} {purpose} {' '.join(elements)}"


def read_lock(source: bytes, document: str) -> Surface:
    """Read a lock file strictly.

    Raises:
        DocumentError: with line and column, if it is not a lock, or its digest is not that of
            what it lists (someone edited it by hand).
    """
    reading = Reading(document)
    fields = Node(read_yaml(source, document), "", reading).fields(
        "surface document digest open rests_on"
    )
    openings = dict(_openings(fields))
    rests_on = {name: node.located.text for name, node in fields.require("rests_on").named()}
    surface = Surface(fields.text("document"), openings, rests_on)
    if "digest" in fields.nodes and fields.text("digest") != surface.digest:
        fields.nodes["digest"].note("is not the digest of this surface; write the lock again")
    reading.finish()
    return surface


def _openings(fields: Fields) -> Iterator[tuple[Slice, Opening]]:
    for group in fields.require("open").items():
        parts = group.fields("duties permits cells")
        permits = tuple(term.texts() for term in parts.require("permits").items())
        opening = Opening(permits, parts.texts("duties"))
        for line in parts.require("cells").items():
            yield from ((asked, opening) for asked in _slices(line))


def _slices(line: Node) -> Iterator[Slice]:
    words = line.text().split()
    if len(words) < 5:
        line.note("says sender, recipient, roles, purpose and elements")
        return
    sender, recipient, roles, purpose, *elements = words
    for role in roles.split(","):
        for element in elements:
            yield Slice(sender, recipient, role, purpose, element)
