"""Mistakes inside one entry of ``fields``: target, type, format, codes, options."""

from collections.abc import Iterator

from documents import Position, did_you_mean
from mappings.language.dictionary import DICTIONARY, CanonicalField, Kind
from mappings.language.document import (
    ChoiceRule,
    FieldRule,
    MapDocument,
    Otherwise,
    ValueEntry,
)
from mappings.language.formats import DateFormat, date_format, same_text_two_days
from mappings.language.value_tables import normal

Finding = tuple[Position, str]
_DATES = (Kind.DATE, Kind.MOMENT, Kind.INSTANT)
_LISTS = (Kind.CODED_LIST, Kind.CODE_LIST)
LAST_FIRST = "Last, First"


def check_fields(document: MapDocument) -> Iterator[Finding]:
    """Yield every mistake of the fields taken one by one, and fields filled twice."""
    known = DICTIONARY[document.kind]
    seen: dict[str, FieldRule] = {}
    for rule in document.fields:
        name = rule.goes_to.text
        entry = known.get(name)
        if entry is None:
            yield rule.goes_to.position, f'there is no field "{name}"{did_you_mean(name, known)}'
            continue
        if name in seen and entry.kind not in _LISTS:
            line = seen[name].position.line
            yield rule.goes_to.position, f"{name} is filled twice (first on line {line})"
        seen[name] = rule
        yield from _one(entry, rule)
        yield from _never_reached(document, rule)
    yield from _twice_the_same(document)
    yield from _clashes(document, seen)


def _one(entry: CanonicalField, rule: FieldRule) -> Iterator[Finding]:
    yield from _formats(entry, rule)
    yield from _codes(entry, rule)
    yield from _options(entry, rule)
    yield from _ways(entry, rule)


def _clashes(document: MapDocument, seen: dict[str, FieldRule]) -> Iterator[Finding]:
    names = [name for name in ("student.family_name", "student.given_name") if name in seen]
    if "student.name" in seen and names:
        yield seen[names[0]].position, "student.name fills both names already"
    joined = next((source for source in document.sources if source.reads_with), None)
    for name, rule in seen.items():
        if joined and name.startswith("student."):
            yield rule.position, f"the student comes from the {joined.role} source already"


def _twice_the_same(document: MapDocument) -> Iterator[Finding]:
    """Find a column that fills one list twice: each of its options would stand there twice."""
    seen: dict[tuple[str, str, str], int] = {}
    for rule in document.fields:
        for word in rule.columns:
            place = (rule.source, rule.goes_to.text, normal(word.text))
            line = seen.setdefault(place, rule.position.line)
            if line != rule.position.line:
                text = f'"{word.text}" fills {rule.goes_to.text} twice (first on line {line})'
                yield word.position, text


def _never_reached(document: MapDocument, rule: FieldRule) -> Iterator[Finding]:
    """Find lines of a value table or of choose that no cell can come to."""
    source = document.source(rule.source)
    empty = {"", *(source.empty_words if source else ())}
    for value in rule.values or ():
        if value.text.strip() in empty:
            text = f'"{value.text}" means an empty cell, so the value table never sees it'
            yield value.position, text
    for number, choice in enumerate(rule.choose):
        for earlier in rule.choose[:number]:
            if _covers(earlier, choice):
                line = earlier.gives.position.line
                yield choice.gives.position, f"never reached: line {line} fits all it fits"
                break


def _covers(earlier: ChoiceRule, later: ChoiceRule) -> bool:
    wanted = {column.text: set(map(normal, texts)) for column, texts in later.when}
    return all(
        column.text in wanted and wanted[column.text] <= set(map(normal, texts))
        for column, texts in earlier.when
    )


def _formats(entry: CanonicalField, rule: FieldRule) -> Iterator[Finding]:
    if entry.kind in _DATES:
        yield from _dates(entry, rule)
    elif entry.kind is Kind.NAME:
        if [word.text for word in rule.read_as] != [LAST_FIRST]:
            yield rule.position, f'{entry.name} needs read-as: "{LAST_FIRST}"'
    elif rule.read_as:
        yield rule.read_as[0].position, f"read-as is for dates; {entry.name} is {entry.kind}"


def _dates(entry: CanonicalField, rule: FieldRule) -> Iterator[Finding]:
    if not rule.read_as:
        yield rule.position, f"{entry.name} needs read-as, such as M/D/YYYY: no date is guessed"
    formats = []
    for word in rule.read_as:
        try:
            formats.append(date_format(word.text))
        except ValueError as error:
            yield word.position, str(error)
            continue
        yield from _fits(entry, word.position, formats[-1])
    if clash := same_text_two_days(tuple(formats)):
        text = f"{clash[0].text} and {clash[1].text} read one text as two days; keep one"
        yield rule.read_as[0].position, text


def _fits(entry: CanonicalField, where: Position, form: DateFormat) -> Iterator[Finding]:
    if entry.kind is Kind.DATE and form.has_time:
        yield where, f"{entry.name} is a day; {form.text} has a time"
    if entry.kind is Kind.INSTANT and not form.has_time:
        yield where, f"{entry.name} is a time; {form.text} has none"


def _codes(entry: CanonicalField, rule: FieldRule) -> Iterator[Finding]:
    if rule.values is not None and not entry.codes:
        yield rule.position, f"{entry.name} is {entry.kind} and takes no value table"
        return
    seen: dict[str, ValueEntry] = {}
    for value in rule.values or ():
        yield from _code(entry, value.code, value.position)
        first = seen.setdefault(normal(value.text), value)
        if first is not value:
            yield value.position, f'"{value.text}" stands twice in the value table'
    if rule.values == ():
        yield rule.position, "the value table is empty"
    for choice in rule.choose:
        yield from _code(entry, choice.gives.text, choice.gives.position)


def _code(entry: CanonicalField, code: str, where: Position) -> Iterator[Finding]:
    if entry.codes and code not in entry.codes:
        hint = did_you_mean(code, entry.codes) or f"; codes: {', '.join(entry.codes)}"
        yield where, f'"{code}" is no code of {entry.name}{hint}'


def _options(entry: CanonicalField, rule: FieldRule) -> Iterator[Finding]:
    if not rule.split_on:
        return
    if entry.kind not in _LISTS:
        yield rule.position, f"{entry.name} takes one value; split-on is for lists"
        return
    if any(not mark.strip() or mark.strip().isalnum() for mark in rule.split_on):
        yield rule.position, 'a separator of split-on is a mark, such as ", " or ";"'
        return
    options = {normal(value.text) for value in rule.values or ()}
    for option in sorted(options):
        for mark in rule.split_on:
            parts = [normal(part) for part in option.split(mark.strip())]
            if len(parts) > 1 and options.issuperset(parts):
                text = f'the option "{option}" cannot be told from its parts, options themselves'
                yield rule.position, text


def _ways(entry: CanonicalField, rule: FieldRule) -> Iterator[Finding]:
    keeps = rule.otherwise is Otherwise.KEEP_TEXT
    if keeps and entry.kind not in (Kind.CODED, Kind.CODED_LIST):
        yield rule.position, f"{entry.name} has no place to keep the text; use hold"
    if keeps and entry.never_assumed:
        yield rule.position, f"{entry.name} must be answered; use hold"
    if rule.otherwise is Otherwise.STOP and not entry.codes:
        yield rule.position, "stop-file is for value tables"
    if rule.made_from_key and entry.name not in ("number", "key"):
        yield rule.position, "only number and key are made from the row key"
    if rule.choose and entry.kind is not Kind.CODE:
        yield rule.position, f"choose is for codes; {entry.name} is {entry.kind}"
    if rule.together and entry.kind not in (Kind.TEXT, *_DATES, *_LISTS):
        yield rule.position, f"{entry.name} takes one column"
