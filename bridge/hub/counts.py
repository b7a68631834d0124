"""From referral to service: how many were referred, how many were served, in how many sessions.

Measures (SAMHSA IPP AC1: individuals receiving services after referral): *referrals* are
ServiceRequests; *served* are distinct students of those with at least one finished Encounter that
answers a referral; *sessions* are those Encounters. By district, provider and modality; a
referral has no modality, so the row ``all`` of a district and provider carries it, and how many
*students* were referred, which is the whole that those served are a part of.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

_COUNTS = """
with organization as (
    select resource->>'$.id' as id, resource->>'$.name' as name,
           split_part(resource->>'$.partOf.reference', '/', 2) as parent
    from read_ndjson_objects(?, ignore_errors=false) as t(resource)
), referral as (
    select resource->>'$.id' as id, resource->>'$.subject.reference' as student,
           split_part(resource->>'$.requester.reference', '/', 2) as school,
           split_part(resource->>'$.performer[0].reference', '/', 2) as provider
    from read_ndjson_objects(?) as t(resource)
), session as (
    select split_part(resource->>'$.basedOn[0].reference', '/', 2) as referral,
           resource->>'$.subject.reference' as student,
           coalesce(list_filter(from_json(resource->'$.type[*].coding[*]',
                    '[{"system":"VARCHAR","code":"VARCHAR"}]'),
                    lambda c: c.system = ?)[1].code, 'unknown') as modality
    from read_ndjson_objects(?) as t(resource)
    where resource->>'$.status' = 'finished'
), placed as (
    select referral.id, referral.student, o.name as provider,
           coalesce(district.name, school.name) as district
    from referral
    join organization o on o.id = referral.provider
    join organization school on school.id = referral.school
    left join organization district on district.id = school.parent
)
select district, provider, 'all' as modality, count(distinct placed.id) as referrals,
       count(distinct session.student) as served, count(session.referral) as sessions,
       count(distinct placed.student) as students
from placed left join session on session.referral = placed.id group by all
union all
select district, provider, modality, null, count(distinct session.student), count(*), null
from placed join session on session.referral = placed.id group by all
order by 1, 2, 3
"""
# No temporary directory: rows that do not fit into memory end the work, and spill into no file.
ENGINE: Final[dict[str, str | bool | int | float | list[str]]] = {
    "threads": 2,
    "temp_directory": "",
    "max_temp_directory_size": "0MB",
}
WHOLE: Final = "all"
MODALITY_SYSTEM = "https://schoolbridge.example/fhir/CodeSystem/modalities"


@dataclass(frozen=True, slots=True)
class CountRow:
    """Counts of one cell group.

    ``referrals`` and ``students``, how many were referred, are None on a row of one modality.
    """

    district: str
    provider: str
    modality: str
    referrals: int | None
    served: int
    sessions: int
    students: int | None = None

    @property
    def place(self) -> tuple[str, str, str]:
        """Where the counts stand in a table."""
        return self.district, self.provider, self.modality


def count_rows(folder: Path) -> list[CountRow]:
    """Aggregate a folder of collected NDJSON (Organization, ServiceRequest, Encounter).

    Raises:
        FileNotFoundError: nothing was collected into the folder yet.
    """
    files = {kind: folder / f"{kind}.ndjson" for kind in COLLECTED}
    for file in files.values():
        if not file.exists():
            raise FileNotFoundError(f"{file.name}: collect first")
    with duckdb.connect(":memory:", config=ENGINE) as database:
        parameters = [
            str(files["Organization"]),
            str(files["ServiceRequest"]),
            MODALITY_SYSTEM,
            str(files["Encounter"]),
        ]
        return [CountRow(*row) for row in database.execute(_COUNTS, parameters).fetchall()]


COLLECTED = ("Organization", "ServiceRequest", "Encounter")
