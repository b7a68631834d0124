"""Typed, strict reading of located YAML: every problem is noted with its position, none is raised.

A reader asks a :class:`Node` for what it expects (`text`, `whole`, `day`, `words` ...). What does
not fit is noted in the :class:`Reading`, and a harmless value is returned so that reading goes on
and *all* problems are reported at once; :meth:`Reading.finish` raises them. The harmless values
are never used: a document with one problem is not loaded.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

from documents import DocumentError, Located, Position, Problem, did_you_mean

_T = TypeVar("_T")

_WHOLE = re.compile(r"0|[1-9][0-9]{0,8}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names a document may use in one place, and what they are called in a message."""

    noun: str
    names: Collection[str]


@dataclass(slots=True)
class Reading:
    """The problems found so far in one document."""

    document: str
    problems: list[Problem] = field(default_factory=list)

    def note(self, position: Position, text: str) -> None:
        """Note one problem."""
        self.problems.append(Problem(self.document, position.line, position.column, text))

    def finish(self) -> None:
        """End the reading.

        Raises:
            DocumentError: with every problem noted, if any.
        """
        if self.problems:
            raise DocumentError(self.problems)


@dataclass(frozen=True, slots=True)
class Node:
    """One value of a document, with what it is called in a message."""

    located: Located
    label: str
    reading: Reading

    def note(self, text: str) -> None:
        """Note a problem at this value."""
        self.reading.note(self.located.position, self._labelled(text))

    def _labelled(self, text: str) -> str:
        return f"{self.label}: {text}" if self.label else text

    def child(self, located: Located, name: str) -> "Node":
        """Return a node below this one."""
        return Node(located, f"{self.label}.{name}" if self.label else name, self.reading)

    @property
    def empty(self) -> bool:
        """Whether nothing was written here."""
        return self.located.empty

    def text(self) -> str:
        """Read words; an empty value is a problem."""
        if self.located.kind != "text":
            self.note(f"expected text, found a {self.located.kind}")
            return ""
        if self.empty or not self.located.text.strip():
            self.note("must not be empty")
        return self.located.text

    def whole(self, least: int = 0) -> int:
        """Read a whole number, written without quotes, not below ``least``."""
        text = self.text()
        if self.located.kind != "text" or self.empty:
            return least
        if self.located.quoted or not _WHOLE.fullmatch(text):
            self.note("expected a whole number such as 30, without quotes")
            return least
        if int(text) < least:
            self.note(f"must be {least} or more")
        return int(text)

    def flag(self) -> bool:
        """Read ``true`` or ``false``; ``yes``, ``on``, ``1`` and quoted words are refused."""
        text = self.text()
        if self.located.quoted or text not in ("true", "false"):
            self.note("expected true or false, without quotes")
        return text == "true"

    def day(self) -> date:
        """Read a day as YYYY-MM-DD."""
        text = self.text()
        try:
            if _DAY.fullmatch(text):
                return date.fromisoformat(text)
        except ValueError:
            pass
        self.note("expected a day of the calendar as YYYY-MM-DD")
        return date.min

    def word(self, vocabulary: Vocabulary) -> str:
        """Read one name of a vocabulary."""
        text = self.text()
        if text and text not in vocabulary.names:
            near = did_you_mean(text, vocabulary.names)
            self.note(f'"{text}" is not a known {vocabulary.noun}{near}')
        return text

    def words(self, vocabulary: Vocabulary) -> tuple[str, ...]:
        """Read a list of names, each once."""
        names = tuple(item.word(vocabulary) for item in self.items())
        self._note_repeats(names)
        return names

    def word_or_words(self, vocabulary: Vocabulary) -> tuple[str, ...]:
        """Read one name, or a list of names."""
        if self.located.kind == "text":
            return (self.word(vocabulary),)
        return self.words(vocabulary)

    def texts(self) -> tuple[str, ...]:
        """Read a list of free names, each once."""
        names = tuple(item.text() for item in self.items())
        self._note_repeats(names)
        return names

    def _note_repeats(self, names: tuple[str, ...]) -> None:
        for index, name in enumerate(names):
            if name in names[:index]:
                self.reading.note(
                    self.located.items[index].position, f'{self.label}: "{name}" is listed twice'
                )

    def items(self) -> Iterator["Node"]:
        """Read a list."""
        if self.located.kind != "list":
            self.note(f"expected a list in [ ], found {_found(self.located)}")
            return
        for index, item in enumerate(self.located.items, 1):
            yield self.child(item, str(index))

    def named(self) -> Iterator[tuple[str, "Node"]]:
        """Read a mapping whose keys are free names."""
        if self.located.kind != "mapping":
            self.note(f"expected names with values, found {_found(self.located)}")
            return
        for name, value in self.located.entries.items():
            yield name, self.child(value, name)

    def named_as(self, vocabulary: Vocabulary) -> Iterator[tuple[str, "Node"]]:
        """Read a mapping whose keys are names of a vocabulary."""
        for name, node in self.named():
            if name in vocabulary.names:
                yield name, node
            else:
                near = did_you_mean(name, vocabulary.names)
                where = self.located.key_positions[name]
                text = f'"{name}" is not a known {vocabulary.noun}{near}'
                self.reading.note(where, self._labelled(text))

    def fields(self, required: str = "", optional: str = "") -> "Fields":
        """Read a mapping with known keys; note keys unknown and keys missing.

        Args:
            required: names separated by blanks.
            optional: likewise.
        """
        must, may = required.split(), optional.split()
        known = Vocabulary("key here", (*must, *may))
        found = dict(self.named_as(known))
        missing = [name for name in must if name not in found]
        if missing and self.located.kind == "mapping":
            self.note(f"lacks {', '.join(missing)}")
        return Fields(found)


@dataclass(frozen=True, slots=True)
class Fields:
    """The values of a mapping with known keys; a key left out gives the default."""

    nodes: dict[str, Node]

    def require(self, name: str) -> Node:
        """Return a value that must be there.

        Its absence has been noted by :meth:`Node.fields`; what reading nothing then brings up is
        noted nowhere.
        """
        nothing = Node(Located("text", Position(1, 1)), name, Reading(""))
        return self.nodes.get(name, nothing)

    def get(self, name: str, read: Callable[[Node], _T], default: _T) -> _T:
        """Read one value with the reader of its type."""
        node = self.nodes.get(name)
        return default if node is None else read(node)

    def optional(self, name: str, read: Callable[[Node], _T]) -> _T | None:
        """Read one value; None when left out or empty."""
        node = self.nodes.get(name)
        return None if node is None or node.empty else read(node)

    def text(self, name: str) -> str:
        """Read words, or "" when left out."""
        return self.get(name, Node.text, "")

    def flag(self, name: str, default: bool = False) -> bool:
        """Read true or false."""
        return self.get(name, Node.flag, default)

    def whole(self, name: str, least: int = 0) -> int:
        """Read a whole number, or ``least`` when left out."""
        return self.get(name, lambda node: node.whole(least), least)

    def day(self, name: str) -> date:
        """Read a day."""
        return self.get(name, Node.day, date.min)

    def word(self, name: str, vocabulary: Vocabulary) -> str:
        """Read one name of a vocabulary, or "" when left out."""
        return self.get(name, lambda node: node.word(vocabulary), "")

    def words(self, name: str, vocabulary: Vocabulary) -> tuple[str, ...]:
        """Read names of a vocabulary, or none when left out."""
        return self.get(name, lambda node: node.words(vocabulary), ())

    def word_or_words(self, name: str, vocabulary: Vocabulary) -> tuple[str, ...]:
        """Read one name or several, or none when left out."""
        return self.get(name, lambda node: node.word_or_words(vocabulary), ())

    def texts(self, name: str) -> tuple[str, ...]:
        """Read free names, or none when left out."""
        return self.get(name, Node.texts, ())


def _found(located: Located) -> str:
    return "nothing" if located.empty else f"a {located.kind}"
