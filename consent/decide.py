"""From compiled conditions and facts to a decision, and to the vote of every layer."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from consent.conditions import Conditions, Denial, Layer, bits_of, facts_in
from consent.model import Decision, FactName, Outcome, Slice

UNKNOWN_SLICE = Decision(Outcome.DENY, ("unknown-slice",))
# Something went wrong inside: the answer is no, and the reason says that it is not a rule's.
FAILED = Decision(Outcome.DENY, ("decision-failed",))


@dataclass(frozen=True, slots=True)
class Vote:
    """What one layer says of one cell.

    Attributes:
        layer: ``prohibition:ID``, ``law:NAME``, ``template`` or ``agreement``.
        agrees: whether it lets the element pass.
        by: the bases or flows that hold, or that could.
        clause: of the paper, or "".
        missing: the facts whose truth would make it agree, the nearest way; empty if none can.
    """

    layer: str
    agrees: bool
    by: tuple[str, ...]
    clause: str
    missing: tuple[FactName, ...] = ()


def decide(
    answer: Callable[[Slice, int], Decision], asked: Slice, facts: Collection[str]
) -> Decision:
    """Decide one slice under the facts that are true.

    INVARIANT: deny on error. Whatever goes wrong inside is a denial, and so is a name that is no
    fact: a misspelt fact must not pass for one that is false.
    """
    try:
        return answer(asked, bits_of(facts))
    except Exception:  # noqa: BLE001 an error here becomes the answer no
        return FAILED


def judge(conditions: Conditions, bits: int) -> Decision:
    """Decide one cell: every objection in the order of judgement, or a permit with its duties."""
    if not conditions.known:
        return UNKNOWN_SLICE
    objecting = [denial for denial in conditions.denials if denial.objects(bits)]
    unmet = [layer for layer in conditions.layers if not any(layer.met(bits))]
    if objecting or unmet:
        return _denied(conditions, objecting, unmet, bits)
    return _permitted(conditions, bits)


def _denied(
    conditions: Conditions, objecting: list[Denial], unmet: list[Layer], bits: int
) -> Decision:
    reasons = (
        *(f"prohibition:{denial.id}" for denial in objecting),
        *(layer.objection for layer in unmet),
    )
    missing = lifting(objecting[0]) if objecting else nearest(unmet[0], bits)
    clause = objecting[0].clause if objecting else conditions.clause
    return Decision(Outcome.DENY, reasons, clause=clause, missing=missing)


def _permitted(conditions: Conditions, bits: int) -> Decision:
    *laws, template, agreement = conditions.layers
    flow = next(agreement.met(bits))
    bases = [(law, next(law.met(bits))) for law in laws]
    duties = {code for _, basis in bases for code in basis.obligations}
    for layer in (template, agreement):
        duties.update(code for way in layer.met(bits) for code in way.obligations)
    return Decision(
        Outcome.PERMIT,
        (f"flow:{flow.name}", *(f"{law.name}:{basis.name}" for law, basis in bases)),
        clause=flow.clause,
        obligations=tuple(sorted(duties)),
        bases=tuple(basis.name for _, basis in bases),
        flow=flow.name,
    )


def lifting(denial: Denial) -> tuple[FactName, ...]:
    """Return the facts any one of which would lift a prohibition, sorted."""
    return tuple(sorted(facts_in(denial.unless)))


def nearest(layer: Layer, bits: int) -> tuple[FactName, ...]:
    """Return the facts still missing on the way that lacks the fewest (first in case of a tie)."""
    lacking = [way.needs & ~bits for way in layer.ways]
    return tuple(sorted(facts_in(min(lacking, key=int.bit_count)))) if lacking else ()


def votes(conditions: Conditions, bits: int) -> Iterator[Vote]:
    """Yield the vote of every layer, in the order of judgement."""
    for denial in conditions.denials:
        objects = denial.objects(bits)
        missing = lifting(denial) if objects else ()
        yield Vote(f"prohibition:{denial.id}", not objects, (denial.id,), denial.clause, missing)
    for layer in conditions.layers:
        yield _vote(layer, bits)


def _vote(layer: Layer, bits: int) -> Vote:
    met = tuple(layer.met(bits))
    shown = met or layer.ways
    return Vote(
        layer=layer.name,
        agrees=bool(met),
        by=tuple(way.name for way in shown),
        clause=shown[0].clause if shown else "",
        missing=() if met else nearest(layer, bits),
    )
