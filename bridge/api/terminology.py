"""Our code tables, and the value tables of the shipped maps, as FHIR resources to read.

INVARIANT: they are made of files of the program alone, so they are the same for everybody, with or
without a token, and speak of nobody. A deployment's own maps are not among them.
"""

from functools import cache
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from bridge.api.replies import document_reply
from bridge.errors import NotFoundError
from mappings.fhir_exports import code_bundle, concept_maps
from mappings.language import list_maps

router = APIRouter(prefix="/fhir")

KINDS = ("CodeSystem", "ConceptMap", "ValueSet")
Name = Annotated[str, Path(pattern=r"^[a-z0-9\-]{1,64}$")]


@router.get("/CodeSystem/{name}")
def code_table(name: Name) -> Response:
    """Return one code table."""
    return _answer("CodeSystem", name)


@router.get("/ValueSet/{name}")
def code_set(name: Name) -> Response:
    """Return all codes of one table as a set."""
    return _answer("ValueSet", name)


@router.get("/ConceptMap/{name}")
def value_table(name: Name) -> Response:
    """Return one value table of a shipped map."""
    return _answer("ConceptMap", name)


def _answer(kind: str, name: str) -> Response:
    if (found := _resources().get((kind, name))) is None:
        raise NotFoundError
    return document_reply(found).response()


@cache
def _resources() -> dict[tuple[str, str], dict[str, Any]]:
    codes = [entry["resource"] for entry in code_bundle()["entry"]]
    tables = [table for document in list_maps() for table in concept_maps(document)]
    return {(each["resourceType"], each["id"]): each for each in (*codes, *tables)}
