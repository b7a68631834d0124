"""How long a session lasts still, for the script that warns; and one more quarter of an hour."""

from fastapi import APIRouter, Response

from bridge.identity import seconds_left, staff_of
from bridge.portal.posted import FormOf
from bridge.portal.refusals import NotSignedIn
from bridge.portal.visits import AnyoneOf, Visit
from bridge.store.database.engine import read, write

router = APIRouter(prefix="/portal")


@router.get("/session")
def session(visit: AnyoneOf) -> Response:
    """Say how many seconds are left. Asking does not keep a session awake."""
    return _left(visit)


@router.post("/session")
def stay(visit: AnyoneOf, _form: FormOf) -> Response:
    """Keep the session awake, of whichever party."""
    with write(visit.bridge.engine) as connection:
        staff_of(connection, visit.session, visit.bridge.clock)
    return _left(visit)


def _left(visit: Visit) -> Response:
    with read(visit.bridge.engine) as connection:
        seconds = seconds_left(connection, visit.session, visit.bridge.clock)
    if not seconds:
        raise NotSignedIn
    return Response(f'{{"seconds":{seconds}}}', media_type="application/json")
