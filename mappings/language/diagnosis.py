"""Why a row cannot be mapped: every reason at once, so that a person corrects a row one time."""

from collections.abc import Mapping, Sequence

from mappings.language.binding import BoundField, is_optional_group
from mappings.language.document import MapDocument
from mappings.language.outcome import HoldCode, HoldReason, Unreadable

CellsByRole = Mapping[str, Sequence[str]]


def diagnose(fields: list[BoundField], cells: CellsByRole) -> list[HoldReason]:
    """Return every reason the fields give; sources without a row give none."""
    reasons: list[HoldReason] = []
    filled: dict[str, set[str]] = {}
    for bound in fields:
        if bound.rule.source in cells:
            reasons += _of_field(bound, cells[bound.rule.source], filled)
    return [*reasons, *_incomplete(fields, filled), *_no_reasons(fields, filled, reasons)]


def _of_field(
    bound: BoundField, cells: Sequence[str], filled: dict[str, set[str]]
) -> list[HoldReason]:
    try:
        value = bound.take(cells)
    except Unreadable as error:
        filled.setdefault(bound.entry.group, set()).add(bound.entry.name)
        return [HoldReason(error.code, bound.column, error.text, error.what_to_do)]
    if value is not None and value != ():
        filled.setdefault(bound.entry.group, set()).add(bound.entry.name)
        return []
    return [bound.empty_reason()] if bound.required else []


def _incomplete(fields: list[BoundField], filled: dict[str, set[str]]) -> list[HoldReason]:
    """Return a reason for each part that is filled but lacks what it cannot be without."""
    return [
        HoldReason(
            HoldCode.INCOMPLETE,
            bound.column,
            f"is empty while other columns of {bound.entry.group} are filled",
            "fill it, or empty the others",
        )
        for bound in fields
        if is_optional_group(bound.entry.group)
        and bound.entry.required
        and filled.get(bound.entry.group)
        and bound.entry.name not in filled[bound.entry.group]
    ]


def _no_reasons(
    fields: list[BoundField], filled: dict[str, set[str]], so_far: list[HoldReason]
) -> list[HoldReason]:
    wanted = [bound for bound in fields if bound.entry.name == "reasons"]
    known = any(reason.column == bound.column for bound in wanted for reason in so_far)
    if not wanted or known or "reasons" in filled.get("", set()):
        return []
    return [wanted[0].empty_reason()]


def not_on_form(document: MapDocument, given: set[str]) -> list[HoldReason]:
    """Return a reason for each needed field that only a source without a row could fill.

    Args:
        document: the map.
        given: roles of the sources that have a row here.
    """
    reasons = []
    for word in document.not_on_form:
        suppliers = [rule for rule in document.fields if _supplies(rule.goes_to.text, word.text)]
        if any(rule.source in given for rule in suppliers):
            continue
        sheets = ", ".join(sorted({rule.source for rule in suppliers}))
        advice = f"add this row to the {sheets} file" if sheets else "ask the school"
        text = f"{word.text} is not on the form and nobody has supplied it"
        reasons.append(HoldReason(HoldCode.NOT_ON_FORM, "", text, advice))
    return reasons


def _supplies(field: str, name: str) -> bool:
    return field == name or field.startswith(f"{name}.")
