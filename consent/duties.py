"""How far an element may go, and the duties that ride with it.

Sources: ``codes/duties.csv`` (what each code does to a release, and who carries it out) and
``notices/`` (the texts). INVARIANT: a duty nobody is declared to carry out is a denial.
"""

import csv
import io
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from importlib.resources import files

NOTICE_LANGUAGES = ("en", "es")


class Extent(StrEnum):
    """How far an element may go, least first; of several the lowest wins.

    ``DENY`` and ``HOLD`` never leave. The others leave in that form: counted, under a pseudonym,
    with passages taken out, with duties, or as they are.
    """

    DENY = "deny"
    AGGREGATE = "aggregate"
    PSEUDONYM = "pseudonym"
    REDACT = "redact"
    HOLD = "hold-for-review"
    DUTIES = "permit-with-duties"
    PERMIT = "permit"


_STEPS = {extent: step for step, extent in enumerate(Extent)}


def lowest(extents: Iterable[Extent]) -> Extent:
    """Return the lowest of some extents; a plain permit if there are none."""
    return min(extents, key=_STEPS.__getitem__, default=Extent.PERMIT)


@dataclass(frozen=True, slots=True)
class Notice:
    """A text that rides with the release.

    Attributes:
        short: one English sentence that may stand for the whole (42 CFR 2.32(a)(2) writes its own).
        policy: code of v3-ActCode of the law behind it, or "" where HL7 has none.
        texts: the whole text by language.
    """

    id: str
    cite: str
    short: str
    policy: str
    texts: tuple[tuple[str, str], ...]

    def text(self, language: str) -> str:
        """Return the text in a language.

        Raises:
            KeyError: if it is not written in that language.
        """
        return dict(self.texts)[language]


@dataclass(frozen=True, slots=True)
class ConsentScope:
    """A copy of the consent used, or what it covers, rides along (42 CFR 2.32).

    Attributes:
        form: the template's form whose signed release was used.
        basis: the legal basis it met.
    """

    form: str
    basis: str


@dataclass(frozen=True, slots=True)
class Review:
    """A second person reviews the release within some hours of it."""

    hours: int

    def due(self, released_at: datetime) -> datetime:
        """Return the instant by which it must have been reviewed."""
        return released_at + timedelta(hours=self.hours)


@dataclass(frozen=True, slots=True)
class Duty:
    """One obligation that rides with a release, with what is needed to carry it out."""

    code: str
    payload: Notice | ConsentScope | Review | None = None

    def __str__(self) -> str:
        """Return the code as a ledger keeps it; with the form used where its scope rides along."""
        match self.payload:
            case ConsentScope(form, basis):
                return f"{self.code} {form} {basis}"
            case _:
                return self.code


@dataclass(frozen=True, slots=True)
class DutyRule:
    """What a code does to a release.

    Attributes:
        extent: how far a release goes that carries it.
        carried_out_by: who does, and how, in words; "" if nobody can.
        discharged_by: the fact that says it was done; until then the release is held.
        payload: ``notice``, ``consent``, ``review`` or "".
        only_to: the party roles towards which it can be carried out; empty for all.
    """

    code: str
    extent: Extent
    carried_out_by: str
    discharged_by: str
    payload: str
    only_to: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class NoticeRule:
    """When a notice rides along: with the bases of a law, but for some recipients and bases."""

    id: str
    law: str
    except_to: frozenset[str]
    except_basis: frozenset[str]

    def rides(self, law: str, basis: str, recipient: str) -> bool:
        """Whether it rides with a release to a recipient on a basis of a law."""
        return (
            law == self.law and recipient not in self.except_to and basis not in self.except_basis
        )


@cache
def duty_rules() -> dict[str, DutyRule]:
    """Return what is declared of each code; a code that is not here nobody can carry out."""
    return {row["code"]: _rule(row) for row in _rows("codes/duties.csv")}


@cache
def able() -> frozenset[str]:
    """Return the codes of the duties that can be carried out."""
    return frozenset(
        rule.code
        for rule in duty_rules().values()
        if rule.carried_out_by and rule.extent is not Extent.DENY
    )


@cache
def notice_rules() -> tuple[NoticeRule, ...]:
    """Return when each notice rides along."""
    return tuple(
        NoticeRule(
            row["id"],
            row["law"],
            frozenset(row["except_to"].split()),
            frozenset(row["except_basis"].split()),
        )
        for row in _rows("notices/notices.csv")
    )


@cache
def notice(notice_id: str) -> Notice:
    """Return a notice with its texts.

    Raises:
        LookupError: if there is none of that id.
    """
    for row in _rows("notices/notices.csv"):
        if row["id"] == notice_id:
            texts = tuple((tongue, _notice_text(notice_id, tongue)) for tongue in NOTICE_LANGUAGES)
            return Notice(notice_id, row["cite"], row["short"], row["policy"], texts)
    raise LookupError("no such notice; see consent/notices")


def extent_of(codes: Iterable[str]) -> Extent:
    """Return how far a release goes that carries these duties, once each is discharged."""
    rules = [duty_rules().get(code) for code in codes]
    return lowest(
        Extent.DUTIES if rule is None or rule.extent is Extent.HOLD else rule.extent
        for rule in rules
    )


def discharging(codes: Iterable[str]) -> tuple[str, ...]:
    """Return the facts without which a release with these duties is held."""
    known = (duty_rules()[code] for code in codes if code in duty_rules())
    return tuple(rule.discharged_by for rule in known if rule.discharged_by)


def beyond(codes: Iterable[str], able_to: Collection[str], recipient: str) -> str:
    """Return the first duty that cannot be carried out towards a recipient, or ""."""
    return next((code for code in codes if not _can(code, able_to, recipient)), "")


def _can(code: str, able_to: Collection[str], recipient: str) -> bool:
    rule = duty_rules().get(code)
    reached = rule is None or not rule.only_to or recipient in rule.only_to
    return code in able_to and reached


def _rule(row: dict[str, str]) -> DutyRule:
    return DutyRule(
        row["code"],
        _extent(row["extent"]),
        row["carried_out_by"],
        row["discharged_by"],
        row["payload"],
        frozenset(row["only_to"].split()),
    )


def _extent(word: str) -> Extent:
    """Read how far; a word this version does not know lets nothing leave."""
    return Extent(word) if word in _STEPS else Extent.DENY


def _notice_text(notice_id: str, language: str) -> str:
    return _text(f"notices/{notice_id}.{language}.txt").strip()


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(_text(name))))


def _text(name: str) -> str:
    return files("consent").joinpath(name).read_text(encoding="utf-8")
