"""Forms as browsers send them, taken only from pages of this portal."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final
from urllib.parse import parse_qsl

from fastapi import Depends, Request
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from bridge.context import Bridge, BridgeOf
from bridge.identity import form_token
from bridge.portal.refusals import FromElsewhere, TooMuchSent
from bridge.portal.visits import COOKIE

MOST_BYTES: Final = 200_000
MOST_BYTES_WITH_FILES: Final = 6_000_000
_MOST_FIELDS: Final = 500


@dataclass(frozen=True, slots=True)
class Sent:
    """One file of a form."""

    name: str = field(repr=False)
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Form:
    """What a form sent: texts by name in the order sent, files, and what its buttons asked."""

    values: Mapping[str, tuple[str, ...]] = field(repr=False)
    files: Mapping[str, Sent] = field(default_factory=dict, repr=False)

    def one(self, name: str) -> str:
        """Return the last text sent under a name; "" for none."""
        return self.values.get(name, ("",))[-1]

    @property
    def language(self) -> str:
        """The language chosen with a button of the form; "" where another button was used."""
        return self.one("language")


async def posted(request: Request, bridge: BridgeOf) -> Form:
    """Return the form a browser sent from a page of this portal's session.

    Raises:
        FromElsewhere: another site made the browser send it, or it is not this session's.
        TooMuchSent: it is larger than any form of ours.
    """
    return await posted_under(request, bridge, COOKIE)


async def posted_under(request: Request, bridge: Bridge, cookie: str) -> Form:
    """Return the form a browser sent from a page of the session that a cookie holds.

    Raises:
        FromElsewhere: another site made the browser send it, or it is not this session's.
        TooMuchSent: it is larger than any form of ours.
    """
    if from_elsewhere(request, bridge):
        raise FromElsewhere
    form = await _read(request)
    if form.one("page_key") != form_token(request.cookies.get(cookie, "")):
        raise FromElsewhere
    return form


FormOf = Annotated[Form, Depends(posted)]


def from_elsewhere(request: Request, bridge: Bridge) -> bool:
    """Tell whether another site made the browser send a form.

    Browsers say so in ``Sec-Fetch-Site``, older ones in ``Origin``. A program that is no browser
    says neither; nothing rides along with its requests that it was not given.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    return request.headers.get("origin", bridge.settings.base_url) != bridge.settings.base_url


async def _read(request: Request) -> Form:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return await _parts(request.headers, await _body(request, MOST_BYTES_WITH_FILES))
    body = (await _body(request, MOST_BYTES)).decode("utf-8", "replace")
    try:
        pairs = parse_qsl(body, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise TooMuchSent from None
    return Form(_grouped(pairs))


async def _parts(headers: Headers, body: bytes) -> Form:
    async def whole() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(headers, whole(), max_files=5, max_fields=_MOST_FIELDS)
    try:
        found = await parser.parse()
    except MultiPartException:
        raise TooMuchSent from None
    pairs = [(name, each) for name, each in found.multi_items() if isinstance(each, str)]
    files = {
        name: Sent(each.filename or "", await each.read())
        for name, each in found.multi_items()
        if isinstance(each, UploadFile)
    }
    await found.close()
    return Form(_grouped(pairs), {name: sent for name, sent in files.items() if sent.name})


async def _body(request: Request, most: int) -> bytes:
    read = bytearray()
    async for part in request.stream():
        read += part
        if len(read) > most:
            raise TooMuchSent
    return bytes(read)


def _grouped(pairs: list[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        found[name] = (*found.get(name, ()), value)
    return found
