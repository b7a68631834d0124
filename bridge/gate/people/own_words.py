"""What a row tells of a district's own records: read from their text, and nothing else of it.

A ServiceRequest is 2.6 kB, of which a row tells 20 bytes: taking it all apart takes six times as
long, and a page reads hundreds.
"""

from typing import Final

from msgspec import Struct
from msgspec.json import Decoder


class _Name(Struct, frozen=True):
    given: list[str] = []
    family: str = ""


class _Link(Struct, frozen=True):
    reference: str = ""


class _Number(Struct, frozen=True):
    value: str


class OwnRequest(Struct, frozen=True):
    """Of a ServiceRequest: by which number the school knows it, and when it was written."""

    identifier: list[_Number]
    authoredOn: str  # noqa: N815 - as FHIR spells it

    @property
    def number(self) -> str:
        """The school's number of the referral."""
        return self.identifier[0].value

    @property
    def day(self) -> str:
        """The day on which it was sent."""
        return self.authoredOn[:10]


class OwnPatient(Struct, frozen=True):
    """Of a Patient: the name, and the school."""

    name: list[_Name]
    managingOrganization: _Link = _Link()  # noqa: N815 - as FHIR spells it

    @property
    def called(self) -> str:
        """The first name there is, in one line."""
        first = self.name[0]
        return " ".join([*first.given, first.family]).strip()

    @property
    def school(self) -> str:
        """The id of the school; "" where none is named."""
        return self.managingOrganization.reference.partition("/")[2]


REQUEST: Final = Decoder(OwnRequest)
PATIENT: Final = Decoder(OwnPatient)
