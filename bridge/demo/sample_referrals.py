"""Rows of the referral template, as untidy as a district's own. SYNTHETIC.

Most rows can be mapped. Each of the others has one fault that a person must correct, so that the
demonstration shows every reason a row is held for.
"""

import random
from datetime import date, timedelta
from typing import Final

from bridge.demo.sample_people import SEED, Person, people

Row = dict[str, str]
FIRST_DAY: Final = date(2026, 8, 31)
DAYS: Final = 61

_REASONS: Final = (
    "Anxiety or worry",
    "Sadness, low mood",
    "Grief or loss; Sleep",
    "Peer relations; Bullying",
    "Family change (divorce, move, deployment); Anxiety",
    "School refusal",
    "Anger; Behavior in class",
    "Trauma",
    "Low mood, Withdrawal",
    "Attention; Academic",
    "Self-harm",
)
_TEXTS: Final = (
    "Worries before tests; asks to leave the room.",
    'Said "I cannot do this any more" about homework, not about self.',
    "Quiet since the summer.\nEats alone at lunch.",
    "Sleeps in first period, says nights are loud at home, shares a room with two brothers.",
    "Mother asked for support after a move; father works nights.",
    "Cries easily — teacher noticed, friends too.",
    "",
)
_SERVICES: Final = (
    "Individual counseling",
    "Group counseling",
    "Family counseling",
    "Evaluation",
    "",
)
_URGENCIES: Final = (
    "Routine",
    "routine",
    "Routine",
    "Urgent",
    "URGENT",
    "As soon as possible",
    "Crisis",
)
_ROLES: Final = ("Teacher", "School counselor", "School nurse", "Social worker", "Principal")
_STATEMENTS: Final = (
    "May be revoked; Care does not depend on signing; May be shared again by the recipient"
)

# What is wrong with which row; every other row can be mapped.
_FAULTS: Final[dict[str, tuple[int, ...]]] = {
    "no student id": (9, 41, 88, 150),
    "unreadable date": (17, 63, 101, 177),
    "no birth date": (29,),
    "unknown urgency": (22, 75, 133),
    "no urgency": (47, 160),
    "no education answer": (12, 55, 97),
    "no health answer": (34, 112, 168),
    "unknown concern": (26, 81, 141),
    "half a screening": (38, 120),
    "impossible attendance": (59, 146),
    "same number again": (70, 129, 181),
}
_COPIES: Final = (20, 45, 66, 90, 118, 139, 164, 190)


def referral_rows(headings: tuple[str, ...], count: int = 200) -> list[Row]:
    """Return the rows in the order of the file, the same ones every time."""
    source = random.Random(SEED + 1)  # noqa: S311 - made-up rows, no secret
    students = people()
    rows: list[Row] = []
    for number in range(count):
        if number in _COPIES:
            rows.append(dict(rows[number - 7]))
            continue
        person = students[number % len(students)]
        row = dict.fromkeys(headings, "")
        row |= _referral(source, number) | _student(number, person) | _guardian(source, person)
        row |= _screening(source, number) | _releases(source, number, person)
        rows.append(row)
        _spoil(row, number, rows)
    return rows


def referral_day(number: int) -> date:
    """Return the day of a referral: a weekday from 31 August to 30 October 2026."""
    day = FIRST_DAY + timedelta(days=number * 17 % DAYS)
    return day - timedelta(days=max(0, day.weekday() - 4))


def _written(day: date, number: int) -> str:
    """Write a day as one of two school offices does."""
    return day.isoformat() if number % 3 == 0 else f"{day.month}/{day.day}/{day.year}"


def _referral(source: random.Random, number: int) -> Row:
    return {
        "Referral number": f"MPS-2026-{number + 1:04}",
        "Date of referral": _written(referral_day(number), number),
        "Urgency": source.choice(_URGENCIES),
        "Reasons": source.choice(_REASONS),
        "Description": source.choice(_TEXTS),
        "Service requested": source.choice(_SERVICES),
        "Referred by": f"Staff {source.randint(1, 30)}",
        "Role of referrer": source.choice(_ROLES),
        "Supports already tried": source.choice(("", "Check-ins", "Check-ins, lunch group")),
        "Parent notified": source.choice(("yes", "Yes", "no", "")),
        "Attendance percent": source.choice(("", "97", "91.5", "84", "76.25")),
        "504 plan": source.choice(("", "yes", "no", "N")),
        "IEP": source.choice(("", "yes", "no", "N/A")),
        "Discipline incidents": source.choice(("", "0", "1", "4")),
    }


def _student(number: int, person: Person) -> Row:
    grade = (f"{person.grade:02}", str(person.grade), f"{person.grade}th")[number % 3]
    return {
        # A stray space is the commonest slip in a typed identifier.
        "Student ID": f"  {person.local_id}" if number % 13 == 0 else person.local_id,
        "State student ID": person.state_id if number % 4 else "NULL",
        "Last name": person.family,
        "First name": person.given,
        "Date of birth": _written(person.born, number + 1),
        "Gender": person.sex,
        "Grade": grade,
        "School": person.school,
        "Home language": person.language,
        "Interpreter needed": "yes" if person.language not in ("English", "Spanish") else "no",
        "Address": person.street,
        "City": "Millbrook",
        "State": "XX",
        "ZIP": "00999",
    }


def _guardian(source: random.Random, person: Person) -> Row:
    return {
        "Guardian name": person.guardian,
        "Guardian relationship": person.relationship,
        "Guardian phone": person.phone,
        "Guardian email": source.choice(("", f"family{person.local_id}@millbrook.example")),
        "Do not contact guardian": source.choice(("",) * 9 + ("yes",)),
    }


def _screening(source: random.Random, number: int) -> Row:
    if number % 3:
        return {}
    instrument, most = source.choice((("PHQ-A", 27), ("GAD-7", 21), ("SDQ", 40), ("BESS", 80)))
    return {
        "Screening": instrument,
        "Screening score": str(source.randint(0, most)),
        "Screening date": _written(referral_day(number) - timedelta(days=10), number),
    }


def _releases(source: random.Random, number: int, person: Person) -> Row:
    education = ("yes",) * 8 + ("no", "pending")
    health = ("yes",) * 6 + ("Yes", "no", "pending", "pending")
    row = _release(source, number, person, ("Education release", source.choice(education)))
    return row | _release(source, number, person, ("Health release", source.choice(health)))


def _release(source: random.Random, number: int, person: Person, form: tuple[str, str]) -> Row:
    label, answer = form
    row = {label: answer}
    if answer.casefold() != "yes":
        return row
    day = referral_day(number)
    adult = (day - person.born).days >= 18 * 365.25
    education = label.startswith("Education")
    return row | {
        f"{label}: signed by": f"{person.given} {person.family}" if adult else person.guardian,
        f"{label}: relationship": "Student"
        if adult
        else person.relationship.replace("Grandmother", "Grandparent"),
        f"{label}: signed on": _written(day - timedelta(days=source.randrange(6)), number),
        f"{label}: expires on": "6/30/2027" if source.random() < 0.9 else "",
        f"{label}: what": "Referral" if education else "Status; Visits",
        f"{label}: purpose": "Referral for care" if education else "Follow-up to the school",
        f"{label}: discloser": "District" if education else "Harbor Family Centers",
        f"{label}: recipient": "Harbor Family Centers" if education else "District",
        f"{label}: statements printed": _STATEMENTS if source.random() < 0.9 else "May be revoked",
    }


def _spoil(row: Row, number: int, rows: list[Row]) -> None:
    """Put in the fault of this row, if it has one."""
    match next((fault for fault, numbers in _FAULTS.items() if number in numbers), ""):
        case "no student id":
            row["Student ID"] = "N/A"
        case "unreadable date":
            row["Date of referral"] = f"{referral_day(number):%d.%m.%Y}"
        case "no birth date":
            row["Date of birth"] = ""
        case "unknown urgency":
            row["Urgency"] = "Soonish"
        case "no urgency":
            row["Urgency"] = ""
        case "no education answer":
            row["Education release"] = ""
        case "no health answer":
            row["Health release"] = ""
        case fault:
            _spoil_more(row, fault, rows)


def _spoil_more(row: Row, fault: str, rows: list[Row]) -> None:
    match fault:
        case "unknown concern":
            row["Reasons"] = "Anxiety; Mondays"
        case "half a screening":
            row["Screening"], row["Screening score"] = "", "11"
        case "impossible attendance":
            row["Attendance percent"] = "191"
        case "same number again":
            row["Referral number"] = rows[len(rows) - 3]["Referral number"]
        case _:
            pass
