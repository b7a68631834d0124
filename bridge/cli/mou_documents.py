"""Finding the documents a command names, and those they extend."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.clients import document_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from consent.mou import Agreement, Bound
    from consent.table import DecisionTable

Document = Annotated[str, typer.Argument(metavar="F", help="A file, or a shipped document's id.")]
TemplateOption = Annotated[
    str | None,
    typer.Option(
        "--template", help="What F extends; default: the document of that id beside F, or shipped."
    ),
]
DistrictOption = Annotated[
    str | None, typer.Option(help="Which district, where several share one agreement.")
]
JurisdictionOption = Annotated[
    str | None, typer.Option(help="Law pack expected; default: the template's.")
]


def bound_at(document: str, template: str | None = None) -> "Bound":
    """Read a document of any kind with all it extends.

    Raises:
        BridgeError: there is no such document.
        DocumentError: it, or one above it, does not read.
    """
    from consent.mou import read_bound

    return read_bound(document_of(document), document, finder(document, template))


def finder(document: str, template: str | None) -> "Callable[[str], bytes]":
    """Return how the documents above one are found: as given, beside it, or shipped."""
    from consent.mou import shipped_document
    from documents import read_yaml

    given = None if template is None else document_of(template)
    own_id = None
    if given is not None:
        entry = read_yaml(given, template or "").entries.get("id")
        own_id = entry.text if entry else None

    def find(wanted: str) -> bytes:
        if given is not None and own_id == wanted:
            return given
        beside = Path(document).with_name(f"{wanted}.yaml") if Path(document).is_file() else None
        if beside is not None and Path(wanted).name == wanted and beside.is_file():
            return beside.read_bytes()
        try:
            return shipped_document(wanted)
        except LookupError:
            if given is not None:
                return given
            raise

    return find


def agreement_of(bound: "Bound", district: str | None) -> "Agreement":
    """Return the agreement of one district, or the only one.

    Raises:
        BridgeError: several districts share the paper and none, or an unknown one, was named.
    """
    from bridge.errors import BridgeError

    found = {agreement.district: agreement for agreement in bound.agreements}
    if len(found) == 1 and district is None:
        return next(iter(found.values()))
    if district not in found:
        names = ", ".join(name for name in found if name) or "none"
        raise BridgeError(f"{bound.id}: say --district; districts on this paper: {names}")
    return found[district]


def table_of(bound: "Bound", district: str | None, jurisdiction: str | None) -> "DecisionTable":
    """Return the decision table of a document.

    Raises:
        BridgeError: the template is of another jurisdiction than expected.
    """
    from bridge.errors import BridgeError
    from consent.table import compile_table

    if jurisdiction not in (None, bound.template.jurisdiction):
        raise BridgeError(f"{bound.id} is under the law of {bound.template.jurisdiction}")
    return compile_table(bound.template, agreement_of(bound, district), bound.law)
