"""Small cells: a count from 1 to the minimum less one is not shown.

This is primary suppression only. A hidden cell may still follow from a shown total and its other
parts; complementary suppression closes that and comes later, so a table made here says that it is
not for publication.
"""

from collections.abc import Sequence

from bridge.hub.counts import CountRow

HIDDEN = "fewer than {minimum}"
NOTES = (
    "Cells from 1 to {most} are not shown: the agreements' minimum is {minimum}.",
    (
        "NOT FOR PUBLICATION: complementary suppression is not applied yet, so a hidden cell may "
        "be worked out from a total."
    ),
)
COLUMNS = ("district", "provider", "modality", "referrals", "served", "sessions")


def suppressed(rows: Sequence[CountRow], minimum: int) -> list[dict[str, str]]:
    """Return rows as text with every small cell hidden.

    A row's sessions say something about those served: where fewer than the minimum were served,
    its sessions are hidden too.
    """
    return [_row(row, minimum) for row in rows]


def _row(row: CountRow, minimum: int) -> dict[str, str]:
    few_served = 0 < row.served < minimum
    sessions = _cell(row.sessions, minimum)
    return {
        "district": row.district,
        "provider": row.provider,
        "modality": row.modality,
        "referrals": _cell(row.referrals, minimum),
        "served": _cell(row.served, minimum),
        "sessions": HIDDEN.format(minimum=minimum) if few_served else sessions,
    }


def _cell(count: int | None, minimum: int) -> str:
    if count is None:
        return ""
    return HIDDEN.format(minimum=minimum) if 0 < count < minimum else str(count)


def notes(minimum: int) -> tuple[str, ...]:
    """Return what stands under the table."""
    return tuple(note.format(minimum=minimum, most=minimum - 1) for note in NOTES)
