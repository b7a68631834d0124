"""Rows of one layout, told together, are the rows made alone."""

import random
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from bridge.errors import GateError
from bridge.gate.exports.row_layouts import ToldLine
from bridge.gate.exports.row_plans import RowPlan
from bridge.store.vault import FoundRow
from tests.bridge.gate.test_coded_rows import outcome, plan_and_row
from tests.support.odd_sessions import BODY, bodies, compact, of_one_shape
from tests.support.worlds import Json, World

ID = "0f6f0f0e-0000-8000-8000-{:012d}"
MANY = 300


def session(number: int, **changes: object) -> Json:
    """Return a session as a provider's are: no two say the same, all are as long."""
    day, person = f"2026-10-{1 + number % 28:02d}", ID.format(number % 40)
    return {
        **BODY,
        "id": ID.format(10_000 + number),
        "identifier": [{"system": "http://harbor", "value": f"s-{number:06d}"}],
        "subject": {"reference": f"Patient/{person}"},
        "basedOn": [{"reference": f"ServiceRequest/{ID.format(500 + number % 40)}"}],
        "period": {"start": f"{day}T13:{number % 60:02d}:00-04:00", "end": f"{day}T14:00:00-04:00"},
        **changes,
    }


def told(plan: RowPlan, *written: str) -> list[ToldLine | None]:
    return plan.told([each.encode() for each in written])


def learned(plan: RowPlan, row: FoundRow, written: list[str]) -> int:
    """Let a plan learn from rows it does not know; returns how many those were."""
    unknown = 0
    for body in written:
        if told(plan, body) == [None]:
            unknown += 1
            outcome(plan.sought, row._replace(body=body))
    return unknown


def encoded(made: Any) -> object:  # noqa: ANN401 - a row made alone, or why it was not
    return (made[0].encode(), made[1].encode(), made[2]) if isinstance(made, tuple) else made


def test_sessions_of_one_layout_are_told_together_as_each_is_alone(lite: World) -> None:
    plan, row, alone = plan_and_row(lite)
    first = [compact(session(n)) for n in range(30)]
    learned(plan, row, first)
    learned(plan, row, first)  # what the first of a layout said is learned when it comes again
    # Days that were said before, at other times of others; told without a look at each.
    again = [compact(session(n % 30, id=ID.format(n), subject=session(n)["subject"]))
             for n in range(MANY)]  # fmt: skip
    together = told(plan, *again)
    assert None not in together
    assert together == [encoded(alone(row._replace(body=body))) for body in again]
    # What a member never said is learned from one row that says it.
    assert told(plan, compact(session(55))) == [None]
    assert plan.sought(row._replace(body=compact(session(55))))
    assert told(plan, compact(session(55))) != [None]


def drawn(dice: random.Random) -> Iterator[str]:
    """Yield whatever might be stored, so mixed that layouts are learned and are met again."""
    odd = [*of_one_shape(dice), *bodies(dice)]
    like = [compact(session(dice.randrange(60), status=dice.choice(("planned", "arrived"))))
            for _ in range(MANY)]  # fmt: skip
    mixed = [*odd, *like, *odd, *like]
    dice.shuffle(mixed)
    yield from mixed


def test_rows_told_together_are_those_made_alone_whatever_is_stored(lite: World) -> None:
    seed = random.SystemRandom().randrange(10**6)
    plan, row, alone = plan_and_row(lite)
    written = list(drawn(random.Random(seed)))  # noqa: S311 - repeatable, not secret
    learned(plan, row, written[: len(written) // 2])
    together = 0
    for start in range(0, len(written), 100):
        some = written[start : start + 100]
        for body, one in zip(some, told(plan, *some), strict=True):
            if one is not None:
                together += 1
                assert one == encoded(outcome(alone, row._replace(body=body))), (seed, body)
    assert together > MANY, seed


HOSTILE = (
    b'","modifierExtension":[],"n":"',
    b'"},{"reference":"Patient/secret',
    b"\\u0022 and what is behind it...",
    b'x"y',
)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("hole", ["identifier", "subject", "id"])
def test_what_breaks_out_of_a_hole_has_no_layout(lite: World, hole: str, text: bytes) -> None:
    plan, row, _ = plan_and_row(lite)
    value = ("a" * 36, "b" * 36)
    changes: list[Json] = [
        {"identifier": [{"value": each}]} if hole == "identifier"
        else {"subject": {"reference": f"Patient/{each}"}} if hole == "subject"
        else {"id": each} for each in value
    ]  # fmt: skip
    learned(plan, row, [compact(session(n, **changes[n % 2])) for n in (*range(8), *range(8))])
    body = orjson.dumps(session(1, **changes[1]))
    assert plan.told([body]) != [None]
    broken = body.replace(value[1].encode(), text.ljust(36, b"z"))
    assert len(broken) == len(body)
    assert plan.told([broken]) == [None]


def test_a_layout_that_comes_out_otherwise_is_noticed_before_a_row_leaves(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, row, _ = plan_and_row(lite)
    body = compact(session(1))
    assert plan.sought(row._replace(body=body))
    whole = "bridge.gate.exports.row_layouts.texts_of"
    monkeypatch.setattr(whole, lambda template: (b"", *template.split(b"%b")[1:]))
    with pytest.raises(GateError, match="disagree"):
        plan.sought(row._replace(body=body))


def test_lengths_that_never_come_again_are_not_learned(lite: World) -> None:
    plan, row, alone = plan_and_row(lite)
    for length in range(1, 300):
        body = compact(session(1, note="x" * length))
        assert plan.sought(row._replace(body=body)) == alone(row._replace(body=body))
    assert told(plan, compact(session(1, note="x" * 9))) == [None]
