"""Build what leaves from what is permitted; never delete from what is stored.

INVARIANT: silence means no. An element, extension, nested id, narrative or contained resource that
no row of the view's table names does not leave. A resource with a ``modifierExtension`` anywhere,
or ``implicitRules``, does not leave at all: its meaning may hang on what we do not understand.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from consent.projections import (
    ENVELOPE,
    LINKED,
    PUBLIC,
    Anchor,
    Projection,
    ResourceView,
    Rule,
    Segment,
    anchor_of,
    elements_of,
    load_projection,
)
from consent.selectors import Selector

__all__ = [
    "anchor_of",
    "anchoring",
    "elements_of",
    "load_projection",
    "may_leave",
    "members_of",
    "minimise",
    "minimise_member",
    "surely_keeps_its_meaning",
]

Json = dict[str, object]
_CHANGES_MEANING = ("modifierExtension", "implicitRules")
_MOST_DEPTH = 64


@dataclass(slots=True)
class _Tree:
    """Permitted paths below one name. ``leaf`` if a plain value may stand here."""

    children: dict[str, list[tuple[Selector | None, "_Tree"]]] = field(default_factory=dict)
    leaf: bool = False
    day: bool = False
    linked: bool = False


@dataclass(frozen=True, slots=True)
class _Reach:
    """What values are cut against: the zone of days and the references that may be followed."""

    zone: ZoneInfo
    linkable: Collection[str]


def minimise(
    resource: Json,
    permitted: Collection[str],
    projection: Projection,
    linkable: Collection[str] = (),
    *,
    sure: bool = False,
) -> Json | None:
    """Return what of a resource may leave, or None if it may not leave at all.

    Idempotent, and the input is not changed.

    Args:
        resource: FHIR JSON as stored.
        permitted: the elements permitted for this recipient, role and purpose.
        projection: the view.
        linkable: references (``Observation/abc``) this recipient may read; a reference governed by
            ``@linked`` to anything else would tell that it exists.
        sure: that nothing in it changes its meaning (:func:`surely_keeps_its_meaning`).
    """
    kind = resource.get("resourceType")
    view = projection.resources.get(kind) if isinstance(kind, str) else None
    if view is None or not _may_leave(resource, permitted, view, sure=sure):
        return None
    allowed = frozenset(permitted)
    reach = _Reach(projection.zone, linkable)
    kept = _project(resource, _tree(projection, str(kind), allowed), reach)
    # "resourceType" was asked for above, so something is always left.
    minimal: Json = kept if isinstance(kept, dict) else {}
    for name, element, constant in view.otherwise:
        if element not in allowed:
            minimal[name] = json.loads(constant)
    return minimal


def members_of(kind: str, permitted: frozenset[str], projection: Projection) -> frozenset[str]:
    """Return the top-level names of which something may leave, for :func:`minimise_member`.

    None at all where a resource is more than its members: where something is put in place of what
    is withheld.
    """
    view = projection.resources.get(kind)
    if view is None or any(element not in permitted for _, element, _ in view.otherwise):
        return frozenset()
    return frozenset(_tree(projection, kind, permitted).children)


def minimise_member(
    member: tuple[str, str, object], permitted: frozenset[str], projection: Projection
) -> object | None:
    """Return what :func:`minimise` leaves of one top-level member, or None for nothing.

    It does not depend on the other members; whether the resource may leave at all does
    (:func:`may_leave`).

    Args:
        member: the resource's type, the name and the value.
        permitted: as of :func:`minimise`, in which nothing may be linked.
        projection: the view.
    """
    kind, name, value = member
    reach = _Reach(projection.zone, ())
    kept = _project_entries({name: value}, _tree(projection, kind, permitted), reach)
    return None if kept is None else kept.get(name)


def anchoring(kind: str, projection: Projection) -> tuple[str, ...]:
    """Return the top-level names that :func:`may_leave` looks at, besides the type."""
    chosen = (anchor.where for anchor in projection.resources[kind].anchors)
    return tuple(sorted({where.path[0] for where in chosen if where is not None}))


def may_leave(resource: Json, permitted: Collection[str], projection: Projection) -> bool:
    """Return whether anything of a resource may leave, given its :func:`anchoring` members."""
    view = projection.resources.get(str(resource.get("resourceType")))
    return view is not None and _may_leave(resource, permitted, view)


def surely_keeps_its_meaning(body: str) -> bool:
    """Return whether nothing in a JSON text can change its meaning, by a look at the text alone.

    What is written with escapes, or nested deep, is not sure.
    """
    if "\\" in body or body.count("{") + body.count("[") >= _MOST_DEPTH:
        return False
    # Written out: this looks at every row of an export.
    return _CHANGES_MEANING[0] not in body and _CHANGES_MEANING[1] not in body


def _may_leave(
    resource: Json, permitted: Collection[str], view: ResourceView, *, sure: bool = False
) -> bool:
    anchor = _anchor(resource, view.anchors)
    return (
        anchor is not None
        and (anchor.element == PUBLIC or anchor.element in permitted)
        and (sure or not _changes_meaning(resource, _MOST_DEPTH))
    )


def _anchor(resource: Json, anchors: tuple[Anchor, ...]) -> Anchor | None:
    meant = (a for a in anchors if a.where is None or a.where.matches(resource))
    return next(meant, None)


def _changes_meaning(value: object, depth: int) -> bool:
    """Whether anything inside may change the meaning; too deep to know counts as yes."""
    if depth == 0:
        return True
    if isinstance(value, dict):
        if not value.keys().isdisjoint(_CHANGES_MEANING):
            return True
        inner: Collection[object] = value.values()
    elif isinstance(value, list):
        inner = value
    else:
        return False
    # A plain loop: this looks at every value of every resource that leaves.
    for item in inner:
        if (depth == 1 or isinstance(item, (dict, list))) and _changes_meaning(item, depth - 1):
            return True
    return False


@lru_cache(maxsize=1024)
def _tree(projection: Projection, kind: str, permitted: frozenset[str]) -> _Tree:
    tree = _Tree(children={"resourceType": [(None, _Tree(leaf=True))]})
    for rule in projection.resources[kind].rules:
        if rule.element in (ENVELOPE, LINKED) or rule.element in permitted:
            _grow(tree, rule)
    return tree


def _grow(tree: _Tree, rule: Rule) -> None:
    # Where entries are chosen by a condition, the last chosen name is what a link hangs on.
    for depth, segment in enumerate(rule.segments):
        tree = _child(tree, segment)
        if rule.element == LINKED and depth == len(rule.segments) - 2:
            tree.linked = True
    tree.leaf = True
    tree.day = rule.day


def _child(tree: _Tree, segment: Segment) -> _Tree:
    branches = tree.children.setdefault(segment.name, [])
    for selector, child in branches:
        if selector == segment.selector:
            return child
    child = _Tree()
    if segment.name == "extension":
        child.children["url"] = [(None, _Tree(leaf=True))]
    branches.append((segment.selector, child))
    return child


def _project(value: object, tree: _Tree, reach: _Reach) -> object | None:
    if isinstance(value, dict):
        return _project_entries(value, tree, reach)
    if tree.leaf:
        return _day(value, reach.zone) if tree.day else value
    return None


def _project_entries(value: Json, tree: _Tree, reach: _Reach) -> Json | None:
    if tree.linked and value.get("reference") not in reach.linkable:
        return None
    kept: Json = {}
    for name, inner in value.items():
        if branches := tree.children.get(name):
            # Most of a resource are texts of which none is chosen: they cost no call.
            selector, only = branches[0]
            plain = selector is None and len(branches) == 1 and only.leaf and not only.day
            stays = plain and isinstance(inner, str)
            found = inner if stays else _chosen(inner, branches, reach)
            if found is not None and not (name == "reference" and _is_local(found)):
                kept[name] = found
    # An extension of which only the url is left says that something was there.
    return None if kept.keys() <= {"url"} else kept


def _is_local(found: object) -> bool:
    """Whether a reference is to a contained resource, which never leaves."""
    return isinstance(found, str) and found.startswith("#")


def _chosen(
    value: object, branches: list[tuple[Selector | None, _Tree]], reach: _Reach
) -> object | None:
    if isinstance(value, list):
        items = [_chosen(item, branches, reach) for item in value if not isinstance(item, list)]
        return [item for item in items if item is not None] or None
    if len(branches) == 1 and branches[0][0] is None:
        return _project(value, branches[0][1], reach)
    meant = [tree for selector, tree in branches if selector is None or selector.matches(value)]
    return _project(value, meant[0] if len(meant) == 1 else _merged(meant), reach)


def _merged(trees: list[_Tree]) -> _Tree:
    # Only an entry with names of its own can be meant by several rows: no plain value stands here.
    # INVARIANT: a link governed anywhere is governed everywhere.
    merged = _Tree(linked=any(tree.linked for tree in trees))
    for tree in trees:
        for name, branches in tree.children.items():
            merged.children[name] = [*merged.children.get(name, []), *branches]
    return merged


def _day(value: object, zone: ZoneInfo) -> str | None:
    """Return the day of a FHIR date or dateTime in the district's zone; None if unreadable."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return (moment.astimezone(zone) if moment.tzinfo else moment).date().isoformat()
    except (ValueError, OverflowError):  # in the zone, 0001-01-01T00:00:00Z is of no year there is
        return None
