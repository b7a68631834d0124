"""A referral passed on: an intermediary's own order and Task, made from those it was given.

SDOH Clinical Care 3.0.0, refer-1: the resources referred to are copied, the order has the intent
``filler-order`` and is based on the first, the Task is part of the first. Every reference of a copy
leads to a copy; what was not given is not there to be copied.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from mappings.canonical import SourceRow
from mappings.fhir import provenance
from mappings.fhir.elements import Json, instant, reference
from mappings.fhir.terminology import table

COPIED: Final = ("Patient", "RelatedPerson", "Observation", "ServiceRequest", "Task")
"""What is copied. The first hop's consents are not: the second has its own."""
_FOLLOW_UP: Final = table("follow-up")
_ORIGIN: Final = SourceRow("passed-on", "referral", 1, "")
_LABELS: Final = frozenset({"R", "MH", "SUD"})
"""Labels of a record itself; the others were put on it as it was released."""
_ANSWERED: Final = ("meta", "statusReason", "output", "executionPeriod", "lastModified")


@dataclass(frozen=True, slots=True)
class Onward:
    """The second hop.

    Attributes:
        id_for: gives the id of a copy by type and the id of what is copied.
        intermediary, provider: references to who asks and who is asked.
        at: the aware instant at which it is passed on.
    """

    id_for: Callable[[str, str], str]
    intermediary: Json
    provider: Json
    at: datetime


def filler_order(given: Sequence[Json], onward: Onward) -> list[dict[str, Any]]:
    """Return the copies, the filler order, its Task and their Provenance.

    Args:
        given: what the intermediary was given of one referral: one ServiceRequest, one Task, the
            persons, and what the order refers to.
        onward: to whom it goes on.
    """
    new = {
        (str(each["resourceType"]), str(each["id"])): onward.id_for(
            each["resourceType"], each["id"]
        )
        for each in given
        if each["resourceType"] in COPIED
    }
    ids = {old: made for (_, old), made in new.items()}
    places = {f"{kind}/{old}": f"{kind}/{made}" for (kind, old), made in new.items()}
    made = [
        {**_rewritten(_plain(each), ids | places), **_ours(each, onward)}
        for each in given
        if each["resourceType"] in COPIED
    ]
    return [*made, _provenance(made, onward)]


def _plain(resource: Json) -> dict[str, Any]:
    """Return a resource without what tells of its release, and without links it was not given."""
    kept = {name: value for name, value in resource.items() if name not in _ANSWERED}
    meta = resource.get("meta", {})
    labels = [c for c in meta.get("security", ()) if c.get("code") in _LABELS]
    told = {"profile": meta.get("profile"), "security": labels}
    kept["meta"] = {name: value for name, value in told.items() if value}
    if resource["resourceType"] == "ServiceRequest":
        links = resource.get("supportingInfo", ())
        kept["supportingInfo"] = [i for i in links if i["reference"].startswith("Observation/")]
        if not kept["supportingInfo"]:
            del kept["supportingInfo"]
    return kept


def _rewritten(node: Any, new: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON
    if isinstance(node, Mapping):
        return {name: _rewritten(value, new) for name, value in node.items()}
    if isinstance(node, list):
        return [_rewritten(item, new) for item in node]
    return new.get(node, node) if isinstance(node, str) else node


def _ours(resource: Json, onward: Onward) -> dict[str, Any]:
    """Return what an intermediary says itself of an order or a Task."""
    place = reference(str(resource["resourceType"]), str(resource["id"]))
    asked: Json = {"authoredOn": instant(onward.at), "requester": onward.intermediary}
    if resource["resourceType"] == "ServiceRequest":
        own: Json = {"intent": "filler-order", "basedOn": [place], "performer": [onward.provider]}
        return {**asked, **own, "status": "active"}
    if resource["resourceType"] == "Task":
        concept = {"coding": [_FOLLOW_UP.codings["sent"]]}
        own = {"partOf": [place], "owner": onward.provider, "status": "requested"}
        return {**asked, **own, "businessStatus": concept}
    return {}


def _provenance(made: Sequence[Json], onward: Onward) -> Json:
    asked = [each for each in made if each["resourceType"] in ("ServiceRequest", "Task")]
    targets = [reference(each["resourceType"], each["id"]) for each in asked]
    parties = (onward.intermediary, onward.intermediary)
    own_id = onward.id_for("Provenance", asked[0]["id"])
    return provenance.build(own_id, targets, parties, _ORIGIN, onward.at)
