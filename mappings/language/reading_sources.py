"""The ``sources`` and ``joins`` of a map."""

from documents import Located, did_you_mean
from mappings.language.document import Compare, JoinPair, JoinRule, SourceSpec, Word
from mappings.language.outline import Outline
from mappings.language.segments import SEGMENTS
from mappings.readers import FORMATS, SourceFormat
from mappings.readers.text_chunks import ENCODINGS

SOURCE_KEYS = (
    *("format", "encoding", "delimiter", "escape", "sheet", "headings", "empty-when", "optional"),
    *("map", "each", "part"),
)
ESCAPES = {"": "", "backslash": "\\"}
JOIN_KEYS = ("source", "on", "match-rate-floor")
PAIR_KEYS = ("column", "matches", "compare")
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}


def read_source(name: Word, item: Located, outline: Outline) -> SourceSpec:
    """Read one source; its role is the key it stands behind."""
    node = outline.section(item, SOURCE_KEYS, "a source")
    formats = outline.texts(node, "format")
    for word in outline.words(node, "format"):
        if word.text not in FORMATS:
            outline.problem(word.position, f"a format is one of: {', '.join(FORMATS)}")
    reads_with = outline.text(node, "map").text
    if not formats and not reads_with:
        outline.problem(node.position, "a source needs a format, or the map that reads it")
    delimiter = outline.one_of(node, "delimiter", tuple(DELIMITERS), "comma")
    how = SourceFormat(
        formats=formats,
        encoding=outline.one_of(node, "encoding", ENCODINGS, "utf-8"),
        delimiter=DELIMITERS[delimiter],
        escape=ESCAPES[outline.one_of(node, "escape", ("backslash",), "")],
        sheet=outline.text(node, "sheet").text,
        part=_part(node, formats, outline),
        each=_each(node, formats, outline),
    )
    return SourceSpec(
        role=name.text,
        position=name.position,
        how=how,
        headings=outline.words(node, "headings"),
        empty_words=outline.texts(node, "empty-when"),
        optional=outline.yes(node, "optional"),
        reads_with=reads_with,
    )


def _each(node: Located, formats: tuple[str, ...], outline: Outline) -> str:
    """Read the segment that makes a row of its own."""
    word = outline.text(node, "each")
    if word.text and (formats != ("hl7v2",) or word.text not in SEGMENTS):
        hint = did_you_mean(word.text, SEGMENTS)
        outline.problem(word.position, f"each names a segment of HL7 v2 messages{hint}")
    return word.text


def _part(node: Located, formats: tuple[str, ...], outline: Outline) -> str:
    """Read the name of the file meant in a folder or zip."""
    word = outline.text(node, "part")
    if word.text and formats not in (("csv",), ("ndjson",)):
        outline.problem(word.position, "part is for a source of format csv or ndjson")
    if set(word.text) & set("/\\."):
        outline.problem(word.position, "part is the name of a file without folder and ending")
    return word.text


def read_join(item: Located, outline: Outline) -> JoinRule:
    """Read one join."""
    node = outline.section(item, JOIN_KEYS, "a join")
    pairs = tuple(_pair(entry, outline) for entry in outline.items(node, "on"))
    if not pairs:
        outline.problem(node.position, 'a join needs "on": the columns that must say the same')
    return JoinRule(
        position=node.position,
        source=outline.text(node, "source", needed=True),
        pairs=pairs,
        floor=_floor(node, outline),
    )


def _pair(item: Located, outline: Outline) -> JoinPair:
    node = outline.section(item, PAIR_KEYS, "a pair of columns")
    ways = tuple(way.value for way in Compare)
    return JoinPair(
        column=outline.text(node, "column", needed=True),
        matches=outline.text(node, "matches", needed=True),
        compare=Compare(outline.one_of(node, "compare", ways, Compare.TEXT.value)),
    )


def _floor(node: Located, outline: Outline) -> float:
    word = outline.text(node, "match-rate-floor")
    digits = word.text.removesuffix("%").strip()
    if not word.text:
        return 0.0
    if not word.text.endswith("%") or not digits.isdecimal() or int(digits) > 100:
        outline.problem(word.position, "a match rate is written as a percentage, such as 80%")
        return 1.0
    return int(digits) / 100
