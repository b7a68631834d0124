"""Numbers a child may only tighten: keeping, breach clocks, small cells.

Sources: 34 CFR 99.31(a)(6) and 99.32(a)(2), CGS 10-234bb to 10-234dd, 34 CFR 99.31(b).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from consent.mou.names import Names
from consent.mou.reading import Node, Vocabulary

KEEP_WITH_RECORD = "keep_with_record"
_STARTS = Vocabulary(
    "start of a retention clock",
    ("last_service", "school_year_end", "period_end", "queued", "received", "agreement_end"),
)
_METHODS = Vocabulary("method of destruction", ("delete", "return", "crypto_erase"))
_CLOCKS = "hours days student_information_days directory_or_records_days"
_WINDOWS = Vocabulary(
    "differencing window", ("releases_of_same_table", "all_releases", "releases_of_same_year")
)


@dataclass(frozen=True, slots=True)
class Retention:
    """How long one kind of copy is kept; ``days`` None means as long as the record itself."""

    days: int | None
    start: str = ""
    method: str = ""
    certificate: bool = False


@dataclass(frozen=True, slots=True)
class Breach:
    """Who tells whom of a breach, by which clock (``hours``, ``days``, ``..._days``)."""

    who: str
    tell: str
    clock: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SmallCell:
    """The least a published cell may count, and how it is protected from subtraction."""

    min_n: int
    complementary: bool
    percent_rounding: int
    differencing_window: str


def read_retention(node: Node) -> dict[str, Retention]:
    """Read ``retention`` of a template."""
    return {name: _retention(child) for name, child in node.named()}


def _retention(node: Node) -> Retention:
    fields = node.fields("days", "start method certificate")
    return Retention(
        days=fields.get("days", _days, None),
        start=fields.word("start", _STARTS),
        method=fields.word("method", _METHODS),
        certificate=fields.flag("certificate"),
    )


def _days(node: Node) -> int | None:
    if node.located.kind == "text" and node.located.text == KEEP_WITH_RECORD:
        return None
    return node.whole(1)


def read_shorter_retention(node: Node, outer: Mapping[str, Retention]) -> Mapping[str, Retention]:
    """Read ``retention`` of an agreement: the same clocks, none longer."""
    known = Vocabulary("kind of copy in the template", tuple(outer))
    changed = {name: _shorter(child, outer[name]) for name, child in node.named_as(known)}
    return {**outer, **changed}


def _shorter(node: Node, outer: Retention) -> Retention:
    fields = node.fields("days")
    days = fields.get("days", _days, outer.days)
    if outer.days is None and days is not None:
        # 34 CFR 99.32(a)(2): the log of disclosures lives as long as the record.
        node.note("is kept with the record; an agreement cannot shorten it")
    elif outer.days is not None and (days is None or days > outer.days):
        node.note(f"may not be kept longer than the template's {outer.days} days")
    return replace(outer, days=days)


def read_breach(node: Node, names: Names) -> tuple[Breach, ...]:
    """Read ``breach`` of a template."""
    return tuple(_breach(child, names) for child in node.items())


def _breach(node: Node, names: Names) -> Breach:
    fields = node.fields("who tell clock")
    audiences = Vocabulary("party to tell", (*names.parties.names, "families", "individuals"))
    return Breach(
        fields.word("who", names.parties),
        fields.word("tell", audiences),
        fields.get("clock", _clock, {}),
    )


def _clock(node: Node) -> dict[str, int]:
    fields = node.fields("", _CLOCKS)
    if not fields.nodes:
        node.note("needs a number of hours or days")
    return {name: child.whole(1) for name, child in fields.nodes.items()}


def read_sooner_breach(node: Node, names: Names, outer: tuple[Breach, ...]) -> tuple[Breach, ...]:
    """Read ``breach`` of an agreement: new clocks, or a template's clock made shorter."""
    merged = {(breach.who, breach.tell): breach for breach in outer}
    for child in node.items():
        breach = _breach(child, names)
        before = merged.get((breach.who, breach.tell))
        merged[breach.who, breach.tell] = (
            breach if before is None else _sooner(child, before, breach)
        )
    return tuple(merged.values())


def _sooner(node: Node, before: Breach, breach: Breach) -> Breach:
    for name, number in breach.clock.items():
        if name in before.clock and number > before.clock[name]:
            node.note(f"{name} may not be later than the template's {before.clock[name]}")
    return replace(before, clock={**before.clock, **breach.clock})


def read_small_cell(node: Node) -> SmallCell:
    """Read ``small_cell`` of a template."""
    fields = node.fields("min_n complementary percent_rounding differencing_window")
    return SmallCell(
        min_n=fields.whole("min_n", least=2),
        complementary=fields.flag("complementary"),
        percent_rounding=fields.whole("percent_rounding"),
        differencing_window=fields.word("differencing_window", _WINDOWS),
    )


def read_higher_small_cell(node: Node, outer: SmallCell) -> SmallCell:
    """Read ``small_cell`` of an agreement: a higher least count, never a lower one."""
    before = len(node.reading.problems)
    fields = node.fields("", "min_n complementary percent_rounding")
    cell = replace(
        outer,
        min_n=fields.get("min_n", lambda number: number.whole(2), outer.min_n),
        complementary=fields.flag("complementary", default=outer.complementary),
        percent_rounding=fields.get("percent_rounding", Node.whole, outer.percent_rounding),
    )
    if len(node.reading.problems) > before:
        return outer  # what did not read is compared with nothing
    if cell.min_n < outer.min_n:
        node.note(f"min_n may not be lower than the template's {outer.min_n}")
    if cell.percent_rounding < outer.percent_rounding:
        node.note("percent_rounding may not be finer than the template's")
    if outer.complementary and not cell.complementary:
        node.note("complementary may not be switched off")
    return cell
