"""How long people wait for each page that shows referrals, where there are many and few."""

from benchmarks.frame import Row
from benchmarks.portal_pages import (
    Path,
    first_of,
    one_check,
    one_referral,
    one_sent,
    treated_row,
    waiting_row,
)

_GROUP = first_of("/portal/close-out", r"/portal/close-out/[a-z-]+")
_PAGES: dict[str, tuple[str, Path]] = {
    "board": ("for a page of the board", "/portal/board?show=all"),
    "board_late": ("for the hundredth page of the board", "/portal/board?show=all&page=100"),
    "referral": ("for one referral", one_referral),
    "meeting": ("for the list of a meeting", "/portal/meeting"),
    "looked": ("for who looked", "/portal/looked"),
    "close_out": ("for the groups of a year's end", "/portal/close-out"),
    "close_out_group": ("for a hundred referrals of such a group", _GROUP),
    "same": ("for two records of one student", "/portal/same"),
    "refer": ("for the first page of a new referral", "/portal/refer"),
    "check": ("for the page that checks a new referral", one_check),
    "work": ("for what was sent to a provider", "/portal/work"),
    "work_ended": ("for what a provider has ended", "/portal/work?show=ended"),
    "work_referral": ("for one referral at its provider", one_sent),
}
_IN_TREATMENT: dict[str, tuple[str, Path]] = {
    **{name: _PAGES[name] for name in ("board", "referral", "meeting", "work", "work_referral")},
    "running": ("for a hundred who are in treatment at a year's end", "/portal/close-out/running"),
    "arranged": ("for a hundred of whom no session is told", "/portal/close-out/arranged"),
    "check": _PAGES["check"],
}
ROWS: tuple[Row, ...] = (
    *(
        waiting_row(f"portal.{name}_waiting_many_vs_few", meaning, path)
        for name, (meaning, path) in _PAGES.items()
    ),
    *(
        treated_row(f"portal.{name}_treated_many_vs_few", meaning, path)
        for name, (meaning, path) in _IN_TREATMENT.items()
    ),
)
