"""Tables of what may leave, per view: ``projection/<view>.csv``, read into trees of paths.

A view says, for each resource type, which element of the memorandum governs each path; what no row
names does not leave. Columns:

* ``resource``; ``path``: FHIR JSON names joined by dots, arrays implied. ``name(KEY=VALUE)`` takes
  the entries whose KEY (dotted) is VALUE, ``KEY^=VALUE`` those that begin so; ``extension(URL)``
  those with that url. ``@anchor`` names the element whose permit lets the resource leave at all;
  ``@anchor(KEY=VALUE)`` for resources that say so, first match first.
* ``shape``: "" for a plain value, ``day`` for the day of an instant in the view's zone, or a data
  type of ``shapes.csv``.
* ``element``: of the template's catalogue; ``@envelope`` goes with the anchor; ``@linked`` goes
  where the recipient may read what it refers to; as an anchor, ``@public``: always.
* ``otherwise``: JSON put in place of a top-level path that is withheld, so that the resource stays
  valid and looks as if the source had been silent; "" leaves it out.
"""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from consent.selectors import Selector, parse_selector

VIEWS = ("to-provider", "to-school", "to-hub")
ENVELOPE = "@envelope"
LINKED = "@linked"
PUBLIC = "@public"
_ANCHOR = "@anchor"
_SEGMENT = re.compile(r"([A-Za-z_@][A-Za-z0-9_]*)(?:\(([^)]*)\))?(?:\.|$)")
_PLAIN_SHAPES = ("", "day")


@dataclass(frozen=True, slots=True)
class Segment:
    """One name of a path, with the entries it takes."""

    name: str
    selector: Selector | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One permitted leaf."""

    segments: tuple[Segment, ...]
    element: str
    day: bool = False


@dataclass(frozen=True, slots=True)
class Anchor:
    """The element that must be permitted for a resource to leave."""

    element: str
    where: Selector | None = None


@dataclass(frozen=True, slots=True)
class ResourceView:
    """What of one resource type may leave under a view."""

    anchors: tuple[Anchor, ...] = ()
    rules: tuple[Rule, ...] = ()
    otherwise: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """One view. Compared by identity: each view is loaded once per zone."""

    view: str
    zone: ZoneInfo
    resources: Mapping[str, ResourceView] = field(default_factory=dict)


@cache
def load_projection(view: str, tz: str = "UTC") -> Projection:
    """Return a view by name.

    Args:
        view: one of :data:`VIEWS`.
        tz: the zone in which ``day`` values are cut: the agreement's, for a view that has any.

    Raises:
        LookupError: if there is no such view.
        ValueError: if its table is wrong; names the row.
    """
    if view not in VIEWS:
        raise LookupError("no such view; see consent/projection")
    by_type: dict[str, list[dict[str, str]]] = {}
    for number, row in enumerate(_rows(f"{view}.csv"), 2):
        by_type.setdefault(row["resource"], []).append({**row, "at": f"{view}.csv row {number}"})
    return Projection(view, ZoneInfo(tz), {kind: _view(rows) for kind, rows in by_type.items()})


def anchor_of(view: str, resource_type: str) -> str | None:
    """Return the element whose permit lets a resource type leave, or None.

    None for a public directory entry, for a type whose anchor depends on what the resource says
    (Observation), and for a type the view does not know.

    Raises:
        LookupError: if there is no such view.
    """
    found = load_projection(view).resources.get(resource_type)
    always = [anchor.element for anchor in found.anchors if not anchor.where] if found else []
    return always[0] if always and always[0] != PUBLIC else None


@cache
def elements_of(view: str, resource_types: tuple[str, ...]) -> frozenset[str]:
    """Return the elements that stand in resources of some types, in one view."""
    resources = load_projection(view).resources
    found = (rule.element for kind in resource_types for rule in resources[kind].rules)
    return frozenset(element for element in found if not element.startswith("@"))


def _rows(name: str) -> list[dict[str, str]]:
    text = files("consent.projection").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text)))


@cache
def _shapes() -> dict[str, tuple[str, ...]]:
    shapes: dict[str, tuple[str, ...]] = {}
    for row in _rows("shapes.csv"):
        shapes[row["shape"]] = (*shapes.get(row["shape"], ()), row["path"])
    return shapes


def _view(rows: list[dict[str, str]]) -> ResourceView:
    anchors: list[Anchor] = []
    rules: list[Rule] = []
    for row in rows:
        if row["path"].startswith(_ANCHOR):
            anchors.append(Anchor(row["element"], _segments(row)[0].selector))
        else:
            rules.extend(_rules(row))
    if not anchors:
        raise ValueError(f"{rows[0]['at']}: {rows[0]['resource']} has no @anchor")
    kept = tuple(_otherwise(row) for row in rows if row["otherwise"])
    return ResourceView(tuple(anchors), tuple(rules), kept)


def _rules(row: dict[str, str]) -> Iterator[Rule]:
    segments = _segments(row)
    if row["shape"] in _PLAIN_SHAPES:
        yield Rule(segments, row["element"], row["shape"] == "day")
        return
    if row["shape"] not in _shapes():
        raise ValueError(f"{row['at']}: no such shape in shapes.csv")
    for path in _shapes()[row["shape"]]:
        yield Rule((*segments, *_segments({**row, "path": path})), row["element"])


def _segments(row: dict[str, str]) -> tuple[Segment, ...]:
    path, segments, end = row["path"], [], 0
    for match in _SEGMENT.finditer(path):
        if match.start() != end:
            break
        end = match.end()
        segments.append(_segment(match[1], match[2]))
    if end != len(path) or not segments:
        raise ValueError(f"{row['at']}: the path does not read")
    return tuple(segments)


def _segment(name: str, condition: str | None) -> Segment:
    if condition is None:
        return Segment(name)
    if name == "extension":
        condition = f"url={condition}"
    return Segment(name, parse_selector(condition))


def _otherwise(row: dict[str, str]) -> tuple[str, str, str]:
    (segment,) = _segments(row)
    json.loads(row["otherwise"])
    return segment.name, row["element"], row["otherwise"]
