"""Somebody of a provider drops a file of answers on a page: a table, or HL7 v2 messages.

Which of the two it is, its first bytes say. It is carried out at once, by the same moves and the
same gate as an answer on a page (:mod:`bridge.journeys.files.import_answers`); the file is not
kept.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import islice
from typing import Final

from bridge.identity import Caller
from bridge.journeys.answers.answer_by_hand import clinic_caller
from bridge.journeys.files.import_answers import AnswerReport, import_answers
from bridge.journeys.files.run_maps import compiled_map
from bridge.journeys.files.uploaded_rows import MOST_ROWS, TooManyRowsError, as_file
from bridge.journeys.referrals.work_list import HasGate
from mappings.canonical import ReferralAnswer
from mappings.language import CompiledMap, Held, Mapped, load_map

TABLE: Final = "provider-answers"
MESSAGES: Final = "x360-answers"
# What an HL7 v2 file may begin with: a mark of its encoding, a block of MLLP, a header.
_MARKS: Final = b"\xef\xbb\xbf\x0b\r\n "
_HEADERS: Final = (b"MSH", b"FHS", b"BHS")


def columns() -> list[str]:
    """Return the headings of a table of answers."""
    return [heading.text for heading in load_map(TABLE).main.headings]


def answer_by_file(whole: HasGate, staff: Caller, sent: tuple[str, bytes]) -> AnswerReport:
    """Carry out what a file says, and return what waits.

    Args:
        whole: the bridge.
        staff: the signed-in person of a provider.
        sent: what the file is called, and what is in it.

    Raises:
        SourceError: the file cannot be used.
        TooManyRowsError: it has more rows than a page takes.
    """
    name, content = sent
    messages = content.lstrip(_MARKS).startswith(_HEADERS)
    with as_file(content) as path:
        run = _compiled(MESSAGES if messages else TABLE).run([path])
        rows = list(islice(run, MOST_ROWS + 1))
    if len(rows) > MOST_ROWS:
        raise TooManyRowsError
    return import_answers(whole, clinic_caller(staff), _called(rows, name))


@cache
def _compiled(map_id: str) -> CompiledMap:
    """Return a shipped map; it does not change while the program runs."""
    return compiled_map(map_id)


def _called(rows: list[Mapped | Held], name: str) -> Iterator[Mapped | Held]:
    """Yield rows that say in which file they stand, as its owner knows it."""
    for row in rows:
        if isinstance(row, Held):
            yield replace(row, origin=replace(row.origin, file=name))
        elif isinstance(row.record, ReferralAnswer):
            origin = replace(row.record.origin, file=name)
            yield replace(row, record=replace(row.record, origin=origin))
