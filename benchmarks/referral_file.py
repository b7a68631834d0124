"""A referral file in the words of the project's own template: clean, so that every row maps.

The rows are drawn from small lists with a fixed seed: synthetic, and the same on every machine.
"""

import csv
import random
from pathlib import Path

from benchmarks.arms import words as w

_FAMILY = ("García", "Nguyen", "O'Neil", "Smith", "Włodarczyk", "Brown")
_GIVEN = ("Ana", "Ben", "Chloë", "Dat", "Eva", "Finn")
_TEXT = 'Has been "quiet" since September, often late; asked to talk to somebody.'


def write(path: Path, rows: int) -> None:
    """Write a file of so many rows."""
    draw = random.Random(7)  # noqa: S311 - nothing secret: the same file each time
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(_row(draw, 1)), lineterminator="\n")
        writer.writeheader()
        writer.writerows(_row(draw, number) for number in range(1, rows + 1))


def _row(draw: random.Random, number: int) -> dict[str, str]:
    family = draw.choice(_FAMILY)
    return {
        "number": f"R-{number:06}",
        "authored_on": f"2026-10-{draw.randint(1, 28):02}",
        "urgency": draw.choice(list(w.URGENCIES)),
        "reasons": "; ".join(draw.sample(list(w.REASONS), k=2)),
        "description": _TEXT,
        "requested_service": draw.choice(list(w.SERVICES)),
        "referrer_role": draw.choice(list(w.ROLES)),
        "parent_notified": draw.choice(("Yes", "No")),
        "attendance_percent": f"{draw.randint(600, 1000) / 10}",
        "plan_504": draw.choice(("Yes", "No")),
        **_student(draw, number, family),
        **_guardian(draw, number, family),
        "screening.1.instrument": "PHQ-A",
        "screening.1.score": str(draw.randint(0, 27)),
        "screening.1.screened_on": f"2026-09-{draw.randint(1, 28):02}",
    }


def _student(draw: random.Random, number: int, family: str) -> dict[str, str]:
    return {
        "student.local_id": str(100000 + number),
        "student.family_name": family,
        "student.given_name": draw.choice(_GIVEN),
        "student.birth_date": f"{draw.randint(2012, 2014)}-{draw.randint(1, 12):02}-15",
        "student.sex": draw.choice(list(w.SEXES)),
        "student.grade": draw.choice(list(w.GRADES)),
        "student.school": draw.choice(list(w.SCHOOLS)),
        "student.home_language": draw.choice(list(w.LANGUAGES)),
        "student.phone": f"555-01{number % 100:02}",
    }


def _guardian(draw: random.Random, number: int, family: str) -> dict[str, str]:
    name = f"{draw.choice(_GIVEN)} {family}"
    return {
        "guardian.name": name,
        "guardian.relationship": draw.choice(list(w.RELATIONSHIPS)),
        "guardian.phone": f"555-02{number % 100:02}",
        "guardian.email": f"guardian{number}@example.org",
        "release.education.answer": "signed",
        "release.education.signer": name,
        "release.education.signed_on": "2026-09-01",
        "release.education.expires_on": "2027-08-31",
        "release.education.elements": "referral; status",
        "release.education.purpose": "refer",
    }
