"""Every sample file is read as another parser reads it, or refused for a stated reason."""

import csv
from collections.abc import Iterator
from pathlib import Path

import hl7
import pytest

from mappings.readers import SEVERAL, SourceError
from mappings.readers.hl7_messages import messages
from mappings.readers.hl7_places import Message, parse_location

DATA = Path(__file__).parent / "data"
NULL = '""'


def rows() -> list[dict[str, str]]:
    with (DATA / "hl7-samples.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


READ = [row for row in rows() if not row["refused"]]
REFUSED = [row for row in rows() if row["refused"]]


def parts(value: object) -> list[object]:
    """Return the members of a field, component or repetition of the other parser."""
    return [value] if isinstance(value, str) else list(value)  # type: ignore[call-overload] # text, or a list of it


def texts(theirs: hl7.Message) -> Iterator[tuple[str, str]]:
    """Yield place and text of everything in the first segment of each name."""
    seen = set()
    for segment in theirs:
        name = str(segment[0])
        if name in seen:
            continue
        seen.add(name)
        for field in range(3 if name == "MSH" else 1, len(segment)):
            repetition = parts(segment[field])[0] if len(segment[field]) else ""
            for number, component in enumerate(parts(repetition), 1):
                for sub, _ in enumerate(parts(component), 1):
                    text = theirs.extract_field(name, 1, field, 1, number, sub)
                    yield f"{name}-{field}.{number}.{sub}", "" if text == NULL else text


def differing(message: Message) -> tuple[int, list[str]]:
    raw = "\r".join(segment.replace("\r", "\n") for segment in message.own)
    found = [(place, text) for place, text in texts(hl7.parse(raw))]
    people = [segment for segment in message.own if segment.startswith("PID")]
    unlike = [place for place, text in found if message.text_at(parse_location(place)) != text]
    if len(people) > 1:
        told = [message.text_at(parse_location(place)) for place in unlike]
        return len(found), [text for text in told if text != SEVERAL]
    return len(found), unlike


@pytest.mark.parametrize("row", READ, ids=lambda row: row["file"])
def test_every_text_is_what_an_independent_parser_finds(row: dict[str, str]) -> None:
    found = [differing(message) for message in messages(DATA / row["file"])]

    assert [place for _, unlike in found for place in unlike] == []
    assert len(found) == int(row["messages"])
    assert sum(count for count, _ in found) == int(row["texts_compared"])


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row["file"])
def test_a_file_that_cannot_be_read_is_refused_with_the_reason(row: dict[str, str]) -> None:
    with pytest.raises(SourceError) as caught:
        list(messages(DATA / row["file"]))

    assert row["refused"] in caught.value.what_to_do
    assert "\n" not in str(caught.value)


def test_every_sample_has_its_row() -> None:
    assert sorted(path.name for path in DATA.glob("*.hl7")) == sorted(r["file"] for r in rows())
