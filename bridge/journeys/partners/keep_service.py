"""The operator keeps a party's service and its capacity, where the party's system does not."""

from dataclasses import dataclass
from typing import Final

from bridge.errors import BridgeError
from bridge.gate import keep_views
from bridge.parts import Parts
from bridge.store.database.engine import write
from bridge.store.directory import organizations
from bridge.store.intake import NewRecord, put_records, replace, take_turn
from mappings.fhir.healthcare_service import Service, build

SYSTEM: Final = "https://schoolbridge.example/fhir/NamingSystem/service"


@dataclass(frozen=True, slots=True)
class ServiceEntry:
    """A service as the operator names it: ``code`` is its short name within the organisation."""

    organization: str
    code: str
    name: str
    capacity: str = ""
    wait_days: int | None = None
    active: bool = True
    languages: tuple[str, ...] = ()
    days: tuple[str, ...] = ()
    ages: tuple[int | None, int | None] = (None, None)
    accepts: tuple[str, ...] = ()
    transit: bool | None = None


def keep_service(parts: Parts, entry: ServiceEntry) -> bool:
    """Keep a service in the directory; returns whether anything changed.

    Raises:
        BridgeError: there is no such organisation, or something is none that can be said.
    """
    with write(parts.engine) as connection:
        take_turn(connection)
        party = organizations(connection).get(entry.organization)
        if party is None:
            raise BridgeError(f"there is no organisation {entry.organization}; see: party add")
        owner = party.key.partition("/")[0]
        system = f"{SYSTEM}/{owner}"
        key = f"{system}|{entry.code}"
        service_id = parts.identifiers.issue("directory", owner, "HealthcareService", key)
        try:
            service = _described(entry, (system, entry.code), party.id)
            resource = build(service, service_id)
        except ValueError as error:
            raise BridgeError(str(error)) from None
        record = NewRecord(
            resource=resource,
            custodian=owner,
            sender_role=party.role,
            audience="",
            agreement_id="",
            source_key=f"HealthcareService:{key}",
        )
        now = parts.clock.now()
        put = put_records(connection, [record], now, renewable=("HealthcareService",))
        if put.different:
            replace(connection, record, now)
            keep_views(connection, parts, [(record.type, record.id)])
        return not put.unchanged


def _described(entry: ServiceEntry, identifier: tuple[str, str], organization_id: str) -> Service:
    return Service(
        entry.name,
        identifier,
        organization_id,
        entry.capacity,
        entry.wait_days,
        entry.active,
        entry.languages,
        entry.days,
        entry.ages,
        entry.accepts,
        entry.transit,
    )
