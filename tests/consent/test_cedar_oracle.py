"""An independent oracle: the same documents as Cedar policies, written from their plain text.

Nothing of the compiled table is used here: the policies are made from the YAML and the CSV as they
stand. Every layer becomes a ``forbid ... unless`` beside one ``permit`` of everything.
"""

import csv
import random
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import cedarpy
import pytest

from consent.facts import load_facts
from consent.model import Slice
from documents import read_yaml
from tests.consent.worked_example import AGREEMENT, TEMPLATE, table

PLAIN: Any = read_yaml(TEMPLATE.encode(), "template").plain()
CHILD: Any = read_yaml(AGREEMENT.encode(), "agreement").plain()
BASES = list(
    csv.DictReader(
        files("consent.law")
        .joinpath("us_ct/law-bases.csv")
        .read_text(encoding="utf-8")
        .splitlines()
    )
)


def any_of(name: str, values: str | list[str]) -> str:
    listed = [values] if isinstance(values, str) else values
    return "(" + " || ".join(f'context.{name} == "{value}"' for value in listed) + ")"


def all_true(facts: list[str]) -> str:
    return " && ".join(["true", *(f'context.facts.contains("{fact}")' for fact in facts)])


def some(ways: list[str]) -> str:
    return " || ".join(["false", *(f"({way})" for way in ways)])


def flow_way(flow: dict[str, Any], change: dict[str, Any]) -> str:
    if change.get("drop") == "true":
        return "false"
    kept = [e for e in flow["elements"] if e not in change.get("drop_elements", [])]
    roles = [r for r in flow["recipients"] if r not in change.get("drop_recipients", [])]
    return " && ".join([
        any_of("sender", flow["from"]), any_of("recipient", flow["to"]), any_of("role", roles),
        any_of("purpose", flow["purposes"]), any_of("element", kept),
        all_true(flow["requires"] + change.get("add_requires", [])),
    ])  # fmt: skip


def prohibition(rule: dict[str, Any]) -> str:
    when = [all_true(rule.get("when") or [])]
    when += [any_of("kind", rule["kinds"])] if "kinds" in rule else []
    when += [any_of("element", rule["elements"])] if "elements" in rule else []
    when += [any_of("purpose", rule["purposes"])] if "purposes" in rule else []
    when += ["context.free_text"] if rule.get("free_text") == "true" else []
    if "to" in rule:
        aims = [aim.split(".") for aim in rule["to"]]
        when.append(some([aimed_at(*aim) for aim in aims]))
    unless = some([f'context.facts.contains("{fact}")' for fact in rule["unless"] or []])
    return f"forbid(principal,action,resource) when {{ {'&&'.join(f'({w})' for w in when)} }} unless {{ {unless} }};"  # noqa: E501 - one rule a line


def aimed_at(party: str, staff: str = "") -> str:
    return f'context.recipient == "{party}"' + (f' && context.role == "{staff}"' if staff else "")


def laws() -> Iterator[str]:
    for kind, law in dict.fromkeys((row["kind"], row["law"]) for row in BASES):
        ways = [basis_way(row) for row in BASES if (row["kind"], row["law"]) == (kind, law)]
        yield f'forbid(principal,action,resource) when {{ context.kind == "{kind}" }} unless {{ {some(ways)} }};'  # noqa: E501 - one rule a line


def basis_way(row: dict[str, str]) -> str:
    parts = [all_true(row["requires_facts"].split())]
    for column, name in (
        ("to", "recipient"), ("purpose", "purpose"), ("role", "role"), ("ident", "ident"),
    ):  # fmt: skip
        if row[f"only_when_{column}"]:
            parts.append(any_of(name, row[f"only_when_{column}"].split()))
    return " && ".join(parts)


def policies() -> str:
    never = "forbid(principal,action,resource) unless {{ {} }};"
    template = some([flow_way(flow, {}) for flow in PLAIN["flows"]])
    child = some([flow_way(flow, CHILD["flows"].get(flow["id"], {})) for flow in PLAIN["flows"]])
    rules = [prohibition(rule) for rule in PLAIN["prohibitions"] + CHILD["prohibitions"]]
    text = [never.format(template), never.format(child), *rules, *laws()]
    return "\n".join(["permit(principal,action,resource);", *text])


def request(asked: Slice, facts: frozenset[str]) -> dict[str, Any]:
    element = PLAIN["elements"][asked.element]
    context = {
        "sender": asked.sender, "recipient": asked.recipient, "role": asked.role,
        "purpose": asked.purpose, "element": asked.element, "kind": element["kind"],
        "ident": element["ident"],
        "free_text": element.get("free_text") == "true", "facts": sorted(facts),
    }  # fmt: skip
    return {
        "principal": 'P::"p"', "action": 'Action::"release"', "resource": 'R::"r"',
        "context": context,
    }  # fmt: skip


def compare(cells: list[tuple[Slice, frozenset[str]]]) -> tuple[int, int]:
    """Return how many cells were compared and how many were permitted, all agreeing."""
    answers = cedarpy.is_authorized_batch([request(*cell) for cell in cells], policies(), [])
    permitted = 0
    for (asked, facts), answer in zip(cells, answers, strict=True):
        ours = table().decide(asked, facts).permitted
        assert answer.allowed == ours, (asked, sorted(facts), answer.diagnostics)
        permitted += ours
    return len(cells), permitted


def test_cedar_agrees_on_every_minimal_permit_and_every_single_fact_less() -> None:
    cells = [(a, facts) for a, facts, d in table().cells() if d.permitted and len(facts) <= 4]
    less = [(asked, facts - {fact}) for asked, facts in cells for fact in facts]
    sample = random.Random(20260901).sample(cells + less, 1500)  # noqa: S311 a seeded sample

    compared, permitted = compare(sample)

    assert compared == 1500
    assert permitted > 100


def test_cedar_agrees_on_a_seeded_sample_of_all_facts() -> None:
    chance = random.Random(7)  # noqa: S311 a seeded sample
    names = sorted(load_facts())
    cells = [
        (chance.choice(table().slices()), frozenset(chance.sample(names, chance.randint(8, 29))))
        for _ in range(1500)
    ]

    compared, permitted = compare(cells)

    assert compared == 1500
    assert permitted > 20


def every_cell() -> list[tuple[Slice, frozenset[str]]]:
    return [(asked, frozenset(map(str, facts))) for asked, facts, _ in table().cells()]


@pytest.mark.turns(2)
def test_cedar_agrees_on_every_tenth_cell_from_a_drawn_one_on() -> None:
    first = random.randrange(10)  # noqa: S311 - the run prints its seed

    compared, permitted = compare(every_cell()[first::10])

    assert compared in {12_205, 12_206}, first
    assert permitted > 300


@pytest.mark.faults
def test_cedar_agrees_on_every_cell() -> None:
    assert compare(every_cell()) == (122_056, 6_561)
