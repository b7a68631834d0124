"""The end of a year: who leads a school's referrals decides what becomes of the open ones.

They stand in groups of like statuses, each of which is settled on one page: for all on it, or for
those that are ticked, one outcome and one reason. Three hundred take ten screens at most.
"""

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response

from bridge.journeys.close_out import (
    Chosen,
    Decision,
    Outcome,
    close_out,
    done_in,
)
from bridge.journeys.note_look import LEADS
from bridge.journeys.withdraw_referral import OwnNumber
from bridge.journeys.work_list import ENDED, Placed, district_calendar
from bridge.portal.board import key_of, places_of
from bridge.portal.close_out_words import GROUPS, OUTCOME_WORDS, QUESTIONS, REASON_WORDS
from bridge.portal.forms import Filled, Problem
from bridge.portal.languages import say
from bridge.portal.posted import Form, FormOf
from bridge.portal.refusals import NotHere
from bridge.portal.status_words import words_of
from bridge.portal.visits import StaffOf, Visit
from bridge.store.close_outs import CloseOut
from bridge.store.directory import organizations
from bridge.store.engine import read

router = APIRouter(prefix="/portal/close-out")

# So many that 300 in every spread over the groups take ten screens at most: the list of the
# groups, eight pages, and what came of the last.
ROWS: Final = 150
HELD: Final = "held"
Group = Annotated[str, Path(pattern="^[a-z-]{1,20}$")]
Act = Annotated[str, Query(pattern="^([0-9a-f]{64})?$")]


@dataclass(frozen=True, slots=True)
class Line:
    """One referral on the page: the key it is chosen by holds what was shown of it."""

    one: Placed
    key: str

    @property
    def shown(self) -> str:
        """What stands in the form for the referral as it is shown."""
        return f"{self.key}:{self.one.status}:{self.one.row.status_on}"


@router.get("")
def overview(visit: StaffOf, done: Act = "") -> Response:
    """Show how many referrals are open in each group, and what the last press did."""
    return _overview(visit, _open(visit), done)


@router.get("/{group}")
def one_group(visit: StaffOf, group: Group, done: Act = "") -> Response:
    """Show one group; where it is settled, the next one that is not."""
    groups = _open(visit)
    if group not in GROUPS:
        raise NotHere
    if not groups[group]:
        after = next((name for name in GROUPS if groups[name] and name != HELD), "")
        if not after or not done:
            return _overview(visit, groups, done)
        group = after
    return _asked(visit, (group, groups), Filled({}), done)


@router.post("/{group}")
def settle(visit: StaffOf, form: FormOf, group: Group) -> Response:
    """Do what was decided; pressed twice it is done once, and what changed meanwhile is left."""
    groups = _open(visit)
    if group not in GROUPS:
        raise NotHere
    if form.language:
        filled = Filled(QUESTIONS.read(form).values)
        return _asked(visit.speaking(form.language), (group, groups), filled, form=form)
    filled = _filled(visit, form)
    if filled.problems:
        return _asked(visit, (group, groups), filled, form=form)
    act = form.one("act")
    if len(act) != len(secrets.token_hex(32)) or not act.isalnum():
        raise NotHere
    close_out(visit.parts, visit.staff, act, _decision(filled), _chosen(visit, form, groups))
    return visit.go(f"/portal/close-out/{group}?done={act}")


def _overview(visit: Visit, groups: Mapping[str, Sequence[Line]], done: str) -> Response:
    counts = [(name, words, len(groups[name])) for name, words in GROUPS.items()]
    told = _told(visit, done)
    return visit.page("close-out.html", groups=counts, all=sum(c for _, _, c in counts), **told)


def _asked(
    visit: Visit,
    of: tuple[str, Mapping[str, Sequence[Line]]],
    filled: Filled,
    done: str = "",
    form: Form | None = None,
) -> Response:
    group, groups = of
    lines = groups[group]
    return visit.page(
        "close-out-group.html",
        422 if filled.problems else 200,
        place=f"/portal/close-out/{group}",
        words=GROUPS[group],
        lines=lines[:ROWS],
        more=max(0, len(lines) - ROWS),
        ticked=form.values.get("rows", ()) if form else (),
        act=(form.one("act") if form else "") or secrets.token_hex(32),
        questions=QUESTIONS,
        filled=filled,
        words_of=words_of,
        **_told(visit, done),
    )


def _told(visit: Visit, act: str) -> dict[str, Any]:
    """Return what the last press did, in counts, and the numbers of what it left."""
    rows: list[CloseOut] = done_in(visit.parts, visit.staff, act) if act else []
    counts = Counter(row.outcome for row in rows if row.outcome != Outcome.LEFT)
    return {
        "told": [(OUTCOME_WORDS[Outcome(name)], count) for name, count in counts.items()],
        "reasons": sorted({REASON_WORDS[row.reason] for row in rows if row.reason}),
        "left": [row.number for row in rows if row.outcome == Outcome.LEFT],
    }


def _open(visit: Visit) -> dict[str, list[Line]]:
    """Return the open referrals by group, the oldest first.

    Raises:
        NotHere: the role leads neither a school nor its referrals.
    """
    if visit.staff.role not in LEADS:
        raise NotHere
    found: dict[str, list[Line]] = {name: [] for name in GROUPS}
    every = places_of(visit.bridge.gate.follow_up(visit.staff), visit)
    today = _today(visit) if every else date.min
    for one in every:
        if one.status not in ENDED and not one.closing:
            found[_group(one, today)].append(Line(one, key_of(visit, one.row)))
    return found


def _group(one: Placed, today: date) -> str:
    if one.kept_until is not None and one.kept_until > today:
        return HELD
    return next(name for name, words in GROUPS.items() if one.status in words.statuses)


def _filled(visit: Visit, form: Form) -> Filled:
    filled = QUESTIONS.read(form)
    problems = dict(filled.problems)
    day = filled.text("follow_up_on")
    if day and "follow_up_on" not in problems and day <= _today(visit).isoformat():
        problems["follow_up_on"] = Problem(say("Enter a day that is still to come."))
    if filled.text("which") == "ticked" and not form.values.get("rows"):
        problems["which"] = Problem(say("Tick at least one referral, or choose all."))
    return replace(filled, problems=problems)


def _decision(filled: Filled) -> Decision:
    outcome = Outcome(filled.text("outcome"))
    if outcome is Outcome.KEPT:
        day = date.fromisoformat(filled.text("follow_up_on"))
        return Decision(outcome, holder=filled.text("holder"), follow_up_on=day)
    return Decision(outcome, filled.text("reason") if outcome is Outcome.CLOSED else "")


def _chosen(visit: Visit, form: Form, groups: Mapping[str, Sequence[Line]]) -> list[Chosen]:
    """Return what was chosen, and whether each still reads as it was shown."""
    name = "shown" if form.one("which") == "all" else "rows"
    wanted = dict.fromkeys(form.values.get(name, ()))
    released = visit.bridge.gate.follow_up(visit.staff)
    own = {key_of(visit, row): row for row in released.rows}
    now = {line.shown for lines in groups.values() for line in lines}
    with read(visit.bridge.engine) as connection:
        keys = {o.name: o.key for o in organizations(connection).values()}
    lea = visit.staff.organization
    return [
        Chosen(OwnNumber(lea, keys[row.provider], row.referral), each in now)
        for each in wanted
        if (row := own.get(each.partition(":")[0])) is not None
    ]


def _today(visit: Visit) -> date:
    lea, folder = visit.staff.organization, visit.bridge.settings.calendars_folder
    return district_calendar(visit.bridge, lea, folder).today(visit.bridge.clock.now())
