"""Pages of the portal: templates, and what every answer to a form needs."""

from functools import cache

from fastapi import Request, Response
from jinja2 import Environment, PackageLoader, select_autoescape

from bridge.context import Bridge
from bridge.directories import is_loopback

COOKIE = "schoolbridge_session"


@cache
def _pages() -> Environment:
    return Environment(
        loader=PackageLoader("bridge.portal", "templates"), autoescape=select_autoescape()
    )


def page(name: str, status: int = 200, **values: object) -> Response:
    """Return a page."""
    html = _pages().get_template(name).render(**values)
    return Response(html, status, media_type="text/html; charset=utf-8")


def is_secure(bridge: Bridge) -> bool:
    """Tell whether cookies are for https alone: everywhere but on this machine."""
    return not is_loopback(bridge.settings.base_url)


def from_elsewhere(request: Request, bridge: Bridge) -> bool:
    """Tell whether another site made the browser send a form.

    Browsers say so in ``Sec-Fetch-Site``, older ones in ``Origin``. A program that is no browser
    says neither; nothing rides along with its requests that it was not given.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    return request.headers.get("origin", bridge.settings.base_url) != bridge.settings.base_url
