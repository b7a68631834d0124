"""Is it a place? What a map may write behind ``column`` where a source has no headings."""

from documents import did_you_mean
from mappings.language.segments import SEGMENTS
from mappings.readers import RECORDS, parse_place, roster_places
from mappings.readers.hl7_places import parse_location


def place_problem(name: str, text: str) -> str:
    """Return what is wrong with a place of a source of this format; empty when nothing is."""
    if name == "hl7v2":
        return _of_message(text)
    if name in RECORDS:
        return _of_record(name, text)
    places = roster_places(name)
    if text in places or text.startswith(("users.metadata.", "demographics.metadata.")):
        return ""
    if text.rpartition(".")[2].casefold() == "password":
        return "a password is never read"
    return f'"{text}" is no place of {name}{did_you_mean(text, places)}'


def _of_message(text: str) -> str:
    try:
        place = parse_location(text)
    except ValueError as error:
        return str(error)
    if place.segment in SEGMENTS or place.segment.startswith("Z"):
        return ""
    return f'there is no segment "{place.segment}"{did_you_mean(place.segment, SEGMENTS)}'


def _of_record(name: str, text: str) -> str:
    try:
        place = parse_place(text)
    except ValueError as error:
        return str(error)
    known = RECORDS[name]
    if place.record in known:
        return ""
    return f'{name} has no record "{place.record}"{did_you_mean(place.record, known)}'
