"""The consent rows: the same papers and the same questions for each engine.

Cedar's text is the one the tests compare with the table on every cell. Questions are a seeded
sample over the cells of the worked agreement, a third of them permits.
"""

import random
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cedarpy
from regopy import Interpreter

from benchmarks.arms import consent_rego
from benchmarks.frame import Arms, Sample, UnequalOutputError
from consent.columns import FactColumns
from consent.facts import load_facts
from consent.model import Slice
from consent.mou import shipped_document
from consent.mou.library import Bound, read_bound
from consent.table import DecisionTable, compile_table
from tests.consent.oracles import cedar
from tests.consent.oracles.shipped import Paper, papers

PAPER = "millbrook-harbor-2026"
# School supports to a counselor: more facts matter than in most slices.
ONE_SLICE = Slice("provider", "lea", "counselor", "follow", "school.supports")
MANY = 1 << 20
Answers = list[bool]


@dataclass(frozen=True)
class Questions:
    """Questions in the form each engine takes.

    Attributes:
        asked, bits, records: slice, facts as a number, facts as a dict by name.
        contexts: for Cedar and Rego, what they are told of each slice but its facts.
    """

    paper: Paper
    asked: list[Slice]
    bits: list[int]
    records: list[dict[str, bool]]
    contexts: list[dict[str, Any]]


def worked_paper() -> Paper:
    """Return the worked agreement."""
    return next(paper for paper in papers() if paper.name == PAPER)


def questions(count: int, only: Slice | None = None) -> Questions:
    """Return a seeded sample of cells."""
    paper = worked_paper()
    names = [str(name) for name in load_facts()]
    slices = [only] if only else paper.table.slices()
    cells = [(s, b, d.permitted) for s in slices for b, d in paper.table.cells_of(s)]
    chance = random.Random(52)  # noqa: S311 a seeded sample
    open_cells = [cell for cell in cells if cell[2]]
    shut = [cell for cell in cells if not cell[2]]
    chosen = chance.choices(open_cells, k=count // 3) + chance.choices(shut, k=count - count // 3)
    chance.shuffle(chosen)
    return Questions(
        paper,
        [asked for asked, _, _ in chosen],
        [bits for _, bits, _ in chosen],
        [{name: bool(bits >> i & 1) for i, name in enumerate(names)} for _, bits, _ in chosen],
        [cedar.context(asked, paper, names) for asked, _, _ in chosen],
    )


def ours_read(q: Questions) -> Answers:
    """Decide with reasons, facts already read."""
    decide = q.paper.table.decide_bits
    return [decide(a, b).permitted for a, b in zip(q.asked, q.bits, strict=True)]


def ours_records(q: Questions) -> Answers:
    """Decide with reasons, facts read from each record."""
    decide = q.paper.table.decide_record
    return [decide(a, r).permitted for a, r in zip(q.asked, q.records, strict=True)]


def cedar_arm(q: Questions, *, ready: bool) -> Callable[[], Answers]:
    """Ask Cedar in batches, its policies and entities parsed once.

    Args:
        q: the questions.
        ready: whether the requests are made beforehand (facts already read).
    """
    policies = cedarpy.PolicySet.from_str(cedar.exported(q.paper))
    nobody = cedarpy.Entities.from_json_str("[]")

    def requests() -> list[dict[str, Any]]:
        pairs = zip(q.contexts, q.records, strict=True)
        return [_request({**context, "facts": record}) for context, record in pairs]

    made = requests()

    def ask() -> Answers:
        wanted = made if ready else requests()
        return [a.allowed for a in cedarpy.is_authorized_batch(wanted, policies, nobody)]

    return ask


def _request(context: dict[str, Any]) -> dict[str, Any]:
    names = {"principal": 'P::"p"', "action": 'Action::"release"', "resource": 'R::"r"'}
    return {**names, "context": context}


def rego_arm(q: Questions) -> Callable[[], Answers]:
    """Ask Rego, its policy compiled once to a bundle, its inputs made beforehand."""
    engine = Interpreter()
    engine.add_module("release", consent_rego.exported(q.paper))
    bundle = engine.build("data.release.allow")
    pairs = zip(q.contexts, q.records, strict=True)
    inputs = [{**c, "facts": r, "aims": _aims(c)} for c, r in pairs]

    def ask() -> Answers:
        answers = []
        for each in inputs:
            engine.set_input(each)
            answers.append("true" in str(engine.query_bundle(bundle)))
        return answers

    return ask


def _aims(context: dict[str, Any]) -> list[str]:
    return [context["recipient"], f"{context['recipient']}.{context['role']}"]


def timed(ask: Callable[[], Sequence[object]], times: int = 1) -> Sample:
    """Count what some calls decide, and their CPU time."""
    ask()
    start = time.process_time()
    units = sum(len(ask()) for _ in range(times))
    return Sample(units, time.process_time() - start)


def arms(
    ours: Callable[[], Answers], reference: Callable[[], Answers], times: int, theirs: int = 1
) -> Arms:
    """Return both arms, shown to answer alike.

    Raises:
        UnequalOutputError: they do not.
    """
    mine = ours()
    if mine != reference() or not 0 < sum(mine) < len(mine):
        raise UnequalOutputError("the engines answer differently, or all alike")
    return Arms(lambda: timed(ours, times), lambda: timed(reference, theirs))


def column_arms() -> Arms:
    """Decide one slice for a million records, and for a share of them one at a time.

    Raises:
        UnequalOutputError: they answer differently.
    """
    few = questions(20_000, ONE_SLICE)
    table = few.paper.table
    masks = array("I", (few.bits * (MANY // len(few.bits) + 1))[:MANY])

    def columns(facts: "array[int]") -> bytes:
        return table.decide_many(ONE_SLICE, FactColumns(facts)).flags()

    if list(columns(array("I", few.bits))) != ours_read(few):
        raise UnequalOutputError("columns and single decisions differ")
    return Arms(lambda: timed(lambda: columns(masks), 3), lambda: timed(lambda: ours_read(few), 5))


def compile_arms() -> Arms:
    """Compile the worked agreement, and read its papers.

    Raises:
        UnequalOutputError: the papers read anew compile to another table.
    """
    paper = worked_paper()

    def read() -> list[Bound]:
        return [read_bound(shipped_document(PAPER), PAPER, shipped_document)]

    def compiled() -> list[DecisionTable]:
        return [compile_table(paper.template, paper.agreement, paper.law)]

    (bound,) = read()
    anew = compile_table(bound.template, bound.agreements[0], bound.law)
    if anew.digest != compiled()[0].digest:
        raise UnequalOutputError("the papers read anew compile to another table")
    return Arms(lambda: timed(compiled, 5), lambda: timed(read, 3))
