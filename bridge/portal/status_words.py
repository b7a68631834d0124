"""What a status is called on the board: at most eight labels, a tone, and a line that says more.

Tones: ``wait`` (someone else's turn), ``act`` (the school may need to do something), ``good``,
``end``. Red is kept for problems; the words always stand beside the colour.
"""

from dataclasses import dataclass

from bridge.portal.languages import say
from mappings.loop.clocks import AWAITING_SIGNATURE


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

DUE_WORDS = {
    "signature": say("No signed form is in force: remind the family or close the referral"),
    "unanswered": say("No answer to show: ask the provider"),
    "unanswered-long": say("No answer to show for 14 business days: think of another provider"),
    "returned": say("Something is missing: send it"),
    "no-visit": say("Accepted and no visit to show: ask what is in the way"),
    "no-show": say("The first visit was missed and no new one is arranged"),
    "not-started": say("A first visit took place and nothing followed"),
    "wait-list-review": say("Still on the waiting list: is there another place?"),
    "pause-review": say("Services are still paused"),
    "held-over": say("The day to follow up has come: decide how it goes on"),
    "consent-expiring": say("The signed form ends soon: ask for a new one in time"),
}
ENDED_BY = {
    "school": say("The school"),
    "family": say("The family"),
    "provider": say("The provider"),
}
AWAITING = _words(say("Needs you"), "act", say("Waits for a signature"))


def words_of(status: str) -> StatusWords:
    """Return the words of a follow-up code, or of a referral that waits for a signature."""
    return AWAITING if status == AWAITING_SIGNATURE else STATUS_WORDS[status]
