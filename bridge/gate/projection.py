"""Turning a stored record and its decision into what leaves."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import orjson

from bridge.gate.authorise import Viewer
from bridge.gate.decisions import RecordDecision
from bridge.gate.duties.riding import Riding, codes_of, labelled, riding
from bridge.gate.released import GATE_MARK, ReleasedResource
from bridge.identifiers import Identifiers
from bridge.store.search.index_values import nodes_at
from bridge.store.vault import Stored
from consent.minimise import load_projection, minimise, surely_keeps_its_meaning
from mappings.fhir.handling import ConsentScope

_NOTHING: tuple[Riding, Sequence[ConsentScope]] = (Riding(), ())
LINKING = {"ServiceRequest": ("supportingInfo",), "Provenance": ("target",)}


def project(
    viewer: Viewer,
    asked: tuple[Stored, RecordDecision],
    linkable: Collection[str],
    identifiers: Identifiers,
    scopes: Sequence[ConsentScope] = (),
) -> ReleasedResource | None:
    """Return what leaves of one record, or None where nothing may.

    A public (directory) or own record leaves whole; any other is built from the permitted paths,
    and refers only to what the viewer may read (``linkable``).
    """
    stored, decided = asked
    resource = stored.resource()
    rides = riding(codes_of(decided))
    if decided.agreement is not None:
        permitted = {e.slice.element for e in decided.permitted}
        projection = load_projection(decided.view, decided.agreement.agreement.effective.tz)
        sure = surely_keeps_its_meaning(stored.body)
        minimal = minimise(resource, permitted, projection, linkable, sure=sure)
        if minimal is None:
            return None
        resource = minimal
    if viewer.party == "hub" and decided.view:
        resource = coded(resource, lambda i: identifiers.pseudonym(viewer.organization, i))
    return sealed(viewer, stored, resource, identifiers, (rides, scopes))


def sealed(
    viewer: Viewer,
    stored: Stored,
    resource: dict[str, Any],
    identifiers: Identifiers,
    along: tuple[Riding, Sequence[ConsentScope]] = _NOTHING,
) -> ReleasedResource:
    """Give what leaves its version and date, and what rides ``along``, and seal it.

    INVARIANT: the version depends on what this viewer sees and on nothing else. A Task tells a
    second time when it changed (``lastModified``): that is when this view of it did.
    """
    rides, scopes = along
    meta = {k: v for k, v in resource.get("meta", {}).items() if k in ("profile", "security")}
    meta = labelled(meta, rides, scopes)
    shown = {**resource, "meta": meta}
    dated = shown.pop("lastModified", None) is not None and stored.type == "Task"
    content = orjson.dumps(shown, option=orjson.OPT_SORT_KEYS)
    version = identifiers.sealer(viewer.organization, viewer.role)(content)
    if viewer.party != "hub":  # a coded row tells no time of day
        meta["versionId"] = version
        meta["lastUpdated"] = stored.last_updated.isoformat(timespec="milliseconds")
    ordered = {"resourceType": stored.type, "id": resource["id"], "meta": meta}
    ordered |= {k: v for k, v in resource.items() if k not in ordered}
    if dated:
        ordered["lastModified"] = stored.last_updated.isoformat(timespec="seconds")
    if not meta:
        del ordered["meta"]
    return ReleasedResource(
        type=stored.type,
        id=str(resource["id"]),
        version=version,
        last_updated=stored.last_updated,
        body=orjson.dumps(ordered),
        notices=rides.notices,
        mark=GATE_MARK,
    )


PERSON_TYPES = ("Patient", "ServiceRequest", "Encounter", "Task")


def coded(resource: dict[str, Any], pseudonym: Callable[[str], str]) -> dict[str, Any]:
    """Replace every identifier of a person or a referral by its pseudonym for this hub."""
    row: dict[str, Any] = coded_member(resource, pseudonym)
    row["id"] = pseudonym(str(resource["id"]))
    return row


def coded_member(node: Any, pseudonym: Callable[[str], str]) -> Any:  # noqa: ANN401 - JSON
    """Replace every reference to a person or a referral within, by its pseudonym for this hub."""
    if isinstance(node, list):
        return [coded_member(item, pseudonym) for item in node]
    if not isinstance(node, dict):
        return node
    out = {
        key: coded_member(value, pseudonym) if isinstance(value, (dict, list)) else value
        for key, value in node.items()
    }
    if "reference" in out:
        kind, _, target = str(out["reference"]).partition("/")
        if kind in PERSON_TYPES and target:
            out["reference"] = f"{kind}/{pseudonym(target)}"
    return out


def references(released: ReleasedResource, paths: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return (type, id) of what a *released* body refers to at the given element paths."""
    body = orjson.loads(released.body)
    return [found for path in paths for found in referred(body, path)]


def referred(resource: Mapping[str, Any], path: str) -> list[tuple[str, str]]:
    """Return (type, id) of the relative references at one element path."""
    found = []
    for node in nodes_at(resource, path):
        link = node.get("reference", "") if isinstance(node, Mapping) else ""
        kind, _, target = str(link).partition("/")
        if target:
            found.append((kind, target))
    return found
