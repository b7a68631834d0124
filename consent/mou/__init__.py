"""Memoranda of understanding: templates, agreements, and the days they hold."""

from functools import cache
from importlib.resources import files

from consent.mou.agreement import Agreement, read_agreement
from consent.mou.force import in_force
from consent.mou.paper import clause_of, notices
from consent.mou.sealing import seal
from consent.mou.template import Template, read_template

__all__ = [
    "Agreement",
    "Template",
    "clause_of",
    "in_force",
    "notices",
    "read_agreement",
    "read_template",
    "seal",
    "shipped_agreement",
    "shipped_document",
    "shipped_template",
]


def shipped_document(document_id: str) -> bytes:
    """Return the bytes of a shipped document by its id.

    Raises:
        LookupError: if none of that id is shipped.
    """
    folder = files("consent.mou").joinpath("documents")
    for entry in folder.iterdir():
        if entry.name == f"{document_id}.yaml":
            return entry.read_bytes()
    raise LookupError("no document of this id is shipped; see consent/mou/documents")


@cache
def shipped_template(template_id: str = "xx-smh-template") -> Template:
    """Return a shipped template.

    Raises:
        LookupError: if none of that id is shipped.
        DocumentError: if it does not read.
    """
    return read_template(shipped_document(template_id), f"{template_id}.yaml")


@cache
def shipped_agreement(
    agreement_id: str = "millbrook-harbor-2026", template_id: str = "xx-smh-template"
) -> Agreement:
    """Return a shipped agreement.

    Raises:
        LookupError: if none of that id is shipped.
        DocumentError: if it does not read.
    """
    source = shipped_document(agreement_id)
    return read_agreement(source, f"{agreement_id}.yaml", shipped_template(template_id))
