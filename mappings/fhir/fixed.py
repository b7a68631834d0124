"""Parts of resources that never change, made once and put into many resources.

A builder fills slots around ready-made parts. Sharing a plain dict would let a reader of one
resource change every other; a fixed part refuses to be changed, says its shape in no time, and is
an ordinary dict or list to orjson, pydantic and ``isinstance``. A copy of it is an ordinary one.
"""

import copy
from typing import Any, Final, NoReturn

_CODED: Final = frozenset(
    {"gender", "intent", "mode", "priority", "resourceType", "role", "status"}
)
_NUMBERS: Final[dict[object, int]] = {}
"""Shape -> number, so that a fixed part is compared by one integer."""


def _refuse(*_: object, **__: object) -> NoReturn:
    raise TypeError("this part is shared by many resources; change a copy.deepcopy of it")


class FixedDict(dict[str, Any]):
    """A dict that cannot be changed. Made by :func:`fixed`."""

    __slots__ = ("shape",)
    shape: int
    __setitem__ = __delitem__ = __ior__ = _refuse
    update = pop = popitem = clear = setdefault = _refuse

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        return {name: copy.deepcopy(value, memo) for name, value in self.items()}

    def __reduce__(self) -> tuple[type[dict[str, Any]], tuple[dict[str, Any]]]:
        return dict, (copy.deepcopy(self),)


class FixedList(list[Any]):
    """A list that cannot be changed. Made by :func:`fixed`."""

    __slots__ = ("shape",)
    shape: int
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = extend = insert = remove = pop = clear = sort = reverse = _refuse

    def __deepcopy__(self, memo: dict[int, Any]) -> list[Any]:
        return [copy.deepcopy(value, memo) for value in self]

    def __reduce__(self) -> tuple[type[list[Any]], tuple[list[Any]]]:
        return list, (copy.deepcopy(self),)


_FIXED: Final = frozenset({FixedDict, FixedList})


def fixed_reference(target: str) -> FixedDict:
    """Return a reference that many elements of one record can share."""
    part = FixedDict(reference=target)
    part.shape = _REFERENCE
    return part


def fixed(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a value whose dicts and lists, at every depth, cannot be changed.

    Raises:
        TypeError: never here, but on any later attempt to change what is returned.
    """
    part: FixedDict | FixedList
    if isinstance(value, dict):
        part = FixedDict((name, fixed(item)) for name, item in value.items())
    elif isinstance(value, list):
        part = FixedList(fixed(item) for item in value)
    else:
        return value
    shape = shape_of(copy.deepcopy(part))
    part.shape = _NUMBERS.setdefault(shape, len(_NUMBERS))
    return part


def shape_of(value: object) -> object:
    """Return the shape of a JSON value: hashable, and the same for values that differ in text.

    It holds the elements in order with the JSON type of each leaf; whether a string is blank, and
    the value of an element whose codes are fixed, are part of it.
    """
    kind = type(value)
    if kind in _FIXED:
        return value.shape  # type: ignore[attr-defined] # a type of _FIXED has it
    if kind is dict:
        return _shape_of_dict(value)  # type: ignore[arg-type] # a dict
    if kind is list:
        shapes = [shape_of(item) for item in value]  # type: ignore[attr-defined] # a list
        return (shapes[0],) if len(shapes) == 1 else frozenset(shapes)
    return bool(value.strip()) if kind is str else kind  # type: ignore[attr-defined] # a str


def _shape_of_dict(value: dict[str, Any]) -> tuple[object, ...]:
    # The one hot loop of checking: what most elements are is judged here without a call.
    parts: list[object] = []
    for name, item in value.items():
        parts.append(name)
        kind = type(item)
        if kind in _FIXED:
            parts.append(item.shape)
        elif kind is not str:
            parts.append(shape_of(item))
        elif name in _CODED:
            parts.append(item)
        elif not item.strip():
            parts.append(False)
    return tuple(parts)


_REFERENCE: Final = _NUMBERS.setdefault(shape_of({"reference": "x"}), len(_NUMBERS))
