"""Every reference of a session is seen, however it is written: whoever is named is looked at."""

from typing import Any

import orjson
import pytest

from bridge.journeys.answers.record_encounter import SentSession

NAMED = "Patient/other"


def said(**elements: object) -> dict[str, Any]:
    written = orjson.dumps({"resourceType": "Encounter", "subject": {"reference": "a"}, **elements})
    parsed: dict[str, Any] = orjson.loads(written)
    return parsed


@pytest.mark.parametrize(
    "resource",
    [
        said(participant=[{"individual": {"reference": NAMED}}]),
        said(extension=[{"valueReference": {"identifier": {"value": "x"}, "reference": NAMED}}]),
        said(participant=[[[{"individual": {"reference": NAMED}}]]]),
        said(text={"div": 'a "quoted" text'}, account={"reference": NAMED}),
        said(account={"display": "back\\slash", "reference": NAMED}),
        orjson.loads(rb'{"resourceType":"Encounter","subject":{"reference":"a"},'
                     rb'"account":{"referenc\u0065":"Pati\u0065nt\/other"}}'),
    ],
)  # fmt: skip
def test_a_reference_is_seen_wherever_it_stands(resource: dict[str, Any]) -> None:
    assert SentSession(resource).links == {"a", NAMED}
    assert SentSession(resource).naming("Patient") == {NAMED}


@pytest.mark.parametrize(
    "resource",
    [
        said(text={"div": f'"reference":"{NAMED}"'}),
        said(account={"display": f'","reference":"{NAMED}'}),
        said(account={"xreference": NAMED, "reference": {"reference": "a"}, "no": [7, None]}),
    ],
)
def test_a_text_that_looks_like_a_reference_is_none(resource: dict[str, Any]) -> None:
    assert SentSession(resource).links == {"a"}


def test_references_of_other_letters_are_seen_as_they_are() -> None:
    named = "Patient/\u00e9\u4e16\u2028"
    assert SentSession(said(account={"reference": named})).links == {"a", named}
