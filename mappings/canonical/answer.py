"""A provider's answer to one referral, or what became of it since."""

from dataclasses import dataclass, field
from datetime import date, datetime

from mappings.canonical.referral import SourceRow


@dataclass(frozen=True, slots=True)
class ReferralAnswer:
    """One thing a provider says of one referral: one move of its state.

    Attributes:
        number: the school's referral number (PLAC), the loop key.
        event: what happened, as ``mappings/loop/transitions.csv`` calls it.
        patient_id: the identifier of the student the bridge issued, if the source carries it.
        said_on: when it happened; it tells two answers of one kind apart.
        reason: why, a code of ``status-reasons.csv``; ``reason_text`` in the provider's words.
        consent: on whose consent care is given, ``guardian`` or ``minor``; None where not said.
    """

    number: str
    event: str
    origin: SourceRow
    patient_id: str | None = field(default=None, repr=False)
    said_on: datetime | date | None = None
    reason: str | None = field(default=None, repr=False)
    reason_text: str | None = field(default=None, repr=False)
    consent: str | None = field(default=None, repr=False)
