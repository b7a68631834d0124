"""One person's request for a page: who asks, in which language, and how a page answers.

A route takes a :class:`Visit` (``AnyoneOf``, or ``StaffOf`` for signed-in people of a district) and
returns ``visit.page("name.html", ...)`` or ``visit.go("/portal/...")``; nothing else makes pages.
"""

from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import Depends, Request, Response
from fastapi.responses import RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from bridge.context import Bridge, BridgeOf
from bridge.directories import is_loopback
from bridge.identity import Caller, form_token, seconds_left, staff_of, still_admitted
from bridge.journeys.referrals.note_look import READERS, note_look
from bridge.parts import Parts, parts_of
from bridge.portal.assets import address_of
from bridge.portal.languages import (
    LANGUAGES,
    day_in,
    moment_in,
    number_in,
    short_day_in,
    speak,
    translations_of,
)
from bridge.portal.refusals import NotSignedIn
from bridge.portal.role_words import role_words
from bridge.store.database.engine import read
from bridge.store.database.unwaited import write_unwaited

COOKIE: Final = "schoolbridge_session"
LANGUAGE: Final = "schoolbridge_language"
_YEAR: Final = 365 * 24 * 3600
# Templates about no student; a look at any other is kept.
OF_NOBODY: Final = frozenset(
    {"help.html", "told.html", "sign-in.html", "looked.html", "clinic-looked.html"}
)
# What turns the direction of a text round, or cannot be seen.
TURNS: Final = dict.fromkeys(
    map(ord, "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
)
# No inline script and no inline style runs, whatever finds its way into a page.
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Visit:
    """One request for a page.

    Attributes:
        lang: the language of the answer; ``chosen`` tells that it was chosen with this request.
        path, query: where the page is; ``query`` without the choice of a language.
        session: the token of the session; "" without one.
        caller: who is signed in; None for nobody.
        room: ``school``, ``provider`` or ``family``: what the page's frame offers.
        enhanced: a script asked for the page and takes over a part of it.
    """

    bridge: Bridge
    lang: str
    path: str
    query: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    session: str = field(default="", repr=False)
    caller: Caller | None = None
    room: str = "school"
    enhanced: bool = False
    chosen: bool = False

    @property
    def parts(self) -> Parts:
        """The bridge's parts, for journeys."""
        return parts_of(self.bridge)

    @property
    def staff(self) -> Caller:
        """Who is signed in.

        Raises:
            NotSignedIn: nobody is.
        """
        if self.caller is None:
            raise NotSignedIn
        return self.caller

    @property
    def form(self) -> str:
        """What every form of the session carries."""
        return form_token(self.session)

    @property
    def seconds(self) -> int:
        """How long the session lasts if nothing more is asked; 0 without one."""
        if self.caller is None:
            return 0
        with read(self.bridge.engine) as connection:
            return seconds_left(connection, self.session, self.bridge.clock)

    def speaking(self, lang: str) -> "Visit":
        """Return the visit in a language that was chosen with it; in any other, unchanged."""
        return replace(self, lang=lang, chosen=True) if lang in LANGUAGES else self

    def languages(self) -> list[tuple[str, str, str]]:
        """Return id, name and address of this page in each other language."""
        return [
            (lang, name, f"{self.path}?{urlencode([*self.query, ('language', lang)])}")
            for lang, name in LANGUAGES.items()
            if lang != self.lang
        ]

    def say(self, text: str) -> str:
        """Return a marked text in the visit's language."""
        return translations_of(self.lang).gettext(text)

    def day(self, value: date | str) -> str:
        """Return a day in words of the visit's language."""
        return day_in(self.lang, value)

    def note_look(self) -> None:
        """Keep who looks at this page; for what is no page too, such as a file of the board."""
        note_look(self.bridge, self.staff, self.path)

    def page(self, name: str, status: int = 200, **values: object) -> Response:
        """Return a page. With status 422 its title says that there is an error.

        That somebody of a school or a provider looks at it is kept first, unless it is about
        nobody.
        """
        if self.caller is not None and self.caller.party in READERS and name not in OF_NOBODY:
            self.note_look()
        template = environment(self.lang).get_template(name)
        html = template.render(visit=self, failed=status == 422, **values)
        headers = {"Content-Security-Policy": _POLICY}
        answer = Response(html, status, headers=headers, media_type="text/html; charset=utf-8")
        if self.chosen:
            keep_cookie(answer, self.bridge, LANGUAGE, self.lang, _YEAR)
        return answer

    def go(self, path: str) -> Response:
        """Send the browser on to another page."""
        if self.enhanced:
            return Response(status_code=200, headers={"HX-Redirect": path})
        return RedirectResponse(path, 303)


def keep_cookie(
    answer: Response, bridge: Bridge, name: str, value: str, seconds: int | None = None
) -> None:
    """Have the browser keep a cookie that no script can read."""
    # Lax: the way back from a directory begins at another site, and must find the session.
    answer.set_cookie(
        name,
        value,
        max_age=seconds,
        httponly=True,
        samesite="lax",
        secure=not is_loopback(bridge.settings.base_url),
        path="/portal",
    )


@cache
def environment(lang: str) -> Environment:
    """Return the templates of one language."""
    made = Environment(
        loader=PackageLoader("bridge.portal", "templates"),
        autoescape=select_autoescape(),
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        finalize=_without_turns,
    )
    speak(made, lang)
    made.globals["asset"] = address_of
    made.globals["role_words"] = role_words
    for name, words in {
        "day": day_in,
        "short_day": short_day_in,
        "moment": moment_in,
        "number": number_in,
    }.items():
        made.filters[name] = _in_language(words, lang)
    return made


def _without_turns(value: object) -> object:
    """Return a text without the signs that turn its direction round.

    INVARIANT: nobody's name or words turn round what stands beside them, in a title or an attribute
    either, where no mark-up could keep them apart.
    """
    return value if not isinstance(value, str) or value.isascii() else value.translate(TURNS)


def _in_language(words: object, lang: str) -> object:
    def filtered(*values: object) -> object:
        return words(lang, *values)  # type: ignore[operator] # any of the functions above

    return filtered


def visit_of(request: Request, bridge: BridgeOf) -> Visit:
    """Return the visit of whoever asks; nobody need be signed in."""
    query = tuple((k, v) for k, v in request.query_params.multi_items() if k != "language")
    visit = Visit(
        bridge=bridge,
        lang=_language(request),
        path=request.url.path,
        query=query,
        session=request.cookies.get(COOKIE, ""),
        enhanced="hx-request" in request.headers,
    )
    return visit.speaking(request.query_params.get("language", ""))


def _language(request: Request) -> str:
    kept = request.cookies.get(LANGUAGE, "")
    if kept in LANGUAGES:
        return kept
    wanted = request.headers.get("accept-language", "").lower().split(",")
    ranked = (each.partition(";")[0].strip().partition("-")[0] for each in wanted)
    return next((lang for lang in ranked if lang in LANGUAGES), "en")


AnyoneOf = Annotated[Visit, Depends(visit_of)]


def staff_visit(visit: AnyoneOf) -> Visit:
    """Return the visit of a signed-in person of a district, and keep the session awake.

    Raises:
        NotSignedIn: nobody is, or no longer, or not of a district.
    """
    with write_unwaited(visit.bridge.engine) as connection:
        caller = staff_of(connection, visit.session, visit.bridge.clock)
    if caller is None or caller.party != "lea":
        raise NotSignedIn
    if not still_admitted(visit.bridge.settings.directories, caller):
        raise NotSignedIn
    return replace(visit, caller=caller)


StaffOf = Annotated[Visit, Depends(staff_visit)]


def either_visit(visit: AnyoneOf) -> Visit:
    """Return the visit of whoever asks, signed in or not."""
    try:
        return staff_visit(visit)
    except NotSignedIn:
        return visit


EitherOf = Annotated[Visit, Depends(either_visit)]
