"""What the statements of a search say of each record they find."""

from typing import Final

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
CANDIDATE: Final = (
    "record.agreement_id, record.custodian, record.sender_role, record.element,"
    " record.third_party, record.student_id, student.birth_date,"
    " COALESCE(student.version, 0) AS student_version, record.body, record.id, {place} AS place"
)
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
