"""Task of a referral (SDOH Clinical Care 3.0.0 Task For Referral Management)."""

from dataclasses import dataclass
from typing import Any, Final

from mappings.canonical import Referral
from mappings.fhir.canonicals import BASE, SDOHCC, TASK_CODE
from mappings.fhir.context import ReferralContext
from mappings.fhir.elements import PLACER, Json, date_time, meta, reference
from mappings.fhir.errors import ParseError
from mappings.fhir.fixed import fixed
from mappings.fhir.terminology import table

META: Final = meta([f"{SDOHCC}TaskForReferralManagement"], sensitive=True)
FULFILL: Final[Json] = fixed({"coding": [{"system": TASK_CODE, "code": "fulfill"}]})
PARENT_NOTIFIED: Final[Json] = fixed(
    {"coding": [{"system": f"{BASE}/CodeSystem/task-input", "code": "parent-notified"}]}
)

_FOLLOW_UP: Final = table("follow-up")
_SENT: Final[Json] = fixed({"coding": [_FOLLOW_UP.codings["sent"]]})


def build(
    referral: Referral, task_id: str, request_id: str, patient: Json, context: ReferralContext
) -> Json:
    """Build the Task that asks the provider to answer the ServiceRequest.

    Where the source has only a day, ``authoredOn`` is that day: no time is made up.
    """
    task: dict[str, Any] = {
        "resourceType": "Task",
        "id": task_id,
        "meta": META,
        "identifier": [
            {"type": PLACER, "system": context.systems.referral, "value": referral.number}
        ],
        "status": "requested",
        "businessStatus": _SENT,
        "intent": "order",
        "priority": referral.urgency.code,
        "code": FULFILL,
        "focus": reference("ServiceRequest", request_id),
        "for": patient,
        "authoredOn": date_time(referral.authored_on),
        "requester": context.district,
        "owner": context.provider,
    }
    if referral.parent_notified is not None:
        task["input"] = [{"type": PARENT_NOTIFIED, "valueBoolean": referral.parent_notified}]
    return task


@dataclass(frozen=True, slots=True)
class TaskAnswer:
    """What a provider's Task says of a referral; nothing clinical is read.

    Attributes:
        status: Task.status.
        business_code: a code of our follow-up system, if the provider set one.
        reason: Task.statusReason.text.
        outputs: number of outputs.
    """

    status: str
    business_code: str | None
    reason: str | None
    outputs: int


def parse(task: Json) -> TaskAnswer:
    """Read a Task that :func:`mappings.fhir.check.check_resource` has passed.

    Raises:
        ParseError: the Task has no status.
    """
    status = task.get("status")
    if not isinstance(status, str):
        raise ParseError("Task.status", "give the status of the Task")
    return TaskAnswer(
        status=status,
        business_code=_business_code(task),
        reason=task.get("statusReason", {}).get("text"),
        outputs=len(task.get("output", ())),
    )


def _business_code(task: Json) -> str | None:
    for coding in task.get("businessStatus", {}).get("coding", ()):
        if coding.get("system") == _FOLLOW_UP.system and coding.get("code") in _FOLLOW_UP.rows:
            return str(coding["code"])
    return None
