"""Signed forms as they are exchanged, one of each kind. All people made up."""

from dataclasses import replace
from datetime import date

from mappings.fhir.consent_exchange import ExchangedForm

PATIENT = {"reference": "Patient/p1"}
FORM = ExchangedForm(
    form="health",
    answer="signed",
    signers=(("MTH", "Synthetic Mother"),),
    signed_on=date(2026, 9, 1),
    expires_on=date(2027, 6, 30),
    elements=("status", "visit.dates"),
    purposes=("follow", "attend"),
    recipient="lea",
    discloser="provider",
    statements=("condition", "redisclosure", "revoke"),
)
FORMS = [
    FORM,
    replace(FORM, answer="refused"),
    replace(FORM, answer="pending", signers=(), signed_on=None, expires_on=None),
    replace(FORM, revoked=True),
    replace(FORM, signers=(("ONESELF", "Synthetic Child"),)),
    replace(FORM, signers=(("FTH", "Synthetic Father"), ("ONESELF", "Synthetic Child"))),
    replace(FORM, signers=(("", "Synthetic Somebody"),)),
    ExchangedForm("education", "signed"),
]
