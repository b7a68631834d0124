"""From compiled conditions and facts to a decision, and to the vote of every layer."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from consent.conditions import Conditions, Denial, Layer, Way, facts_in
from consent.duties import ConsentScope, Duty, Extent, Review, duty_rules, lowest, notice
from consent.model import Decision, FactName, Outcome, Slice

_Facts = TypeVar("_Facts")

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


def guarded(answer: Callable[[Slice, _Facts], Decision], asked: Slice, facts: _Facts) -> Decision:
    """Take an answer that may fail.

    INVARIANT: deny on error. Whatever goes wrong inside is a denial.
    """
    try:
        return answer(asked, facts)
    except Exception:  # noqa: BLE001 an error here becomes the answer no
        return FAILED


def judge(conditions: Conditions, bits: int) -> Decision:
    """Decide one cell: every objection in the order of judgement, or a permit with its duties."""
    if not conditions.known:
        return UNKNOWN_SLICE
    objecting, unmet = _objections(conditions, bits)
    if objecting or unmet:
        return _denied(conditions, objecting, unmet, bits)
    return _permitted(conditions, bits)


def _objections(conditions: Conditions, bits: int) -> tuple[list[Denial], list[Layer]]:
    objecting = [denial for denial in conditions.denials if denial.objects(bits)]
    unmet = [layer for layer in conditions.layers if not any(layer.met(bits))]
    return objecting, unmet


def _denied(
    conditions: Conditions, objecting: list[Denial], unmet: list[Layer], bits: int
) -> Decision:
    reasons = (
        *(f"prohibition:{denial.id}" for denial in objecting),
        *(layer.objection for layer in unmet),
    )
    missing = lifting(objecting[0]) if objecting else nearest(unmet[0], bits)
    clause = objecting[0].clause if objecting else conditions.clause
    waits = not any(_objections(conditions, bits | conditions.review))
    extent = Extent.HOLD if waits else Extent.DENY
    return Decision(Outcome.DENY, reasons, clause=clause, missing=missing, extent=extent)


def _permitted(conditions: Conditions, bits: int) -> Decision:
    *laws, template, agreement = conditions.layers
    flow = next(agreement.met(bits))
    bases = [(law, next(law.met(bits))) for law in laws]
    used = [*(basis for _, basis in bases), *template.met(bits), *agreement.met(bits)]
    duties = {code: _duty(code, way, conditions) for way in used for code in way.obligations}
    return Decision(
        Outcome.PERMIT,
        (f"flow:{flow.name}", *(f"{law.name}:{basis.name}" for law, basis in bases)),
        clause=flow.clause,
        obligations=tuple(sorted(duties)),
        bases=tuple(basis.name for _, basis in bases),
        flow=flow.name,
        extent=lowest(way.extent for way in used),
        duties=tuple(duties[code] for code in sorted(duties)),
    )


def _duty(code: str, way: Way, conditions: Conditions) -> Duty:
    rule = duty_rules().get(code)
    match rule and rule.payload:
        case "notice":
            return Duty(code, notice(code))
        case "consent":
            return Duty(code, ConsentScope(way.form, way.name))
        case "review":
            return Duty(code, Review(conditions.review_hours))
        case _:
            return Duty(code)


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
        missing=nearest(layer, bits),
    )
