"""What a school's system gets: follow-up status, as JSON or CSV."""

from dataclasses import asdict

import orjson
from fastapi import APIRouter, Response

from bridge.context import CallOf
from bridge.errors import ForbiddenError
from bridge.gate import ReleasedFollowUps
from bridge.gate.duties.riding import notice_of
from bridge.journeys.files.export_follow_up import follow_up_table

router = APIRouter(prefix="/school")


@router.get("/follow-up")
def follow_up(call: CallOf) -> Response:
    """List the caller's referrals with their follow-up status."""
    released = _released(call)
    rows = [asdict(row) for row in released.rows]
    body = orjson.dumps({"referrals": rows, "notices": [told(each) for each in released.notices]})
    return Response(body, media_type="application/json")


@router.get("/follow-up.csv")
def follow_up_csv(call: CallOf) -> Response:
    """List the same as a spreadsheet file."""
    return Response(follow_up_table(_released(call)), media_type="text/csv; charset=utf-8")


def told(notice_id: str) -> dict[str, object]:
    """Return a notice as data: id, source and text by language."""
    notice = notice_of(notice_id)
    return {"id": notice.id, "cite": notice.cite, "text": dict(notice.texts)}


def _released(call: CallOf) -> ReleasedFollowUps:
    # The rows are about every referral: a scope with limits does not cover them.
    if call.caller.party != "lea" or not call.caller.allows("Task", "search-type"):
        raise ForbiddenError
    return call.bridge.gate.follow_up(call.caller, call.request_id)
