"""Signed forms to FHIR Consent and back. All people made up."""

import copy
import json
from dataclasses import replace
from typing import Any

import pytest

from mappings.fhir.consent_exchange import ELEMENTS, ExchangedForm, build, lost, parse
from mappings.fhir.errors import ParseError
from tests.support.exchanged_forms import FORM, FORMS, PATIENT
from tests.support.profiles import validate


def consent(form: ExchangedForm = FORM) -> dict[str, Any]:
    return dict(json.loads(json.dumps(build(form, "c1", PATIENT))))


@pytest.mark.parametrize("form", FORMS, ids=range(len(FORMS)))
def test_a_form_that_went_out_comes_back_the_same(form: ExchangedForm) -> None:
    assert parse(consent(form)) == (form,)


@pytest.mark.validator
def test_every_consent_built_is_valid() -> None:
    assert validate([consent(form) for form in FORMS]) == []


def test_what_does_not_survive_is_listed_and_only_that_is_lost() -> None:
    form = replace(FORM, minor_consented=True, revoked=True)
    paths = [each.path for each in lost(form)]
    assert parse(consent(form)) == (replace(form, minor_consented=False),)
    assert {"Consent", "Consent.status", "Consent.policy"} <= set(paths)
    assert len(lost(FORM)) == len(paths) - 2


def test_a_reader_that_overlooks_the_nesting_withholds() -> None:
    provision = consent()["provision"]
    assert provision["type"] == "deny"
    assert {nested["type"] for nested in provision["provision"]} == {"permit"}
    assert all("provision" not in nested for nested in provision["provision"])


def test_each_nested_permit_is_a_form_of_its_own() -> None:
    two = consent()
    other = copy.deepcopy(two["provision"]["provision"][0])
    other["code"] = [{"coding": [{"system": ELEMENTS, "code": "referral.status"}]}]
    two["provision"]["provision"].append(other)
    assert [form.elements for form in parse(two)] == [FORM.elements, ("referral.status",)]


def test_a_flat_permit_of_another_sender_is_read_too() -> None:
    flat = consent()
    (flat["provision"],) = flat["provision"]["provision"]
    assert parse(flat) == (FORM,)


SECRET = "Synthetic Mother"


@pytest.mark.parametrize(
    "edit",
    [
        {"status": "draft"},
        {"status": "rejected"},
        {"modifierExtension": [{"url": "http://x.example"}]},
        {"provision": {"type": "permit", "dataPeriod": {"start": "2026"}}},
        {"provision": {"type": "permit", "securityLabel": [{"code": "R"}]}},
        {"provision": {"type": "permit", "provision": [{"type": "deny"}]}},
        {"provision": {"type": "deny"}},
        {"provision": {"type": "deny", "provision": [{"type": "permit", "provision": [{}]}]}},
        {"provision": {"type": "deny", "code": [], "provision": [{"type": "permit"}]}},
        {"provision": {"type": "permit", "purpose": [{"system": "http://x", "code": "y"}]}},
        {"provision": {"type": "permit", "code": [{"coding": [{"code": "z"}]}]}},
        {"provision": {"type": "permit", "actor": [{"role": {"coding": [{"code": "AUT"}]}}]}},
        {"provision": {"type": "permit", "period": {"end": SECRET}}},
        {"provision": None},
    ],
    ids=str,
)
def test_what_is_not_understood_is_refused_and_never_quoted(edit: dict[str, Any]) -> None:
    with pytest.raises(ParseError) as raised:
        parse(consent() | edit)
    assert SECRET not in str(raised.value)
