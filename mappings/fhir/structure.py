"""The structure of a resource by fhir.resources (R4B), which never judges values it lets pass.

R4B (4.3.0) has exactly the top-level elements of R4 (4.0.1) for the types listed here. The models
let through JSON of another kind than the element's (``"true"`` for a boolean, an object written as
a string), so what was read is compared with what was sent.
"""

from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from importlib import import_module
from typing import Final

from pydantic import BaseModel, ValidationError

from mappings.fhir.elements import Json
from mappings.fhir.issues import Issue

TYPES: Final = (
    "Appointment",
    "Consent",
    "Encounter",
    "HealthcareService",
    "Location",
    "Observation",
    "Organization",
    "Patient",
    "Practitioner",
    "PractitionerRole",
    "Provenance",
    "QuestionnaireResponse",
    "RelatedPerson",
    "ServiceRequest",
    "Task",
)
_NUMBERS: Final = (int, float, Decimal)


@cache
def _model(resource_type: str) -> type[BaseModel]:
    module = import_module(f"fhir.resources.R4B.{resource_type.lower()}")
    found: type[BaseModel] = getattr(module, resource_type)
    return found


def broken_structure(resource: Json) -> tuple[Issue, ...]:
    """Return the faults of structure; empty when there are none.

    The resource must be of one of :data:`TYPES` and within the limits of size and depth.
    """
    resource_type = resource["resourceType"]
    try:
        read = _model(resource_type).model_validate(resource)
    except ValidationError as errors:
        found = errors.errors(include_url=False, include_context=False, include_input=False)
        return tuple(_issue(resource_type, item["loc"], item["type"]) for item in found)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        # A contained resource of an unknown type is a KeyError, deep nesting a RecursionError.
        return (Issue(resource_type, "structure", "send only elements and types that R4 defines"),)
    return tuple(_other_kinds(resource, read, resource_type))


def _issue(resource_type: str, place: tuple[int | str, ...], kind: str) -> Issue:
    """Say what is wrong. The name of an unknown element is the sender's own word: left out."""
    if kind == "extra_forbidden":
        path = _path(resource_type, place[:-1])
        return Issue(path, "structure", "remove the elements that R4 does not define here")
    path = _path(resource_type, place)
    if kind.endswith("missing"):
        return Issue(path, "required", "give this element")
    return Issue(path, "structure", "write this element as R4 defines it")


def _path(resource_type: str, place: tuple[int | str, ...]) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return resource_type + "".join(steps)


def _other_kinds(sent: object, read: object, path: str) -> Iterator[Issue]:
    """Yield the elements whose JSON is of another kind than the one they were read as."""
    if _says_nothing(sent):
        yield Issue(path, "structure", "leave out an element with no value")
    elif isinstance(read, BaseModel) and isinstance(sent, dict):
        for name, value in sent.items():
            if name != "resourceType":
                yield from _other_kinds(value, _field(read, name), f"{path}.{name}")
    elif isinstance(read, list) and isinstance(sent, list):
        for index, (one, other) in enumerate(zip(sent, read, strict=False)):
            yield from _other_kinds(one, other, f"{path}[{index}]")
    elif not _same_kind(sent, read):
        yield Issue(path, "structure", "write this element as the JSON type R4 gives it")


def _says_nothing(sent: object) -> bool:
    """Say whether a value is empty or blank, which R4 JSON and string values never are."""
    return sent in (None, {}, []) or (isinstance(sent, str) and not sent.strip())


def _field(read: BaseModel, name: str) -> object:
    names = _names(type(read))
    return getattr(read, names.get(name, name), None)


@cache
def _names(model: type[BaseModel]) -> dict[str, str]:
    return {item.alias or name: name for name, item in model.model_fields.items()}


def _same_kind(sent: object, read: object) -> bool:
    if isinstance(read, BaseModel | list):
        return False
    if isinstance(sent, bool) or isinstance(read, bool):
        return isinstance(sent, bool) and isinstance(read, bool)
    if isinstance(sent, _NUMBERS) or isinstance(read, _NUMBERS):
        return isinstance(sent, int | float) and isinstance(read, _NUMBERS)
    return isinstance(sent, str)
