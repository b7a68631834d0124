"""Whether an agreement is in force at an instant."""

from datetime import datetime
from zoneinfo import ZoneInfo

from consent.mou.agreement import SIGNERS, Agreement
from consent.mou.template import Template


def in_force(agreement: Agreement, template: Template, at: datetime) -> bool:
    """Whether an agreement holds at an instant, by the calendar of the district's zone.

    Both documents must be inside their days (the last day counts to its end), the agreement
    ``in-force`` and signed by then. A withdrawn template stops new agreements; running ones go on
    to the end of their own days. A draft never holds.

    Args:
        agreement: read against ``template``.
        template: the template it signs.
        at: an aware instant.

    Raises:
        ValueError: if ``at`` has no zone.
    """
    return (
        agreement.status == "in-force"
        and template.status != "draft"
        and agreement.effective.holds(at)
        and template.effective.holds(at)
        and _signed(agreement, at)
    )


def _signed(agreement: Agreement, at: datetime) -> bool:
    today = at.astimezone(ZoneInfo(agreement.effective.tz)).date()
    signed = {row.party for row in agreement.signed if row.signed_on <= today}
    return signed.issuperset(SIGNERS)
