"""What a roster says of a student, as answers to what a referral asks (WCAG 2.2, 3.3.7).

Kept is what the entry pages ask and nothing more of a roster: no address, no sex, no grade. A
person whom the roster says not to contact is not among it; where it names no other, neither is
anybody an earlier referral named.
"""

import json
from typing import Final

from sqlalchemy import Connection

from bridge.identifiers import Identifiers
from bridge.store.people.roster_entries import roster_entry_of
from mappings.canonical import Guardian, Student

Answers = dict[str, str | list[str]]
"""By the names of the portal's questions."""
NO_GUARDIAN: Final = {"guardian": "", "relationship": "", "phone": ""}


def sealed_answers(identifiers: Identifiers, student_id: str, student: Student) -> str:
    """Return what the entry pages are filled in with, to be read for this student alone."""
    said = {
        "given_name": student.given_name,
        "family_name": student.family_name,
        "birth_date": student.birth_date.isoformat(),
        "school": student.school or "",
        "home_language": _spoken(student),
        "interpreter": {True: "yes", False: "no", None: ""}[student.interpreter_needed],
    }
    known = {name: text for name, text in said.items() if text}
    plain = json.dumps({**known, **_family(student.guardians)})
    return identifiers.lock(plain.encode(), "roster", student_id)


def roster_answers(connection: Connection, identifiers: Identifiers, student_id: str) -> Answers:
    """Return what the roster of a student's district said of it; empty where none did."""
    sealed = roster_entry_of(connection, student_id)
    plain = identifiers.unlock(sealed, "roster", student_id) if sealed else None
    answers: Answers = json.loads(plain) if plain else {}
    return answers


def _spoken(student: Student) -> str:
    return student.home_language.code.partition("-")[0] if student.home_language else ""


def _family(guardians: tuple[Guardian, ...]) -> dict[str, str]:
    first = next((each for each in guardians if not each.contact_prohibited), None)
    if first is None:
        return dict(NO_GUARDIAN) if guardians else {}
    relation = first.relationship.code if first.relationship else ""
    return {"guardian": first.name, "relationship": relation, "phone": first.phone or ""}
