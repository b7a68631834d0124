"""Invented students of the fictional district Millbrook, made from a seed. SYNTHETIC.

Names are put together from invented and well-known made-up words in several scripts; nobody is
meant. Ids begin with 2, addresses are on Example streets, telephone numbers are 555-01xx.
"""

import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

SEED: Final = 20260914
SCHOOLS: Final = {"millbrook-high": range(9, 13), "north-middle": range(6, 9)}

_FAMILY: Final = (
    *("Abendroth", "Brambleby", "Calloway", "Dunmere", "Eastwick", "Farrowdale", "Gildersleeve"),
    *(
        "Hollowell",
        "Inglenook",
        "Jessamine",
        "Kestrelby",
        "Larkspur",
        "Merriweather",
        "Nightingale",
    ),
    *("Oakhurst", "Pemberwick", "Quillfeather", "Ravenscar", "Silverlake", "Thistledown"),
    *("Umberfield", "Vanterpool", "Wintergreen", "Yarrowby", "Núñez Robledo", "Ó Faoláin"),
    *("Żółtowski", "D'Arbanville", "Müller-Lüdenscheid", "Đặng-Mẫu", "陈样", "Примерова", "예시"),
)
_GIVEN: Final = (
    *("Ada", "Bruno", "Celia", "Dario", "Elsbeth", "Finn", "Greta", "Hugo", "Ines", "Jonas"),
    *("Kaia", "Leo", "Mira", "Nils", "Odette", "Piet", "Quinn", "Rosa", "Silas", "Tamsin"),
    *("Uma", "Viggo", "Wren", "Xenia", "Yusuf", "Zoë", "Åsa", "José María", "Siân", "Nguyệt"),
)
_LANGUAGES: Final = ("English",) * 7 + ("Spanish", "Portuguese", "Vietnamese", "Russian", "Korean")


@dataclass(frozen=True, slots=True)
class Person:
    """One invented student with a guardian."""

    local_id: str
    state_id: str
    family: str
    given: str
    born: date
    sex: str
    grade: int
    school: str
    language: str
    guardian: str
    relationship: str
    street: str
    phone: str

    @property
    def last_first(self) -> str:
        """The name as a roster writes it."""
        return f"{self.family}, {self.given}"


def people(count: int = 170) -> list[Person]:
    """Return the students, the same ones every time; no two have the same name."""
    source = random.Random(SEED)  # noqa: S311 - made-up people, no secret
    names = [(family, given) for family in _FAMILY for given in _GIVEN]
    source.shuffle(names)
    return [_person(source, number, names[number]) for number in range(count)]


def _person(source: random.Random, number: int, name: tuple[str, str]) -> Person:
    family, given = name
    school = "millbrook-high" if number % 5 else "north-middle"
    grade = source.choice(SCHOOLS[school])
    return Person(
        local_id=str(200_000 + number * 7),
        state_id=str(9_900_000_000 + number * 13),
        family=family,
        given=given,
        born=_born(source, number, grade),
        sex=source.choice(("F", "M", "Female", "Male", "X")),
        grade=grade if not _of_age(number) else 12,
        school=school if not _of_age(number) else "millbrook-high",
        language=source.choice(_LANGUAGES),
        guardian=f"{source.choice(_GIVEN)} {family}",
        relationship=source.choice(("Mother", "Father", "Legal guardian", "Grandmother")),
        street=f"{source.randint(1, 99)} Example Street",
        phone=f"555-01{number % 100:02}",
    )


def _of_age(number: int) -> bool:
    """Whether this student is about to turn 18, or is 18 already."""
    return number % 20 in (3, 11)


def _born(source: random.Random, number: int, grade: int) -> date:
    if number % 20 == 3:  # turns 18 between mid-September and the end of the year
        return date(2008, 9, 15) + timedelta(days=source.randrange(105))
    if number % 20 == 11:  # 18 already
        return date(2008, 1, 10) + timedelta(days=source.randrange(200))
    return date(2026 - 6 - grade, 9, 1) + timedelta(days=source.randrange(-300, 60))
