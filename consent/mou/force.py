"""Whether an agreement is in force at an instant."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from consent.mou.agreement import SIGNERS, Agreement
from consent.mou.template import Template


def in_force(agreement: Agreement, template: Template, at: datetime) -> bool:
    """Whether an agreement holds at an instant, by the calendar of the district's zone.

    Both documents must be inside their days (the last day counts to its end), the agreement
    ``in-force`` and signed by then. A withdrawn template stops agreements signed since; running
    ones go on to the end of their own days, or to the day the withdrawal gives. A draft never
    holds. All days are those of the agreement's (the district's) zone.

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
        and not _stopped(agreement, template, at)
    )


def _today(agreement: Agreement, at: datetime) -> date:
    return at.astimezone(ZoneInfo(agreement.effective.tz)).date()


def _stopped(agreement: Agreement, template: Template, at: datetime) -> bool:
    withdrawal = template.withdrawal
    return withdrawal is not None and withdrawal.stops(
        agreement.last_signature(), _today(agreement, at)
    )


def _signed(agreement: Agreement, at: datetime) -> bool:
    today = _today(agreement, at)
    signed = {row.party for row in agreement.signed if row.signed_on <= today}
    return signed.issuperset(SIGNERS)
