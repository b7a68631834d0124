"""The first release of each kind about a person: for whom repeats would tell of hidden care.

INVARIANT: the database picks them. Releases that repeat one, and those of which nothing may be
told, cost no row and no decision: whoever times the answer learns nothing of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Connection, TextClause, bindparam, text
from sqlalchemy.types import TypeEngine

from bridge.ledger.blocks import REACHING
from bridge.ledger.entry import Recorded, read_body
from bridge.ledger.errors import LedgerDamaged
from bridge.ledger.listing import as_release

_PIECE: Final = {
    "sqlite": "json_extract(CAST({} AS TEXT), '$.{}')",
    "postgresql": "CAST(convert_from({}, 'UTF8') AS jsonb) #>> '{{{}}}'",
}
_EACH: Final = {
    "sqlite": "json_each(first.elements) AS element",
    "postgresql": "jsonb_array_elements_text(CAST(first.elements AS jsonb)) AS element(value)",
}
# Of a block of rows: each of them, what it says, its place in its entry.
_ROWS: Final = {
    "sqlite": {
        "rows": "json_each(CAST(f.body AS TEXT), '$.rows') r",
        "row": "CAST(r.value AS BLOB)",
        "row_subject": "json_extract(r.value, '$.subject')",
        "listed_thing": "json_extract(r.value, '$.id')",
        "nth": "json_extract(CAST(f.body AS TEXT), '$.nth[' || r.key || ']')",
    },
    "postgresql": {
        "rows": (
            "jsonb_array_elements(CAST(convert_from(f.body, 'UTF8') AS jsonb) -> 'rows')"
            " WITH ORDINALITY AS r(value, key)"
        ),
        "row": "convert_to(CAST(r.value AS text), 'UTF8')",
        "row_subject": "r.value ->> 'subject'",
        "listed_thing": "r.value ->> 'id'",
        "nth": (
            "CAST(CAST(convert_from(f.body, 'UTF8') AS jsonb) -> 'nth'"
            " ->> CAST(r.key - 1 AS integer) AS integer)"
        ),
    },
}
_KIND: Final = "log, releasing, receiving, purpose, elements, bases, facts, own"
# Of one kind all are of one log, where no later entry has an earlier time. A window over them takes
# SQLite three times the steps.
_FIRST: Final = {
    "sqlite": "SELECT marked.*, min(position * 16777216 + nth) FROM marked GROUP BY {0}",
    "postgresql": "SELECT DISTINCT ON ({0}) * FROM marked ORDER BY {0}, position, nth",
}
_FIRSTS: Final = """
WITH said AS (
 SELECT e.log, e.position, e.recorded_at AS at, -1 AS nth, e.body, NULL AS listed,
  {thing} AS thing, {entry}
 FROM ledger_entry e
 WHERE e.subject = :subject AND e.kind = 'release' AND e.body IS NOT NULL
 UNION ALL
 SELECT e.log, e.position, e.recorded_at, {nth}, e.body, {row}, {listed_thing}, {entry}
 FROM ledger_entry e CROSS JOIN ledger_block f CROSS JOIN {rows}
 WHERE e.kind = 'releases' AND f.log = e.log AND f.position = e.position
  AND {reaching} AND {row_subject} = :subject
), marked AS (
 SELECT said.*, CASE WHEN {own} THEN 1 ELSE 0 END AS own FROM said
), first AS (
 {first}
)
SELECT log, position, nth, body, listed, own FROM first
WHERE own = 0 OR EXISTS (SELECT 1 FROM {each} WHERE {tellable})
ORDER BY at, log, position, nth
"""


@dataclass(frozen=True, slots=True)
class Hidden:
    """What of a person's entries is kept from whoever asks, in SQL.

    Attributes:
        own: of ``said`` (``log``, ``receiving``, and ``thing``, the id of what went), that it is of
            what is kept.
        tellable: of ``first.log`` and ``element.value``, that an element may be told even so.
        facts: the name of a fact on which it depends what may be told; "" for none.
        binds: values of parameters, and of which type; a tuple is a list.
    """

    own: str
    tellable: str
    facts: str
    binds: Mapping[str, tuple[object, TypeEngine[Any]]]


def first_releases(
    connection: Connection, subject: str, hidden: Hidden
) -> list[tuple[Recorded, bool]]:
    """Return the first release of each kind about a person, the oldest first, and whose is kept.

    Of a kind are those from one party to another, for one purpose, of the same elements, on the
    same ground. Of what is kept, only those of which an element may be told.

    Raises:
        LedgerDamaged: if one cannot be read.
    """
    told = _statement(connection.dialect.name, hidden.own, hidden.tellable, hidden.facts)
    typed = [
        bindparam(name, type_=kind, expanding=isinstance(value, tuple))
        for name, (value, kind) in hidden.binds.items()
    ]
    given = {name: value for name, (value, _) in hidden.binds.items()}
    of = {"subject": subject, "least": subject.encode()}
    rows = connection.execute(told.bindparams(*typed), {**of, **given})
    return [(_read(row), bool(row.own)) for row in rows]


def _read(row: Any) -> Recorded:  # noqa: ANN401 - as the statement names its columns
    try:
        entry = read_body(row.body)
        return entry if row.listed is None else as_release(entry, row.nth, row.listed)
    except ValueError:
        raise LedgerDamaged(f"{row.log}#{row.position} cannot be read") from None


@lru_cache(maxsize=64)
def _statement(dialect: str, own: str, tellable: str, facts: str) -> TextClause:
    def piece(column: str, *path: str) -> str:
        return _PIECE[dialect].format(column, ("." if dialect == "sqlite" else ",").join(path))

    bits = piece("e.body", "ruling", "bits")
    # The sending party's role, and all that was known where what may be told depends on it.
    known = f"substr({bits}, 1, 4) || CASE WHEN {bits} LIKE '%{facts}%' THEN {bits} ELSE '' END"
    named = {
        "releasing": piece("e.body", "releasing"),
        "receiving": piece("e.body", "receiving"),
        "purpose": piece("e.body", "purpose"),
        "elements": piece("e.body", "elements"),
        "bases": piece("e.body", "ruling", "bases"),
        "facts": known,
    }
    return text(
        _FIRSTS.format(
            thing=piece("e.body", "resource", "id"),
            reaching=REACHING,
            **_ROWS[dialect],
            entry=", ".join(f"{sql} AS {name}" for name, sql in named.items()),
            own=own,
            first=_FIRST[dialect].format(_KIND),
            each=_EACH[dialect],
            tellable=tellable,
        )
    )
