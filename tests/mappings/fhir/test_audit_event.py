"""AuditEvents of releases and refusals."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mappings.fhir.audit_event import Audited, build_decision, build_disclosure
from tests.support.profiles import validate

WENT = Audited(
    receipt="millbrook-harbor-2026#4",
    at=datetime(2026, 10, 15, 14, tzinfo=UTC),
    permitted=True,
    releasing="millbrook",
    receiving="harbor",
    subject="a-pseudonym",
    purposes=("refer",),
    reasons=("COC",),
    resource=("ServiceRequest", "sr1", "abc123"),
    elements=("referral.reason", "student.name"),
    evidence=("form-1",),
    details=(("basis", "ferpa.consent"), ("clause", "4.1"), ("table", "sha256:0")),
)
NOTHING = replace(WENT, resource=None, evidence=(), purposes=(), reasons=())
REFUSED = replace(NOTHING, permitted=False, unagreed=True)


@pytest.mark.validator
def test_every_event_built_is_valid() -> None:
    built = [
        make(each, "e1") for make in (build_disclosure, build_decision) for each in (WENT, REFUSED)
    ]
    assert validate(built) == []


def test_a_disclosure_names_source_recipient_patient_data_and_the_consent() -> None:
    event = build_disclosure(WENT, "e1")
    who = [agent["who"]["identifier"]["value"] for agent in event["agent"]]
    assert (who, event["outcome"]) == (["millbrook", "harbor"], "0")
    assert event["subtype"][0]["code"] == "disclose"
    roles = [entity["role"]["code"] for entity in event["entity"]]
    assert roles == ["1", "4", "3", "13"]
    said = {d["valueString"] for entity in event["entity"] for d in entity.get("detail", ())}
    assert {"referral.reason", "ferpa.consent", "4.1", "sha256:0"} <= said


def test_a_refusal_is_an_authorization_decision_labelled_nomou() -> None:
    event = build_decision(REFUSED, "e1")
    assert (event["subtype"][0]["code"], event["outcome"]) == ("AuthZ-Consent", "4")
    assert [label["code"] for label in event["meta"]["security"]] == ["R", "NOMOU"]
    assert [label["code"] for label in build_decision(WENT, "e2")["meta"]["security"]] == ["R"]
