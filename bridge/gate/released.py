"""What the gate lets out. Responses, exports, pages and files accept nothing else.

INVARIANT: only :mod:`bridge.gate` can make these; a constructor call without the gate's own mark
raises. A layout test checks that no other module imports the mark.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Self

from mappings.loop.clocks import Due

GATE_MARK = object()


def _only_the_gate(mark: object) -> None:
    if mark is not GATE_MARK:
        raise TypeError("only the gate releases")


@dataclass(frozen=True, slots=True)
class ReleasedResource:
    """One resource as one caller may see it.

    Attributes:
        body: the FHIR JSON, ready to send.
        version: version of *this caller's view* of it: it changes exactly when what the caller
            sees changes, so a hidden edit cannot be noticed.
        notices: ids of the notices that ride with it
            (:func:`bridge.gate.duties.riding.outcome_of`).
    """

    type: str
    id: str
    version: str
    last_updated: datetime
    body: bytes = field(repr=False)
    mark: object = field(repr=False, compare=False, default=None)
    notices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _only_the_gate(self.mark)

    @property
    def etag(self) -> str:
        """The weak entity tag of the view."""
        return f'W/"{self.version}"'


@dataclass(frozen=True, slots=True)
class Released:
    """The answer to one request.

    Attributes:
        matches, included: resources, in the order asked for.
        total: how many match in all, counted among what the caller may see; None where neither the
            page tells it nor the caller asked.
        last: where the last match stands in the order, for the next page.
        as_of: everything that changed before it has been seen; the next poll asks from there.
        written: what was made of the resources for an answer, by how: kept with them where the same
            is released again (:mod:`bridge.gate.hot.pages`).
    """

    matches: tuple[ReleasedResource, ...]
    included: tuple[ReleasedResource, ...] = ()
    total: int | None = 0
    last: tuple[int, str] = (0, "")
    as_of: datetime | None = None
    mark: object = field(repr=False, compare=False, default=None)
    written: dict[object, bytes] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        _only_the_gate(self.mark)

    @property
    def last_change(self) -> int:
        """The number of the change of the last match, in the order of change; 0 if none."""
        return self.last[0]

    @property
    def notices(self) -> tuple[str, ...]:
        """Ids of the notices that ride with any of the resources."""
        every = (*self.matches, *self.included)
        return tuple(sorted({each for released in every for each in released.notices}))


@dataclass(frozen=True, slots=True)
class ReleasedLines:
    """A part of a file: resources as one caller may see them, one a line, ready to send.

    Attributes:
        count: how many there are.
        body: the lines, each with its end.
        reached: the number of the change the part ends with, told or not.
    """

    count: int
    body: bytes = field(repr=False)
    reached: int = 0
    mark: object = field(repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        _only_the_gate(self.mark)

    @classmethod
    def of(cls, bodies: Sequence[bytes], reached: int, mark: object) -> Self:
        """Join resources, each as it is ready to send; only the gate has the mark."""
        return cls(len(bodies), b"\n".join((*bodies, b"")), reached, mark)


def lines_of(released: Released) -> ReleasedLines:
    """Return the matches of an answer in the order of change, as a part of a file."""
    bodies = [each.body for each in released.matches]
    return ReleasedLines.of(bodies, released.last_change, released.mark)


@dataclass(frozen=True, slots=True)
class Seen:
    """One record as a caller may see it now, for a journey to check a change against.

    It is no release: no reply accepts it and the ledger does not know it. It holds nothing the
    caller could not read.
    """

    type: str
    id: str
    version: str
    agreement_id: str
    student_id: str
    referral_id: str
    content: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What a school learns about one of its referrals: the coordination data set, nothing more.

    ``student`` and ``sent_on`` are the school's own record. ``status`` is a follow-up code; it is
    ``sent`` until something newer may be told: a status withheld reads exactly like no answer yet.
    ``notices`` names the notices that ride with what is told, ``terms`` says them in one line.
    """

    referral: str
    student: str
    school: str
    sent_on: str
    status: str
    status_on: str
    provider: str
    notices: tuple[str, ...] = ()
    terms: str = ""


@dataclass(frozen=True, slots=True)
class ReleasedFollowUps:
    """Follow-up rows for one school, in the order the referrals were sent."""

    rows: tuple[FollowUp, ...]
    mark: object = field(repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        _only_the_gate(self.mark)

    @property
    def notices(self) -> tuple[str, ...]:
        """Ids of the notices that ride with any of the rows."""
        return tuple(dict.fromkeys(each for row in self.rows for each in row.notices))


@dataclass(frozen=True, slots=True)
class Placed:
    """One referral as its district may see it, and what is due for it, the longest due first.

    Attributes:
        status: the follow-up code, or :data:`mappings.loop.clocks.AWAITING_SIGNATURE`.
        unserved: it ended without care at this provider, and the student has no later referral
            that is open: somebody thinks of another provider.
        of_age: the student is 18 or older: the right to sign has passed (34 CFR 99.5).
        kept_until: the day until which the school decided to keep it open; None if it did not.
        closing: the school decided to close it; where care has begun the provider is asked to stop.
        stage: which of :data:`bridge.gate.people.places.STAGES` it is open in; "" where it is not.
        owner: handle of who of the school follows up; "" for nobody.
        follow_on: the day they said they would; None where they named none.
    """

    row: FollowUp
    status: str
    due: tuple[Due, ...]
    unserved: bool = False
    of_age: bool = False
    kept_until: date | None = None
    closing: bool = False
    stage: str = ""
    owner: str = ""
    follow_on: date | None = None


@dataclass(frozen=True, slots=True)
class ReleasedPage:
    """Some of a district's referrals, in the order of its board.

    Attributes:
        counts: how many there are in each choice of rows
            (:data:`bridge.gate.people.places.CHOICES`), counted as they are told.
        today: the day in the district; None where no agreement binds it yet.
    """

    rows: tuple[Placed, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    today: date | None = None
    mark: object = field(repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        _only_the_gate(self.mark)

    @property
    def notices(self) -> tuple[str, ...]:
        """Ids of the notices that ride with any of the rows."""
        return tuple(dict.fromkeys(each for one in self.rows for each in one.row.notices))


@dataclass(frozen=True, slots=True)
class OwnReferral:
    """One referral as its own district sent it: nothing a provider wrote.

    Attributes:
        provider: name of who it was sent to.
        resources: the ServiceRequest first, then what came with it.
    """

    provider: str
    resources: tuple[Mapping[str, Any], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReleasedReferrals:
    """A district's own referrals, in the order they were last sent."""

    referrals: tuple[OwnReferral, ...]
    mark: object = field(repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        _only_the_gate(self.mark)


@dataclass(frozen=True, slots=True)
class ReleasedCounts:
    """A table after suppression: rows of column name to text, and the notes that stand under it."""

    columns: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]
    notes: tuple[str, ...] = ()
    mark: object = field(repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        _only_the_gate(self.mark)


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One passing of information, or (for a guardian who may not be told how often) the first.

    Attributes:
        purposes, elements, bases: ids, as the agreement and the law pack name them.
        signed_on: days on which the forms relied on were signed.
        threat: what an emergency was declared for (34 CFR 99.32(a)(5)); "" for none.
        times, last: how often the same went, and when last; 0 and None where that is not told.
    """

    at: datetime
    discloser: str
    recipient: str
    purposes: tuple[str, ...]
    elements: tuple[str, ...]
    bases: tuple[str, ...]
    signed_on: tuple[str, ...] = ()
    threat: str = field(default="", repr=False)
    times: int = 1
    last: datetime | None = None


@dataclass(frozen=True, slots=True)
class AccountEvent:
    """What is no release: ``asked``, ``revoked``, ``recalled`` or ``acknowledged``; by whom."""

    at: datetime
    kind: str
    recipient: str = ""


@dataclass(frozen=True, slots=True)
class ReleasedAccount:
    """The accounting of disclosures of one student for one kind of asker."""

    student: str
    asked_at: datetime
    tz: str
    lines: tuple[AccountLine, ...]
    events: tuple[AccountEvent, ...]
    mark: object = field(repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        _only_the_gate(self.mark)
