"""``test``: the examples a map carries, run as rows and compared field by field."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from mappings.canonical import (
    Coded,
    Referral,
    ReferralAnswer,
    ServiceSession,
    Student,
    StudentScreening,
)
from mappings.language.compiling import CompiledMap
from mappings.language.document import Example
from mappings.language.outcome import Held, Mapped, Record
from mappings.language.past import exported_at
from mappings.readers import SourceFormat, Table
from mappings.readers.hl7_messages import table_from_text


@dataclass(frozen=True, slots=True)
class ExampleResult:
    """What one example showed; ``differences`` is empty when it holds.

    Examples are synthetic text of the map itself, so their values may be shown.
    """

    name: str
    differences: tuple[str, ...]


def run_examples(compiled: CompiledMap) -> list[ExampleResult]:
    """Run every example of a map.

    Raises:
        SourceError: an example's rows cannot be read at all.
    """
    return [_result(compiled, example) for example in compiled.document.examples]


def _result(compiled: CompiledMap, example: Example) -> ExampleResult:
    names = dict.fromkeys(example.given, f"example {example.name}")
    run = compiled.run_tables(_tables(compiled, example), names, _exported(compiled, example))
    outcomes = list(run)
    if len(outcomes) != 1:
        return ExampleResult(example.name, (f"{len(outcomes)} records came out, not one",))
    return ExampleResult(example.name, tuple(_differences(example, outcomes[0])))


def _exported(compiled: CompiledMap, example: Example) -> datetime | None:
    zone = ZoneInfo(compiled.document.zone.text)
    return exported_at(example.exported, zone) if example.exported else None


def _tables(compiled: CompiledMap, example: Example) -> dict[str, Callable[[], Table]]:
    formats = compiled.formats()
    openers: dict[str, Callable[[], Table]] = {}
    for role, row in example.given.items():
        if isinstance(row, str):
            openers[role] = _message(row, formats[role])
        else:
            openers[role] = _row(row, formats[role].locations or compiled.recorded(role))
    return openers


def _message(text: str, how: SourceFormat) -> Callable[[], Table]:
    return lambda: table_from_text("example", text, how.locations, how.each)


def _row(row: dict[str, str], headings: tuple[str, ...]) -> Callable[[], Table]:
    cells = [row.get(heading, "") for heading in headings]
    return lambda: Table("example", headings, iter([list(cells)]))


def _differences(example: Example, outcome: Mapped | Held) -> Iterator[str]:
    if isinstance(outcome, Held):
        codes = sorted({reason.code.value for reason in outcome.reasons})
        if codes != sorted(example.held):
            expected = ", ".join(example.held) or "a record"
            yield f"held because {', '.join(codes)}; expected {expected}"
            yield from map(str, outcome.reasons)
        return
    if example.held:
        yield "came out as a record; expected to be held"
        return
    found = flatten(outcome.record)
    for name in sorted({*found, *example.expect}):
        mine, theirs = found.get(name, ""), example.expect.get(name, "")
        if mine != theirs:
            yield f'{name} is "{mine}"; expected "{theirs}"'


def flatten(record: Record) -> dict[str, str]:
    """Return the filled fields of a record by their canonical names, as text.

    Codes stand without the words they came from; lists are joined by ", ".
    """
    match record:
        case Referral():
            found = _fields("", record, skip=("student", "guardian", "screenings", "releases"))
            found |= _fields("student", record.student, skip=("guardians",))
            found |= _fields("guardian", record.guardian)
            for number, screening in enumerate(record.screenings, 1):
                found |= _fields(f"screening.{number}", screening)
            for release in record.releases:
                found |= _fields(f"release.{release.form}", release, skip=("form",))
            return found
        case Student():
            found = _fields("student", record, skip=("guardians",))
            for number, guardian in enumerate(record.guardians, 1):
                found |= _fields(f"guardian.{number}", guardian)
            return found
        case ServiceSession() | ReferralAnswer():
            return _fields("", record)
        case StudentScreening():
            return _screening(record)


def _screening(record: StudentScreening) -> dict[str, str]:
    found = _fields("", record, skip=("scores", "answers"))
    for result in record.scores:
        said = {"score": result.score, "band": result.band}
        known = {name: value for name, value in said.items() if value is not None}
        found |= {f"{name}.{result.scale}": as_text(v) for name, v in known.items()}
    return found | {f"answer.{a.item}": a.answer for a in record.answers}


def _fields(group: str, record: object, skip: tuple[str, ...] = ()) -> dict[str, str]:
    found = {}
    for name in getattr(record, "__slots__", ()):
        value = getattr(record, name)
        if name in (*skip, "origin") or value is None or value == ():
            continue
        found[f"{group}.{name}" if group else name] = as_text(value)
    return found


def as_text(value: object) -> str:
    """Return a value of a record as examples write it."""
    match value:
        case Coded():
            return value.code or value.text
        case bool():
            return "yes" if value else "no"
        case tuple():
            return ", ".join(as_text(part) for part in value)
        case _:
            return str(value)
