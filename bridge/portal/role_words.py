"""What the roles of the shipped agreements are called; another's own is shown as it is written."""

from typing import Final

from bridge.portal.languages import say

_WORDS: Final = {
    "administrator": say("administrator"),
    "billing": say("billing"),
    "clinician": say("clinician"),
    "counselor": say("counselor"),
    "dean": say("dean"),
    "intake": say("intake"),
    "nurse": say("nurse"),
    "principal": say("principal"),
    "referral_coordinator": say("referral coordinator"),
    "school_nurse": say("school nurse"),
    "social_worker": say("social worker"),
    "supervisor": say("supervisor"),
    "teacher": say("teacher"),
}


def role_words(role: str) -> str:
    """Return what a role is called, as a text of the pages."""
    return _WORDS.get(role, role.replace("_", " "))
