"""Mistakes about columns: headings nobody recorded, columns nobody uses, examples that miss."""

from collections.abc import Iterable, Iterator
from datetime import UTC

from documents import Position, did_you_mean
from mappings.language.dictionary import DICTIONARY
from mappings.language.document import Example, MapDocument, SourceSpec, Word
from mappings.language.outcome import HoldCode
from mappings.language.past import UntilPast, exported_at
from mappings.language.places import place_problem
from mappings.language.value_tables import normal

Finding = tuple[Position, str]
Headings = dict[str, tuple[str, ...]]


def check_columns(document: MapDocument, headings: Headings) -> list[Finding]:
    """Return every mistake about columns.

    Args:
        document: the map; a role nobody has is somebody else's finding.
        headings: the recorded headings of every source by role.
    """
    return [
        *_recorded(document, headings),
        *_row_key(document),
        *_fields(document),
        *_holds(document),
        *_joins(document, headings),
        *_unsent(document),
        *_unused(document),
        *_examples(document, headings),
    ]


def _recorded(document: MapDocument, headings: Headings) -> Iterator[Finding]:
    for source in document.sources:
        names = [normal(name) for name in headings[source.role]]
        if not names and not source.has_places:
            yield source.position, f"the source {source.role} needs its headings"
        if source.has_places and (source.headings or len(source.how.formats) > 1):
            text = "a source of messages or records has one format and no headings"
            yield source.position, text
        for word in source.headings:
            if names.count(normal(word.text)) > 1:
                yield word.position, f'the heading "{word.text}" stands twice'


def _row_key(document: MapDocument) -> Iterator[Finding]:
    if not document.row_key:
        yield document.main.position, "a map needs a row-key: the columns that tell rows apart"
    for word in document.row_key:
        yield from _column(document.main, (word,))


def _fields(document: MapDocument) -> Iterator[Finding]:
    for rule in document.fields:
        source = document.source(rule.source)
        if source is None:
            continue
        if source.reads_with:
            yield rule.position, f"the source {rule.source} is read by its own map"
        elif rule.together or rule.choose or source.has_places:
            for word in rule.columns:
                yield from _column(source, (word,))
        elif rule.columns:
            yield from _column(source, rule.columns)


def _column(source: SourceSpec, words: tuple[Word, ...]) -> Iterator[Finding]:
    """Find a column that is no place of its format, or none of whose headings was recorded."""
    where = words[0].position
    if source.has_places:
        if text := place_problem(source.how.formats[0], words[0].text):
            yield where, text
        return
    known = {normal(word.text): word.text for word in source.headings}
    if not any(normal(word.text) in known for word in words):
        hint = did_you_mean(words[0].text, known.values())
        yield where, f'"{words[0].text}" is no recorded heading of {source.role}{hint}'


def _holds(document: MapDocument) -> Iterator[Finding]:
    for rule in document.hold_when:
        for word, _ in rule.when:
            yield from _column(document.main, (word,))


def _joins(document: MapDocument, headings: Headings) -> Iterator[Finding]:
    for join in document.joins:
        theirs = headings.get(join.source.text)
        for pair in join.pairs:
            yield from _column(document.main, (pair.column,))
            if theirs is not None and normal(pair.matches.text) not in map(normal, theirs):
                hint = did_you_mean(pair.matches.text, theirs)
                text = f'"{pair.matches.text}" is no recorded heading of {join.source.text}{hint}'
                yield pair.matches.position, text


def _used(document: MapDocument, role: str) -> set[str]:
    """Return the headings of a source that go somewhere."""
    words = [word for rule in document.fields if rule.source == role for word in rule.columns]
    if role == document.main.role:
        words += [*document.row_key]
        words += [word for rule in document.hold_when for word, _ in rule.when]
        words += [pair.column for join in document.joins for pair in join.pairs]
    words += [
        pair.matches for join in document.joins if join.source.text == role for pair in join.pairs
    ]
    return {normal(word.text) for word in words}


def _unsent(document: MapDocument) -> Iterator[Finding]:
    for entry in document.unsent:
        source = document.source(entry.source)
        if source is None:
            yield entry.column.position, f'there is no source "{entry.source}"'
            continue
        yield from _column(source, (entry.column,))
        filled = [rule for rule in document.fields if rule.source == entry.source]
        if any(normal(entry.column.text) == normal(w.text) for r in filled for w in r.columns):
            yield entry.column.position, f'"{entry.column.text}" is both sent and do-not-send'


def _unused(document: MapDocument) -> Iterator[Finding]:
    for source in document.sources:
        used = _used(document, source.role)
        used |= {normal(e.column.text) for e in document.unsent if e.source == source.role}
        for word in source.headings:
            if normal(word.text) not in used:
                text = f'the column "{word.text}" goes nowhere; give it a field or do-not-send'
                yield word.position, text


def _examples(document: MapDocument, headings: Headings) -> Iterator[Finding]:
    if not document.examples:
        yield document.main.position, "a map carries at least one example"
    needed = [source.role for source in document.sources if not source.optional]
    for example in document.examples:
        for role in needed:
            if role not in example.given:
                text = f"an example needs a row of {role}: the map never runs without it"
                yield example.position, text
        for role, row in example.given.items():
            if role not in headings:
                yield _unknown(example, "source", role, headings)
            elif isinstance(row, dict):
                names = headings[role]
                yield from (_unknown(example, "heading", n, names) for n in row if n not in names)
        yield from _expected(document, example)


def _expected(document: MapDocument, example: Example) -> Iterator[Finding]:
    known = DICTIONARY[document.kind]
    codes = tuple(code.value for code in HoldCode)
    yield from (_unknown(example, "field", n, known) for n in example.expect if n not in known)
    yield from (_unknown(example, "reason", c, codes) for c in example.held if c not in codes)
    if document.until_past is UntilPast.BOOKED and not example.exported:
        yield example.position, "until-past: booked needs to know when an example was exported"
    try:
        exported_at(example.exported or "2026-01-01", UTC)
    except ValueError as error:
        yield example.position, str(error)


def _unknown(example: Example, what: str, name: str, known: Iterable[str]) -> Finding:
    return example.position, f'there is no {what} "{name}"{did_you_mean(name, known)}'
