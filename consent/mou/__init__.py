"""Memoranda of understanding: templates, agreements, and the days they hold."""

from functools import cache
from importlib.resources import files

from consent.mou.agreement import Agreement, read_agreement, read_agreements
from consent.mou.amendment import Amendment, agreement_at, read_amendment
from consent.mou.force import in_force
from consent.mou.library import Bound, Kind, parent_of, read_bound, widest
from consent.mou.paper import clause_of, notices
from consent.mou.sealing import seal
from consent.mou.template import Template, read_template
from consent.mou.use_licence import UseLicence, licence_holds, read_use_licence

__all__ = [
    "Agreement",
    "Amendment",
    "Bound",
    "Kind",
    "Template",
    "UseLicence",
    "agreement_at",
    "clause_of",
    "in_force",
    "licence_holds",
    "notices",
    "parent_of",
    "read_agreement",
    "read_agreements",
    "read_amendment",
    "read_bound",
    "read_template",
    "read_use_licence",
    "seal",
    "shipped_agreement",
    "shipped_bound",
    "shipped_document",
    "shipped_ids",
    "shipped_template",
    "widest",
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


def shipped_ids() -> tuple[str, ...]:
    """Return the ids of the shipped documents, sorted."""
    folder = files("consent.mou").joinpath("documents")
    names = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


@cache
def shipped_bound(document_id: str) -> Bound:
    """Return a shipped document bound to what it extends.

    Raises:
        LookupError: if none of that id is shipped.
        DocumentError: if it does not read.
    """
    return read_bound(shipped_document(document_id), f"{document_id}.yaml", shipped_document)


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
