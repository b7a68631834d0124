"""Making frozen records quickly.

A frozen dataclass sets each of its fields through ``object.__setattr__``: for a referral of eighty
fields that is half the cost of mapping the row. A draft is a plain class of the same layout; filled
in the ordinary way, it then becomes the record by changing its class, frozen from there on.
"""

from collections.abc import Callable
from dataclasses import MISSING, field, fields, make_dataclass
from functools import cache
from typing import Any


@cache
def maker(record: type) -> Callable[..., Any]:
    """Return what makes a record as calling its class would, by keywords, but several times faster.

    Args:
        record: a frozen, slotted dataclass without ``__post_init__`` and without default factories.

    Raises:
        TypeError: the class does more on being made than to keep what it is given.
    """
    if hasattr(record, "__post_init__") or _has_factory(record):
        raise TypeError(f"{record.__name__} does more on being made than to keep its fields")
    layout = [
        (item.name, object) if item.default is MISSING else (item.name, object, _default(item))
        for item in fields(record)
    ]

    def become(self: Any) -> None:  # noqa: ANN401 - a draft
        self.__class__ = record

    name, filled = f"{record.__name__}Draft", {"__post_init__": become}
    made: Callable[..., Any] = make_dataclass(name, layout, namespace=filled, slots=True, eq=False)
    return made


def _has_factory(record: type) -> bool:
    return any(item.default_factory is not MISSING for item in fields(record))


def _default(item: Any) -> Any:  # noqa: ANN401 - a dataclass field
    return field(default=item.default)
