"""Rows that show what a map does: each example varied one cell at a time, and what comes of it.

The rows are made from the map as it is; a changed map is run over the same rows and must give the
same records and the same holds, or be caught before.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mappings.language import CompiledMap, Held, HoldCode, MapDocument, Mapped
from mappings.language.dictionary import DICTIONARY
from mappings.language.document import FieldRule
from mappings.language.formats import date_format, written
from mappings.readers import SourceError, SourceFormat, Table
from mappings.readers.hl7_messages import table_from_text
from mappings.readers.hl7_places import parse_location

ODD = ("", "NULL", "N/A", "zzz", "2026-02-03", "3/4/2026", "=1+1", " Yes ", "1", "A; B, C")
EXPORTED = datetime(2026, 10, 1, tzinfo=UTC)
Row = dict[str, str]
Variation = dict[str, Row | str]


@dataclass(frozen=True)
class Corpus:
    """Rows by role, several runs of them; ``headings`` as each run's files write them."""

    runs: tuple[tuple[dict[str, tuple[str, ...]], list[Variation]], ...]

    def outcomes(self, compiled: CompiledMap) -> list[str]:
        """Return everything a map says of the rows."""
        found = [
            f"{role}: {sorted(how.formats)} {how.encoding} {how.delimiter} {how.sheet}"
            for role, how in sorted(compiled.formats().items())
        ]
        for headings, variations in self.runs:
            found += _run(compiled, headings, variations)
        return found


def corpus_of(compiled: CompiledMap) -> Corpus:
    """Return rows that reach every text, format and separator of a map."""
    document = compiled.document
    headings = {s.role: compiled.recorded(s.role) for s in document.sources}
    known, odd = [], []
    for base in (example.given for example in document.examples if example.expect):
        known += [base, *_known(compiled, base), *_of_holds(document, base)]
        odd += _odd(document, base)
    runs = [(headings, known), (headings, odd)]
    for rule in document.fields:
        runs += [(other, known[:1]) for other in _headed_otherwise(rule, headings)]
    return Corpus(tuple((heads, _keyed(document, rows)) for heads, rows in runs))


def _run(
    compiled: CompiledMap, headings: dict[str, tuple[str, ...]], variations: list[Variation]
) -> list[str]:
    try:
        outcomes = list(compiled.run_tables(_tables(compiled, headings, variations), {}, EXPORTED))
    except SourceError as error:
        return [f"refused: {error}"]
    return [_said(outcome) for outcome in outcomes]


def _said(outcome: Mapped | Held) -> str:
    """Return a record whole; of a hold, its reasons in any order and wording.

    Where no row joins, either of the compared columns may be named.
    """
    if isinstance(outcome, Mapped):
        return repr(outcome)
    joins = (HoldCode.JOIN_MISSING, HoldCode.JOIN_AMBIGUOUS, HoldCode.JOIN_HELD)
    reasons = sorted((r.code.value, r.column * (r.code not in joins)) for r in outcome.reasons)
    return f"held: row {outcome.origin.row} {reasons}"


def _tables(
    compiled: CompiledMap, headings: dict[str, tuple[str, ...]], variations: list[Variation]
) -> dict[str, Callable[[], Table]]:
    tables: dict[str, Callable[[], Table]] = {}
    for source in compiled.document.sources:
        given = [v[source.role] for v in variations if source.role in v]
        texts = [row for row in given if isinstance(row, str)]
        if texts:
            how = compiled.formats()[source.role]
            tables[source.role] = _messages("\n".join(texts), how)
        elif given:
            recorded = shown_headings(headings, source.role)
            if not recorded:  # places in records: what the map does not ask for is not there
                recorded = [(place, place) for place in compiled.formats()[source.role].locations]
            tables[source.role] = _rows(recorded, [r for r in given if isinstance(r, dict)])
    return tables


def shown_headings(headings: dict[str, tuple[str, ...]], role: str) -> list[tuple[str, str]]:
    """Return pairs of the heading a file shows and the one its cells are known by."""
    shown = headings[role]
    plain = headings.get(f"{role} as recorded", shown)
    return list(zip(shown, plain, strict=True))


def _rows(recorded: list[tuple[str, str]], rows: list[Row]) -> Callable[[], Table]:
    header = tuple(shown for shown, _ in recorded)
    return lambda: Table(
        "corpus", header, iter([[row.get(name, "") for _, name in recorded] for row in rows])
    )


def _messages(text: str, how: SourceFormat) -> Callable[[], Table]:
    return lambda: table_from_text("corpus", text, how.locations, how.each)


def _headed_otherwise(
    rule: FieldRule, headings: dict[str, tuple[str, ...]]
) -> Iterator[dict[str, tuple[str, ...]]]:
    if rule.together or rule.choose or not headings.get(rule.source):
        return
    mine = headings[rule.source]
    recorded = next((word.text for word in rule.columns if word.text in mine), None)
    for word in rule.columns:
        if recorded and word.text != recorded:
            shown = tuple(word.text if name == recorded else name for name in mine)
            yield headings | {rule.source: shown, f"{rule.source} as recorded": mine}


def _known(compiled: CompiledMap, base: Variation) -> Iterator[Variation]:
    for rule in compiled.document.fields:
        for word in rule.columns:
            for text in _texts(compiled.document, rule, word.text):
                if changed := _changed(base, rule.source, word.text, text):
                    yield changed


def _of_holds(document: MapDocument, base: Variation) -> Iterator[Variation]:
    for rule in document.hold_when:
        changed = base
        for word, texts in rule.when:
            for text in texts:
                changed = _changed(changed, document.main.role, word.text, text) or changed
                yield changed


def _texts(document: MapDocument, rule: FieldRule, column: str) -> Iterator[str]:
    values = [value.text for value in rule.values or ()]
    yield from values
    entry = DICTIONARY[document.kind][rule.goes_to.text]
    yield from entry.codes if rule.values is None else ()
    for mark in rule.split_on:
        yield mark.join(values or entry.codes)
    for word in rule.read_as:
        if word.text != "Last, First":
            for when in (datetime(2026, 1, 29, 15, 4, 5), datetime(2012, 7, 8, 9, 10, 11)):  # noqa: DTZ001 - without a zone on purpose
                yield written(when, date_format(word.text))
    for choice in rule.choose:
        for name, texts in choice.when:
            yield from texts if name.text == column else ()


def _odd(document: MapDocument, base: Variation) -> Iterator[Variation]:
    """Each recorded column holds what nobody expects there."""
    for source in document.sources:
        words = [word.text for word in source.headings]
        words += [w.text for r in document.fields if r.source == source.role for w in r.columns]
        for heading in dict.fromkeys(words):
            for text in ODD:
                if changed := _changed(base, source.role, heading, text):
                    yield changed


def _changed(base: Variation, role: str, column: str, text: str) -> Variation | None:
    row = base.get(role)
    if row is None:
        return None
    if isinstance(row, str):
        return {**base, role: put(row, column, text)}
    return {**base, role: row | {column: text}}


def _keyed(document: MapDocument, variations: list[Variation]) -> list[Variation]:
    """Give every variation keys of its own, so that none counts as a duplicate or joins another."""
    first = next(example.given for example in document.examples if example.expect)
    found = []
    for number, variation in enumerate(variations):
        changed = dict(variation)
        for rule, twins in _keys(document):
            if all(_same_cell(variation, first, *twin) for twin in twins):
                for role, heading in twins:
                    changed = _changed(changed, role, heading, _key(rule, number)) or changed
        found.append(changed)
    return found


def _keys(document: MapDocument) -> Iterator[tuple[FieldRule | None, list[tuple[str, str]]]]:
    """Yield the columns that must say the same in a row of their own: of the key, of each join."""
    main, column = document.main.role, document.row_key[0].text
    pairs = [(join, pair) for join in document.joins for pair in join.pairs]
    twins = [(j.source.text, p.matches.text) for j, p in pairs if p.column.text == column]
    yield _rule(document, column), [(main, column), *twins]
    for join in document.joins:
        other, pair = document.source(join.source.text), join.pairs[0]
        by_key = any(pair.column.text == column for pair in join.pairs)
        if other and not other.reads_with and not by_key:
            place = (join.source.text, pair.matches.text)
            yield _rule(document, pair.column.text), [(main, pair.column.text), place]


def _rule(document: MapDocument, column: str) -> FieldRule | None:
    return next((r for r in document.fields if column in (w.text for w in r.columns)), None)


def _same_cell(one: Variation, other: Variation, role: str, column: str) -> bool:
    """Whether a variation left this cell alone; one of the key itself keeps what it says."""
    mine, theirs = one.get(role), other.get(role)
    if not isinstance(mine, dict) or not isinstance(theirs, dict):
        return True
    return mine.get(column) == theirs.get(column)


def _key(rule: FieldRule | None, number: int) -> str:
    if rule is None or not rule.read_as:
        return f"KEY-{number}"
    when = datetime(2026, 9, 14, 8) + timedelta(seconds=number)  # noqa: DTZ001 - without a zone on purpose
    return written(when, date_format(rule.read_as[0].text))


def put(message: str, location: str, text: str) -> str:
    """Return a message with a text at a place; the message stays as it was elsewhere."""
    place = parse_location(location)
    lines = message.splitlines()
    number = next((n for n, line in enumerate(lines) if line.startswith(f"{place.segment}|")), None)
    if number is None:
        lines.append(place.segment)
        number = len(lines) - 1
    fields = lines[number].split("|")
    index = place.field - 1 if place.segment == "MSH" else place.field
    fields += [""] * (index + 1 - len(fields))
    repetitions = fields[index].split("~")
    which = _repetition(repetitions, place.key, place.value)
    parts = repetitions[which].split("^")
    parts += [""] * (place.component - len(parts))
    parts[max(place.component, 1) - 1] = text
    repetitions[which] = "^".join(parts)
    fields[index] = "~".join(repetitions)
    return "\n".join([*lines[:number], "|".join(fields), *lines[number + 1 :]]) + "\n"


def _repetition(repetitions: list[str], key: int, value: str) -> int:
    for number, repetition in enumerate(repetitions):
        parts = repetition.split("^")
        if key and len(parts) >= key and parts[key - 1] == value:
            return number
    return 0
