"""``check``: every mistake of a map, found before a row is read, with line, column and a hint."""

import re
from collections.abc import Iterator
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from documents import DocumentError, Position, Problem, did_you_mean
from mappings.language.checking_columns import check_columns
from mappings.language.checking_fields import check_fields
from mappings.language.dictionary import DICTIONARY, FORMS, Kind, MapKind
from mappings.language.document import MapDocument, SourceSpec, Word
from mappings.language.shipped import load_map

Finding = tuple[Position, str]
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")
_TOP = Position(1, 1)


def check_map(document: MapDocument) -> list[Problem]:
    """Return every mistake of a map, in the order of the document."""
    found = [*_identity(document), *check_fields(document), *_filled(document)]
    found += [*_constants(document), *_not_on_form(document), *_parts(document)]
    found += check_columns(document, _headings(document))
    problems = [
        Problem(document.document, where.line, where.column, text)
        for where, text in dict.fromkeys(found)
    ]
    return sorted([*document.problems, *problems])


def _identity(document: MapDocument) -> Iterator[Finding]:
    if document.id and not _ID.match(document.id):
        yield _TOP, "an id is made of small letters, digits and hyphens"
    if not document.zone.text:
        return
    try:
        ZoneInfo(document.zone.text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = did_you_mean(document.zone.text, available_timezones())
        yield document.zone.position, f"there is no zone of this name{hint}"


def _filled(document: MapDocument) -> Iterator[Finding]:
    """Find what every record needs and nothing fills."""
    filled = {rule.goes_to.text for rule in document.fields}
    filled |= {constant.name.text for constant in document.constants}
    if "student.name" in filled:
        filled |= {"student.family_name", "student.given_name"}
    absent = {word.text for word in document.not_on_form}
    joined_student = any(source.reads_with for source in document.sources)
    for entry in DICTIONARY[document.kind].values():
        if not entry.required or entry.name in filled or entry.name in absent:
            continue
        if entry.group in absent or (entry.group == "student" and joined_student):
            continue
        if _is_needed(entry.group, filled):
            hint = " or stand under not-on-form" if entry.never_assumed else ""
            yield _TOP, f"{entry.name} is needed: a field must fill it{hint}"


def _is_needed(group: str, filled: set[str]) -> bool:
    """Whether this map makes that part of a record: consent always, a guardian if it speaks of."""
    always = ("", "student", *(f"release.{form}" for form in FORMS))
    return group in always or any(name.startswith(f"{group}.") for name in filled)


def _constants(document: MapDocument) -> Iterator[Finding]:
    known = DICTIONARY[document.kind]
    filled = {rule.goes_to.text for rule in document.fields}
    for constant in document.constants:
        name, where = constant.name.text, constant.name.position
        entry = known.get(name)
        if entry is None:
            yield where, f'there is no field "{name}"{did_you_mean(name, known)}'
        elif entry.never_assumed:
            yield where, f"{name} can never be a constant: only a person's answer fills it"
        elif entry.kind not in (Kind.TEXT, Kind.CODED):
            yield where, f"{name} ({entry.kind}) cannot be a constant"
        elif entry.codes and constant.value not in entry.codes:
            hint = did_you_mean(constant.value, entry.codes)
            yield where, f'"{constant.value}" is no code of {name}{hint}'
        elif name in filled:
            yield where, f"{name} is filled by a field already"


def _not_on_form(document: MapDocument) -> Iterator[Finding]:
    known = DICTIONARY[document.kind]
    names = {*known, *(entry.group for entry in known.values() if entry.group)}
    main = document.main.role
    for word in document.not_on_form:
        if word.text not in names:
            yield word.position, f'there is no field "{word.text}"{did_you_mean(word.text, names)}'
        for rule in document.fields:
            name = rule.goes_to.text
            if rule.source == main and (name == word.text or name.startswith(f"{word.text}.")):
                yield rule.position, f"{name} stands under not-on-form but the form fills it"


def _parts(document: MapDocument) -> Iterator[Finding]:
    """Check what the sources and joins say of each other."""
    roles = [source.role for source in document.sources]
    for source in document.sources:
        yield from _source(document, source)
    for join in document.joins:
        if join.source.text not in roles[1:]:
            hint = did_you_mean(join.source.text, roles[1:])
            yield join.source.position, f'there is no other source "{join.source.text}"{hint}'
    for rule in document.fields:
        if rule.source not in roles:
            yield (
                rule.position,
                f'there is no source "{rule.source}"{did_you_mean(rule.source, roles)}',
            )


def _source(document: MapDocument, source: SourceSpec) -> Iterator[Finding]:
    joins = [join for join in document.joins if join.source.text == source.role]
    if source is document.main:
        if source.reads_with or source.optional:
            yield source.position, "the first source is read by this map and is never optional"
        return
    if len(joins) != 1:
        yield source.position, f"the source {source.role} needs exactly one join"
    if source.optional and not _supplies_absent(document, source.role):
        yield source.position, "an optional source must supply something that is not-on-form"
    if source.reads_with:
        yield from _other_map(document, source)
    elif source.has_places:
        yield source.position, "only the first source can be messages or records"


def _supplies_absent(document: MapDocument, role: str) -> bool:
    return any(
        rule.goes_to.text == word.text or rule.goes_to.text.startswith(f"{word.text}.")
        for rule in document.fields
        if rule.source == role
        for word in document.not_on_form
    )


def _other_map(document: MapDocument, source: SourceSpec) -> Iterator[Finding]:
    other = _loaded(source.reads_with)
    if other is None:
        yield source.position, f'the source map "{source.reads_with}" cannot be read'
    elif other.kind is not MapKind.ROSTER or document.kind is not MapKind.REFERRAL:
        yield source.position, "a source map must be a roster, joined to a referral"
    elif other.document != document.document and check_map(other):
        yield source.position, f'the source map "{source.reads_with}" has mistakes; check it first'


def _loaded(name: str) -> MapDocument | None:
    try:
        return load_map(name)
    except DocumentError:
        return None


def _headings(document: MapDocument) -> dict[str, tuple[str, ...]]:
    """Return the recorded headings of every source, by role."""
    found = {}
    for source in document.sources:
        reader, spec = document, source
        if source.reads_with and (other := _loaded(source.reads_with)):
            reader, spec = other, other.main
        words = _asked(reader, spec) if spec.has_places else spec.headings
        found[source.role] = tuple(word.text for word in words)
    return found


def _asked(document: MapDocument, source: SourceSpec) -> tuple[Word, ...]:
    """Return the places a map asks for in a source that has no headings."""
    words = [w for rule in document.fields if rule.source == source.role for w in rule.columns]
    held = [word for rule in document.hold_when for word, _ in rule.when]
    main = [*document.row_key, *held] if source is document.main else []
    return (*main, *words)
