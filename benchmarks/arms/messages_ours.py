"""Ours: HL7 v2 messages through the shipped map to Encounters and Appointments, as bytes."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import orjson

from benchmarks.arms.timed import id_for, run
from mappings.canonical import ServiceSession
from mappings.fhir import SessionContext, session_resource
from mappings.fhir.session import SessionChecker
from mappings.language import Mapped, compile_map, load_map

COMPILED = compile_map(load_map("harbor-hl7v2"))
RECEIVED = datetime(2026, 10, 1, tzinfo=UTC)


def convert(source: Path) -> Iterator[bytes]:
    """Yield the line of each appointment's resource.

    Raises:
        UnfitMessageError: a message is held or gives no sound resource.
    """
    checker = SessionChecker()
    for outcome in COMPILED.run([source], RECEIVED):
        if not isinstance(outcome, Mapped) or not isinstance(outcome.record, ServiceSession):
            raise UnfitMessageError(str(outcome))
        session = outcome.record
        resource = session_resource(session, _context(session.patient_id or ""))
        if checker.check(session, resource):
            raise UnfitMessageError(session.key)
        yield orjson.dumps(resource) + b"\n"


@cache
def _context(patient_id: str) -> SessionContext:
    return SessionContext("provider", patient_id, "urn:s", id_for, RECEIVED)


class UnfitMessageError(Exception):
    """The file of the benchmark does not fit the map any more."""


if __name__ == "__main__":
    run(convert)
