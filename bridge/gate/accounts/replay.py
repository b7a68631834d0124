"""Taking a decision again, from the ledger alone: why something left, and whether it still adds up.

An entry holds the digest of the table, the question and the facts that were true, element by
element. The table is compiled again from the documents kept under that digest, so an agreement
amended since, or replaced, makes no difference (34 CFR 99.32 and 45 CFR 164.528 ask for the record
of a disclosure to stand on its own).

For the operator: it names facts, clauses and elements, no person and no value of a record.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Final

from sqlalchemy import Connection

from bridge.errors import BridgeError
from bridge.gate.agreements import CompiledAgreement, compiled
from bridge.gate.decisions import ElementDecision
from bridge.gate.disclosures import ruling_of
from bridge.ledger.entry import Entry, Kind, Receipt, Recorded, Ruling, Terms
from bridge.ledger.lookup import entries, recorded, spelled_out
from bridge.store.directory import agreements
from bridge.store.facts.table_documents import documents_of
from consent.decide import Vote
from consent.model import Decision, Slice


@dataclass(frozen=True, slots=True)
class ReplayedElement:
    """One element decided again: the question, what was known, the answer, who voted how."""

    slice: Slice
    facts: tuple[str, ...]
    decision: Decision
    votes: tuple[Vote, ...]


@dataclass(frozen=True, slots=True)
class Replay:
    """One entry taken again.

    Attributes:
        in_use: whether the table it was decided by is the one in use now.
        differences: parts of the entry that come out otherwise; empty when the replay is exact.
    """

    receipt: Receipt
    recorded: Recorded
    in_use: bool
    elements: tuple[ReplayedElement, ...]
    differences: tuple[str, ...]


def replay(connection: Connection, receipt: Receipt) -> Replay:
    """Take the decision behind one entry again.

    Raises:
        UnknownEntry: there is no such entry, or it was erased.
        BridgeError: the entry tells of no decision (or of those of others it names), or its table
            cannot be made again.
    """
    found = recorded(connection, receipt)
    if found.entry.kind is Kind.AGAIN:
        first, last = min(found.entry.refers), max(found.entry.refers)
        raise BridgeError(
            f"{receipt} repeats {receipt.log}#{first} to #{last}: the decisions are theirs"
        )
    return _replayed(connection, found, {})


def replay_log(connection: Connection, log: str) -> Iterator[Replay]:
    """Take every decision of a log again, oldest first, passing over what tells of none.

    Where an entry repeats others, each is taken again with its place and time.

    Raises:
        BridgeError: a table cannot be made again.
    """
    known: _Known = {}
    for found in spelled_out(connection, entries(connection, log)):
        if found.entry.ruling is not None:
            yield _replayed(connection, found, known)


@dataclass(frozen=True, slots=True)
class _Taken:
    """What comes out again for all entries that say the same of their decision."""

    in_use: bool
    elements: tuple[ReplayedElement, ...]
    differences: tuple[str, ...]


_Known = dict[tuple[Terms | None, Ruling | None, tuple[str, ...]], _Taken]
"""By the terms, the ruling and the elements of an entry, of one log in one transaction."""
_MOST_KNOWN: Final = 10_000


def _replayed(connection: Connection, found: Recorded, known: _Known) -> Replay:
    entry = found.entry
    said = (entry.terms, entry.ruling, entry.elements)
    taken = known.get(said)
    if taken is None:
        if len(known) >= _MOST_KNOWN:
            known.clear()
        taken = known[said] = _taken(connection, entry)
    receipt = Receipt(entry.log, found.index, found.row)
    return Replay(receipt, found, taken.in_use, taken.elements, taken.differences)


def _taken(connection: Connection, entry: Entry) -> _Taken:
    if entry.ruling is None or entry.terms is None:
        raise BridgeError(f"an entry of kind {entry.kind} tells of no decision")
    agreement, in_use = _agreement(connection, entry.terms)
    decided = tuple(_decided(agreement, line) for line in entry.ruling.bits.splitlines())
    again = ruling_of(decided)
    different = [name for name, value in asdict(again).items() if _of(entry.ruling, name) != value]
    if tuple(d.slice.element for d in decided if d.decision.permitted) != entry.elements:
        different.append("elements")
    explained = tuple(_explained(agreement, each) for each in decided)
    return _Taken(in_use, explained, tuple(different))


def _of(ruling: Ruling, name: str) -> object:
    return getattr(ruling, name)


def _decided(agreement: CompiledAgreement, line: str) -> ElementDecision:
    *names, facts = line.split("|")
    asked = Slice(*names)
    known = frozenset(facts.split())
    return ElementDecision(asked, known, agreement.table.decide(asked, known), ())


def _explained(agreement: CompiledAgreement, each: ElementDecision) -> ReplayedElement:
    votes = agreement.table.explain(each.slice, each.facts)
    return ReplayedElement(each.slice, tuple(sorted(each.facts)), each.decision, votes)


def _agreement(connection: Connection, terms: Terms) -> tuple[CompiledAgreement, bool]:
    """Return the agreement as it was when it decided, and whether it is in use unchanged."""
    used = {a.table.digest: a for a in map(compiled, agreements(connection)) if a.id == terms.mou}
    kept = documents_of(connection, terms.table)
    found = used.get(terms.table) or (compiled(*kept) if kept else None)
    if found is None:
        raise BridgeError("the documents of that table were not kept; it cannot be made again")
    if found.table.digest != terms.table:
        # Same texts and the law as it was, another table: the engine has changed since.
        raise BridgeError("the documents are here, but this version compiles them otherwise")
    return found, terms.table in used
