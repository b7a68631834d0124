"""Rows that a hub was sent, looked at before they are kept.

INVARIANT: a row that says more than a coded row may is refused with its whole file. A bridge that
sends one is not as its agreement says, and what a hub keeps by mistake it has.
"""

from typing import Any, Final

import orjson

from bridge.errors import BridgeError
from consent.minimise import load_projection, minimise

CODED: Final = {"ServiceRequest": ("ref.row",), "Encounter": ("enc.row", "sud.row")}
"""Elements of the view to a hub, by the types that speak of a person."""
_VIEW: Final = "to-hub"


class RowRefused(BridgeError):  # noqa: N818 - says what happened
    """A row of a file is not what it should be. The text says which rule, never a value."""


def checked(line: bytes, kind: str) -> str:
    """Return the id of a row of one type.

    Raises:
        RowRefused: it is no resource of that type, has no id, or says more than its view may.
    """
    try:
        row: Any = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise RowRefused("is not JSON") from None
    if not isinstance(row, dict) or row.get("resourceType") != kind:
        raise RowRefused("is of another type than the manifest says")
    if kind == "OperationOutcome":
        return ""
    record_id = row.get("id")
    if not isinstance(record_id, str) or not record_id:
        raise RowRefused("has no id")
    if kind in CODED and not _is_coded(row, kind):
        raise RowRefused("says more than a coded row may")
    return record_id


def deleted_in(line: bytes) -> list[tuple[str, str]]:
    """Return type and id of what a line of a manifest's ``deleted`` files takes back.

    Source: Bulk Data Access 2.0, *Export*, ``deleted``: Bundles of entries with request.DELETE.

    Raises:
        RowRefused: it is no such Bundle.
    """
    try:
        bundle = orjson.loads(line)
        requests = [entry["request"] for entry in bundle.get("entry", ())]
        places = [each["url"].split("/") for each in requests if each["method"] == "DELETE"]
        return [(kind, record_id) for kind, record_id in places]
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError):
        raise RowRefused("is no Bundle of deletions") from None


def _is_coded(row: dict[str, Any], kind: str) -> bool:
    meta = row.get("meta", {})
    if not isinstance(meta, dict) or not meta.keys() <= {"security", "extension", "profile"}:
        return False
    allowed = minimise(row, frozenset(CODED[kind]), load_projection(_VIEW))
    if allowed is None:
        return False
    return _without_meta(allowed) == _without_meta(row)


def _without_meta(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "meta"}
