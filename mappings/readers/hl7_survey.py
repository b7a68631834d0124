"""Which places of HL7 v2 messages hold something, over all messages of a file."""

from collections import Counter
from pathlib import Path
from typing import Final

from mappings.readers.hl7_messages import messages
from mappings.readers.hl7_places import Delimiters

_SHOWN: Final = 20


class _Fields:
    """The fields that hold something: by segment and number, their filled components."""

    def __init__(self) -> None:
        self.components: dict[tuple[str, int], set[int]] = {}
        self.repeated: dict[tuple[str, int], None] = {}
        self.segments: Counter[str] = Counter()

    def take(self, line: str, marks: Delimiters) -> None:
        """Take in one segment."""
        name, *cells = line.split(marks.field)
        # In MSH the separator itself is field 1, and field 2 declares the others.
        shift, cells = (3, cells[1:]) if name == "MSH" else (1, cells)
        for number, cell in enumerate(cells, shift):
            if not cell:
                continue
            texts = cell.split(marks.repetition)
            if len(texts) > 1:
                self.repeated[name, number] = None
            found = self.components.setdefault((name, number), set())
            for text in texts:
                parts = text.split(marks.component)
                found |= {index for index, part in enumerate(parts, 1) if part}

    def places(self) -> tuple[str, ...]:
        """Return the places, in the order of messages."""
        order = list(dict.fromkeys(name for name, _ in self.components))
        fields = sorted(self.components, key=lambda field: (order.index(field[0]), field[1]))
        return tuple(
            f"{name}-{number}.{component}"
            for name, number in fields
            for component in sorted(self.components[name, number])
        )

    def notes(self) -> tuple[str, ...]:
        """Return what a plain place does not reach."""
        told = [
            f"{name} stands up to {count} times in a message: a place reads the first of them, or,"
            f" with each: {name}, every one makes a row"
            for name, count in self.segments.items()
            if count > 1
        ]
        names = [f"{name}-{number}" for name, number in self.repeated]
        if names:
            shown = ", ".join(names[:_SHOWN])
            told.append(
                f"repeated: {shown}: a place reads the first, or say which: where .4 is ..."
            )
        return tuple(told)


def survey_messages(path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the places of a file's messages that hold something, and notes on the others.

    Raises:
        SourceError: the file holds no message that can be read.
    """
    fields = _Fields()
    for message in messages(path):
        for line in message.own:
            fields.take(line, message.delimiters)
        counts = Counter(line.split(message.delimiters.field, 1)[0] for line in message.own)
        fields.segments |= counts
    return fields.places(), fields.notes()
