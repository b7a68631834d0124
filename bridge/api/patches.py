"""JSON Patch (RFC 6902) on what a caller was shown.

INVARIANT: it is applied to the view the caller may read, so a path to what is withheld is a path to
nothing, for ``test`` as for ``replace``.
"""

import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, Final

import orjson

from bridge.errors import BadRequestError, Finding, UnprocessableError

MOST_OPERATIONS: Final = 100
MOST_COPIED: Final = 100_000
"""Bytes one operation copies at most: copied into itself, a place doubles with each operation."""
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,5}")
_NEEDS: Final = {
    "add": ("path", "value"),
    "remove": ("path",),
    "replace": ("path", "value"),
    "test": ("path", "value"),
    "move": ("path", "from"),
    "copy": ("path", "from"),
}
Place = tuple[Any, str]


def patched(content: Mapping[str, Any], patch: object) -> dict[str, Any]:
    """Return a resource after a patch; all of its operations or none.

    Raises:
        BadRequestError: it is no JSON Patch.
        UnprocessableError: an operation names a place that is not there, or a test fails.
    """
    if not isinstance(patch, list) or not 0 < len(patch) <= MOST_OPERATIONS:
        text = f"Send a JSON Patch: a list of 1 to {MOST_OPERATIONS} operations."
        raise BadRequestError(Finding("structure", text))
    changed: dict[str, Any] = deepcopy(dict(content))
    for number, operation in enumerate(patch):
        name = operation.get("op") if isinstance(operation, dict) else None
        needs = _NEEDS.get(name) if isinstance(name, str) else None
        if needs is None or any(each not in operation for each in needs):
            text = "An operation has op, path and what it needs (RFC 6902 4)."
            raise BadRequestError(Finding("structure", text, f"[{number}]"))
        try:
            _OPERATIONS[str(name)](changed, operation)
        except (LookupError, TypeError, ValueError):
            text = "The operation names a place that is not there, or its test failed."
            raise UnprocessableError(Finding("processing", text, f"[{number}]")) from None
    return changed


def _add(whole: dict[str, Any], operation: Mapping[str, Any]) -> None:
    _put(whole, operation["path"], deepcopy(operation["value"]))


def _remove(whole: dict[str, Any], operation: Mapping[str, Any]) -> None:
    _take(whole, operation["path"])


def _replace(whole: dict[str, Any], operation: Mapping[str, Any]) -> None:
    parent, key = _place(whole, operation["path"])
    _at(parent, key)
    parent[int(key) if isinstance(parent, list) else key] = deepcopy(operation["value"])


def _test(whole: dict[str, Any], operation: Mapping[str, Any]) -> None:
    found = _at(*_place(whole, operation["path"]))
    # In JSON true is no number, in Python it is 1.
    if found != operation["value"] or isinstance(found, bool) is not isinstance(
        operation["value"], bool
    ):
        raise ValueError("not equal")


def _move(whole: dict[str, Any], operation: Mapping[str, Any]) -> None:
    if str(operation["path"]).startswith(f"{operation['from']}/"):
        raise ValueError("a place cannot move into itself")
    _put(whole, operation["path"], _take(whole, operation["from"]))


def _copy(whole: dict[str, Any], operation: Mapping[str, Any]) -> None:
    found = _at(*_place(whole, operation["from"]))
    if len(orjson.dumps(found)) > MOST_COPIED:
        raise ValueError("more than one operation copies")
    _put(whole, operation["path"], deepcopy(found))


_OPERATIONS: Final[dict[str, Callable[[dict[str, Any], Mapping[str, Any]], None]]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "test": _test,
    "move": _move,
    "copy": _copy,
}


def _place(whole: dict[str, Any], pointer: object) -> Place:
    """Return the parent and the key a JSON Pointer (RFC 6901) names; the whole has none."""
    if not isinstance(pointer, str) or not pointer.startswith("/"):
        raise ValueError("a pointer begins with a slash")
    *steps, last = (s.replace("~1", "/").replace("~0", "~") for s in pointer[1:].split("/"))
    parent: Any = whole
    for step in steps:
        parent = _at(parent, step)
    if not isinstance(parent, dict | list):
        raise TypeError("no place inside a plain value")
    return parent, last


def _at(parent: Any, key: str) -> Any:  # noqa: ANN401 - JSON
    if isinstance(parent, list):
        if not _INDEX.fullmatch(key):
            raise ValueError("no index")
        return parent[int(key)]
    return parent[key]


def _put(whole: dict[str, Any], pointer: object, value: Any) -> None:  # noqa: ANN401 - JSON
    parent, key = _place(whole, pointer)
    if not isinstance(parent, list):
        parent[key] = value
        return
    index = len(parent) if key == "-" else int(key) if _INDEX.fullmatch(key) else -1
    if not 0 <= index <= len(parent):
        raise IndexError("beyond the end")
    parent.insert(index, value)


def _take(whole: dict[str, Any], pointer: object) -> Any:  # noqa: ANN401 - JSON
    parent, key = _place(whole, pointer)
    _at(parent, key)
    return parent.pop(int(key)) if isinstance(parent, list) else parent.pop(key)
