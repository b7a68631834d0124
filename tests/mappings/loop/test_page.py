from pathlib import Path

from mappings.loop import STATES, TRANSITIONS
from mappings.loop.clocks import CLOCK_RULES
from mappings.loop.page import states_page

PAGE = Path(__file__).parents[3] / "docs" / "referral-states.md"


def test_the_page_is_what_the_program_would_write() -> None:
    """`schoolbridge map states > docs/referral-states.md` writes it again."""
    assert PAGE.read_text("utf-8") == states_page()


def test_every_state_event_and_clock_is_on_it_and_every_edge_is_drawn() -> None:
    page = states_page()
    for state in STATES:
        assert f"| {state.status} | {state.business or '-'} |" in page
    assert [m.event for m in TRANSITIONS if f"| {m.event} |" not in page] == []
    assert [rule.id for rule in CLOCK_RULES if f"| {rule.id} |" not in page] == []
    drawn = page.partition("```mermaid")[2].partition("```")[0]
    edges = {
        (move.before.status, move.after.status)
        for move in TRANSITIONS
        if move.before.status != move.after.status and move.event != "enter-in-error"
    }
    assert drawn.count(" --> ") == len(edges) + len({s.status for s, r in STATES.items() if r.end})
