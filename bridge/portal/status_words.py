"""What a status is called on the board: at most eight labels, a tone, and a line that says more.

Tones: ``wait`` (someone else's turn), ``act`` (the school may need to do something), ``good``,
``end``. Red is kept for problems; the words always stand beside the colour.
"""

from dataclasses import dataclass

from bridge.portal.languages import say


@dataclass(frozen=True, slots=True)
class StatusWords:
    """Label, tone and explanation of one follow-up code."""

    label: str
    tone: str
    line: str


def _words(label: str, tone: str, line: str) -> StatusWords:
    return StatusWords(label, tone, line)


STATUS_WORDS = {
    "sent": _words(say("Sent"), "wait", say("No answer to show yet")),
    "received": _words(say("Sent"), "wait", say("The provider has received it")),
    "returned-incomplete": _words(say("Needs you"), "act", say("Returned: something is missing")),
    "accepted": _words(say("Accepted"), "good", say("The provider will take it up")),
    "waitlisted": _words(say("Waiting list"), "wait", say("On the provider's waiting list")),
    "contacting-family": _words(
        say("Accepted"), "good", say("The provider is contacting the family")
    ),
    "unable-to-contact": _words(
        say("Not started"), "act", say("The provider could not reach the family")
    ),
    "declined-by-family": _words(say("Not started"), "end", say("The family declined")),
    "declined-by-provider": _words(say("Not started"), "act", say("The provider declined")),
    "intake-scheduled": _words(say("Intake"), "good", say("A first visit is arranged")),
    "intake-missed": _words(say("Intake"), "act", say("The first visit was missed")),
    "intake-done": _words(say("Intake"), "good", say("The first visit took place")),
    "services-started": _words(say("In care"), "good", say("Services have started")),
    "services-paused": _words(say("Waiting list"), "wait", say("Services are paused")),
    "discharged": _words(say("Ended"), "end", say("Services have ended")),
    "transferred": _words(say("Ended"), "end", say("Referred on to another provider")),
    "already-in-care": _words(say("Ended"), "end", say("Was already in care elsewhere")),
    "withdrawn-by-school": _words(say("Ended"), "end", say("Withdrawn by the school")),
}
