"""The withdrawal of a template: no new agreement, and an end for the running ones."""

from dataclasses import dataclass
from datetime import date

from consent.mou.reading import Fields, Node

WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Since which day nobody may sign any more, and when running agreements stop.

    Days are those of the district's zone. ``running_until`` None lets each running agreement go
    on to the end of its own days.
    """

    since: date
    running_until: date | None = None

    def stops(self, last_signature: date | None, today: date) -> bool:
        """Whether an agreement signed on such a day is stopped today."""
        new = last_signature is None or last_signature > self.since
        ended = self.running_until is not None and today > self.running_until
        return new or ended


def read_withdrawal(fields: Fields, status: str) -> Withdrawal | None:
    """Read ``withdrawn``, which stands if and only if the status says so."""
    node = fields.nodes.get(WITHDRAWN)
    if node is None:
        if status == WITHDRAWN:
            fields.require("status").note("a withdrawn template says withdrawn: {since: DAY}")
        return None
    if status != WITHDRAWN:
        node.note("stands only with status: withdrawn")
    return _withdrawal(node)


def _withdrawal(node: Node) -> Withdrawal:
    fields = node.fields("since", "running_until")
    found = Withdrawal(fields.day("since"), fields.optional("running_until", Node.day))
    if found.running_until is not None and found.running_until < found.since:
        node.note("running_until lies before since")
    return found
