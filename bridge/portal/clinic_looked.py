"""Who of a provider looked at which page about a student: for those who lead it.

INVARIANT: a referral's number stands here only where the reader's own list shows it. Elsewhere
stands a mark, the same for the same referral, which only who runs the bridge can resolve.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from bridge.journeys.answers.answer_by_hand import numbers_of
from bridge.journeys.referrals.note_look import (
    PAGES_OF_MANY,
    mark_of,
    provider_zone,
    reads_looks,
    task_of,
    who_looked,
)
from bridge.portal.clinic import ClinicOf
from bridge.portal.languages import say
from bridge.portal.refusals import NotHere

router = APIRouter(prefix="/portal/work/looked")

ROWS: Final = 50
_CALLED: Final = (say("Referrals sent to you"), say("Send your answers as a file"))
_PAGES: Final = dict(zip(PAGES_OF_MANY, _CALLED, strict=True))
_ONE: Final = say("One referral")
Page = Annotated[int, Query(ge=1, le=100_000)]


@router.get("")
def looked(visit: ClinicOf, page: Page = 1) -> Response:
    """Show who of the provider looked at pages about students, the newest first.

    Raises:
        NotHere: the role does not lead the provider.
    """
    if not reads_looks(visit.staff):
        raise NotHere
    looks = who_looked(visit.bridge, visit.staff, (page - 1) * ROWS, ROWS + 1)
    shown, more = looks[:ROWS], len(looks) > ROWS
    tasks = [task_of(look.path) for look in shown]
    numbers = numbers_of(visit.bridge, visit.staff, {*tasks} - {""})
    sealed = visit.bridge.identifiers
    rows = [
        (look, _PAGES.get(look.path, _ONE), numbers.get(task) or mark_of(sealed, task))
        for look, task in zip(shown, tasks, strict=True)
    ]
    zone = provider_zone(visit.bridge, visit.staff)
    return visit.page("clinic-looked.html", rows=rows, number=page, more=more, zone=zone)
