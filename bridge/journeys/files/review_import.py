"""A file of referrals is looked at before anything of it is kept, and then taken in.

INVARIANT: what the review says is the import itself, undone. When it is approved each part must
come out as the review said; what does not is undone, and the person looks again. Of the file
nothing is kept beside the sealed draft, which is gone when nothing is left to repair, when it is
thrown away, or seven days after it was last touched.
"""

import base64
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection

from bridge.identity import Caller
from bridge.journeys.files.held_rows import HeldRow, row_key
from bridge.journeys.files.import_referrals import ReferralImport
from bridge.journeys.files.uploaded_rows import ReadRows, Uploaded, cells_at, read_rows, sheet_of
from bridge.journeys.files.watch_import import STUDENT_DIFFERS, ImportWatch, Stored
from bridge.journeys.referrals.keep_drafts import (
    Draft,
    draft_of,
    forget_draft,
    keep_draft,
    new_draft,
)
from bridge.parts import Parts
from bridge.store.database.engine import write
from mappings.language import Held, Mapped

KIND: Final = "import"
FILE: Final = "import-file"
PART: Final = 20
"""Rows of one transaction: others write in between."""
REFERRAL_DIFFERS: Final = "differs-from-import"


class Group(StrEnum):
    """What becomes of a row."""

    NEW = "new"
    THERE = "there"
    CLOSE = "close"
    HELD = "held"
    REPEATED = "repeated"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a row waits: a code for machines, the column or "", and it in words; no value."""

    code: str
    column: str
    text: str


@dataclass(frozen=True, slots=True)
class ReviewedRow:
    """One row of a review.

    Attributes:
        changes: it replaces what was on file of the student.
    """

    row: int
    group: Group
    reasons: tuple[Reason, ...] = ()
    changes: bool = False


@dataclass(frozen=True, slots=True)
class Review:
    """One file that somebody looks at.

    Attributes:
        file: id of the draft that holds the file; "" once nothing is left to repair.
        accepted: rows of which a person said that it is the student on file.
        taken: how many rows its approvals have taken in.
        changed: the data had changed when it was approved last: it is to be looked at again.
    """

    id: str
    file: str
    provider: str
    name: str = field(repr=False)
    rows: tuple[ReviewedRow, ...] = ()
    accepted: frozenset[int] = frozenset()
    taken: int = 0
    changed: bool = False

    def of(self, group: Group) -> list[ReviewedRow]:
        """Return the rows of one group."""
        return [row for row in self.rows if row.group is group]


def begin_review(parts: Parts, caller: Caller, provider: str, uploaded: Uploaded) -> Review:
    """Read a file and say what would become of each row; nothing but the draft is kept.

    Raises:
        SourceError: the file cannot be used.
        TooManyRowsError: it has too many rows.
        BridgeError: there is no agreement with the provider.
    """
    review = Review(new_draft(KIND).id, new_draft(FILE).id, provider, uploaded.name)
    read = read_rows(uploaded, parts.identifiers, caller.organization)
    review = _rehearsed(parts, caller, review, read)
    _keep_file(parts, caller, review, uploaded)
    return _kept(parts, caller, review)


def review_of(parts: Parts, caller: Caller, review_id: str) -> Review | None:
    """Return a person's review, or None: not there, no longer, or somebody else's."""
    draft = draft_of(parts, caller, KIND, review_id)
    return None if draft is None else _opened(draft)


def cells_of(
    parts: Parts, caller: Caller, review: Review, row: int
) -> tuple[tuple[str, ...], list[str]] | None:
    """Return headings and cells of a row that waits; None where a page cannot correct it."""
    uploaded = _file(parts, caller, review)
    waits = {each.row for each in (*review.of(Group.HELD), *review.of(Group.CLOSE))}
    return None if uploaded is None or row not in waits else cells_at(uploaded, row)


def correct_row(
    parts: Parts, caller: Caller, review: Review, row: int, cells: Sequence[str]
) -> Review:
    """Put other cells in the place of a row's, and look at the whole file again."""
    uploaded = _file(parts, caller, review)
    if uploaded is None:
        return review
    corrected = replace(uploaded, corrections={**uploaded.corrections, row: list(cells)})
    read = read_rows(corrected, parts.identifiers, caller.organization)
    _keep_file(parts, caller, review, corrected)
    return _kept(parts, caller, _rehearsed(parts, caller, review, read))


def approve(parts: Parts, caller: Caller, review: Review, accepted: Collection[int]) -> Review:
    """Take in what the review says; where the data has changed since, look again.

    Args:
        parts: the bridge's parts.
        caller: whose review it is.
        review: as the person saw it.
        accepted: rows of which the person says that it is the student on file.
    """
    uploaded = _file(parts, caller, review)
    if uploaded is None:
        return review
    close = {r.row for r in review.of(Group.CLOSE) if r.reasons[0].code == STUDENT_DIFFERS}
    review = replace(review, accepted=review.accepted | (close & set(accepted)), changed=False)
    read = read_rows(uploaded, parts.identifiers, caller.organization)
    taken, changed = _approved(parts, caller, review, read.rows)
    review = replace(review, taken=review.taken + taken, changed=changed)
    after = _rehearsed(parts, caller, review, read) if changed else _all_taken(review)
    if not changed and not after.of(Group.HELD) and not after.of(Group.CLOSE):
        forget_draft(parts, caller, review.file)
        after = replace(after, file="")
    return _kept(parts, caller, after)


def cancel(parts: Parts, caller: Caller, review: Review) -> None:
    """Throw a file and its review away; what was taken in stays."""
    for draft in (review.file, review.id):
        forget_draft(parts, caller, draft)


def held_workbook(parts: Parts, caller: Caller, review: Review) -> bytes | None:
    """Return the rows that wait as a workbook to correct, in which every cell is text."""
    uploaded = _file(parts, caller, review)
    if uploaded is None:
        return None
    lea = caller.organization
    waits = {each.row: each for each in (*review.of(Group.HELD), *review.of(Group.CLOSE))}
    found = read_rows(uploaded, parts.identifiers, lea).rows
    origins = {o.row: o for each in found if (o := each.origin) is not None}
    held = {
        n: (
            " | ".join(reason.text for reason in each.reasons),
            origins[n].ticket or row_key(parts.identifiers, lea, origins[n]),
        )
        for n, each in waits.items()
        if n in origins
    }
    return sheet_of(uploaded, held)


def _approved(
    parts: Parts, caller: Caller, review: Review, rows: Sequence[Mapped | Held]
) -> tuple[int, bool]:
    """Take rows in as long as they come out as reviewed; returns how many, and if one did not."""
    taken, watch = 0, ImportWatch(caller.organization, review.accepted, rehearses=False)
    reviewed = {each.row: each for each in review.rows}
    for start in range(0, len(rows), PART):
        part = rows[start : start + PART]
        with write(parts.engine) as connection:
            undone = connection.begin_nested()
            came = _imported(parts, caller, review.provider, (connection, watch, part))
            if any(not _as_said(reviewed.get(each.row), each, review.accepted) for each in came):
                undone.rollback()
                return taken, True
            taken += sum(each.group is Group.NEW for each in came)
    return taken, False


def _all_taken(review: Review) -> Review:
    """Return a review whose rows all became what it said."""
    same = {r.row for r in review.of(Group.CLOSE)} & review.accepted
    rows = (
        ReviewedRow(each.row, Group.THERE)
        if each.group in (Group.NEW, Group.THERE) or each.row in same
        else each
        for each in review.rows
    )
    return replace(review, rows=tuple(rows))


def _as_said(before: ReviewedRow | None, now: ReviewedRow, accepted: Collection[int]) -> bool:
    if before is None:
        return False
    if before.group is Group.CLOSE and now.row in accepted:
        return now.group in (Group.NEW, Group.THERE)
    return before == now


def _rehearsed(parts: Parts, caller: Caller, review: Review, read: ReadRows) -> Review:
    """Return the review with what would become of each row now."""
    watch = ImportWatch(caller.organization, review.accepted, rehearses=True)
    found = [ReviewedRow(n, Group.REPEATED) for n in read.repeated]
    for start in range(0, len(read.rows), PART):
        part = read.rows[start : start + PART]
        with write(parts.engine) as connection:
            undone = connection.begin_nested()
            found += _imported(parts, caller, review.provider, (connection, watch, part))
            undone.rollback()
    return replace(review, rows=tuple(sorted(found, key=lambda each: each.row)))


def _imported(
    parts: Parts,
    caller: Caller,
    provider: str,
    what: tuple[Connection, ImportWatch, Sequence[Mapped | Held]],
) -> list[ReviewedRow]:
    """Import some rows within a transaction; returns what became of each."""
    connection, watch, rows = what
    importing = ReferralImport(parts, caller.organization, provider, watch)
    report = importing.run_within(connection, rows)
    mapped = {each.origin.row: each for each in rows if isinstance(each, Held)}
    held = [_held(each, mapped.get(each.origin.row)) for each in report.held]
    taken = [_taken(n, watch.stored[n]) for each in rows if (n := _row(each)) in watch.stored]
    return [*held, *taken]


def _taken(number: int, stored: Stored) -> ReviewedRow:
    return ReviewedRow(number, Group.NEW if stored.new else Group.THERE, changes=stored.changes)


def _row(each: Mapped | Held) -> int:
    return each.origin.row if each.origin is not None else 0


def _held(row: HeldRow, by_map: Held | None) -> ReviewedRow:
    if by_map is not None:
        reasons = tuple(Reason(str(r.code), r.column, str(r)) for r in by_map.reasons)
        return ReviewedRow(row.origin.row, Group.HELD, reasons)
    close = row.codes[0] in (STUDENT_DIFFERS, REFERRAL_DIFFERS)
    reasons = tuple(Reason(row.codes[0], "", text) for text in row.texts)
    return ReviewedRow(row.origin.row, Group.CLOSE if close else Group.HELD, reasons)


def _keep_file(parts: Parts, caller: Caller, review: Review, uploaded: Uploaded) -> None:
    values = {
        "map": uploaded.map_id,
        "name": uploaded.name,
        "content": base64.b64encode(uploaded.content).decode(),
        "corrections": {str(row): list(cells) for row, cells in uploaded.corrections.items()},
    }
    keep_draft(parts, caller, Draft(review.file, FILE, values))


def _file(parts: Parts, caller: Caller, review: Review) -> Uploaded | None:
    draft = draft_of(parts, caller, FILE, review.file) if review.file else None
    if draft is None:
        return None
    values = draft.values
    corrections = {int(row): cells for row, cells in values["corrections"].items()}
    content = base64.b64decode(values["content"])
    return Uploaded(values["map"], values["name"], content, corrections)


def _kept(parts: Parts, caller: Caller, review: Review) -> Review:
    values = {**asdict(review), "accepted": sorted(review.accepted)}
    keep_draft(parts, caller, Draft(review.id, KIND, values))
    return review


def _opened(draft: Draft) -> Review:
    values: Mapping[str, Any] = draft.values
    rows = tuple(
        ReviewedRow(
            each["row"],
            Group(each["group"]),
            tuple(Reason(**reason) for reason in each["reasons"]),
            each["changes"],
        )
        for each in values["rows"]
    )
    return Review(**{**values, "rows": rows, "accepted": frozenset(values["accepted"])})
