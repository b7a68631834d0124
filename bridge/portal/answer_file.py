"""A provider without an API drops a file of answers: each row is carried out once, or waits.

What is wrong is told by row, column or segment, and never by what stands there.
"""

from dataclasses import replace
from typing import Final

from fastapi import APIRouter, Response

from bridge.journeys.answers.answer_by_file import answer_by_file, columns
from bridge.journeys.files.held_rows import HeldRow
from bridge.journeys.files.import_answers import AnswerReport
from bridge.journeys.files.uploaded_rows import MOST_BYTES, MOST_ROWS, TooManyRowsError
from bridge.portal.clinic import ClinicOf
from bridge.portal.forms import Field, Filled, Kind, Problem, Questions, plain
from bridge.portal.import_words import REASONS
from bridge.portal.languages import say
from bridge.portal.posted import FormOf, Sent
from bridge.portal.visits import Visit
from mappings.readers import SourceError

router = APIRouter(prefix="/portal/work/file")

_QUESTIONS: Final = Questions(
    say("Send your answers as a file"),
    (
        Field(
            "file",
            say("Send your answers as a file"),
            Kind.FILE,
            hint=say(
                "CSV, Excel or HL7 v2 messages, up to 200 rows and 3 megabytes. Each row is "
                "carried out once, even if you send the file again."
            ),
            missing=say("Choose a file."),
        ),
    ),
)
WAITS: Final = {
    "no-match": say("No referral to you has these numbers. Check them."),
    "ambiguous": say("Several referrals have this number. Add the student's bridge ID."),
    "said-before": say(
        "This row came before and said something else. Correct the referral itself."
    ),
    "too-early": say("This row is dated in the future."),
    "not-now": say("This answer is not possible now."),
    "refused": say("This answer breaks a rule."),
}
"""What the reasons of :mod:`bridge.journeys.files.import_answers` are called, by code."""


@router.get("")
def ask(visit: ClinicOf) -> Response:
    """Ask for a file."""
    return _page(visit, Filled({}))


@router.post("")
def take(visit: ClinicOf, form: FormOf) -> Response:
    """Carry out what a file says, and show what waits."""
    visit = visit.speaking(form.language)
    filled = _QUESTIONS.read(form)
    if form.language:
        return _page(visit, replace(filled, problems={}))
    if filled.problems:
        return _page(visit, filled)
    filled, report = _taken(visit, filled)
    return _page(visit, filled, report)


def _taken(visit: Visit, filled: Filled) -> tuple[Filled, AnswerReport | None]:
    """Carry out a file, or say what is wrong with it as a whole."""
    sent = filled.files["file"]
    if len(sent.content) > MOST_BYTES:
        return _wrong(filled, say("The file is larger than 3 megabytes. Divide it.")), None
    if not sent.content:
        return _wrong(filled, say("The file is empty.")), None
    try:
        return filled, answer_by_file(visit.bridge, visit.staff, (_called(sent), sent.content))
    except TooManyRowsError:
        text = say("The file has more than %(most)s rows. Divide it.")
        return replace(filled, problems={"file": Problem(text, {"most": MOST_ROWS})}), None
    except SourceError as error:
        text = say("The file cannot be used as it is. Below it says what to change.")
        detail = f"{error.where}: {error.what_to_do}"
        return _wrong(replace(filled, values={"detail": detail}), text), None


def _wrong(filled: Filled, text: str) -> Filled:
    return replace(filled, problems={"file": Problem(text)})


def _called(sent: Sent) -> str:
    """Return what a file is called, without folders and signs that cannot be seen."""
    return plain(sent.name.replace("\\", "/").rpartition("/")[2])[:100] or "file"


def _page(visit: Visit, filled: Filled, report: AnswerReport | None = None) -> Response:
    return visit.page(
        "answer-file.html",
        422 if filled.problems else 200,
        questions=_QUESTIONS,
        filled=filled,
        detail=filled.text("detail"),
        report=report,
        waiting=[_told(row) for row in report.held] if report else [],
        columns=columns(),
    )


def _told(row: HeldRow) -> tuple[int, list[str], tuple[str, ...]]:
    """Return of a row that waits: its number, why in the reader's words, and where exactly."""
    known = {**{code: words.what for code, words in REASONS.items()}, **WAITS}
    return row.origin.row, [known[code] for code in dict.fromkeys(row.codes)], row.texts
