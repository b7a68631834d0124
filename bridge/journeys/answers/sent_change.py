"""A change to a resource as a party sent it, and the version it was made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bridge.errors import ConflictError, Finding, UnprocessableError
from bridge.gate import Seen
from mappings.fhir.sent_shapes import SentChecker

_SENT: Final = SentChecker()


@dataclass(frozen=True, slots=True)
class SentChange:
    """A resource as it is to be, and If-Match as it was sent."""

    kind: str
    record_id: str
    resource: Mapping[str, Any]
    if_match: str | None


def same_version(seen: Seen, if_match: str | None) -> None:
    """Refuse a change that was not made from what the caller would be shown now.

    Raises:
        ConflictError: 428 without If-Match, 412 when the view has changed since it was read.
    """
    if if_match is None:
        text = f"Send If-Match with the ETag of the {seen.type} as you read it."
        raise ConflictError(428, text)
    if if_match.strip().removeprefix("W/").strip('"') != seen.version:
        raise ConflictError(412, f"The {seen.type} has changed since you read it; read it again.")


def checked(
    resource: Mapping[str, Any], key: tuple[str, str] | None = None, given: Sequence[str] = ()
) -> None:
    """Refuse a resource that breaks a rule, or is another one than the address names.

    Args:
        resource: as it was sent.
        key: its type and the id of the address.
        given: elements a profile requires that are put in here where they are missing.

    Raises:
        UnprocessableError: with a finding for each rule.
    """
    issues = _SENT.check(dict(resource))
    broken = [i for i in issues if i.code != "required" or i.path not in given]
    findings = [Finding(i.code, i.text, i.path) for i in broken]
    if not findings and key and (resource["resourceType"], resource.get("id")) != key:
        text = f"The resource in the body must be this {key[0]}."
        findings.append(Finding("invalid", text, f"{key[0]}.id"))
    if findings:
        raise UnprocessableError(*findings)
