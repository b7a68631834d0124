"""The JSON Schema of a map, so that an editor completes its keys and marks its slips.

Built from the tables the reader itself uses. It knows form and names; what only ``map check`` can
know (headings, joins, formats that clash) it leaves to it.
"""

from typing import Any, Final

from mappings.language.dictionary import DICTIONARY, MapKind
from mappings.language.document import Compare, Otherwise
from mappings.language.outcome import HoldCode
from mappings.language.past import UntilPast
from mappings.language.reading import EXAMPLE_KEYS, TOP_KEYS, UNSENT_KEYS, VERSION
from mappings.language.reading_fields import CHOICE_KEYS, FIELD_KEYS, HOLD_KEYS
from mappings.language.reading_sources import (
    DELIMITERS,
    ESCAPES,
    JOIN_KEYS,
    PAIR_KEYS,
    SOURCE_KEYS,
)
from mappings.readers import FORMATS
from mappings.readers.text_chunks import ENCODINGS

Schema = dict[str, Any]
# An editor may take an unquoted 7, or yes, for a number or a truth; the reader takes it for text.
_TEXT: Final[Schema] = {"type": ["string", "number", "boolean"]}
_TEXTS: Final[Schema] = {
    "anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1, "uniqueItems": True}]
}
_WHEN: Final[Schema] = {"type": "object", "additionalProperties": _TEXTS, "minProperties": 1}
_ROW: Final[Schema] = {"type": "object", "additionalProperties": _TEXT}
_YES: Final[Schema] = {"enum": ["yes", "no", True, False]}


def map_schema() -> Schema:
    """Return the schema (draft 2020-12)."""
    known = {
        "map": {"enum": [VERSION, int(VERSION)]},
        "id": {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$"},
        "kind": _one_of(MapKind),
        "sources": _by_name(_section(SOURCE_KEYS, _source())),
        "row-key": _TEXTS,
        "fields": _list(_section(FIELD_KEYS, _field(), needs=("goes-to",), one=_WAYS)),
        "not-on-form": _TEXTS,
        "constants": _ROW,
        "joins": _list(_section(JOIN_KEYS, _join(), needs=("source", "on"))),
        "do-not-send": _list(
            _section(UNSENT_KEYS, {"column": _TEXTS}, needs=("column", "why")),
        ),
        "examples": _list(_section(EXAMPLE_KEYS, _example(), needs=("name",))),
        "hold-when": _list(_section(HOLD_KEYS, {"when": _WHEN}, needs=HOLD_KEYS)),
        "until-past": _one_of(UntilPast),
    }
    needs = ("map", "id", "title", "kind", "zone", "sources", "row-key", "fields", "examples")
    whole = _section(TOP_KEYS, known, needs=needs)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A map of schoolbridge",
        **whole,
        "allOf": [_of_kind(kind) for kind in MapKind],
    }


_WAYS: Final = ("column", "columns", "choose", "made-from")


def _section(
    keys: tuple[str, ...], known: Schema, *, needs: tuple[str, ...] = (), one: tuple[str, ...] = ()
) -> Schema:
    """Return the schema of a mapping with these keys; a key not told of holds one text."""
    found: Schema = {
        "type": "object",
        "properties": {key: known.get(key, _TEXT) for key in keys},
        "additionalProperties": False,
        "required": list(needs),
    }
    return {**found, "oneOf": [{"required": [key]} for key in one]} if one else found


def _source() -> Schema:
    return {
        "format": {"anyOf": [_one_of(FORMATS), _list(_one_of(FORMATS))]},
        "encoding": _one_of(ENCODINGS),
        "delimiter": _one_of(DELIMITERS),
        "escape": _one_of(name for name in ESCAPES if name),
        "headings": _TEXTS,
        "empty-when": _TEXTS,
        "optional": _YES,
    }


def _field() -> Schema:
    return {
        "column": _TEXTS,
        "columns": _TEXTS,
        "read-as": _TEXTS,
        "values": {"anyOf": [{"type": "string", "pattern": "\\.csv$"}, _ROW]},
        "split-on": _TEXTS,
        "otherwise": _one_of(Otherwise),
        "required": _YES,
        "made-from": {"const": "row-key"},
        "choose": _list(_section(CHOICE_KEYS, {"when": _WHEN}, needs=CHOICE_KEYS)),
        "joined": _one_of(("lines", "words")),
    }


def _join() -> Schema:
    pair = _section(PAIR_KEYS, {"compare": _one_of(Compare)}, needs=("column", "matches"))
    rate = {"type": "string", "pattern": "^(100|[0-9]{1,2})%$"}
    return {"on": _list(pair), "match-rate-floor": rate}


def _example() -> Schema:
    held = _one_of(HoldCode)
    return {
        "given": _by_name({"anyOf": [_ROW, {"type": "string"}]}),
        "row": _ROW,
        "expect": _ROW,
        "held": {"anyOf": [held, _list(held)]},
    }


def _of_kind(kind: MapKind) -> Schema:
    """Return what a map of one kind may fill."""
    known = DICTIONARY[kind]
    fields = {"items": {"properties": {"goes-to": {"enum": list(known)}}}}
    fixed = {"propertyNames": {"enum": [n for n, e in known.items() if not e.never_assumed]}}
    then = {"properties": {"fields": fields, "constants": fixed}}
    return {"if": {"properties": {"kind": {"const": kind.value}}}, "then": then}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items, "minItems": 1}


def _by_name(value: Schema) -> Schema:
    return {"type": "object", "additionalProperties": value, "minProperties": 1}


def _one_of(words: Any) -> Schema:  # noqa: ANN401 - any words
    return {"enum": [str(word) for word in words]}
