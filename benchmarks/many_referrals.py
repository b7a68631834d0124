"""A large referral file as districts fill it in: most optional columns empty in most rows.

Same headings as :mod:`benchmarks.referral_file`, other rows: a referral always gives a Patient, a
ServiceRequest, a Task, a Provenance and two Consents, because an answer on either release is never
assumed; a guardian, a screening or a fact of the school comes in some rows only. Drawn with a fixed
seed: synthetic, and the same on every machine.
"""

import csv
import random
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from mappings.language import load_map

Cells = dict[str, str]

_FAMILY = tuple(
    first + last
    for first, last in product(
        (
            "Ash",
            "Bram",
            "Calder",
            "Dun",
            "Elm",
            "Fair",
            "Green",
            "Hart",
            "Ing",
            "Kirk",
            "Łąk",
            "Ñor",
        ),
        ("bury", "den", "ford", "gate", "ham", "ley", "man", "son", "stone", "ton", "well", "wood"),
    )
)
_GIVEN = ("Ana", "Ben", "Chloë", "Dat", "Eva", "Finn", "Gia", "Hugo", "Ida", "Jun", "Kai", "Lena")
_REASONS = ("Anxiety or worry", "Grief or loss", "Low mood", "Bullying", "Sleep", "Peer relations",
            "School refusal", "Anger", "Trauma", "Attention")  # fmt: skip
_SERVICES = ("Individual counseling", "Group counseling", "Family counseling", "Intake evaluation")
_ROLES = ("School counselor", "Teacher", "School nurse", "School psychologist", "Social worker")
_LANGUAGES = ("English", "English", "English", "Spanish", "Portuguese", "Polish", "Haitian Creole")
_URGENCIES = ("Routine", "Routine", "Routine", "Urgent", "As soon as possible")
_RELATIONSHIPS = ("Mother", "Father", "Guardian", "Grandmother")
_SEEN = (
    "Has been quiet",
    "Leaves class",
    "Worries before tests",
    "Cries easily",
    "Sleeps in class",
)
_SINCE = ("since September", "after a move", "for some weeks", "most mornings", "since the fall")
_ASKED = ("asked to talk to somebody", 'says "fine" to everybody', "a teacher is concerned")
_STREETS = ("Main Street", "Mill Road", "Harbor Lane", "School Street", "Elm Avenue")
_TOWNS = (("Millbrook", "06000"), ("Stonebrook", "06001"), ("Fernhill", "06002"))
_TRIED = ("Check-ins with the counselor", "Seat moved", "Call home", "Small group at lunch")


def write(path: Path, rows: int) -> None:
    """Write a file of so many rows, every one of which maps."""
    draw = random.Random(11)  # noqa: S311 - nothing secret: the same file each time
    headings = [heading.text for heading in load_map("schoolbridge-template").main.headings]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(headings)
        for number in range(1, rows + 1):
            row = _row(draw, number)
            writer.writerow([row.get(heading, "") for heading in headings])


def _row(draw: random.Random, number: int) -> Cells:
    cells: Cells = {}
    for part in (_referral(draw, number), _student(draw, number), _release(draw)):
        cells |= part
    for chance, part in ((0.25, _guardian), (0.125, _screening), (0.125, _facts)):
        if draw.random() < chance:
            cells |= dict(part(draw))
    return cells


def _referral(draw: random.Random, number: int) -> Cells:
    text = f"{draw.choice(_SEEN)} {draw.choice(_SINCE)}, {draw.choice(_ASKED)} (entry {number})"
    return {
        "Referral number": f"R-{number:07}",
        "Date of referral": f"{draw.randint(9, 12)}/{draw.randint(1, 28)}/2026",
        "Urgency": draw.choice(_URGENCIES),
        "Reasons": "; ".join(draw.sample(_REASONS, k=draw.choice((1, 1, 2, 3)))),
        "Description": text,
        "Service requested": draw.choice(_SERVICES),
        "Role of referrer": draw.choice(_ROLES),
        "Supports already tried": draw.choice((*_TRIED, "", "")),
    }


def _student(draw: random.Random, number: int) -> Cells:
    town, code = draw.choice(_TOWNS)
    return {
        "Student ID": str(1_000_000 + number),
        "Last name": draw.choice(_FAMILY),
        "First name": draw.choice(_GIVEN),
        "Date of birth": f"{draw.randint(1, 12)}/{draw.randint(1, 28)}/{draw.randint(2009, 2019)}",
        "Gender": draw.choice(("Female", "Male")),
        "Grade": str(draw.randint(1, 12)),
        "School": f"school-{draw.randint(1, 60):02}",
        "Home language": draw.choice(_LANGUAGES),
        "Address": f"{draw.randint(1, 400)} {draw.choice(_STREETS)}",
        "City": town,
        "State": "CT",
        "ZIP": code,
    }


def _release(draw: random.Random) -> Cells:
    if draw.random() < 0.5:
        return {"Education release": "pending", "Health release": "pending"}
    form = "Education release"
    return {
        form: "yes",
        f"{form}: signed by": f"{draw.choice(_GIVEN)} {draw.choice(_FAMILY)}",
        f"{form}: relationship": draw.choice(("Mother", "Father")),
        f"{form}: signed on": f"9/{draw.randint(1, 8)}/2026",
        f"{form}: expires on": "8/31/2027",
        f"{form}: what": "Referral; Status",
        f"{form}: purpose": "Referral for care",
        f"{form}: recipient": "Provider",
        f"{form}: statements printed": "May be revoked; May be shared again by the recipient",
        "Health release": draw.choice(("pending", "no")),
    }


def _guardian(draw: random.Random) -> Iterator[tuple[str, str]]:
    yield "Guardian name", f"{draw.choice(_GIVEN)} {draw.choice(_FAMILY)}"
    yield "Guardian relationship", draw.choice(_RELATIONSHIPS)
    yield "Guardian phone", f"555-{draw.randint(100, 9999):04}"
    yield "Parent notified", draw.choice(("yes", "no"))


def _screening(draw: random.Random) -> Iterator[tuple[str, str]]:
    yield "Screening", "PHQ-A"
    yield "Screening score", str(draw.randint(0, 27))
    yield "Screening date", f"9/{draw.randint(1, 28)}/2026"


def _facts(draw: random.Random) -> Iterator[tuple[str, str]]:
    yield "Attendance percent", f"{draw.randint(600, 999) / 10}"
    if draw.random() < 0.5:
        yield "504 plan", draw.choice(("yes", "no"))
