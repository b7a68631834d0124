"""What can go wrong between canonical records and FHIR.

    FhirError
    ├── UnknownCodeError     a code that none of our tables holds
    ├── MissingValueError    a canonical record lacks what FHIR requires of it
    └── ParseError           a resource from outside cannot be read as a canonical record

INVARIANT: a message names an element path and what to do; it never quotes a value of a record.
"""


class FhirError(ValueError):
    """Any fault of this folder; ``path`` is the FHIR element path it concerns."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__(f"{path}: {text}")
        self.path = path
        self.text = text


class UnknownCodeError(FhirError):
    """A code is not in the table it should come from."""

    def __init__(self, path: str, name: str) -> None:
        super().__init__(path, f"the code is not in terminology/{name}.csv; map it or add it there")
        self.table = name


class MissingValueError(FhirError):
    """A canonical record lacks a value that the resource must have."""


class ParseError(FhirError):
    """A resource from outside cannot be read."""
