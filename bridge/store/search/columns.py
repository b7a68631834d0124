"""What the statements of a search say of each record they find, and in which order."""

from collections.abc import Sequence
from typing import Final

from bridge.store.search.query import Query

# What a query says of a record; a branch puts in where it stands, and since when.
PLACED: Final = (
    "record.type AS type, record.id AS id, {change} AS change, {moved} AS moved, {place} AS place"
)
COUNTERS: Final = ", record.change AS written, COALESCE(student.version, 0) AS student_version"
FOUND: Final = (
    "record.type, record.id, record.custodian, record.sender_role, record.audience,"
    " record.agreement_id, record.student_id, record.referral_id, record.element,"
    " record.third_party, record.version, {change} AS change, {moved} AS moved, record.body,"
    " student.birth_date, {place} AS place" + COUNTERS
)
_KIN: Final = ("agreement_id", "custodian", "sender_role", "element", "third_party")
_CANDIDATE: Final = {
    "sqlite": ("json_array({})", "CAST(record.body AS BLOB)"),
    "postgresql": ("CAST(json_build_array({}) AS TEXT)", "record.body"),
}
"""How a candidate's kin is said in one text, and its body; as bytes where that is less work."""
WHOLE: Final = (
    "SELECT "  # noqa: S608 - names of ours
    + FOUND.format(
        change="COALESCE(v.change, record.change)",
        moved="COALESCE(v.since, record.last_updated)",
        place="COALESCE(v.change, record.change)",
    )
    + " FROM record LEFT JOIN student ON student.id = record.student_id LEFT JOIN view_change v"
    " ON v.standing = :standing AND v.type = record.type AND v.id = record.id"
    " WHERE record.type = :kind AND record.id = :id"
)
"""One record, as a viewer of a standing saw it change."""


def candidate(dialect: str, usual: Sequence[Sequence[str]]) -> str:
    """Return what is said of a candidate; of each usual kin its columns are bound to names."""
    columns, (packed, body) = [f"record.{name}" for name in _KIN], _CANDIDATE[dialect]
    kin, numbered = packed.format(", ".join(columns)), ""
    for number, names in enumerate(usual):
        same = " AND ".join(f"{c} = {name}" for c, name in zip(columns, names, strict=True))
        numbered += f" WHEN {same} THEN '{number}'"
    kin = f"CASE{numbered} ELSE {kin} END" if numbered else kin
    return (
        f"{kin} AS kin, record.student_id, student.birth_date, COALESCE(student.version, 0)"
        f" AS student_version, {body} AS body, record.id, {{place}} AS place"
    )


def ordered(query: Query) -> tuple[str, str]:
    """Return the SQL of the order of places, up to the page, and what breaks ties."""
    # The limit written in: SQLite would compile a statement anew at each run where that is bound.
    (direction, tied), limit = query.order.directions, int(query.limit)
    tie = f"{query.order.tie} {tied}" if query.order.param else ""
    return f"ORDER BY place {direction}{tie and ', ' + tie} LIMIT {limit}", tie
