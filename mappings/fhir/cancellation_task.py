"""A school's request that a provider stop: a Task with the code ``abort`` (COW 1.0.0 ballot).

Its focus is the Task of the referral. The provider answers ``accepted``, or ``rejected`` and why.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from mappings.fhir.canonicals import TASK_CODE
from mappings.fhir.elements import BEHAVIOURAL_HEALTH, Json, instant
from mappings.fhir.fixed import fixed
from mappings.fhir.status_reasons import WITHDRAWN

ABORT: Final[Json] = fixed({"coding": [{"system": TASK_CODE, "code": "abort"}]})
ANSWERS: Final = ("accepted", "rejected")


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks whom to stop what, about whom: references as the Task of the referral has them."""

    task: str
    patient: str
    requester: str
    owner: str


def build(cancellation_id: str, asked: Asked, status: str, at: datetime) -> Json:
    """Build the Task; ``status`` is ``requested``, or what it was answered with at once."""
    task: dict[str, Any] = {
        "resourceType": "Task",
        "id": cancellation_id,
        "meta": {"security": BEHAVIOURAL_HEALTH},
        "status": status,
        "statusReason": WITHDRAWN,
        "intent": "order",
        "code": ABORT,
        "focus": {"reference": asked.task},
        "for": {"reference": asked.patient},
        "authoredOn": instant(at),
        "lastModified": instant(at),
        "requester": {"reference": asked.requester},
        "owner": {"reference": asked.owner},
    }
    return task


def is_cancellation(task: Json) -> bool:
    """Return whether a Task asks to stop another."""
    codings = task.get("code", {}).get("coding", ())
    return any((c.get("system"), c.get("code")) == (TASK_CODE, "abort") for c in codings)
