"""The states and moves of a referral as a page, generated from the tables the program runs on."""

from collections.abc import Iterator

from mappings.loop.bser import BSER_EVENTS
from mappings.loop.clocks import CLOCK_RULES
from mappings.loop.machine import MOVE_COLUMNS, NEW, STATES, TRANSITIONS
from mappings.loop.tables import rows_of
from mappings.loop.words import VOCABULARIES
from mappings.loop.x360 import x360_events

_WHO = {"requester": "school", "target": "provider"}
_INTRODUCTION = """# The states of a referral

`Task.status` says where a referral stands, `Task.businessStatus` (the follow-up codes) says it more
closely. This page is written from the tables the program runs on (`mappings/loop/*.csv`) by
`schoolbridge map states`; a test fails when it is stale. Why it is so:
[adr/0041](adr/0041-one-table-of-moves.md).

Seen through `Task.status` alone the moves are those of SDOH Clinical Care 3.0.0, with who may make
each. A provider need not say a businessStatus: the Task is then in any of the states of its status.
An update that is no move below is answered 422 with the moves there are, and changes nothing; one
made from an older version, 412.

A provider makes its moves over the API. A school withdraws a referral on its page, with
`schoolbridge referral withdraw`, or by `POST /fhir/Task` with the code `abort` and the referral as
focus (scope `system/Task.c`), and sends one again with `resubmit`; what it is told does not depend
on what the provider has done. After the start the provider finds a Task with the code `abort`
whose focus is the Task of the referral, and answers it `accepted` (the referral is cancelled) or
`rejected`, and why. `referral cancel-unanswered` ends one whose provider was asked to stop and did
not answer; `referral enter-in-error` says of one that it was never meant to be sent.

A referral that an intermediary passed on has two Tasks, each moved by this table. The first says
what the second does, as far as the school may know it:
[adr/0047](adr/0047-an-intermediary-has-a-hop-of-its-own.md).

```mermaid"""
_CONFLICTS = """
## BSeR's 34 transitions

All have a place. 28 lie on edges of the guide; six do not, and are mapped:

| BSeR | it says | here |
|---|---|---|
| 04 | the school asks to cancel before an answer: in-progress (5.2) | cancelled directly |
| 05, 10, 17, 25, 33 | the provider declines after it accepted: rejected | `failed`, and why |

A seventh, 07, lies on an edge but lets the school set in-progress, which the guide leaves to the
provider: there, too, the school cancels directly. After the start a school asks to cancel (as COW
has it), and the state stays until the provider answers. 26 and 27 (another
visit of a child who is seen) leave the phase as it is; the Appointment tells of it. BSeR's dead
ends have ways out: a decline, an outcome or a note after 5.1.2 and 5.1.3; a refusal in 5.2; a
waiting list; a failure.

What a provider says with a code of BSeR is taken, and kept beside ours:
"""


def states_page() -> str:
    """Return the page as Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield from (_INTRODUCTION, *_diagram(), "```", "", "Any state can be entered in error.", "")
    yield from ("## States", "", "| status | businessStatus | meaning | whose turn, or end |")
    yield "|---|---|---|---|"
    for state, row in STATES.items():
        turn = row.turn or row.end.replace("-", " ")
        yield f"| {state.status} | {state.business or '-'} | {row.meaning} | {turn} |"
    yield from (
        "",
        "A *dead end* is an end at which the child is not seen: somebody thinks of what",
    )
    yield from ("comes next. A school reads it by its name.", "")
    yield from _moves()
    yield from (_CONFLICTS, "| code | Task.status there | what happens here |", "|---|---|---|")
    yield from (f"| {e.code} {e.display} | {e.status} | {e.event} |" for e in BSER_EVENTS.values())
    yield from _x360()
    yield from _words()
    yield from _clocks()


def _moves() -> Iterator[str]:
    yield from ("## Moves", "", "| what happens | who | from | to | needs | source |")
    yield "|---|---|---|---|---|---|"
    for row in rows_of("transitions", MOVE_COLUMNS):
        start = _said(row["from_status"], row["from_business"], "any")
        end = _said(row["to_status"], row["to_business"], "")
        cells = (row["event"], _WHO[row["actor"]], start, end, row["needs"], row["source"])
        yield f"| {' | '.join(cells)} |"
    yield ""
    yield "*reason*: `statusReason.text`; *output*: at least one `Task.output`; *request*: the"
    yield "school asked to cancel and was not answered. What ends in `-only` is said in"
    yield "businessStatus while the status stays `accepted`."


def _said(status: str, codes: str, every: str) -> str:
    statuses = {"=": "the same", "*": "any"}.get(status, status.replace(" ", ", "))
    if codes == "=":
        return statuses if status == "=" else f"{statuses} (as before)"
    named = every if codes == "*" else codes.replace(" ", ", ")
    return f"{statuses} ({named})" if named != "-" and status != "*" else statuses


def _diagram() -> Iterator[str]:
    yield "stateDiagram-v2"
    statuses = list(dict.fromkeys(state.status for state in STATES))
    yield from (f'    state "{status}" as {_id(status)}' for status in statuses)
    edges = {
        (move.before, move.after, move.event, move.actor)
        for move in TRANSITIONS
        if move.event != "enter-in-error" and move.before.status != move.after.status
    }
    told = {(b.status, a.status): set[str]() for b, a, *_ in sorted(edges)}
    for before, after, event, actor in edges:
        told[before.status, after.status].add(f"{event}{' (school)' * (actor == 'requester')}")
    for (start, end), said in told.items():
        first = "[*]" if start == NEW.status else _id(start)
        yield f"    {first} --> {_id(end)}: {', '.join(sorted(said))}"
    ends = {state.status for state, row in STATES.items() if row.end}
    yield from (f"    {_id(status)} --> [*]" for status in sorted(ends))


def _id(status: str) -> str:
    return status.replace("-", "_")


def _x360() -> Iterator[str]:
    yield from ("", "## IHE 360X", "", "| transaction | message | status | who | what happens |")
    yield "|---|---|---|---|---|"
    for each in x360_events():
        cells = (each.transaction, each.message, each.order_status, _WHO[each.actor], each.event)
        yield f"| {' | '.join(cell or '-' for cell in cells)} |"
    yield from (
        "",
        "Empty cells: the primary text was not at hand. A provider's messages come in as",
    )
    yield "[provider-answers.md](provider-answers.md) says; the bridge sends none."


def _words() -> Iterator[str]:
    systems = list(VOCABULARIES)
    yield from ("", "## What it is called elsewhere", "")
    yield "A word that says less has our code beside it as a note (here in brackets), so nothing of"
    yield "*why* is lost on the way there and back. In `Task.statusReason` they stand as codings"
    yield "beside ours (`mappings/fhir/terminology/status-reasons.csv`, with the capacity codes of"
    yield "SDOHCC): a provider may send any of them, and finds all."
    yield from (
        "",
        f"| our code, and why | {' | '.join(systems)} |",
        "|---|" + "---|" * len(systems),
    )
    for outcome in VOCABULARIES[systems[0]].words:
        said = [VOCABULARIES[system].words[outcome] for system in systems]
        cells = [f"({word.word or 'no word'})" if word.note else word.word for word in said]
        yield f"| {outcome} | {' | '.join(cells)} |"


def _clocks() -> Iterator[str]:
    yield from (
        "",
        "## Clocks",
        "",
        "`schoolbridge work-list` says what is due. Business days leave",
    )
    yield "out weekends and the holidays of the district's file, school days its recesses as well."
    yield "The file is `calendars/DISTRICT.csv` in the deployment's folder: `from,to,kind,name`."
    yield from (
        "",
        "| rule | for | after | whose turn | says | source |",
        "|---|---|---|---|---|---|",
    )
    for rule in CLOCK_RULES:
        every = {row.follow_up for row in STATES.values() if not row.end}
        about = "every open one" if rule.statuses > every else ", ".join(sorted(rule.statuses))
        told = {"expiry": "before the form ends", "plan": "from the day the school planned"}
        when = told.get(rule.since, "")
        after = f"{rule.days} {rule.unit} days {when}".strip()
        yield f"| {rule.id} | {about} | {after} | {rule.turn} | {rule.says} | {rule.source} |"
