"""A recall notice as a FHIR Task (R4 task.html): stop using what is listed, and destroy copies.

It holds references and element ids of what its recipient already has, receipts of the disclosure
ledger, and a reason code; no name, no value. ``status`` goes from ``requested`` to ``completed``,
which is the acknowledgement.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from mappings.fhir.canonicals import BASE
from mappings.fhir.elements import Json, instant
from mappings.fhir.fixed import fixed

NOTICES: Final = f"{BASE}/CodeSystem/notices"
REASONS: Final = f"{BASE}/CodeSystem/recall-reasons"
RECEIPTS: Final = f"{BASE}/NamingSystem/receipt"
ID_PREFIX: Final = "recall-"

_CODE: Final[Json] = fixed({"coding": [{"system": NOTICES, "code": "recall", "display": "Recall"}]})
_RECALLED: Final[Json] = fixed({"coding": [{"system": NOTICES, "code": "recalled-elements"}]})
_RECEIPT: Final[Json] = fixed({"coding": [{"system": NOTICES, "code": "receipt"}]})
_WORDS: Final = (
    "Stop using the elements listed and destroy your copies, as the agreement says. "
    "Then set the status to completed."
)


@dataclass(frozen=True, slots=True)
class RecalledResource:
    """A resource the recipient has, the elements recalled, and the receipts they went under."""

    type: str
    id: str
    elements: tuple[str, ...]
    receipts: tuple[str, ...]


def build(
    recall_id: str,
    reason: str,
    recalled: Sequence[RecalledResource],
    instants: tuple[datetime, datetime | None],
) -> Json:
    """Build the Task.

    Args:
        recall_id: id of the notice.
        reason: code of ``recall-reasons``: revoked, revoked-before-release, defective,
            wrong-student, not-upheld, court-order.
        recalled: what it is about.
        instants: when it was sent, and when it was acknowledged, if it was.
    """
    sent_at, acknowledged_at = instants
    task: dict[str, Any] = {
        "resourceType": "Task",
        "id": f"{ID_PREFIX}{recall_id}",
        "status": "completed" if acknowledged_at else "requested",
        "intent": "order",
        "code": _CODE,
        "description": _WORDS,
        "authoredOn": instant(sent_at),
        "lastModified": instant(acknowledged_at or sent_at),
        "reasonCode": {"coding": [{"system": REASONS, "code": reason}]},
        "input": [entry for one in recalled for entry in _inputs(one)],
    }
    return task


def _inputs(one: RecalledResource) -> list[Json]:
    what = {"reference": f"{one.type}/{one.id}", "display": " ".join(one.elements)}
    receipts = [{"type": _RECEIPT, "valueString": receipt} for receipt in one.receipts]
    return [{"type": _RECALLED, "valueReference": what}, *receipts]
