"""What a status is called on the board: at most eight labels, a tone, and a line that says more.

Tones: ``wait`` (someone else's turn), ``act`` (the school may need to do something), ``good``,
``end``. Red is kept for problems; the words always stand beside the colour.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StatusWords:
    """Label, tone and explanation of one follow-up code."""

    label: str
    tone: str
    line: str


def _words(label: str, tone: str, line: str = "") -> StatusWords:
    return StatusWords(label, tone, line)


STATUS_WORDS = {
    "sent": _words("Sent", "wait", "No answer to show yet"),
    "received": _words("Sent", "wait", "The provider has received it"),
    "returned-incomplete": _words("Needs you", "act", "Returned: something is missing"),
    "accepted": _words("Accepted", "good", "The provider will take it up"),
    "waitlisted": _words("Waiting list", "wait", "On the provider's waiting list"),
    "contacting-family": _words("Accepted", "good", "The provider is contacting the family"),
    "unable-to-contact": _words("Not started", "act", "The provider could not reach the family"),
    "declined-by-family": _words("Not started", "end", "The family declined"),
    "declined-by-provider": _words("Not started", "act", "The provider declined"),
    "intake-scheduled": _words("Intake", "good", "A first visit is arranged"),
    "intake-missed": _words("Intake", "act", "The first visit was missed"),
    "intake-done": _words("Intake", "good", "The first visit took place"),
    "services-started": _words("In care", "good", "Services have started"),
    "services-paused": _words("Waiting list", "wait", "Services are paused"),
    "discharged": _words("Ended", "end", "Services have ended"),
    "transferred": _words("Ended", "end", "Referred on to another provider"),
    "already-in-care": _words("Ended", "end", "Was already in care elsewhere"),
    "withdrawn-by-school": _words("Ended", "end", "Withdrawn by the school"),
}
