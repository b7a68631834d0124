"""Conditions on one entry of a FHIR array: ``system=URL``, ``system^=PREFIX``, ``a.b=VALUE``."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Selector:
    """Holds for an entry in which any value at ``path`` is, or begins with, ``value``."""

    path: tuple[str, ...]
    value: str
    begins: bool = False

    def matches(self, entry: object) -> bool:
        """Whether an entry is meant."""
        return any(self._is_meant(found) for found in _values(entry, self.path))

    def _is_meant(self, found: object) -> bool:
        if not isinstance(found, str):
            return False
        return found.startswith(self.value) if self.begins else found == self.value


def parse_selector(text: str) -> Selector:
    """Read a condition.

    Raises:
        ValueError: if it has no ``=``.
    """
    left, equals, value = text.partition("=")
    key = left.removesuffix("^")
    if not equals or not key:
        raise ValueError("a condition is written KEY=VALUE or KEY^=VALUE")
    return Selector(tuple(key.split(".")), value, begins=key != left)


def _values(entry: object, path: tuple[str, ...]) -> Iterator[object]:
    if isinstance(entry, list):
        for item in entry:
            yield from _values(item, path)
    elif not path:
        yield entry
    elif isinstance(entry, dict) and path[0] in entry:
        yield from _values(entry[path[0]], path[1:])
