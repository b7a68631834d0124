"""Static files of the portal, under names that change with their content.

So a browser keeps them for good and never shows a page with the style of another version.
``htmx`` is vendored (its licence stands beside it); the style sheet is ours and takes its colours
and distances from the tokens of the U.S. Web Design System, which are in the public domain.
"""

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files

from fastapi import APIRouter, Response

from bridge.portal.refusals import NotHere

router = APIRouter(prefix="/portal")

_KINDS = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_FOR_GOOD = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """One static file: the name it is served under, and its bytes."""

    served_as: str
    kind: str
    content: bytes


@cache
def assets() -> dict[str, Asset]:
    """Return every static file by the name it has here."""
    folder = files("bridge.portal").joinpath("static")
    found = {}
    for path in folder.iterdir():
        stem, _, ending = path.name.rpartition(".")
        if ending in _KINDS:
            content = path.read_bytes()
            name = f"{stem}.{sha256(content).hexdigest()[:12]}.{ending}"
            found[path.name] = Asset(name, _KINDS[ending], content)
    return found


def address_of(name: str) -> str:
    """Return where a static file is served.

    Raises:
        KeyError: there is no such file.
    """
    return f"/portal/static/{assets()[name].served_as}"


@router.get("/static/{name}")
def static(name: str) -> Response:
    """Return a static file; a name of another version is not here."""
    for asset in assets().values():
        if asset.served_as == name:
            headers = {"Cache-Control": _FOR_GOOD, "Vary": "Accept-Encoding"}
            return Response(asset.content, headers=headers, media_type=asset.kind)
    raise NotHere
