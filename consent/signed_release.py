"""One signed form, part by part, as it came back."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class SignedRelease:
    """One form as it came back, part by part. None or empty: the part is not there.

    Attributes:
        form: what the form calls itself; kept for people, counts for nothing but telling a form
            that must stand alone (``psynote``) or is the minor's own (``minor``).
        answer: ``signed``, ``refused`` or ``pending``.
        signer_relationship: v3-RoleCode of the signer to the student (``MTH``, ``GUARD``,
            ``ONESELF`` ...); ``cosigner_relationship`` likewise where two must sign.
        elements: groups of ``release-groups.csv`` or element ids.
        recipient, discloser: party roles.
        statements: printed on the form: ``revoke``, ``condition``, ``redisclosure``.
        recorded_at: aware instant at which the bridge learned of it.
        birth_date: the student's.
        disputed: guardians disagree, or the signature is contested: it then sets no fact.
        minor_consented: the care it speaks of was given on the minor's own consent.
        referral: the district's number of the one referral it is for; None for a form that covers
            its purpose until it expires.
    """

    form: str
    answer: str
    recorded_at: datetime
    birth_date: date
    signer: str | None = None
    signer_relationship: str | None = None
    cosigner_relationship: str | None = None
    signed_on: date | None = None
    expires_on: date | None = None
    elements: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    recipient: str | None = None
    discloser: str | None = None
    statements: tuple[str, ...] = ()
    revoked_at: datetime | None = None
    disputed: bool = False
    minor_consented: bool = False
    referral: str | None = None
