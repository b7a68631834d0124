"""What a hub's table shows tells of no few students: an attacker who tries every world finds none.

The worlds: 0 to 7 students of a district at a provider, of two modalities. The attacker knows how
the table is made, and lists the worlds it may have been made of.
"""

import itertools
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import orjson
import pytest

from bridge.errors import GateError
from bridge.gate import release_counts
from bridge.hub.counts import MODALITY_SYSTEM, CountRow
from bridge.hub.published import Register, RegisterError
from bridge.hub.suppression import COLUMNS, HIDDEN, Suppression
from bridge.journeys.partners.collect_rows import count_table

MINIMUM = 3
SMALL = range(1, MINIMUM)
Shown = tuple[tuple[str, ...], ...]


def world(students: int, served: int, *parts: tuple[str, int, int]) -> list[CountRow]:
    """Return the rows of one provider; ``parts`` are modality, served and sessions."""
    sessions = sum(part[2] for part in parts)
    whole = CountRow("D", "P", "all", students, served, sessions, students)
    return [whole, *(CountRow("D", "P", name, None, *counts) for name, *counts in parts)]


def worlds() -> Iterator[list[CountRow]]:
    """Yield every world of the domain."""
    for students in range(1, 8):
        for first, second in itertools.product(range(students + 1), repeat=2):
            for more in itertools.product((0, 1), repeat=2):
                named = zip("xy", (first, second), more, strict=True)
                parts = [(name, n, n + extra) for name, n, extra in named if n]
                for served in range(max(first, second), min(students, first + second) + 1):
                    yield world(students, served, *parts)


def facts(rows: Sequence[CountRow]) -> dict[str, int]:
    """Return what is true of a world and nobody may learn where it is of few."""
    whole, parts = rows[0], {row.modality: row for row in rows[1:]}
    served = {name: parts[name].served if name in parts else 0 for name in "xy"}
    assert whole.students is not None
    return {
        "referred": whole.students,
        "served": whole.served,
        "not served": whole.students - whole.served,
        **{f"served by {name}": n for name, n in served.items()},
        **{f"not served by {name}": whole.students - n for name, n in served.items()},
    }


def shown_of(rows: Sequence[CountRow]) -> Shown:
    made = Suppression(MINIMUM, lambda *_: True).table(rows)
    return tuple(tuple(row[column] for column in COLUMNS) for row in made)


def learnt() -> list[tuple[Shown, str, list[int]]]:
    """Return what the attacker learns: a fact that must be of few, or none, and which values.

    That few were referred at all, or had a modality, may be learnt as of any hidden small cell, but
    not how many of them; and that nobody had a modality.
    """
    possible: dict[Shown, list[dict[str, int]]] = defaultdict(list)
    for rows in worlds():
        possible[shown_of(rows)].append(facts(rows))
    found = []
    for shown, may_be in possible.items():
        few = shown[0][COLUMNS.index("referrals")] == HIDDEN
        for fact in may_be[0]:
            values = {each[fact] for each in may_be}
            hidden = fact.startswith("served by") and values in ({0}, set(SMALL))
            if (values < set(SMALL) if few else max(values) < MINIMUM) and not hidden:
                found.append((shown, fact, sorted(values)))
    return found


def test_no_table_tells_of_few_students_whatever_is_counted() -> None:
    tables = {shown_of(rows) for rows in worlds()}
    assert any(row[-1] != HIDDEN for shown in tables for row in shown)  # something is shown
    assert learnt() == []


def as_if_few_were_many(_: Suppression, students: int) -> bool:
    return students > 0


def as_if_all_told_nothing(_: Suppression, served: int, of: int) -> bool:
    return served <= of


def as_if_totals_told_nothing(
    _: Suppression, shown: Sequence[CountRow], parts: Sequence[CountRow]
) -> bool:
    return len(shown) <= len(parts)


def as_if_parts_told_nothing(_: Suppression, whole: CountRow) -> bool:
    return whole.served > 0


FAULTS: dict[str, Callable[..., bool]] = {
    "_is_many": as_if_few_were_many,
    "_leaves_many": as_if_all_told_nothing,
    "_has_parts": as_if_parts_told_nothing,
    "_covers": as_if_totals_told_nothing,
}


@pytest.mark.parametrize("rule", FAULTS)
def test_a_table_made_without_one_of_the_rules_is_noticed(
    rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Suppression, rule, FAULTS[rule])
    assert learnt() != []


def test_the_gate_lets_no_small_cell_out_whoever_made_the_table() -> None:
    row = dict.fromkeys(COLUMNS, "") | {"served": "2"}
    with pytest.raises(GateError, match="column served"):
        release_counts(COLUMNS, [row], [], MINIMUM)


# --- one table after another --------------------------------------------------------------------


def given_out(file: Path, rounds: int = 400) -> dict[tuple[str, str], list[int]]:
    """Give out tables of worlds at random, one after another; returns the counts of each cell."""
    seen: dict[tuple[str, str], list[int]] = defaultdict(list)
    chosen = random.Random(20261127)  # noqa: S311 - any worlds will do
    every = [[row_of_more(row) for row in rows] for rows in worlds()]
    for rows in chosen.choices(every, k=rounds):
        given = Register.read(file)
        hidden = Suppression(MINIMUM, partial(given.allows, minimum=MINIMUM))
        table = hidden.table(rows)
        given.note(table)
        for row in table:
            for column in ("referrals", "served", "sessions"):
                if row[column].isdecimal():
                    seen[row["modality"], column].append(int(row[column]))
    return seen


def row_of_more(row: CountRow) -> CountRow:
    """Return a row of a larger provider: small differences, no small cell."""
    of = None if row.students is None else row.students + 40
    served, sessions = row.served + 10, row.sessions + 10 * (1 + (row.modality == "all"))
    return CountRow(*row.place, of, served, sessions, of)


def small_differences(seen: dict[tuple[str, str], list[int]]) -> int:
    pairs = (pair for counts in seen.values() for pair in itertools.combinations(counts, 2))
    return sum(0 < abs(one - other) < MINIMUM for one, other in pairs)


def test_no_two_tables_differ_by_few_students(tmp_path: Path) -> None:
    seen = given_out(tmp_path / "published.json")
    assert len({count for counts in seen.values() for count in counts}) > len(seen)
    assert small_differences(seen) == 0


def test_a_hub_that_forgets_what_it_gave_out_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Register, "note", lambda *_: None)
    assert small_differences(given_out(tmp_path / "published.json")) > 0


def test_what_was_given_out_and_cannot_be_read_stops_the_next_table(tmp_path: Path) -> None:
    file = tmp_path / "published.json"
    file.write_text("[1]", encoding="utf-8")
    with pytest.raises(RegisterError, match=r"published\.json"):
        Register.read(file)


# --- from collected rows ------------------------------------------------------------------------


def collected(folder: Path, students: int, served: int) -> Path:
    """Write the coded rows of one provider: each student referred, some with one session."""
    folder.mkdir(exist_ok=True)
    numbers = range(students)
    people = [f"Patient/p{n}" for n in numbers]
    rows: dict[str, list[dict[str, object]]] = {
        "Organization": [{"id": "s", "name": "School"}, {"id": "h", "name": "Harbor"}],
        "ServiceRequest": [
            {
                "id": f"r{n}",
                "subject": {"reference": people[n]},
                "requester": {"reference": "Organization/s"},
                "performer": [{"reference": "Organization/h"}],
            }
            for n in numbers
        ],
        "Encounter": [
            {
                "status": "finished",
                "subject": {"reference": people[n]},
                "basedOn": [{"reference": f"ServiceRequest/r{n}"}],
                "type": [{"coding": [{"system": MODALITY_SYSTEM, "code": "telehealth"}]}],
            }
            for n in numbers[:served]
        ],
    }
    for kind, each in rows.items():
        lines = b"".join(orjson.dumps(row) + b"\n" for row in each)
        (folder / f"{kind}.ndjson").write_bytes(lines)
    return folder


def test_a_table_counts_what_was_collected_and_the_next_tells_of_no_one_more(
    tmp_path: Path,
) -> None:
    register = tmp_path / "published.json"

    def told(students: int, served: int) -> list[tuple[str, ...]]:
        rows = collected(tmp_path / "rows", students, served)
        table = count_table([rows], 10, register)
        return [tuple(row[column] for column in COLUMNS[2:]) for row in table.rows]

    assert told(40, 20) == [("all", "40", "20", "20"), ("telehealth", "", "20", "20")]
    assert told(40, 20) == [("all", "40", "20", "20"), ("telehealth", "", "20", "20")]
    assert told(40, 21) == [("all", "40", HIDDEN, HIDDEN)]
    assert told(41, 31)[0][1] == HIDDEN
    assert told(60, 44) == [("all", "60", "44", "44"), ("telehealth", "", "44", "44")]
    assert told(9, 9) == [("all", HIDDEN, HIDDEN, HIDDEN)]
