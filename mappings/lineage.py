"""Where each canonical field goes in FHIR, found by trying: no table that could go stale.

And where each cell of one row goes: column, canonical field, element.

A record with every field filled is built into resources; then one field is changed at a time, and
the elements that change with it are where it goes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

from mappings.canonical import (
    Attendance,
    Coded,
    Guardian,
    Modality,
    Place,
    Referral,
    Release,
    Screening,
    ServiceSession,
    SourceRow,
    Student,
)
from mappings.fhir import (
    DistrictSystems,
    ReferralContext,
    SessionContext,
    referral_resources,
    session_resources,
)
from mappings.language import (
    DICTIONARY,
    CanonicalField,
    CompiledMap,
    Held,
    Kind,
    MapKind,
    Mapped,
    explain_map,
    flatten,
)
from mappings.language.value_tables import normal
from mappings.readers import SourceError

Files = Mapping[str, Path] | Sequence[Path]
Values = dict[str, Any]
_ORIGIN: Final = SourceRow("lineage", "lineage", 1, "lineage")
_NOW: Final = datetime(2026, 1, 2, tzinfo=UTC)
_ENUMS: Final = {"attendance": Attendance, "modality": Modality, "place": Place}
_STATUSES: Final = ("Appointment.status", "Encounter.status")
_BOTH_NAMES: Final = ("student.name", ("student.family_name", "student.given_name"))


@cache
def elements_of(kind: MapKind) -> dict[str, tuple[str, ...]]:
    """Return the FHIR elements each field of a kind of map goes to, without positions in lists.

    A field is missing where what it says is no part of a resource: a roster row is evidence of
    enrolment, and the student's other data reach FHIR with a referral.
    """
    if kind is MapKind.ROSTER:
        known = elements_of(MapKind.REFERRAL)
        return {name: known[name] for name in DICTIONARY[kind] if name in known}
    if kind in (MapKind.SCREENING, MapKind.ANSWER):
        return {}
    build = _referral if kind is MapKind.REFERRAL else _session
    found = {}
    for name, entry in DICTIONARY[kind].items():
        if name != _BOTH_NAMES[0] and (paths := tuple(sorted(_changed(kind, entry, build)))):
            found[name] = paths
    both = [path for name in _BOTH_NAMES[1] for path in found.get(name, ())]
    return {**found, _BOTH_NAMES[0]: tuple(dict.fromkeys(both))} if both else found


def _changed(kind: MapKind, entry: CanonicalField, build: Callable[[Values], object]) -> set[str]:
    base = {name: _value(each, 0) for name, each in DICTIONARY[kind].items()}
    paths: set[str] = set()
    for first in Attendance if kind is MapKind.SESSION else (None,):
        before = base | ({"attendance": first} if first else {})
        after = before | {entry.name: _value(entry, 1)}
        one, other = set(_leaves(build(before), "")), set(_leaves(build(after), ""))
        paths |= {path for path, _ in one ^ other}
    # What became of a session decides which resource it is; only the status says it.
    return {p for p in paths if entry.name != "attendance" or p in _STATUSES}


def _value(entry: CanonicalField, variant: int) -> object:
    """Return one of two values a field may have."""
    code = entry.codes[variant % len(entry.codes)] if entry.codes else ""
    values: dict[Kind, object] = {
        Kind.CODED: Coded(code, f"{code} as written"),
        Kind.CODED_LIST: (Coded(code, f"{code} as written"),),
        Kind.CODE: _ENUMS[entry.name](code) if entry.name in _ENUMS else code,
        Kind.CODE_LIST: (code,),
        Kind.YES_NO: variant == 0,
        Kind.DATE: date(2025, 2, 3 + variant),
        Kind.MOMENT: datetime(2025, 2, 3 + variant, 12, tzinfo=UTC),
        Kind.INSTANT: datetime(2025, 2, 3 + variant, 12, tzinfo=UTC),
        Kind.DECIMAL: Decimal(7 + variant),
        Kind.COUNT: 7 + variant,
    }
    return values.get(entry.kind, f"{entry.name} {variant}")


def _leaves(value: object, path: str) -> Iterator[tuple[str, str]]:
    """Yield every element that holds a value, and the value; identifiers of the bridge left out."""
    if isinstance(value, list):
        for item in value:
            yield from _leaves(item, path)
    elif isinstance(value, dict):
        where = value.get("resourceType", path)
        if "url" in value:
            where = f"{path}({value['url'].rpartition('/')[2]})"
        for name, part in value.items():
            if name not in ("resourceType", "url") and (name != "id" or "." in where):
                yield from _leaves(part, f"{where}.{name}")
    else:
        yield path, str(value)


@dataclass(frozen=True, slots=True)
class CellLineage:
    """One column of one row: what stands there, what it became, and where that goes.

    It holds what the row says: it is for the eyes of whoever has the file.

    Attributes:
        cell: what is written there; empty for a column of another source.
        value: the canonical value, or why there is none.
        elements: FHIR elements it goes to.
    """

    source: str
    column: str
    cell: str
    goes_to: str
    value: str
    elements: tuple[str, ...]


def explain_row(compiled: CompiledMap, files: Files, number: int) -> list[CellLineage]:
    """Return where each cell of one row of the main file goes.

    Raises:
        SourceError: a file cannot be used, or the row is not in it.
    """
    document = compiled.document
    header, rows = compiled.rows_at(files, {number})
    outcome = next((o for o in compiled.run(files) if _row_of(o) == number), None)
    if number not in rows or outcome is None:
        raise SourceError("the main file", f"row {number}", "is blank, repeated or not there")
    cells = dict(zip(map(normal, header), rows[number], strict=False))
    said = _said(outcome)
    paths = elements_of(document.kind)
    found = []
    for line in explain_map(document):
        words = [cells.get(normal(name), "") for name in line.columns or (line.column,)]
        cell = " + ".join(filter(None, words)) if line.source == document.main.role else ""
        reasons = (said[name] for name in line.columns if name in said)
        value = next(reasons, said.get(line.goes_to, ""))
        where = paths.get(line.goes_to, ())
        found.append(CellLineage(line.source, line.column, cell, line.goes_to, value, where))
    return found


def _row_of(outcome: Mapped | Held) -> int:
    return outcome.source_row if isinstance(outcome, Mapped) else outcome.origin.row


def _said(outcome: Mapped | Held) -> dict[str, str]:
    if isinstance(outcome, Mapped):
        return flatten(outcome.record)
    return {reason.column: f"held: {reason.text}" for reason in outcome.reasons}


def _under(values: Values, group: str) -> Values:
    start = f"{group}."
    return {name.removeprefix(start): v for name, v in values.items() if name.startswith(start)}


def _referral(values: Values) -> object:
    student = {n: v for n, v in _under(values, "student").items() if n != "name"}
    referral = Referral(
        **{name: value for name, value in values.items() if "." not in name},
        student=Student(**student),
        guardian=Guardian(**_under(values, "guardian")),
        screenings=tuple(Screening(**_under(values, f"screening.{n}")) for n in "123"),
        releases=tuple(
            Release(form=form, **_under(values, f"release.{form}"))
            for form in ("education", "health")
        ),
        origin=_ORIGIN,
    )
    schools = {f"student.school {variant}": f"school-{variant}" for variant in (0, 1)}
    context = ReferralContext(
        district_id="district",
        provider_id="provider",
        school_ids=schools,
        id_for=lambda resource, _: f"{resource.lower()}-1",
        recorded_at=_NOW,
        systems=DistrictSystems.of("district", "state"),
    )
    return referral_resources(referral, context)


def _session(values: Values) -> object:
    context = SessionContext(
        provider_id="provider",
        patient_id=str(values["patient_id"]).replace(" ", "-"),
        session_system="urn:session",
        id_for=lambda resource, _: f"{resource.lower()}-1",
        recorded_at=_NOW,
        service_request_id=str(values["referral_number"]).replace(" ", "-"),
    )
    return session_resources(ServiceSession(**values, origin=_ORIGIN), context)
