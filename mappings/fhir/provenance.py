"""Provenance of what was built (US Core 6.1.0 Provenance)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from mappings.canonical import SourceRow
from mappings.fhir.canonicals import PROVENANCE_AGENT, SOURCE_ROW_SYSTEM, US_CORE, US_CORE_AGENT
from mappings.fhir.elements import Json, instant, meta
from mappings.fhir.fixed import fixed

META: Final = meta([f"{US_CORE}provenance"])
_AUTHOR: Final[Json] = fixed({"coding": [{"system": PROVENANCE_AGENT, "code": "author"}]})
_TRANSMITTER: Final[Json] = fixed({"coding": [{"system": US_CORE_AGENT, "code": "transmitter"}]})


def build(
    provenance_id: str,
    targets: Sequence[Json],
    parties: tuple[Json, Json],
    origin: SourceRow,
    recorded_at: datetime,
) -> Json:
    """Build the Provenance of resources made from one source row.

    Args:
        provenance_id: id of the resource.
        targets: references of what was made.
        parties: the organisation that wrote the record and the one that sent it.
        origin: the row; only its locator is written (source, file, row), no value of it.
        recorded_at: aware instant at which it was received.
    """
    author, transmitter = parties
    locator = f"{origin.source}/{origin.file}#{origin.row}"
    provenance: dict[str, Any] = {
        "resourceType": "Provenance",
        "id": provenance_id,
        "meta": META,
        "target": list(targets),
        "recorded": instant(recorded_at),
        "agent": [
            {"type": _AUTHOR, "who": author},
            {"type": _TRANSMITTER, "who": transmitter},
        ],
        "entity": [
            {
                "role": "source",
                "what": {"identifier": {"system": SOURCE_ROW_SYSTEM, "value": locator}},
            }
        ],
    }
    return provenance
