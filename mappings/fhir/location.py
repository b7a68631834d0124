"""Location of a school as a place where care is given (US Core 6.1.0 Location)."""

from typing import Final

from mappings.fhir.canonicals import ROLE_CODE, US_CORE
from mappings.fhir.elements import Json, meta, reference
from mappings.fhir.fixed import fixed

META: Final = meta([f"{US_CORE}location"])
SCHOOL_SITE: Final[list[Json]] = fixed([{"coding": [{"system": ROLE_CODE, "code": "SCHOOL"}]}])
"""US Core 7 and later bind Location.type to the set that holds this code; 6.1 leaves it open."""


def build(location_id: str, name: str, school_id: str) -> Json:
    """Build the Location of a school site."""
    return {
        "resourceType": "Location",
        "id": location_id,
        "meta": META,
        "status": "active",
        "name": name,
        "mode": "instance",
        "type": SCHOOL_SITE,
        "managingOrganization": reference("Organization", school_id),
    }
