"""A district brings in a file of referrals: it is looked at in groups, repaired, then approved.

For who leads a school or its referrals. Addresses hold a draft's id and row numbers, no values.
"""

from dataclasses import replace
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Response

from bridge.journeys.files.review_import import (
    Group,
    Review,
    ReviewedRow,
    approve,
    begin_review,
    cancel,
    cells_of,
    correct_row,
    held_workbook,
    review_of,
)
from bridge.journeys.files.uploaded_rows import (
    MOST_BYTES,
    MOST_ROWS,
    TooManyRowsError,
    Uploaded,
    maps_of_one_file,
)
from bridge.journeys.files.watch_import import STUDENT_DIFFERS
from bridge.journeys.referrals.enter_referral import providers_of
from bridge.journeys.referrals.note_look import LEADS
from bridge.portal.forms import Field, Filled, Kind, Option, Problem, Questions, plain
from bridge.portal.import_words import GROUPS, REASONS
from bridge.portal.languages import say
from bridge.portal.posted import FormOf, Sent
from bridge.portal.refusals import NotHere
from bridge.portal.visits import StaffOf, Visit
from mappings.readers import SourceError, column_letter

router = APIRouter(prefix="/portal/import")

ROWS: Final = 50
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_MAPS: Final = {
    "schoolbridge-template": say("The referral template of schoolbridge"),
    "google-forms-referral": say("A form of Google Forms"),
    "microsoft-forms-referral": say("A form of Microsoft Forms"),
}
Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{10,40}$")]
Row = Annotated[int, Path(ge=1, le=10_000_000)]
Shown = Annotated[str, Query(max_length=10)]
Page = Annotated[int, Query(ge=1, le=1_000)]


@router.get("")
def start(visit: StaffOf) -> Response:
    """Ask for a file."""
    return _start(visit, Filled({"map": maps_of_one_file()[0].id}))


@router.post("")
def upload(visit: StaffOf, form: FormOf) -> Response:
    """Read a file; nothing of it is brought in yet."""
    questions = _questions(visit)
    filled = questions.read(form)
    if form.language:
        return _start(visit.speaking(form.language), replace(filled, problems={}))
    if not filled.problems:
        filled, review = _begun(visit, filled)
        if review is not None:
            return visit.go(f"/portal/import/{review.id}")
    return _start(visit, filled)


@router.get("/{review_id}")
def review_page(visit: StaffOf, review_id: Id, show: Shown = "", page: Page = 1) -> Response:
    """Show what would become of each row, in groups."""
    review = _review(visit, review_id)
    return _reviewed(visit, review, show, page)


@router.post("/{review_id}/approve")
def approve_review(visit: StaffOf, form: FormOf, review_id: Id) -> Response:
    """Take in what the review says, or show it again where the data has changed since."""
    review = _review(visit, review_id)
    visit.note_look()
    accepted = {int(each) for each in form.values.get("same", ()) if each.isdecimal()}
    approve(visit.parts, visit.staff, review, accepted)
    return visit.go(f"/portal/import/{review_id}")


@router.post("/{review_id}/cancel")
def cancel_review(visit: StaffOf, _form: FormOf, review_id: Id) -> Response:
    """Throw the file away; that somebody did is all that stays."""
    review = _review(visit, review_id)
    visit.note_look()
    cancel(visit.parts, visit.staff, review)
    return visit.go("/portal/import")


@router.get("/{review_id}/held.xlsx")
def held_rows(visit: StaffOf, review_id: Id) -> Response:
    """Give the rows that wait as a workbook to correct, in which every cell is text."""
    book = held_workbook(visit.parts, visit.staff, _review(visit, review_id))
    if book is None:
        raise NotHere
    visit.note_look()
    headers = {"Content-Disposition": 'attachment; filename="held-rows.xlsx"'}
    return Response(book, headers=headers, media_type=_XLSX)


@router.get("/{review_id}/row/{row}")
def row_page(visit: StaffOf, review_id: Id, row: Row) -> Response:
    """Ask for the cells of a row that waits, what is wrong first."""
    review = _review(visit, review_id)
    questions, cells = _row_questions(visit, review, row)
    return _row_asked(visit, review, (row, questions), Filled(cells))


@router.post("/{review_id}/row/{row}")
def row_post(visit: StaffOf, form: FormOf, review_id: Id, row: Row) -> Response:
    """Put what was typed in the place of a row's cells; the file is looked at again."""
    review = _review(visit, review_id)
    questions, before = _row_questions(visit, review, row)
    filled = questions.read(form)
    if form.language:
        spoken = visit.speaking(form.language)
        return _row_asked(spoken, review, (row, questions), Filled(filled.values))
    if filled.problems:
        return _row_asked(visit, review, (row, questions), filled)
    cells = [filled.text(f"cell-{n}") for n in range(len(before))]
    after = correct_row(visit.parts, visit.staff, review, row, cells)
    now = next((each for each in after.rows if each.row == row), None)
    if now is not None and now.group is Group.HELD:
        return _row_asked(visit, after, (row, questions), _marked(filled, questions, now))
    return visit.go(f"/portal/import/{review_id}")


def _review(visit: Visit, review_id: str) -> Review:
    """Return a review of this person.

    Raises:
        NotHere: there is none, or the role leads neither a school nor its referrals.
    """
    review = review_of(visit.parts, visit.staff, review_id) if _leads(visit) else None
    if review is None:
        raise NotHere
    return review


def _leads(visit: Visit) -> bool:
    return visit.staff.role in LEADS


def _questions(visit: Visit) -> Questions:
    providers = providers_of(visit.parts, visit.staff.organization) if _leads(visit) else []
    if not providers:
        raise NotHere
    offered = tuple(Option(o.key, o.name) for o in providers)
    maps = tuple(Option(e.id, _MAPS.get(e.id, e.title)) for e in maps_of_one_file())
    return Questions(
        say("Bring in a file of referrals"),
        (
            Field(
                "map",
                say("Where the file comes from"),
                Kind.RADIOS,
                options=maps,
                missing=say("Choose where the file comes from."),
            ),
            Field(
                "provider",
                say("To which provider"),
                Kind.RADIOS,
                options=offered,
                missing=say("Choose a provider."),
            ),
            Field(
                "file",
                say("The file"),
                Kind.FILE,
                hint=say(
                    "CSV or Excel, up to 200 rows and 3 megabytes. You see what would "
                    "become of each row before anything is kept."
                ),
                missing=say("Choose a file."),
            ),
        ),
    )


def _start(visit: Visit, filled: Filled) -> Response:
    return visit.page(
        "import-start.html",
        422 if filled.problems else 200,
        questions=_questions(visit),
        filled=filled,
        detail=filled.text("detail"),
    )


def _begun(visit: Visit, filled: Filled) -> tuple[Filled, Review | None]:
    """Begin a review of what was chosen, or say what is wrong with it."""
    sent = filled.files["file"]
    if len(sent.content) > MOST_BYTES:
        return _wrong(filled, say("The file is larger than 3 megabytes. Divide it.")), None
    if not sent.content:
        return _wrong(filled, say("The file is empty.")), None
    uploaded = Uploaded(filled.text("map"), _called(sent), sent.content)
    try:
        return filled, begin_review(visit.parts, visit.staff, filled.text("provider"), uploaded)
    except TooManyRowsError:
        text = say("The file has more than %(most)s rows. Divide it.")
        return replace(filled, problems={"file": Problem(text, {"most": MOST_ROWS})}), None
    except SourceError as error:
        text = say("The file cannot be used as it is. Below it says what to change.")
        detail = f"{error.where}: {error.what_to_do}"
        return _wrong(replace(filled, values={**filled.values, "detail": detail}), text), None


def _wrong(filled: Filled, text: str) -> Filled:
    return replace(filled, problems={"file": Problem(text)})


def _called(sent: Sent) -> str:
    """Return what a file is called, without folders and signs that cannot be seen."""
    return plain(sent.name.replace("\\", "/").rpartition("/")[2])[:100] or "file"


def _reviewed(visit: Visit, review: Review, show: str, page: int) -> Response:
    groups = [(group, review.of(group)) for group in Group]
    first = (page - 1) * ROWS
    names = {o.key: o.name for o in providers_of(visit.parts, visit.staff.organization)}
    return visit.page(
        "import-review.html",
        review=review,
        provider=names.get(review.provider, ""),
        counts=[(group, len(rows)) for group, rows in groups],
        groups=[
            (group, rows[first:][:ROWS] if group == show else rows[:ROWS], len(rows))
            for group, rows in groups
            if rows
        ],
        shown=(show, page, ROWS),
        group_words=GROUPS,
        reason_words=REASONS,
        may_be_same=_may_be_same,
        ready=_to_take(review),
    )


def _may_be_same(row: ReviewedRow) -> bool:
    return row.group is Group.CLOSE and row.reasons[0].code == STUDENT_DIFFERS


def _to_take(review: Review) -> int:
    """Return how many rows an approval would do something about."""
    held = [] if review.taken else review.of(Group.HELD)
    same = [each for each in review.of(Group.CLOSE) if _may_be_same(each)]
    return len([*review.of(Group.NEW), *held, *same])


def _row_questions(visit: Visit, review: Review, row: int) -> tuple[Questions, dict[str, str]]:
    """Return a question for each column, what is wrong first, and the cells as they are.

    Raises:
        NotHere: the row does not wait, or a page cannot correct it.
    """
    found = cells_of(visit.parts, visit.staff, review, row)
    if found is None:
        raise NotHere
    header, cells = found
    wrong = _columns(review, row)
    order = sorted(range(len(header)), key=lambda n: (header[n] not in wrong, n))
    fields = [_cell_field(n, header[n], cells[n]) for n in order]
    answers = {f"cell-{n}": cell for n, cell in enumerate(cells)}
    return Questions(say("Correct a row"), tuple(fields)), answers


def _cell_field(number: int, heading: str, cell: str) -> Field:
    # With its letter it is no text of ours, which would be shown in another language.
    label = f"{column_letter(number)}: {plain(heading)}"
    kind = Kind.TEXTAREA if "\n" in cell or len(cell) > 80 else Kind.TEXT
    return Field(f"cell-{number}", label, kind, most=10_000)


def _columns(review: Review, row: int) -> set[str]:
    reasons = (r for each in review.rows if each.row == row for r in each.reasons)
    return {name for reason in reasons for name in reason.column.split(" + ")} - {""}


def _marked(filled: Filled, questions: Questions, row: ReviewedRow) -> Filled:
    """Return what was typed with what is still wrong, beside the columns it is wrong with."""
    problems = {}
    for reason in row.reasons:
        names = reason.column.split(" + ")
        at = [f.name for f in questions.fields if _heading(f) in names]
        problems[next(iter(at), questions.fields[0].name)] = Problem(REASONS[reason.code].what)
    return replace(filled, problems=problems)


def _heading(field: Field) -> str:
    return field.label.replace("%%", "%").partition(": ")[2]


def _row_asked(
    visit: Visit, review: Review, asked: tuple[int, Questions], filled: Filled
) -> Response:
    row, questions = asked
    reasons = [r for each in review.rows if each.row == row for r in each.reasons]
    return visit.page(
        "import-row.html",
        422 if filled.problems else 200,
        row=row,
        reasons=reasons,
        reason_words=REASONS,
        questions=questions,
        filled=filled,
        back=f"/portal/import/{review.id}",
    )
