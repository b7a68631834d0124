"""Law as dated, cited data: which law governs which kind of element, and what satisfies it.

Source of each rule: ``law-rules.csv`` (citation per row). A release needs one basis met in *every*
law that governs the element's kind; a law without any usable basis denies.
"""

import csv
import io
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from hashlib import sha256
from importlib.resources import files

from consent.model import FactName, Slice


@dataclass(frozen=True, slots=True)
class Basis:
    """One way to satisfy one law. An empty ``to``, ``purposes``, ``roles``, ``idents`` is no limit.

    ``idents``: how identifiable an element may be. Data is de-identified only once nothing in it
    names or points to a person (34 CFR 99.31(b)(1), 45 CFR 164.514(a)), so that a judgement about
    a data set never lets a name or a note leave.
    """

    kind: str
    law: str
    name: str
    to: frozenset[str]
    purposes: frozenset[str]
    roles: frozenset[str]
    idents: frozenset[str]
    needs: frozenset[FactName]

    def applies(self, asked: Slice, ident: str) -> bool:
        """Whether this basis counts for a slice, of an element so identifiable, at all."""
        return (
            (not self.to or asked.recipient in self.to)
            and (not self.purposes or asked.purpose in self.purposes)
            and (not self.roles or asked.role in self.roles)
            and (not self.idents or ident in self.idents)
        )


@dataclass(frozen=True, slots=True)
class LawRule:
    """One rule in our words, with its citation and how well it was checked."""

    id: str
    cite: str
    topic: str
    rule: str
    feeds: str
    evidence: str
    source: str


@dataclass(frozen=True, slots=True)
class FormPart:
    """One part of a signed form and what each law says of it."""

    part: str
    says: tuple[tuple[str, str], ...]
    note: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number of the law from one day to another (both included); ``value`` None is no limit."""

    name: str
    value: int | None
    first: date
    last: date
    rule: str


@dataclass(frozen=True, slots=True)
class Law:
    """The law pack of one jurisdiction.

    Attributes:
        bases: in the order of judgement (``law-bases.csv``).
        as_of: the day the law was read; ``review_by`` the day it must be read again.
        review: who has reviewed it, in words.
        digest: of the bases, the only part a decision depends on.
        bases_text: their text, to be kept beside what was decided by it.
    """

    jurisdiction: str
    name: str
    as_of: date
    review_by: date
    review: str
    bases: tuple[Basis, ...]
    rules: tuple[LawRule, ...]
    form_parts: tuple[FormPart, ...]
    digest: str
    parameters: tuple[Parameter, ...] = ()
    bases_text: str = ""

    def kinds(self) -> frozenset[str]:
        """Return the kinds of element this pack governs."""
        return frozenset(basis.kind for basis in self.bases)

    def basis_names(self) -> frozenset[str]:
        """Return the names of all bases."""
        return frozenset(basis.name for basis in self.bases)

    def facts_of(self, basis_name: str) -> frozenset[FactName]:
        """Return the facts a basis needs, over all kinds."""
        return frozenset(
            fact for basis in self.bases if basis.name == basis_name for fact in basis.needs
        )

    def parameter(self, name: str, on: date) -> Parameter:
        """Return a number as the law has it on a day.

        Raises:
            LookupError: if the pack says nothing of that day; nobody's number is guessed.
        """
        for found in self.parameters:
            if found.name == name and found.first <= on <= found.last:
                return found
        raise LookupError(f"the law pack {self.jurisdiction} has no {name} on {on}")


@cache
def load_law(jurisdiction: str) -> Law:
    """Return the law pack of a jurisdiction (``US-CT``, or the fictional ``US-XX``, ``US-YY``).

    Raises:
        LookupError: if no pack is shipped for it; nothing may be decided without law.
    """
    pack = next((row for row in _rows("packs.csv") if row["jurisdiction"] == jurisdiction), None)
    if pack is None:
        raise LookupError("no law pack for this jurisdiction; see consent/law/packs.csv")
    folder = pack["folder"]
    return _with_bases(
        _text(f"{folder}/law-bases.csv"),
        Law(
            jurisdiction=jurisdiction,
            name=pack["name"],
            as_of=date.fromisoformat(pack["as_of"]),
            review_by=date.fromisoformat(pack["review_by"]),
            review=pack["review"],
            bases=(),
            rules=tuple(_rule(row) for row in _rows(f"{folder}/law-rules.csv")),
            form_parts=tuple(_part(row) for row in _rows(f"{folder}/consent-form-elements.csv")),
            digest="",
            parameters=tuple(_parameter(row) for row in _rows(f"{folder}/parameters.csv")),
        ),
    )


def law_of(jurisdiction: str, bases_text: str) -> Law:
    """Return the pack of a jurisdiction with the bases it had when their text was kept.

    Raises:
        LookupError: if no pack is shipped for it.
    """
    return _with_bases(bases_text, load_law(jurisdiction))


def _with_bases(text: str, law: Law) -> Law:
    bases = tuple(_basis(row) for row in csv.DictReader(io.StringIO(text)))
    digest = "sha256:" + sha256(text.encode()).hexdigest()
    return replace(law, bases=bases, digest=digest, bases_text=text)


def jurisdictions() -> tuple[str, ...]:
    """Return the jurisdictions for which a pack is shipped."""
    return tuple(row["jurisdiction"] for row in _rows("packs.csv"))


def _text(name: str) -> str:
    return files("consent.law").joinpath(name).read_text(encoding="utf-8")


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(_text(name))))


def _basis(row: dict[str, str]) -> Basis:
    return Basis(
        kind=row["kind"],
        law=row["law"],
        name=row["basis"],
        to=frozenset(row["only_when_to"].split()),
        purposes=frozenset(row["only_when_purpose"].split()),
        roles=frozenset(row["only_when_role"].split()),
        idents=frozenset(row["only_when_ident"].split()),
        needs=frozenset(FactName(name) for name in row["requires_facts"].split()),
    )


def _rule(row: dict[str, str]) -> LawRule:
    return LawRule(
        id=row["id"],
        cite=row["cite"],
        topic=row["topic"],
        rule=row["rule_in_our_words"],
        feeds=row["machine_fact_or_setting"],
        evidence=row["evidence"],
        source=row["source"],
    )


def _parameter(row: dict[str, str]) -> Parameter:
    return Parameter(
        name=row["parameter"],
        value=None if row["value"] == "none" else int(row["value"]),
        first=date.fromisoformat(row["from"]),
        last=date.fromisoformat(row["to"]) if row["to"] else date.max,
        rule=row["rule"],
    )


def _part(row: dict[str, str]) -> FormPart:
    laws = tuple((name, row[name]) for name in row if name not in ("element", "note"))
    return FormPart(row["element"], laws, row["note"])
