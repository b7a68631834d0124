"""A referral file in the words of the project's own template: clean, so that every row maps.

The rows are drawn from small lists with a fixed seed: synthetic, and the same on every machine.
"""

import csv
import random
from pathlib import Path

from benchmarks.arms import words as w
from mappings.language import load_map

_FAMILY = ("García", "Nguyen", "O'Neil", "Smith", "Włodarczyk", "Brown")
_GIVEN = ("Ana", "Ben", "Chloë", "Dat", "Eva", "Finn")
_TEXT = 'Has been "quiet" since September, often late; asked to talk to somebody.'


def write(path: Path, rows: int) -> None:
    """Write a file of so many rows, with every heading of the template."""
    draw = random.Random(7)  # noqa: S311 - nothing secret: the same file each time
    template = load_map("schoolbridge-template").main.headings
    headings = [heading.text for heading in template]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, headings, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(_row(draw, number) for number in range(1, rows + 1))


def _row(draw: random.Random, number: int) -> dict[str, str]:
    family = draw.choice(_FAMILY)
    guardian = f"{draw.choice(_GIVEN)} {family}"
    return {
        "Referral number": f"R-{number:06}",
        "Date of referral": f"10/{draw.randint(1, 28)}/2026",
        "Urgency": draw.choice(list(w.URGENCIES)),
        "Reasons": "; ".join(draw.sample(list(w.REASONS), k=2)),
        "Description": _TEXT,
        "Service requested": draw.choice(list(w.SERVICES)),
        "Role of referrer": draw.choice(list(w.ROLES)),
        "Supports already tried": "Check-ins with the counselor",
        "Parent notified": draw.choice(("yes", "no")),
        "Attendance percent": f"{draw.randint(600, 999) / 10}",
        "504 plan": draw.choice(("yes", "no")),
        "Screening": "PHQ-A",
        "Screening score": str(draw.randint(0, 27)),
        "Screening date": f"9/{draw.randint(1, 28)}/2026",
        "Health release": "pending",
        **_student(draw, number, family),
        **_guardian(draw, number, guardian),
        **_release(guardian),
    }


def _student(draw: random.Random, number: int, family: str) -> dict[str, str]:
    return {
        "Student ID": str(100000 + number),
        "Last name": family,
        "First name": draw.choice(_GIVEN),
        "Date of birth": f"{draw.randint(1, 12)}/15/{draw.randint(2012, 2014)}",
        "Gender": draw.choice(list(w.SEXES)),
        "Grade": draw.choice(list(w.GRADES)),
        "School": draw.choice(list(w.SCHOOLS)),
        "Home language": draw.choice(list(w.LANGUAGES)),
        "Interpreter needed": draw.choice(("yes", "no")),
        "Address": f"{number % 400 + 1} Main Street",
        "City": "Millbrook",
        "State": "CT",
        "ZIP": "06000",
    }


def _guardian(draw: random.Random, number: int, name: str) -> dict[str, str]:
    return {
        "Guardian name": name,
        "Guardian relationship": draw.choice(list(w.RELATIONSHIPS)),
        "Guardian phone": f"555-02{number % 100:02}",
        "Guardian email": f"guardian{number}@example.org",
    }


def _release(signer: str) -> dict[str, str]:
    return {
        "Education release": "yes",
        "Education release: signed by": signer,
        "Education release: signed on": "9/1/2026",
        "Education release: expires on": "8/31/2027",
        "Education release: what": "Referral; Status",
        "Education release: purpose": "Referral for care",
        "Education release: recipient": "Provider",
        "Education release: statements printed": "; ".join(w.STATEMENTS),
    }
