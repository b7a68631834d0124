"""The maps that come with the package, and loading any map by id or path."""

from functools import cache
from pathlib import Path
from typing import Final

from documents import DocumentError, Problem, did_you_mean
from mappings.language.document import MapDocument
from mappings.language.reading import read_map
from mappings.readers import read_document

FOLDER: Final = Path(__file__).parent.parent / "maps"
SHIPPED: Final = (
    "schoolbridge-template",
    "somerville-mtss-form",
    "aspen-students",
    "harbor-hl7v2",
    "oneroster",
    "microsoft-sds",
    "edfi-xml",
    "edfi-api-json",
    "powerschool-students",
    "google-forms-referral",
    "microsoft-forms-referral",
    "fhir-referral",
    "basc3-bess",
    "screening-scores",
    "phq-9-answers",
    "hl7v2-dft",
    "hl7v2-ref",
    "fhir-encounters",
    "credible-style",
    "carelogic-style",
    "myavatar-style",
    "weekly-sheet",
    "provider-answers",
    "x360-answers",
)


def load_map(id_or_path: str | Path) -> MapDocument:
    """Load a map: the id of a shipped one, or the path of a YAML file.

    Raises:
        DocumentError: there is no such map, or it cannot be read at all.
    """
    if id_or_path in SHIPPED:
        return _shipped(str(id_or_path))
    return _loaded(id_or_path, Path(id_or_path))


@cache
def _shipped(name: str) -> MapDocument:
    """Return a shipped map; it does not change while the program runs."""
    return _loaded(name, FOLDER / f"{name}.yaml")


def _loaded(id_or_path: str | Path, path: Path) -> MapDocument:
    try:
        source = read_document(path)
    except (OSError, ValueError):
        hint = did_you_mean(str(id_or_path), SHIPPED) or f"; shipped: {', '.join(SHIPPED)}"
        text = f"no map of this name can be read{hint}"
        raise DocumentError([Problem(path.name, 1, 1, text)]) from None
    return read_map(source, path, lambda name: read_document(path.parent / name))


def list_maps() -> list[MapDocument]:
    """Return the shipped maps in the order of ``SHIPPED``."""
    return [load_map(name) for name in SHIPPED]
