"""A small map and its rows for the tests of the language. Everything in it is invented."""

from pathlib import Path

from mappings.language import CompiledMap, Held, MapDocument, Mapped, compile_map, load_map

MAP = """\
map: "1"
id: small
title: A small map
kind: referral
zone: America/New_York
sources:
  form:
    format: csv
    empty-when: ["NULL"]
    headings: [No, Made, Urgent, Why, Id, Last, First, Born, Edu, Health, Pct, Guardian, Tel, Club]
row-key: No
fields:
  - {column: No, goes-to: number}
  - {column: Made, goes-to: authored_on, read-as: [M/D/YYYY h:mm:ss, YYYY-MM-DD]}
  - column: [Urgent, How urgent]
    goes-to: urgency
    values: {Crisis: stat, Soon: urgent, Later: routine}
    otherwise: hold
  - column: Why
    goes-to: reasons
    split-on: [", ", ";"]
    values: {"Sad, low mood": low-mood, Sleep: sleep, Anger: anger}
  - {column: Id, goes-to: student.local_id}
  - {column: Last, goes-to: student.family_name}
  - {column: First, goes-to: student.given_name}
  - {column: Born, goes-to: student.birth_date, read-as: M/D/YYYY}
  - column: Edu
    goes-to: release.education.answer
    values: {yes: signed, no: refused, pending: pending}
  - column: Health
    goes-to: release.health.answer
    values: {yes: signed, no: refused, pending: pending}
  - {column: Pct, goes-to: attendance_percent}
  - {column: Guardian, goes-to: guardian.name}
  - {column: Tel, goes-to: guardian.phone}
do-not-send:
  - {column: Club, why: not needed}
examples:
  - name: one
    row: {No: A1, Made: 2026-09-14, Urgent: soon, Why: Sleep, Id: "7", Last: L, First: F,
          Born: 3/4/2012, Edu: "yes", Health: "no"}
    expect: {number: A1, authored_on: 2026-09-14, urgency: urgent, reasons: sleep,
             student.local_id: "7", student.family_name: L, student.given_name: F,
             student.birth_date: 2012-03-04, release.education.answer: signed,
             release.health.answer: refused}
"""
HEADER = "No,Made,Urgent,Why,Id,Last,First,Born,Edu,Health,Pct,Guardian,Tel,Club"
ROW = {
    "No": "A1",
    "Made": "9/14/2026 8:30:00",
    "Urgent": "Crisis",
    "Why": "Sleep",
    "Id": "007",
    "Last": "Núñez",
    "First": "Zoë",
    "Born": "3/4/2012",
    "Edu": "yes",
    "Health": "pending",
}


def loaded(folder: Path, *edits: tuple[str, str]) -> MapDocument:
    """Return the small map after some edits."""
    text = MAP
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    (folder / "small.yaml").write_text(text, encoding="utf-8")
    return load_map(folder / "small.yaml")


def compiled(folder: Path, *edits: tuple[str, str]) -> CompiledMap:
    return compile_map(loaded(folder, *edits))


def rows_file(folder: Path, *rows: dict[str, str], header: str = HEADER) -> Path:
    """Write rows (the usual one with changes) as a CSV file."""
    lines = [header]
    for changes in rows:
        row = dict.fromkeys(HEADER.split(","), "") | ROW | changes
        lines.append(",".join('"' + text.replace('"', '""') + '"' for text in row.values()))
    path = folder / "rows.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def outcomes(folder: Path, *rows: dict[str, str]) -> list[Mapped | Held]:
    return list(compiled(folder).run([rows_file(folder, *rows)]))


def codes(outcome: Mapped | Held) -> list[str]:
    """Return the codes of the reasons, or nothing for a record."""
    return [reason.code.value for reason in outcome.reasons] if isinstance(outcome, Held) else []
