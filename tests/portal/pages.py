"""Every page of the portal that the gate looks at: a new page is one line here."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PageCase:
    """One page.

    Attributes:
        path: its address; ``{name}`` is filled from what the portal under test made.
        signed_in: whether a counsellor is.
        send: sent without an answer first, so that the page shows its problems.
    """

    name: str
    path: str
    signed_in: bool = True
    send: bool = False


PAGES = (
    PageCase("sign-in", "/portal/sign-in", signed_in=False),
    PageCase("sign-in-wrong", "/portal/sign-in", signed_in=False, send=True),
    PageCase("help", "/portal/help"),
    PageCase("help-before", "/portal/help", signed_in=False),
    PageCase("not-found", "/portal/static/none"),
    PageCase("board", "/portal/board"),
)
