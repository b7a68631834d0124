"""The nearest valid name for a misspelt one."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, valid: Iterable[str]) -> str:
    """Return ``'; did you mean "x"?'``, or an empty string when nothing is near.

    Args:
        name: the name as written.
        valid: the names that would have been understood.
    """
    by_folded = {candidate.casefold(): candidate for candidate in valid}
    near = get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.6)
    return f'; did you mean "{by_folded[near[0]]}"?' if near else ""
