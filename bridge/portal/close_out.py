"""The end of a year: who leads a school's referrals decides what becomes of the open ones.

They stand in groups of like statuses, each of which is settled on one page: for all on it, or for
those that are ticked, one outcome and one reason. Three hundred take ten screens at most.
"""

import secrets
from collections import Counter
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response

from bridge.gate import Placed, ReleasedPage, Wanted
from bridge.gate.people.places import HELD
from bridge.journeys.referrals.close_out import Chosen, Decision, Outcome, close_out, done_in
from bridge.journeys.referrals.note_look import LEADS
from bridge.journeys.referrals.work_list import district_calendar
from bridge.portal.board import key_of, shown_of
from bridge.portal.close_out_words import GROUPS, OUTCOME_WORDS, QUESTIONS, REASON_WORDS
from bridge.portal.forms import Filled, Problem
from bridge.portal.languages import say
from bridge.portal.posted import Form, FormOf
from bridge.portal.referral_page import own_numbers
from bridge.portal.refusals import NotHere
from bridge.portal.status_words import words_of
from bridge.portal.visits import StaffOf, Visit
from bridge.store.people.close_outs import CloseOut

router = APIRouter(prefix="/portal/close-out")

# So many that 300 in every spread over the groups take ten screens at most: the list of the
# groups, eight pages, and what came of the last.
ROWS: Final = 100
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

    @property
    def alike(self) -> tuple[object, ...]:
        """All that is said of how it stands: the same words for all that stand alike."""
        one = self.one
        return one.status, one.row.status_on, one.of_age, one.kept_until


@router.get("")
def overview(visit: StaffOf, done: Act = "") -> Response:
    """Show how many referrals are open in each group, and what the last press did."""
    _leading(visit)
    return _overview(visit, shown_of(visit, Wanted(most=0)), done)


@router.get("/{group}")
def one_group(visit: StaffOf, group: Group, done: Act = "") -> Response:
    """Show one group; where it is settled, the next one that is not."""
    released = _open(visit, group)
    counts = _counts(released)
    if not counts[group]:
        after = next((name for name in GROUPS if counts[name] and stage_of(name) != HELD), "")
        if not after or not done:
            return _overview(visit, released, done)
        group, released = after, _open(visit, after)
    return _asked(visit, (group, released), Filled({}), done)


@router.post("/{group}")
def settle(visit: StaffOf, form: FormOf, group: Group) -> Response:
    """Do what was decided; pressed twice it is done once, and what changed meanwhile is left."""
    _leading(visit, group)
    if form.language:
        filled = Filled(QUESTIONS.read(form).values)
        visit = visit.speaking(form.language)
        return _asked(visit, (group, _open(visit, group)), filled, form=form)
    filled = _filled(visit, form)
    if filled.problems:
        return _asked(visit, (group, _open(visit, group)), filled, form=form)
    act = form.one("act")
    if len(act) != len(secrets.token_hex(32)) or not act.isalnum():
        raise NotHere
    close_out(visit.parts, visit.staff, act, _decision(filled), _chosen(visit, form))
    return visit.go(f"/portal/close-out/{group}?done={act}")


def stage_of(group: str) -> str:
    """Return the name of a group in :data:`bridge.gate.people.places.STAGES`."""
    return f"open-{group}"


def _overview(visit: Visit, released: ReleasedPage, done: str) -> Response:
    counts, told = _counts(released), _told(visit, done)
    groups = [(name, words, counts[name]) for name, words in GROUPS.items()]
    return visit.page("close-out.html", groups=groups, all=sum(counts.values()), **told)


def _asked(
    visit: Visit,
    of: tuple[str, ReleasedPage],
    filled: Filled,
    done: str = "",
    form: Form | None = None,
) -> Response:
    group, released = of
    lines = [Line(one, key_of(visit, one.row)) for one in released.rows]
    return visit.page(
        "close-out-group.html",
        422 if filled.problems else 200,
        place=f"/portal/close-out/{group}",
        words=GROUPS[group],
        lines=lines,
        more=_counts(released)[group] - len(lines),
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


def _counts(released: ReleasedPage) -> dict[str, int]:
    return {name: released.counts.get(stage_of(name), 0) for name in GROUPS}


def _open(visit: Visit, group: str) -> ReleasedPage:
    """Return one page of the open referrals of a group, in the order of the board.

    Raises:
        NotHere: there is no such group, or not for this role.
    """
    _leading(visit, group)
    return shown_of(visit, Wanted(stage_of(group), most=ROWS))


def _leading(visit: Visit, group: str = "") -> None:
    """Let nobody on who leads neither a school nor its referrals, nor to a group there is not.

    Raises:
        NotHere: the role is another one, or there is no such group.
    """
    if visit.staff.role not in LEADS or (group and group not in GROUPS):
        raise NotHere


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


def _chosen(visit: Visit, form: Form) -> list[Chosen]:
    """Return what was chosen, and whether each still reads as it was shown."""
    name = "shown" if form.one("which") == "all" else "rows"
    wanted = list(dict.fromkeys(form.values.get(name, ())))[:ROWS]
    keys = tuple(dict.fromkeys(each.partition(":")[0] for each in wanted))
    lines = [Line(one, key_of(visit, one.row)) for one in shown_of(visit, Wanted(keys=keys)).rows]
    own = {line.key: line for line in lines}
    chosen = [(own[key], each) for each in wanted if (key := each.partition(":")[0]) in own]
    numbers = own_numbers(visit, [line.one.row for line, _ in chosen])
    return [
        Chosen(number, stands=bool(line.one.stage) and line.shown == each)
        for number, (line, each) in zip(numbers, chosen, strict=True)
    ]


def _today(visit: Visit) -> date:
    lea, folder = visit.staff.organization, visit.bridge.settings.calendars_folder
    return district_calendar(visit.bridge, lea, folder).today(visit.bridge.clock.now())
