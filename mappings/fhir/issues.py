"""What is wrong with a resource, said without quoting it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Issue:
    """One fault.

    Attributes:
        path: element path with list positions, such as ``Encounter.participant[0].individual``.
        code: FHIR issue-type code for the OperationOutcome.
        text: what to do. INVARIANT: it quotes no value of the resource.
    """

    path: str
    code: str
    text: str
