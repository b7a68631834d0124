"""A query compiled to SQL over the typed index, the same text for SQLite and PostgreSQL.

The authorising condition stands inside, before every LIMIT and count; each database has its own way
of writing that (:data:`bridge.store.facts.conditions.WRITTEN`). What is found is read in the
order in which it is answered, from an index that begins with the agreement, so that a page costs
the same whatever else is stored:

* one branch for each agreement of the caller (``bins``), each in the order of its index and cut to
  the page, then merged: an ``IN`` over agreements would sort everything;
* where a criterion is selective (an identifier, a person, a code) a branch starts from its index
  rows instead of the records, which are in the same order; ``CROSS JOIN`` keeps SQLite to it;
* records whose last change the caller cannot see stand, in a branch of their own, where they stood
  before it (:class:`bridge.store.tables.ViewChangeRow`): neither order nor time tells of it.

Times of change are monotone in the number of the change (:mod:`bridge.store.intake`), so a bound on
the time is a bound on the number, found with one seek.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from bridge.driver import among
from bridge.store.facts.conditions import TRUE
from bridge.store.search.columns import FOUND, PLACED, candidate, ordered
from bridge.store.search.criteria import Statement, alternatives, as_stored, criterion
from bridge.store.search.index_values import FOLLOWED, OF_ONE, SELECTIVE, is_followed
from bridge.store.search.query import Match, Query
from bridge.store.search.stands import all_of, said

MOST_BINS: Final = 12
"""With more agreements than this the records of a type are read in one order and filtered."""
IN_ONE_SYSTEM: Final = ("status",)
"""Of which a record has a value once, because it is a code of one system that FHIR sets."""
_COMPARE: Final = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_LAST: Final = 2**62
# In the words of the index, so that SQLite reads nothing else to see that it holds.
_STARTS: Final = "{}.starts = 1"
_ONCE: Final = (
    "NOT EXISTS (SELECT 1 FROM search_value z"
    " WHERE z.change = s.change AND z.type = s.type AND z.id = s.id"
    " AND z.param = s.param AND z.value = s.value AND z.system < s.system)"
)


@dataclass(frozen=True, slots=True)
class Sight:
    """What of the records a caller may know, as SQL.

    Attributes:
        condition: on ``record`` joined to ``student``.
        bins: the agreements (and "" for the directory) whose records can be meant; all if empty.
        standing: whose views of changes hold (:class:`bridge.store.tables.ViewChangeRow`).
    """

    condition: str
    bins: tuple[str, ...] = ()
    standing: str = ""


@dataclass(frozen=True, slots=True)
class _Start:
    """What a branch starts from: its FROM, the conditions that tie it, its place in the order.

    ``met`` is the criterion that all it starts from meets.
    """

    rows: str
    on: tuple[str, ...]
    place: str = "record.change"
    change: str = "record.change"
    moved: str = "record.last_updated"
    met: Match | None = None


def page_sql(query: Query, sight: Sight) -> tuple[str, dict[str, object]]:
    """Return the SQL of one page, and what to bind: the records in order, each with its place."""
    made = _Compiler(query, sight)
    cut, tie = _cut(query, made.branches(paged=True))
    page = _within_bytes(cut, query)
    direction, _ = query.order.directions
    found = FOUND.format(change="p.change", moved="p.moved", place="p.place")
    sql = (
        f"SELECT {found} FROM ({page}) p"  # noqa: S608 - values are bound
        " CROSS JOIN record LEFT JOIN student ON student.id = record.student_id"
        " WHERE record.type = p.type AND record.id = p.id"
        f" ORDER BY p.place {direction}{tie and ', p.' + tie}"
    )
    return sql, made.binds


def rows_sql(query: Query, sight: Sight, dialect: str) -> tuple[str, dict[str, object]]:
    """Do :func:`page_sql` for what tells of each record whether it still is what it was, and where.

    As texts (:mod:`bridge.store.search.stands`). SQLite says all in one, and merges its branches as
    they come: cut by themselves they would be sorted once more.
    """
    made = _Compiler(query, sight, said(tied=bool(query.order.param)))
    branches = made.branches(paged=True)
    if dialect != "sqlite":
        return _cut(query, branches)[0], made.binds
    return all_of(f"{' UNION ALL '.join(branches)} {ordered(query)[0]}"), made.binds


def candidates_sql(
    query: Query, sight: Sight, dialect: str, usual: Sequence[Sequence[object]] = ()
) -> tuple[str, dict[str, object]]:
    """Return the SQL of what a query would find were it not for the condition, as it is read.

    For whoever decides on each row, by what :func:`admitted_sql` answers for those like it. Its
    rows are those of :func:`page_sql`, by the change, and come one after another from an index:
    whoever has enough reads no further. Of the ``usual`` kin it says which it is by its number.
    """
    made = _Compiler(query, replace(sight, condition=TRUE))
    made.columns = candidate(dialect, [[made.bind(v) for v in each] for each in usual])
    arms = " UNION ALL ".join(made.branches(paged=True))
    return f"{arms} ORDER BY place ASC LIMIT {int(query.limit)}", made.binds


def admitted_sql(sight: Sight, dialect: str) -> str:
    """Return the SQL that finds which records of ``:kind`` and ``:ids`` a condition admits."""
    return (
        "SELECT record.id FROM record LEFT JOIN student ON student.id = record.student_id"  # noqa: S608 - values are bound
        f" WHERE record.type = :kind AND record.id {among(dialect, 'ids')} AND {sight.condition}"
    )


def sampled_sql(query: Query, sight: Sight, most: int) -> tuple[str, dict[str, object]]:
    """Return the SQL of the records of the lowest ids among all that match, and what to bind."""
    made, cut = _Compiler(query, sight), f"ORDER BY id LIMIT {int(most)}"
    found = f"({_each_cut(made.branches(paged=False), cut)}) u {cut}"
    return f"SELECT id, change FROM {found}", made.binds  # noqa: S608 - values are bound


def _cut(query: Query, branches: Iterable[str]) -> tuple[str, str]:
    """Return the SQL of a page's places, in order, and what breaks ties."""
    cut, tie = ordered(query)
    return f"SELECT * FROM ({_each_cut(branches, cut)}) u {cut}", tie  # noqa: S608 - values are bound


def _each_cut(branches: Iterable[str], cut: str) -> str:
    numbered = enumerate(branches)
    return " UNION ALL ".join(f"SELECT * FROM ({each} {cut}) b{n}" for n, each in numbered)  # noqa: S608 - the same


def _within_bytes(page: str, query: Query) -> str:
    """Return a page up to the row that reaches the bytes asked for; only lengths are read."""
    if not query.most_bytes:
        return page
    size = "OCTET_LENGTH(record.body)"
    before = f"SUM({size}) OVER (ORDER BY q.place) - {size} AS before"
    sized = (
        f"SELECT q.*, {before} FROM ({page}) q CROSS JOIN record"  # noqa: S608 - values are bound
        " WHERE record.type = q.type AND record.id = q.id"
    )
    return f"SELECT * FROM ({sized}) w WHERE before < {int(query.most_bytes)}"  # noqa: S608 - values are bound


def count_sql(query: Query, sight: Sight) -> tuple[str, dict[str, object]]:
    """Return the SQL that counts all that match whatever the page, and what to bind."""
    made = _Compiler(query, sight)
    union = " UNION ALL ".join(
        f"SELECT id FROM ({each}) b{n}"  # noqa: S608 - values are bound
        for n, each in enumerate(made.branches(paged=False))
    )
    return f"SELECT count(*) FROM ({union}) u", made.binds  # noqa: S608 - values are bound


@dataclass
class _Compiler(Statement):
    """One query for one caller, being written; ``columns`` are what a branch says of a record."""

    query: Query
    sight: Sight
    columns: str = PLACED

    def __post_init__(self) -> None:
        self.query = as_stored(self.query)

    def branches(self, *, paged: bool) -> Iterator[str]:
        """Yield the SQL of each branch; together they hold each record once."""
        bins = self.sight.bins
        split = paged and 0 < len(bins) <= MOST_BINS and not (self.query.ids or self._any_of)
        for key in bins if split else (None,):
            yield self._written(self._start(key), self._not_overridden(), paged=paged)
        if self.sight.standing:
            yield self._written(self._overridden(), [], paged=paged)

    @cached_property
    def kind(self) -> str:
        """The bound name of the type asked for."""
        return self.bind(self.query.type)

    @cached_property
    def _driver(self) -> Match | None:
        """The most selective criterion a branch can start from."""
        rank = {name: n for n, name in enumerate(SELECTIVE)}
        usable = [
            m
            for m in self.query.matches
            if isinstance(m, Match) and m.param in rank and not m.negated
            if all(value is not None for _, value in m.values)
            if m.param in OF_ONE or len(m.values) == 1
        ]
        return min(usable, key=lambda m: rank[m.param], default=None)

    @property
    def _any_of(self) -> bool:
        driver = self._driver
        if self.query.order.param or driver is None:
            return False
        several = len(driver.values) > 1 or driver.begins
        return several or driver.param in FOLLOWED

    def _start(self, key: str | None) -> _Start:
        if self.query.ids:
            listed = " UNION ALL ".join(
                f"SELECT {self.bind(each)} AS id" for each in dict.fromkeys(self.query.ids)
            )
            return _Start(f"({listed}) d CROSS JOIN record", ("record.id = d.id",))
        if self.query.order.param:
            on = (f"s.param = {self.bind(self.query.order.param)}", *self._tied("s", key))
            return _Start("search_date s CROSS JOIN record", on, place="s.low")
        if self._driver is None:
            bound = () if key is None else (f"record.agreement_id = {self.bind(key)}",)
            return _Start("record", bound)
        if self._any_of:
            return self._of_several(self._driver)
        return self._of_one_value(self._driver, key)

    def _of_several(self, driver: Match) -> _Start:
        followed = tuple(v for v in driver.values if is_followed(driver.param, v[1] or ""))
        rest = tuple(v for v in driver.values if v not in followed)
        rows = [self._of_students(driver.param, followed)] if followed else []
        if rest or not rows:
            param = self.bind(driver.param)
            values = alternatives(self, "w", replace(driver, values=rest))
            rows.append(
                f"SELECT w.id FROM search_value w WHERE {_STARTS.format('w')}"  # noqa: S608 - values are bound
                f" AND w.type = {self.kind} AND w.param = {param} AND {values}"
            )
        met = None if followed else driver
        joined = f"(SELECT DISTINCT id FROM ({' UNION ALL '.join(rows)}) f) d CROSS JOIN record"  # noqa: S608 - the same
        return _Start(joined, ("record.id = d.id",), met=met)

    def _of_students(self, param: str, links: Iterable[tuple[str | None, str | None]]) -> str:
        """Write the ids of the records of those students that the targets of references are of."""
        ids = ", ".join(self.bind((link or "").partition("/")[2]) for _, link in links)
        of = f"SELECT p.student_id FROM record p WHERE p.type = {self.bind(FOLLOWED[param])}"  # noqa: S608 - values are bound
        return (  # the type as an expression, so that no index of types serves
            f"SELECT r.id FROM record r WHERE r.type || '' = {self.kind}"  # noqa: S608 - the same
            f" AND r.student_id IN ({of} AND p.id IN ({ids}))"
        )

    def _of_one_value(self, driver: Match, key: str | None) -> _Start:
        param = self.bind(driver.param)
        on = (_STARTS.format("s"), f"s.param = {param}", *self._tied("s", key))
        on += (alternatives(self, "s", driver),)
        if driver.values[0][0] is None and driver.param not in IN_ONE_SYSTEM:
            on += (_ONCE,)  # one code in two systems is still one record
        return _Start("search_value s CROSS JOIN record", on, place="s.change", met=driver)

    def _tied(self, name: str, key: str | None) -> tuple[str, ...]:
        bound = () if key is None else (f"{name}.agreement_id = {self.bind(key)}",)
        # By the number alone, of the index's agreement alone: else SQLite reads all later records.
        return (f"{name}.type = {self.kind}", f"record.change = {name}.change", *bound)

    def _overridden(self) -> _Start:
        rows, place = "view_change v CROSS JOIN record", "v.change"
        on = [f"v.standing = {self.bind(self.sight.standing)}", f"v.type = {self.kind}"]
        on.append("record.id = v.id")
        if self.query.order.param:
            rows, place = f"{rows} CROSS JOIN search_date s", "s.low"
            on.append(f"s.param = {self.bind(self.query.order.param)}")
            on += ["s.change = record.change", "s.type = v.type", "s.id = v.id"]
        if self.query.ids:
            on.append(f"v.id IN ({', '.join(self.bind(each) for each in self.query.ids)})")
        return _Start(rows, tuple(on), place, "v.change", "v.since")

    def _not_overridden(self) -> list[str]:
        if not self.sight.standing:
            return []
        whose = f"v.standing = {self.bind(self.sight.standing)} AND v.type = {self.kind}"
        kept = f"SELECT 1 FROM view_change v WHERE {whose} AND v.id = record.id"  # noqa: S608 - values are bound
        return [f"NOT EXISTS ({kept})"]

    def _written(self, start: _Start, more: list[str], *, paged: bool) -> str:
        where = [f"record.type = {self.kind}", *start.on, *more]
        where += self._bounds(start)
        where += [criterion(self, each) for each in self.query.matches if each is not start.met]
        where += self._after(start) if paged else []
        where.append(self.sight.condition)
        said = self.columns.format(change=start.change, moved=start.moved, place=start.place)
        return (
            f"SELECT {said} FROM {start.rows}"  # noqa: S608 - values are bound
            " LEFT JOIN student ON student.id = record.student_id"
            f" WHERE {' AND '.join(where)}"
        )

    def _bounds(self, start: _Start) -> Iterator[str]:
        query = self.query
        if query.agreement_id:
            yield f"record.agreement_id = {self.bind(query.agreement_id)}"
        if query.after_change:
            yield f"{start.change} > {self.bind(query.after_change)}"
        if query.upto_change is not None:
            yield f"{start.change} <= {self.bind(query.upto_change)}"
        for comparator, instant in query.updated:
            at = self.bind(instant)
            yield f"{start.moved} {_COMPARE[comparator]} {at}"
            if self._goes_on(comparator):
                continue  # from where the page before ended: SQLite begins at one place alone
            # The index is in the order of numbers: begin at the first (or end at the last) of them.
            before, way = ("<=" if comparator == "gt" else "<", "DESC")
            if comparator in ("lt", "le"):
                before, way = (">=" if comparator == "lt" else ">", "ASC")
            seek = (
                f"SELECT r.change FROM record r WHERE r.last_updated {before} {at}"  # noqa: S608 - values are bound
                f" ORDER BY r.last_updated {way}, r.change {way} LIMIT 1"
            )
            sign, none = (">", 0) if way == "DESC" else ("<", _LAST)
            place = start.place if not query.order.param else start.change
            yield f"{place} {sign} COALESCE(({seek}), {none})"
        for low, high in query.not_updated:
            span = f"{start.moved} >= {self.bind(low)} AND {start.moved} < {self.bind(high)}"
            yield f"NOT ({span})"

    def _goes_on(self, comparator: str) -> bool:
        """Tell whether a page before this one was bounded by a time in the same way."""
        order, back = self.query.order, comparator in ("lt", "le")
        return order.after is not None and not order.param and order.descending is back

    def _after(self, start: _Start) -> list[str]:
        order, place = self.query.order, start.place
        if order.after is None:
            return []
        sign, tied = ("<" if each == "DESC" else ">" for each in order.directions)
        key = self.bind(order.after)
        if not order.param:
            return [f"{place} {sign} {key}"]
        tie = "record.id" if order.tie == "id" else start.change
        further = f"({place} {sign} {key} OR {tie} {tied} {self.bind(order.after_tie)})"
        return [f"{place} {sign}= {key}", further]
