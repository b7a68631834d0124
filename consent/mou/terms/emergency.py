"""Emergencies: one more basis and flow with its own list, not an override.

Sources: 34 CFR 99.36 and 99.32(a)(5), 45 CFR 164.512(j), 42 CFR 2.51.
"""

from dataclasses import dataclass

from consent.mou.names import Names
from consent.mou.reading import Fields, Node, Vocabulary

_RECORDS = Vocabulary(
    "thing to record", ("threat", "to_whom", "elements", "declared_by", "declared_at")
)
_KEYS = "bases who_may_declare lasts_hours must_record review_within_hours never"


@dataclass(frozen=True, slots=True)
class Emergency:
    """Who may declare one, how long it lasts, what must be written down, what stays shut."""

    bases: tuple[str, ...]
    who_may_declare: tuple[str, ...]
    lasts_hours: int
    must_record: tuple[str, ...]
    review_within_hours: int
    never: tuple[str, ...]
    never_blocks: tuple[str, ...] = ()


def read_emergency(node: Node, names: Names) -> Emergency:
    """Read ``emergency`` of a template."""
    fields = node.fields(_KEYS, "never_blocks")
    return Emergency(
        # p2.emergency is named by documents under its law's own name, so only the pack's are known
        bases=fields.words("bases", names.bases),
        who_may_declare=fields.words("who_may_declare", names.recipients),
        lasts_hours=fields.whole("lasts_hours", least=1),
        must_record=fields.words("must_record", _RECORDS),
        review_within_hours=fields.whole("review_within_hours", least=1),
        never=fields.words("never", names.elements),
        never_blocks=fields.texts("never_blocks"),
    )


def read_narrower_emergency(node: Node, names: Names, outer: Emergency) -> Emergency:
    """Read ``emergency`` of an agreement: fewer people, fewer hours, more kept shut."""
    fields = node.fields("", _KEYS)
    return Emergency(
        bases=_fewer(fields, "bases", outer.bases),
        who_may_declare=_fewer(fields, "who_may_declare", outer.who_may_declare),
        lasts_hours=_at_most(fields, "lasts_hours", outer.lasts_hours),
        must_record=_more(fields, "must_record", outer.must_record, _RECORDS),
        review_within_hours=_at_most(fields, "review_within_hours", outer.review_within_hours),
        never=_more(fields, "never", outer.never, names.elements),
        never_blocks=outer.never_blocks,
    )


def _fewer(fields: Fields, name: str, outer: tuple[str, ...]) -> tuple[str, ...]:
    """Read a list that may only hold what the template's list holds."""
    known = Vocabulary(f"entry of the template's {name}", outer)
    return fields.get(name, lambda node: node.words(known), outer)


def _more(fields: Fields, name: str, outer: tuple[str, ...], known: Vocabulary) -> tuple[str, ...]:
    """Read a list that must hold all of the template's list."""
    node = fields.nodes.get(name)
    if node is None:
        return outer
    words = node.words(known)
    if missing := [word for word in outer if word not in words]:
        node.note(f"may add to the template's list, not leave out {', '.join(missing)}")
    return words


def _at_most(fields: Fields, name: str, outer: int) -> int:
    node = fields.nodes.get(name)
    if node is None:
        return outer
    number = node.whole(1)
    if number > outer:
        node.note(f"may not be longer than the template's {outer}")
    return number
