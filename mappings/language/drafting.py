"""``map new``: the draft of a map from what the files hold. It suggests and never decides.

Every suggestion begins with ``decide?``, and a map that still holds one does not load: each is a
line that says what is open. Every column, and every place that holds something, is an entry of the
draft; what stands in an export and has no place is named in a comment. Of several files the first
is the main source, and each of the others gets a join with the pair of columns that matches best.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mappings.language.dictionary import DICTIONARY, MapKind
from mappings.language.document import MapDocument
from mappings.language.drafting_columns import DraftColumn, draft_columns, draft_field, quoted
from mappings.language.drafting_joins import draft_join, guess_joins
from mappings.language.headers import accepted_headings, header_fit
from mappings.language.places import place_problem
from mappings.language.reading import OPEN
from mappings.language.reading_sources import DELIMITERS
from mappings.language.shipped import list_maps
from mappings.readers import PLACED, Surveyed, survey

_FIT: Final = 0.8
"""Share of a shipped map's headings a file must have for the map to be suggested for it."""


@dataclass(frozen=True, slots=True)
class _Source:
    """One source of the draft; ``shipped`` is a map that reads it already."""

    role: str
    found: Surveyed
    columns: list[DraftColumn]
    rows: int
    shipped: MapDocument | None = None

    @property
    def placed(self) -> bool:
        """Whether its columns are places."""
        return self.found.how.formats[0] in PLACED

    @property
    def usable(self) -> list[DraftColumn]:
        """The columns a map may name; of messages also those of segments no map names are not."""
        name = self.found.how.formats[0]
        return [c for c in self.columns if not (self.placed and place_problem(name, c.heading))]


def draft_map(files: Path | Sequence[Path], kind: MapKind) -> str:
    """Return the YAML of a draft.

    Raises:
        SourceError: a file cannot be read, or is of no format that is known.
    """
    paths = [files] if isinstance(files, Path) else list(files)
    found = [one for path in paths for one in survey(path, sessions=kind is MapKind.SESSION)]
    sources = _sources(found, kind)
    if len(paths) == 1:
        # Of the tables of one export, the one with the most rows tells what happened.
        sources.sort(key=lambda source: -source.rows)
    first, *others = sources
    others = [_with_shipped(other, kind) for other in others]
    return "\n".join(_lines(paths[0], kind, [first, *others])) + "\n"


def _sources(found: list[Surveyed], kind: MapKind) -> list[_Source]:
    names: dict[str, int] = {}
    sources = []
    for one in found:
        slug = _slug(one.name) if len(found) > 1 else _ONLY[kind]
        names[slug] = names.get(slug, 0) + 1
        role = slug if names[slug] == 1 else f"{slug}-{names[slug]}"
        sources.append(_Source(role, one, *draft_columns(one.table())))
    return sources


_ONLY: Final = {
    MapKind.REFERRAL: "form",
    MapKind.ROSTER: "roster",
    MapKind.SESSION: "sessions",
    MapKind.SCREENING: "results",
    MapKind.ANSWER: "answers",
}


def _with_shipped(source: _Source, kind: MapKind) -> _Source:
    """Find the shipped map of a roster that reads a further source of referrals as it is."""
    if kind is not MapKind.REFERRAL:
        return source
    maps = [document for document in list_maps() if document.kind is MapKind.ROSTER]
    fit = {document.id: _fit(source, document) for document in maps}
    best = max(maps, key=lambda document: fit[document.id])
    if fit[best.id] < _FIT:
        return source
    named = {word.text for rule in best.fields for word in rule.columns}
    named |= {word.text for word in best.row_key}
    columns = [c for c in source.columns if not source.placed or c.heading in named]
    return _Source(source.role, source.found, columns, source.rows, best)


def _fit(source: _Source, document: MapDocument) -> float:
    theirs = document.main.how.formats
    if source.placed:
        return 1.0 if source.found.how.formats[0] in theirs else 0.0
    if set(theirs).isdisjoint(source.found.how.formats) or document.main.has_places:
        return 0.0
    header = tuple(column.heading for column in source.columns)
    return header_fit(header, accepted_headings(document.main, document.fields))


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-") or "source"


def _lines(path: Path, kind: MapKind, sources: Sequence[_Source]) -> Iterator[str]:
    first = sources[0]
    yield f"# A draft. What begins with {OPEN} is open: a person decides, and takes the word away."
    yield "# A column that goes nowhere belongs under do-not-send, with its reason (why)."
    if len(sources) > 1:
        yield "# Each row of the first source becomes a record; or put another first."
    yield from ('map: "1"', f"id: {_slug(path.stem)}", f"title: {OPEN}", f"kind: {kind}")
    yield from (f"zone: {OPEN}", "sources:")
    for source in sources:
        yield from _source(source)
    yield f"row-key: {quoted(' '.join([OPEN, *_keys(first)[:1]]))}"
    yield "fields:"
    for source in sources:
        for column in () if source.shipped else source.usable:
            yield from draft_field(kind, column, "" if source is first else source.role)
    yield from _joins(sources)
    yield from _still_needed(kind)
    yield from ("examples:", f"  - name: {OPEN} a row of your own making, and what it becomes")
    yield from ("    row: {}" if len(sources) == 1 else "    given: {}", "    expect: {}")


def _source(source: _Source) -> Iterator[str]:
    how = source.found.how
    yield f"  {source.role}:"
    if source.shipped:
        yield f"    # {source.shipped.title}; if it does not fit, draft this file by itself"
        yield f'    map: "{OPEN} {source.shipped.id}"'
        return
    yield f"    format: {how.formats[0] if len(how.formats) == 1 else '[csv, xlsx]'}"
    if how.part:
        yield f"    part: {quoted(how.part)}"
    if "csv" in how.formats:
        yield f"    delimiter: {next(n for n, m in DELIMITERS.items() if m == how.delimiter)}"
    if how.escape:
        yield "    escape: backslash"
    yield from _unread(source)
    if not source.placed:
        yield from ("    headings:", *(f"      - {quoted(c.heading)}" for c in source.columns))


def _unread(source: _Source) -> Iterator[str]:
    """Yield comments on what stands in the export and no entry of the draft reads."""
    usable = {column.heading for column in source.usable}
    left = [column.heading for column in source.columns if column.heading not in usable]
    notes = [*source.found.notes, *(f"{name}: no map may name it" for name in left)]
    if notes:
        yield "    # In the export, and read by no entry below of that name (it joins records, is"
        yield "    # read under the word of another version, or is never read):"
    yield from (f"    #   {_comment(note)}" for note in notes)


def _comment(text: str) -> str:
    return quoted(text)[1:-1]


def _keys(source: _Source) -> list[str]:
    """Return the columns that tell rows apart, those that shipped maps use first."""
    keys = [c.heading for c in source.usable if source.rows and len(c.texts) == source.rows]
    known = {word.text for document in list_maps() for word in document.row_key}
    return sorted(keys, key=lambda key: key not in known) if source.placed else keys


def _joins(sources: Sequence[_Source]) -> Iterator[str]:
    first, *others = sources
    if others:
        yield "joins:"
    for other in others:
        guesses = guess_joins(first.usable, other.usable)
        yield from draft_join(other.role, guesses, first.rows)


def _still_needed(kind: MapKind) -> Iterator[str]:
    """Yield what only a person may say: which columns hold urgency and consent, or none."""
    wanted = [e.name for e in DICTIONARY[kind].values() if e.never_assumed and e.required]
    if wanted:
        yield "# Each of these is a column above (goes-to), or is not on the form:"
        yield "not-on-form:"
        yield from (f"  - {OPEN} {name}" for name in wanted)
