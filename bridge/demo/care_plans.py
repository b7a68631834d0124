"""What the played provider does with the n-th referral: fixed, so that every run is the same."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Care:
    """A modality with its codes."""

    code: str
    snomed: str
    text: str


CARE = {
    "individual": Care("individual", "18512000", "Individual session"),
    "group": Care("group", "76168009", "Group session"),
    "family": Care("family", "108313002", "Family session"),
    "intake": Care("intake", "10197000", "Intake session"),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """One referral's fate.

    Attributes:
        outcome: declined, waiting, started, done, missed, or unanswered.
        sessions: how many take place; the first is the intake.
        modalities: of the others, in turn.
        care_consent: on whose consent care is given.
        label: sensitivity label of its sessions: MH, or SUD for the substance-use programme.
    """

    outcome: str
    sessions: int
    modalities: tuple[str, ...]
    care_consent: str
    label: str


_OUTCOMES = (
    "started",
    "done",
    "started",
    "missed",
    "started",
    "declined",
    "done",
    "started",
    "waiting",
    "unanswered",
)


def plan_of(number: int) -> Plan:
    """Return the plan of the n-th referral."""
    outcome = _OUTCOMES[number % len(_OUTCOMES)]
    sessions = 1 + number % 3 if outcome in ("started", "done") else 0
    modalities = (("individual",), ("group", "individual"), ("family",))[number // 3 % 3]
    return Plan(
        outcome=outcome,
        sessions=sessions,
        modalities=modalities,
        care_consent="minor" if number % 17 == 4 else "guardian",
        label="SUD" if number % 19 == 7 else "MH",
    )
