"""Requests to stop a referral, as a school sends them, and orders to pass one on. Made up."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

Json = dict[str, Any]
ABORT: Json = {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "abort"}]}


def request_to_stop(focus: Json, **more: object) -> Json:
    """Return a Task as COW's example has it: nothing about the student."""
    task = {"resourceType": "Task", "status": "requested", "intent": "order", "code": ABORT}
    return {**task, "focus": focus, **more}


def requests_to_stop(task_id: str, new: Callable[[str], str]) -> Iterator[Json]:
    """Yield requests about a Task, and what is none, with words that stay with who sends them."""
    task = {"reference": f"Task/{task_id}"}
    yield request_to_stop(task, identifier=[{"value": new("stop.id")}])
    yield request_to_stop({**task, "display": new("stop.display")})
    yield request_to_stop(task, note=[{"text": new("stop.note")}])
    yield request_to_stop({"reference": f"Task/{new('id')[:-1]}"})
    yield request_to_stop({"identifier": {"value": new("stop.number")}})


def drawn_request(draw: random.Random, ids: Mapping[str, Sequence[str]]) -> Json:
    """Draw a request: about one's own referral, another's, or one there is none of."""
    kind = draw.choice(("Task", "Task", "ServiceRequest", "Patient", "number"))
    focus = (
        {"reference": f"{kind}/{draw.choice(ids[kind])}"}
        if kind in ids
        else {"identifier": {"value": f"R-{draw.randrange(1, 10)}"}}
    )
    chance = draw.random()
    if chance < 0.1:
        return request_to_stop(
            focus, **{"for": {"reference": f"Patient/{draw.choice(ids['Patient'])}"}}
        )
    if chance < 0.2:
        owner = {"reference": f"Organization/{draw.choice(ids['Organization'])}"}
        return request_to_stop(focus, owner=owner)
    return request_to_stop(focus, **({"status": "accepted"} if chance < 0.25 else {}))


def drawn_order(draw: random.Random, ids: Mapping[str, Sequence[str]]) -> Json:
    """Draw an order that passes a referral on, or its Task: one's own, another's, or of none."""
    to = {"reference": f"Organization/{draw.choice(ids['Organization'])}"}
    based_on = {"reference": f"ServiceRequest/{draw.choice(ids['ServiceRequest'])}"}
    about = {"reference": f"Patient/{draw.choice(ids['Patient'])}"}
    if draw.random() < 0.5:
        made = {"resourceType": "ServiceRequest", "status": "active", "intent": "filler-order"}
        return {**made, "basedOn": [based_on], "performer": [to], "subject": about}
    made = {"resourceType": "Task", "status": "requested", "intent": "order"}
    part_of = {"reference": f"Task/{draw.choice(ids['Task'])}"}
    fulfill = {"coding": [{**ABORT["coding"][0], "code": "fulfill"}]}
    return {**made, "partOf": [part_of], "focus": based_on, "owner": to, "code": fulfill}
