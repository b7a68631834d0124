"""The operator keeps a party's service and its capacity, where the party's system does not."""

from typing import Final

from bridge.errors import BridgeError
from bridge.gate import keep_views
from bridge.parts import Parts
from bridge.store.database.engine import write
from bridge.store.directory import organizations
from bridge.store.intake import NewRecord, put_records, replace, take_turn
from mappings.fhir.healthcare_service import Service, build

SYSTEM: Final = "https://schoolbridge.example/fhir/NamingSystem/service"


def keep_service(parts: Parts, organization: str, code: str, service: Service) -> bool:
    """Keep a service in the directory; returns whether anything changed.

    Args:
        parts: the bridge's.
        organization: short name of the organisation that offers it.
        code: the service's short name within that.
        service: what is said of it.

    Raises:
        BridgeError: there is no such organisation, or something is none that can be said.
    """
    with write(parts.engine) as connection:
        take_turn(connection)
        party = organizations(connection).get(organization)
        if party is None:
            raise BridgeError(f"there is no organisation {organization}; see: party add")
        owner = party.key.partition("/")[0]
        system = f"{SYSTEM}/{owner}"
        key = f"{system}|{code}"
        service_id = parts.identifiers.issue("directory", owner, "HealthcareService", key)
        try:
            resource = build(service, service_id, (system, code), party.id)
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
