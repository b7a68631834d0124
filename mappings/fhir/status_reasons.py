"""Why a Task stands where it does: ``statusReason`` in our codes, and in other systems' words.

``terminology/status-reasons.csv`` says which follow-up, and which why, each code gives;
``mappings/loop/words.csv`` what findhelp and School-Linked Services call that. Their word may say
less than our code: ours stands beside it. A word alone is read as what it says at least. The text a
profile asks for is always there (SDOHCC 3.0.0 Task For Referral Management).

INVARIANT: nothing of a status is made from a reason. A school may be told the one and not the
other.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from mappings.fhir.canonicals import SDOHCC_CODES
from mappings.fhir.elements import Json
from mappings.fhir.fixed import fixed
from mappings.fhir.issues import Issue
from mappings.fhir.terminology import CodeTable, table
from mappings.loop import STATES, State
from mappings.loop.words import VOCABULARIES, Outcome

REASONS: Final = table("status-reasons")
_PATH: Final = "Task.statusReason"
_WORDS: Final[Mapping[str, CodeTable]] = {
    system: table(f"{system}-statuses") for system in VOCABULARIES
}
_OUTCOMES: Final[Mapping[str, Outcome]] = {
    code: Outcome(row["business"], row["why"]) for code, row in REASONS.rows.items()
}
_CODES: Final[Mapping[Outcome, str]] = {outcome: code for code, outcome in _OUTCOMES.items()}


_SDOHCC: Final[Mapping[str, str]] = {
    row["sdohcc"]: code for code, row in REASONS.rows.items() if row["sdohcc"]
}
DECLINES: Final = tuple(
    code for code, outcome in _OUTCOMES.items() if outcome.business == "declined-by-provider"
)
"""The reasons a provider has to decline."""


def outcome_of(code: str) -> Outcome:
    """Return the follow-up code, and why, that a reason gives.

    Raises:
        KeyError: there is no such reason.
    """
    return _OUTCOMES[code]


def reason(code: str, text: str = "") -> Json:
    """Return a reason as ``Task.statusReason``, in the words of everybody who has one for it.

    Args:
        code: a code of ``status-reasons.csv``.
        text: the sender's own words; ours where there are none.

    Raises:
        KeyError: there is no such reason.
    """
    return {"coding": [*_codings(code)], "text": text or REASONS.rows[code]["display"]}


def _codings(code: str) -> Iterator[Json]:
    yield dict(REASONS.codings[code])
    if theirs := REASONS.rows[code]["sdohcc"]:
        yield {"system": SDOHCC_CODES, "code": theirs}
    for system, known in _WORDS.items():
        if word := VOCABULARIES[system].words[_OUTCOMES[code]].word:
            yield dict(known.codings[word])


WITHDRAWN: Final[Json] = fixed(reason("school-withdrew"))
"""The reason of every Task that a school ended; its own words stay with the school."""


def reason_code(concept: Json) -> str:
    """Return our code of a reason, from ours or from the words of others; "" where none says it.

    Raises:
        ValueError: its codings contradict each other, or ours is unknown.
    """
    codings = concept.get("coding", ())
    ours = {str(c.get("code")) for c in codings if c.get("system") == REASONS.system}
    if len(ours) > 1 or not ours <= set(REASONS.rows):
        raise ValueError(f"Give one code of {REASONS.system}.")
    found = next(iter(ours), "") or _read_alone(codings)
    if found and not _agree(found, codings):
        raise ValueError("The codings of the reason contradict each other.")
    return found


def _read_alone(codings: Sequence[Json]) -> str:
    """Return what the words of others say by themselves: the one that says most."""
    read = [_SDOHCC[c["code"]] for c in codings if _is_of(c, SDOHCC_CODES, _SDOHCC)]
    for system, known in _WORDS.items():
        reads = VOCABULARIES[system].reads
        said = [reads[c["code"]] for c in codings if _is_of(c, known.system, reads)]
        read += [_CODES[outcome] for outcome in said if outcome in _CODES]
    return max(read, key=lambda code: bool(_OUTCOMES[code].why), default="")


def _is_of(coding: Json, system: str, codes: Mapping[str, Any]) -> bool:
    return coding.get("system") == system and coding.get("code") in codes


def _agree(code: str, codings: Sequence[Json]) -> bool:
    """Return whether each word of others is what they call this reason, or says less of it."""
    said = {(c.get("system"), c.get("code")) for c in codings}
    theirs = {(c["system"], c["code"]) for c in (*_codings(code), *_codings(_plain(code)))}
    known = {SDOHCC_CODES: set(_SDOHCC)} | {k.system: set(k.rows) for k in _WORDS.values()}
    return all(pair in theirs for pair in said if pair[1] in known.get(str(pair[0]), ()))


def _plain(code: str) -> str:
    """Return the reason that says the same and leaves out why, where there is one."""
    return _CODES.get(Outcome(_OUTCOMES[code].business), code)


def judged_reason(concept: Json, state: State) -> tuple[Json, tuple[Issue, ...]]:
    """Return a reason as it is kept, with our codes beside what was said, or what is wrong with it.

    Args:
        concept: the statusReason as it was sent.
        state: what the Task is to say.
    """
    try:
        code = reason_code(concept)
    except ValueError as error:
        return concept, (Issue(f"{_PATH}.coding", "code-invalid", str(error)),)
    if not code:
        return concept, ()
    fitting = [each for each in STATES if each.status == state.status]
    codes = {state.business} if state.business else {each.business for each in fitting}
    if _OUTCOMES[code].business not in codes:
        known = [each for each, outcome in _OUTCOMES.items() if outcome.business in codes]
        text = f"That is no reason for {state}; one is: {', '.join(known) or 'none of the codes'}."
        return concept, (Issue(f"{_PATH}.coding", "business-rule", text),)
    said = [dict(coding) for coding in concept["coding"]]
    there = {(c.get("system"), c.get("code")) for c in said}
    more = [c for c in _codings(code) if (c["system"], c["code"]) not in there]
    return {**concept, "coding": [*said, *more]}, ()
