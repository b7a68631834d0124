"""Groups: what a partner may name to export less than everything, read and searched.

A Group here is described and not listed (:mod:`bridge.gate.exports.groups`). What is not the
caller's own is as absent as what never was.
"""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Path, Request, Response

from bridge.api.negotiation import negotiated, posted_query
from bridge.api.replies import document_reply
from bridge.api.search_values import ids_of
from bridge.context import BodyOf, Call, CallOf
from bridge.errors import BadRequestError, Finding, NotFoundError
from bridge.gate import CompiledAgreement, groups_of
from bridge.store.database.engine import read

KIND = "Group"
GroupId = Annotated[str, Path(pattern=r"^[A-Za-z0-9.\-]{1,64}$")]
router = APIRouter(prefix="/fhir", dependencies=[Depends(negotiated)])


@router.get("/Group")
def search_groups(request: Request, call: CallOf) -> Response:
    """Return every group the caller may export, or the one of an id."""
    return _searched(call, request.url.query)


@router.post("/Group/_search")
def search_groups_by_post(request: Request, call: CallOf, body: BodyOf) -> Response:
    """Do :func:`search_groups` with the parameters in the body."""
    return _searched(call, posted_query(request, body))


def _searched(call: Call, query: str) -> Response:
    call.require_all(KIND, "search-type")
    asked = parse_qsl(query, keep_blank_values=True)
    if any(name not in ("_id", "_format") for name, _ in asked):
        raise BadRequestError(Finding("not-supported", "Groups are found by _id alone."))
    wanted = [ids_of(value) for name, value in asked if name == "_id"]
    found = [
        described(each, agreement)
        for each, agreement in own_groups(call).items()
        if all(each in ids for ids in wanted)
    ]
    base = call.bridge.settings.fhir_base
    here = f"{base}/Group" + (f"?{query}" if query else "")
    entries = [
        {"fullUrl": f"{base}/Group/{each['id']}", "resource": each, "search": {"mode": "match"}}
        for each in found
    ]
    head = {"resourceType": "Bundle", "type": "searchset", "total": len(found)}
    links = {"link": [{"relation": "self", "url": here}]}
    return document_reply({**head, **links, **({"entry": entries} if entries else {})}).response()


@router.get("/Group/{group_id}")
def read_group(group_id: GroupId, call: CallOf) -> Response:
    """Return one group the caller may export."""
    call.require_all(KIND, "read")
    return document_reply(described(group_id, agreement_of(call, group_id))).response()


def own_groups(call: Call) -> Mapping[str, CompiledAgreement | None]:
    """Return the groups of who calls, by id."""
    with read(call.bridge.engine) as connection:
        return groups_of(connection, call.bridge.identifiers, call.caller)


def agreement_of(call: Call, group_id: str) -> CompiledAgreement | None:
    """Return the agreement a group is limited to; None for the one that is not limited.

    Raises:
        NotFoundError: the caller has no such group.
    """
    found = own_groups(call)
    if group_id not in found:
        raise NotFoundError
    return found[group_id]


def described(group_id: str, agreement: CompiledAgreement | None) -> dict[str, Any]:
    """Return a group as a resource: what it is by, never who or how many."""
    whom = f"under the agreement {agreement.id}" if agreement else "under any agreement"
    made: dict[str, Any] = {
        "resourceType": KIND,
        "id": group_id,
        "active": True,
        "type": "person",
        "actual": True,
        "name": f"Everybody the caller may know of {whom}",
    }
    return made
