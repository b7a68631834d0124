"""A district's own referrals go back into its own columns, alone or with what became of them.

The way back of an import: what the gate gives the district of its records becomes canonical again
and is written as the map would read it. What a column cannot say is reported, never lost unsaid.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import BridgeError
from bridge.gate import FollowUp, ReleasedFollowUps, ReleasedReferrals, release_own_referrals
from bridge.identity import Caller, Party, Standing
from bridge.journeys.files.export_follow_up import PURPOSES, HasGate
from bridge.journeys.files.run_maps import compiled_map
from bridge.journeys.files.write_columns import write_columns
from bridge.parts import Parts
from bridge.store.database.engine import read
from bridge.store.directory import organizations
from mappings.canonical import Referral, SourceRow
from mappings.fhir import DistrictSystems
from mappings.fhir.errors import ParseError
from mappings.fhir.referral_in import NEVER_HELD, WayBack, parse_referral
from mappings.language import CompiledMap
from mappings.language.writing_back import (
    NoColumnsError,
    Shortfall,
    WrittenBack,
    WrittenTable,
    refuse_places,
    write_back,
)

FOLLOW_UP = ("status", "status_on", "provider", "terms")


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was written, and what the columns do not say.

    Attributes:
        rows: referrals written.
        files: names of the files, the main one first.
        shortfalls: rows that do not say all of their referral.
        keyless: columns of the row key that no field fills.
        never: columns that are empty in every row: FHIR does not hold their fields.
        guarded: cells that got an apostrophe, so that no spreadsheet program runs them.
        unreadable: ids of the ServiceRequests that could not be read back.
    """

    rows: int
    files: tuple[str, ...]
    shortfalls: tuple[Shortfall, ...] = ()
    keyless: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    guarded: int = 0
    unreadable: tuple[str, ...] = ()

    def as_data(self) -> dict[str, object]:
        """Return counts and columns; no value of a record."""
        unsaid: dict[str, int] = {}
        for fall in self.shortfalls:
            for name in (*fall.unsaid, *(("(held)",) if fall.held else ())):
                unsaid[name] = unsaid.get(name, 0) + 1
        return {
            "rows": self.rows,
            "files": list(self.files),
            "rows_falling_short": sum(bool(f.unsaid or f.held) for f in self.shortfalls),
            "rows_respelled": sum(bool(f.respelled) for f in self.shortfalls),
            "unsaid": dict(sorted(unsaid.items())),
            "key_columns_left_empty": list(self.keyless),
            "columns_not_in_fhir": list(self.never),
            "cells_with_apostrophe": self.guarded,
            "unreadable": list(self.unreadable),
        }


@dataclass(frozen=True, slots=True)
class ReferralExport:
    """Writes referrals of one district, for one of its staff roles, as one map reads them.

    ``follow_up`` adds what became of each referral behind the district's own columns.
    """

    whole: HasGate
    parts: Parts
    school: tuple[str, str]
    map_id: str
    follow_up: bool = False

    def run(self, out: Path) -> ExportReport:
        """Write the file, and one beside it for each further source of the map.

        Raises:
            BridgeError: the map has no columns, or a file cannot be written.
            DocumentError: the map has mistakes.
        """
        compiled = self._compiled()
        lea, role = self.school
        caller = Caller(f"operator:{lea}", Standing(Party.LEA, lea, "", role, PURPOSES))
        own = release_own_referrals(self.parts, caller)
        told = self.whole.gate.follow_up(caller) if self.follow_up else None
        records, unreadable = self._records(own)
        back = write_back(compiled, [record for record, _ in records])
        if told is not None:
            back = _with_follow_up(compiled, back, records, told)
        guarded, files = _written(compiled, back, out)
        return ExportReport(
            rows=len(records),
            files=files,
            shortfalls=back.shortfalls,
            keyless=back.keyless,
            never=_never(compiled),
            guarded=guarded,
            unreadable=unreadable,
        )

    def _compiled(self) -> CompiledMap:
        compiled = compiled_map(self.map_id)
        try:
            refuse_places(compiled)
        except NoColumnsError as error:
            raise BridgeError(str(error)) from None
        return compiled

    def _records(
        self, own: ReleasedReferrals
    ) -> tuple[list[tuple[Referral, str]], tuple[str, ...]]:
        """Return each referral with its provider, and the ids of those that cannot be read."""
        back, lea = self._way_back(), self.school[0]
        records: list[tuple[Referral, str]] = []
        unreadable = []
        for each in own.referrals:
            request_id = str(each.resources[0]["id"])
            origin = SourceRow("bridge", lea, 0, request_id)
            try:
                referral = parse_referral(map(dict, each.resources), origin, back)
            except ParseError:
                unreadable.append(request_id)
                continue
            records.append((referral, each.provider))
        return records, tuple(unreadable)

    def _way_back(self) -> WayBack:
        lea = self.school[0]
        with read(self.parts.engine) as connection:
            known = organizations(connection).values()
        codes = {o.id: o.key.partition("/")[2] for o in known if o.parent == lea}
        roles = {o.id: o.role for o in known if o.role in ("lea", "provider")}
        return WayBack(DistrictSystems.of(lea, "state"), codes, roles)


def _with_follow_up(
    compiled: CompiledMap,
    back: WrittenBack,
    records: Sequence[tuple[Referral, str]],
    told: ReleasedFollowUps,
) -> WrittenBack:
    by_referral = {(row.referral, row.provider): row for row in told.rows}
    main = compiled.document.main.role
    table = back.tables[main]
    rows = tuple(
        (*row, *_status(by_referral.get((record.number, provider))))
        for row, (record, provider) in zip(table.rows, records, strict=True)
    )
    header = (*table.header, *(f"follow-up: {name}" for name in FOLLOW_UP))
    tables = {**back.tables, main: WrittenTable(header, rows)}
    return WrittenBack(tables, back.shortfalls, back.keyless)


def _status(row: FollowUp | None) -> tuple[str, ...]:
    return tuple(getattr(row, name) if row else "" for name in FOLLOW_UP)


def _written(compiled: CompiledMap, back: WrittenBack, out: Path) -> tuple[int, tuple[str, ...]]:
    formats, main, guarded, files = compiled.formats(), compiled.document.main.role, 0, []
    for role, table in back.tables.items():
        file = out if role == main else out.with_name(f"{out.stem}.{role}{out.suffix}")
        guarded += write_columns([table.header, *table.rows], formats[role], file)
        files.append(file.name)
    return guarded, tuple(files)


def _never(compiled: CompiledMap) -> tuple[str, ...]:
    """Return the headings of fields that no resource holds."""
    documents = (compiled.document, *(part.document for part in compiled.parts.values()))
    rules = [rule for document in documents for rule in document.fields]
    return tuple(
        word.text.strip()
        for rule in rules
        if rule.goes_to.text in NEVER_HELD
        for word in rule.columns[: None if rule.together else 1]
    )
