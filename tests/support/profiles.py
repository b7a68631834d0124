"""An outside judge of our FHIR: pyrofile-validator on R4 4.0.1, US Core 6.1.0 and SDOHCC 3.0.0.

The judge and its packages share nothing with the code that builds resources, but for our own
extensions, which only we define.
"""

import contextlib
import csv
import io
import json
import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pyrofile_validator import Validator
from pyrofile_validator.config import ValidatorConfig
from pyrofile_validator.models import ValidationIssue

from mappings.fhir.definitions import code_systems, extension_definitions

IG = Path(__file__).parents[1] / "data" / "ig"
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
TYPES_WITH_A_US_CORE_PROFILE = (
    "Encounter",
    "Location",
    "Organization",
    "Patient",
    "Provenance",
    "RelatedPerson",
    "ServiceRequest",
)
# Warnings that are faults all the same: an unknown profile checks nothing.
GRAVE_WARNINGS = {"profile.unknown", "terminology.extensible"}


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something the judge objects to."""

    resource_type: str
    path: str
    text: str
    profile: str


@dataclass(frozen=True, slots=True)
class KnownAlarm:
    """A false alarm, reviewed: why it is false stands in ``known-alarms.csv``."""

    resource_type: str
    path: str
    text: str
    why: str

    def covers(self, alarm: Alarm) -> bool:
        """Say whether an alarm is this one."""
        return (
            alarm.resource_type == self.resource_type
            and re.fullmatch(self.path, alarm.path) is not None
            and re.search(self.text, alarm.text) is not None
        )


@cache
def known_alarms() -> tuple[KnownAlarm, ...]:
    """Return the reviewed false alarms."""
    with (IG / "known-alarms.csv").open(encoding="utf-8", newline="") as file:
        return tuple(KnownAlarm(**row) for row in csv.DictReader(file))


def all_alarms(resources: Iterable[dict[str, Any]]) -> Iterator[Alarm]:
    """Yield every alarm, the known false ones too."""
    for resource in resources:
        with contextlib.redirect_stdout(io.StringIO()):  # the judge traces to standard output
            report = _judge().validate_resource(_claiming(resource))
        yield from (_alarm(resource, issue) for issue in report.issues if _is_grave(issue))


def validate(resources: Iterable[dict[str, Any]]) -> list[Alarm]:
    """Return the alarms that are not known to be false; a test asserts that there are none.

    Each resource is judged against base R4, every profile of its ``meta.profile`` and the US Core
    profile of its type, claimed or not.
    """
    return [alarm for alarm in all_alarms(resources) if not is_known(alarm)]


def is_known(alarm: Alarm) -> bool:
    """Say whether an alarm is on the reviewed list of false ones."""
    return any(entry.covers(alarm) for entry in known_alarms())


@cache
def _judge() -> Validator:
    with tempfile.TemporaryDirectory() as folder:
        for resource in (*extension_definitions(), *code_systems()):
            name = f"{resource['resourceType']}-{resource['id']}.json"
            Path(folder, name).write_text(json.dumps(resource), encoding="utf-8")
        for path in sorted((IG / "ds4p").glob("*.json")):
            Path(folder, path.name).write_bytes(path.read_bytes())
        paths = [str(path) for path in sorted(IG.glob("*.tgz"))]
        return Validator(ValidatorConfig(local_package_paths=[*paths, folder]))


def _claiming(resource: dict[str, Any]) -> dict[str, Any]:
    """Return a copy that claims the US Core profile of its type; the judge checks only claims."""
    copied: dict[str, Any] = json.loads(json.dumps(resource))
    kind = copied.get("resourceType")
    if kind in TYPES_WITH_A_US_CORE_PROFILE:
        claimed = copied.setdefault("meta", {}).setdefault("profile", [])
        if (profile := US_CORE + kind.lower()) not in claimed:
            claimed.append(profile)
    return copied


def _is_grave(issue: ValidationIssue) -> bool:
    return issue.severity.value == "error" or issue.code in GRAVE_WARNINGS


def _alarm(resource: dict[str, Any], issue: ValidationIssue) -> Alarm:
    kind = str(resource.get("resourceType"))
    return Alarm(kind, issue.path or kind, issue.message, issue.profile or "")
