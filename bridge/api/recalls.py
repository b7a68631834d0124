"""Recall notices: a recipient's system lists them, reads one, and acknowledges it.

They are Tasks with ids of their own, beside the Tasks of referrals (ADR 0012): a search of Task
never finds one, so that what depends on consent and what must reach the recipient in spite of it
stay apart.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Request, Response

from bridge.api.reading import parsed
from bridge.api.replies import bundle_reply, resource_reply
from bridge.context import BodyOf, CallOf
from bridge.errors import BadRequestError, Finding
from bridge.journeys.families.recall_releases import acknowledge_recall, recall_for, recalls_for
from bridge.parts import parts_of

router = APIRouter(prefix="/fhir/Task")

PREFIX: Final = "recall-"
"""What the id of each begins with; the id of no other Task does."""

Id = Annotated[str, Path(pattern=r"^[0-9a-f\-]{36}$")]


@router.get("/$recalls")
def recalls(request: Request, call: CallOf) -> Response:
    """List the notices for the caller's organisation, oldest first."""
    call.require_all("Task", "search-type")
    if request.url.query:
        raise BadRequestError(Finding("not-supported", "This operation takes no parameters."))
    base = call.bridge.settings.fhir_base
    released = recalls_for(parts_of(call.bridge), call.caller)
    return bundle_reply(released, base, {"self": f"{base}/Task/$recalls"}).response()


@router.get(f"/{PREFIX}{{recall_id}}")
def recall(recall_id: Id, call: CallOf) -> Response:
    """Read one notice."""
    call.require_all("Task", "read")
    found = recall_for(parts_of(call.bridge), call.caller, recall_id)
    return resource_reply(found, call.bridge.settings.fhir_base).response()


@router.put(f"/{PREFIX}{{recall_id}}")
def acknowledge(recall_id: Id, request: Request, call: CallOf, body: BodyOf) -> Response:
    """Acknowledge one notice: the Task with status completed, and If-Match."""
    call.require_all("Task", "update")
    answer = (parsed(body), request.headers.get("if-match"))
    done = acknowledge_recall(parts_of(call.bridge), call.caller, recall_id, answer)
    return resource_reply(done, call.bridge.settings.fhir_base).response()
