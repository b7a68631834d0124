"""What a builder needs beside the record: who the parties are and which ids to use.

Nothing here reads a clock or draws a number: instants and ids come in from the caller, so the same
record under the same context always gives the same resources.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mappings.fhir.canonicals import BASE
from mappings.fhir.elements import Json, reference
from mappings.fhir.errors import MissingValueError

IdFor = Callable[[str, str], str]
"""(resource type, key) -> a stable opaque id: the same arguments always give the same id."""


@dataclass(frozen=True, slots=True)
class DistrictSystems:
    """The identifier systems of one district."""

    local_student: str
    state_student: str
    referral: str

    @classmethod
    def of(cls, district: str, state: str) -> "DistrictSystems":
        """Return the systems under our base for a district's and its state's short names."""
        return cls(
            local_student=f"{BASE}/NamingSystem/local-student/{district}",
            state_student=f"{BASE}/NamingSystem/state-student/{state}",
            referral=f"{BASE}/NamingSystem/referral/{district}",
        )


@dataclass(frozen=True, slots=True)
class ReferralContext:
    """One district referring to one provider. Make it once, then build any number of referrals.

    Attributes:
        district_id, provider_id: ids of their Organization resources.
        school_ids: the district's school code -> id of the school's Organization.
        id_for: gives every other id; the caller keeps districts apart.
        recorded_at: the aware instant at which the referrals were received.
        systems: the district's identifier systems.
    """

    district_id: str
    provider_id: str
    school_ids: Mapping[str, str]
    id_for: IdFor
    recorded_at: datetime
    systems: DistrictSystems
    district: Json = field(init=False, repr=False, compare=False)
    provider: Json = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Make the references once, not once per row."""
        object.__setattr__(self, "district", reference("Organization", self.district_id))
        object.__setattr__(self, "provider", reference("Organization", self.provider_id))

    def school_id(self, code: str | None) -> str:
        """Return a school's Organization, or the district's where the row names no school.

        Raises:
            MissingValueError: the row names a school that the context does not list.
        """
        if code is None:
            return self.district_id
        try:
            return self.school_ids[code]
        except KeyError:
            raise MissingValueError(
                "Patient.managingOrganization",
                "the school's code is not among the district's schools; add the school first",
            ) from None


@dataclass(frozen=True, slots=True)
class SessionContext:
    """One provider's session with one student, whose ids the caller has looked up.

    Attributes:
        provider_id: id of the provider's Organization.
        patient_id: id of the Patient the session is of.
        session_system: identifier system of the provider's own session keys.
        id_for: gives the ids of the resources built.
        recorded_at: the aware instant at which the session was received.
        service_request_id: id of the ServiceRequest it answers, if known.
        school_location_id: id of the school's Location, used when the session was at school.
    """

    provider_id: str
    patient_id: str
    session_system: str
    id_for: IdFor
    recorded_at: datetime
    service_request_id: str | None = None
    school_location_id: str | None = None
