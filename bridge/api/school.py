"""What a school's system gets: follow-up status, as JSON or CSV."""

import csv
import io
from dataclasses import asdict

import orjson
from fastapi import APIRouter, Response

from bridge.api.context import CallOf
from bridge.errors import ForbiddenError
from bridge.gate import ReleasedFollowUps

router = APIRouter(prefix="/school")

COLUMNS = ("referral", "student", "school", "sent_on", "status", "status_on", "provider")
# A cell that starts so is read as a formula by spreadsheet programs.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@router.get("/follow-up")
def follow_up(call: CallOf) -> Response:
    """List the caller's referrals with their follow-up status."""
    body = orjson.dumps({"referrals": [asdict(row) for row in _released(call).rows]})
    return Response(body, media_type="application/json")


@router.get("/follow-up.csv")
def follow_up_csv(call: CallOf) -> Response:
    """List the same as a spreadsheet file."""
    return Response(follow_up_table(_released(call)), media_type="text/csv; charset=utf-8")


def _released(call: CallOf) -> ReleasedFollowUps:
    if call.caller.party != "lea":
        raise ForbiddenError
    return call.bridge.gate.follow_up(call.caller, call.request_id)


def follow_up_table(released: ReleasedFollowUps) -> str:
    """Return follow-up rows as CSV that no spreadsheet program reads as formulas."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in released.rows:
        writer.writerow([_cell(getattr(row, column)) for column in COLUMNS])
    return out.getvalue()


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
