"""Rows of the MTSS form, the roster and the office sheet of fictional Millbrook. SYNTHETIC."""

from typing import Final

from bridge.demo.sample_people import Person, people
from bridge.demo.sample_referrals import Row

_MISSING_FROM_ROSTER: Final = (41, 77, 123)
_STATUS: Final = {14: "Withdrawn", 52: "Inactive", 96: "Transferred"}
_FORM_ROWS: Final = 9


def roster_rows() -> list[Row]:
    """Return the roster as Aspen exports it; two students share a name, three are missing."""
    students = people()
    rows = [_roster(person, _STATUS.get(n, "Active")) for n, person in enumerate(students)]
    twin = students[5]
    second = _roster(twin, "Active") | {"local_id": "299999", "state_id": "9999999999"}
    rows = [row for n, row in enumerate(rows) if n not in _MISSING_FROM_ROSTER]
    return [*rows, second | {"date_of_birth": "2012-05-05", "grade": "08"}]


def _roster(person: Person, status: str) -> Row:
    return {
        "state_id": person.state_id,
        "local_id": person.local_id,
        "full_name": person.last_first,
        "home_language": person.language,
        "program_assigned": "Reg Ed",
        "limited_english_proficiency": "NULL",
        "sped_placement": "NULL",
        "disability": "NULL",
        "sped_level_of_need": "NULL",
        "plan_504": "Not 504",
        "student_address": f"{person.street}, Millbrook, XX",
        "grade": f"{person.grade:02}",
        "registration_date": "2024-08-26",
        "free_reduced_lunch": "Not Eligible",
        "homeroom": "NULL",
        "school_local_id": person.school,
        "enrollment_status": status,
        "date_of_birth": person.born.isoformat(),
        "gender": {"Female": "F", "Male": "M"}.get(person.sex, person.sex),
        "race": "NULL",
        "hispanic_latino": "NULL",
        "primary_phone": person.phone,
        "primary_email": f"family{person.local_id}@millbrook.example",
        "house": "",
        "counselor": "NULL",
    }


def form_rows(headings: tuple[str, ...]) -> list[Row]:
    """Return twelve rows of the form.

    Nine are of students the roster knows; one name is two students', one is nobody's, and one has
    no answer of the office.
    """
    students = people()
    named = [_plain(person) for person in (*students[20 : 20 + _FORM_ROWS], students[5])]
    named += ["Nobody Atall", _plain(students[30])]
    return [_form(headings, number, name) for number, name in enumerate(named)]


def _plain(person: Person) -> str:
    """Write a name as a hurried colleague does: in natural order and small accents lost."""
    return f"{person.given} {person.family}".replace("ë", "e").replace("ñ", "n")


def _stamp(number: int) -> str:
    return f"9/{14 + number}/2026 {8 + number % 7}:{number * 5:02}:18"


def _form(headings: tuple[str, ...], number: int, name: str) -> Row:
    row = dict.fromkeys(headings, "")
    social = ("Anxiety or worry", "Sadness, low mood, Peer conflict", "Grief or loss")[number % 3]
    filled = {
        "Timestamp": _stamp(number),
        "Email Address": f"staff{number % 4}@millbrook.example",
        "Student Name (eg, Sofia Alonso Martinez)": name,
        "Referring Staff Member": f"Staff {number % 4}",
        "What do you like to do? What are your interests?": "drawing, the sea",
        "What classes are you doing well in?": "Art",
        "Referral Classification": "Social/Emotional" if number % 4 else "Academic",
        "What is the main reason for this referral?": "Not themselves since the summer",
        "Social/Emotional Concern: Check all areas that apply.": social,
        "Explain social emotional concern.": 'Cries at lunch, "fine" when asked',
        "Math Concern: Check all areas that apply.": "Word problems" if number % 4 == 0 else "",
        "What have you already tried with this student that has been successful?": "Check-ins",
    }
    by_bare = {heading.strip(): heading for heading in headings}
    return row | {by_bare[bare]: text for bare, text in filled.items()}


def office_rows(headings: tuple[str, ...]) -> list[Row]:
    """Return the office's answers: one row has no answer for the health release, one is missing."""
    students = people()
    rows = []
    for number, person in enumerate((*students[20 : 20 + _FORM_ROWS], students[5])):
        row = dict.fromkeys(headings, "") | _office(number, person)
        if number == 6:
            row["Health release"] = ""
        rows.append(row)
    return rows


def _office(number: int, person: Person) -> Row:
    signed = {
        ": signed by": person.guardian,
        ": relationship": person.relationship.replace("Grandmother", "Grandparent"),
        ": signed on": f"9/{14 + number}/2026",
        ": expires on": "6/30/2027",
        ": statements printed": "May be revoked; Care does not depend on signing",
    }
    education = {": what": "Referral", ": purpose": "Referral for care"}
    health = {": what": "Status; Visits", ": purpose": "Follow-up to the school"}
    answer = ("yes", "yes", "pending", "yes", "no")[number % 5]
    row = {
        "Form timestamp": _stamp(number),
        "Student name": person.last_first,
        "Urgency": ("Routine", "Urgent")[number % 2],
        "Service requested": "Individual counseling",
        "Education release": "yes",
        "Education release: discloser": "District",
        "Education release: recipient": "Harbor Family Centers",
        "Health release": answer,
    }
    row |= {f"Education release{key}": text for key, text in (signed | education).items()}
    if answer == "yes":
        row |= {f"Health release{key}": text for key, text in (signed | health).items()}
        row |= {
            "Health release: discloser": "Harbor Family Centers",
            "Health release: recipient": "District",
        }
    return row
