"""What stands on the pages of a year's end: the groups, and what can be decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bridge.journeys.referrals.close_out import REASONS, Outcome
from bridge.portal.forms import Answers, Field, Kind, Option, Questions
from bridge.portal.languages import say


@dataclass(frozen=True, slots=True)
class GroupWords:
    """What a group of open referrals is called, and what to think of."""

    label: str
    hint: str


GROUPS: Final[Mapping[str, GroupWords]] = {
    "running": GroupWords(
        say("Services are running"),
        say("Keep them open with somebody who looks after them. Confirm summer visits."),
    ),
    "arranged": GroupWords(
        say("Accepted, no visit yet"),
        say("Ask the provider when the first visit is before you close one."),
    ),
    "missed": GroupWords(
        say("First visit missed"),
        say("Ask the family whether help is still wanted."),
    ),
    "wait-list": GroupWords(
        say("On a waiting list"),
        say("A place may come free in summer: say who is told of it."),
    ),
    "unanswered": GroupWords(
        say("No answer to show"),
        say("Ask the provider once more, or think of another one."),
    ),
    "school": GroupWords(
        say("Waits for the school or the family"),
        say("No signed form is in force, or something was missing."),
    ),
    "held": GroupWords(
        say("Kept open until a later day"),
        say("These come back by themselves on their day. You can decide anew before."),
    ),
}

OUTCOME_WORDS: Final[Mapping[Outcome, str]] = {
    Outcome.KEPT: say("Stay open over the summer"),
    Outcome.CLOSED: say("Close"),
    Outcome.MOVED: say("Close: the student moved"),
    Outcome.GRADUATED: say("Close: the student graduated"),
}
_HINTS: Final[Mapping[Outcome, str]] = {
    Outcome.KEPT: say("Say below who looks after them, and when again."),
    Outcome.CLOSED: say("Say the reason below. It stays with the school."),
    Outcome.MOVED: say("The next school gets nothing from here by itself."),
    Outcome.GRADUATED: say("At 18 the rights are the student's: a new signature is theirs alone."),
}
REASON_WORDS: Final[Mapping[str, str]] = dict(
    zip(
        REASONS,
        (
            say("The family did not sign"),
            say("The family does not want it"),
            say("The family was not reached"),
            say("The student gets help elsewhere"),
            say("It is not needed any more"),
        ),
        strict=True,
    )
)


def _what_belongs(answers: Answers) -> Mapping[str, str]:
    kept = answers["outcome"] == Outcome.KEPT
    closed = answers["outcome"] == Outcome.CLOSED
    return {
        "reason": say("Choose why they are closed.") if closed and not answers["reason"] else "",
        "holder": say("Enter who looks after them.") if kept and not answers["holder"] else "",
        "follow_up_on": (
            say("Enter the day on which somebody looks at them again.")
            if kept and not answers["follow_up_on"]
            else ""
        ),
    }


QUESTIONS: Final = Questions(
    say("Your decision"),
    (
        Field(
            "which",
            say("Which referrals?"),
            Kind.RADIOS,
            options=(
                Option("all", say("All on this page")),
                Option("ticked", say("Those ticked in the list alone")),
            ),
            missing=say("Choose all, or those you ticked."),
        ),
        Field(
            "outcome",
            say("What becomes of them?"),
            Kind.RADIOS,
            hint=say(
                "What is closed cannot be opened again. The provider is told it was withdrawn."
            ),
            options=tuple(
                Option(each, words, _HINTS[each]) for each, words in OUTCOME_WORDS.items()
            ),
            missing=say("Choose what becomes of them."),
        ),
        Field(
            "reason",
            say("Why are they closed?"),
            Kind.SELECT,
            hint=say("Only where you chose Close."),
            options=tuple(Option(each, words) for each, words in REASON_WORDS.items()),
        ),
        Field(
            "holder",
            say("Who looks after them?"),
            hint=say("Only where they stay open: a person of the school, by name."),
            most=100,
        ),
        Field(
            "follow_up_on",
            say("When does somebody look at them again?"),
            Kind.DAY,
            hint=say("Only where they stay open: for example 8 24 2027."),
        ),
    ),
    together=_what_belongs,
)
