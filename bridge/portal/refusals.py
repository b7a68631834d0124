"""What ends a request for a page early, as errors; :mod:`bridge.portal.told` answers them."""

from bridge.errors import BridgeError


class PageError(BridgeError):
    """A page is not shown.

    ``PageError``
    ├── ``NotSignedIn``   nobody is signed in, or no longer
    ├── ``NotHere``       there is no such page, or not for this person
    ├── ``FromElsewhere`` a form that this portal did not make, or made for another session
    ├── ``TooMuchSent``   a form larger than any of ours
    └── ``NotToldApart``  a referral to one of two providers of one name
    """


class NotSignedIn(PageError):  # noqa: N818 - reads as what happened
    """Nobody is signed in, or no longer."""


class NotHere(PageError):  # noqa: N818 - reads as what happened
    """There is no such page, or not for this person: the same answer."""


class FromElsewhere(PageError):  # noqa: N818 - reads as what happened
    """A form that this portal did not make, or made for another session."""


class TooMuchSent(PageError):  # noqa: N818 - reads as what happened
    """A form larger than any of ours."""


class NotToldApart(PageError):  # noqa: N818 - reads as what happened
    """A referral to one of two providers of one name, of which both know its number."""
