"""Findings: signed and not carried out, carried out and not signed, idle, or against a promise."""

import pytest

from consent.mou import read_bound, shipped_bound, shipped_document, shipped_ids
from consent.mou.coverage import uncovered
from consent.surface import conditions_of, prove, surfaces_of
from consent.surface.idle import idle_rules
from consent.table import compile_table
from tests.consent.worked_example import TEMPLATE, edited, problems_of, table

CT = shipped_document("ct-style-smh-template").decode()
PROMISES = "properties:\n"
P2 = "  - {id: P2,"


def findings(text: str) -> list[str]:
    bound = read_bound(text.encode(), "t.yaml", shipped_document)
    idle = idle_rules(bound, surfaces_of(bound), "t.yaml")
    return [str(one) for one in (*uncovered(bound, "t.yaml"), *(i.problem for i in idle))]


@pytest.mark.parametrize(
    ("old", "new", "stands_at", "expected"),
    [
        ("settings: [], text_only: true}", "settings: []}", '"14":',
         ('clause "14" is signed and no rule or setting carries it out; '
         "name them under rules or settings, or say text_only: true")),
        ("rules: [P1, P6]", "rules: [P6]", "{id: P1",
         "rule P1 is carried out and no clause was signed for it; name it under a clause's rules"),
        ('clause: "9"', 'clause: "10"', '"10"\n  - id: F10',
         ('flow F9 says clause "10", which does not name it; '
         "name it there, or say the right clause")),
    ],
)  # fmt: skip
def test_a_gap_between_paper_and_rules_is_a_finding_with_its_place(
    old: str, new: str, stands_at: str, expected: str
) -> None:
    text = edited(TEMPLATE, old, new)
    before = text[: text.index(stands_at)].split("\n")

    assert findings(text) == [f"t.yaml:{len(before)}:{len(before[-1]) + 1}: {expected}"]


def test_to_hold_a_disputed_consent_takes_a_prohibition_on_refusals() -> None:
    refusals = next(line for line in TEMPLATE.splitlines() if "{id: P6," in line)
    text = edited(edited(TEMPLATE, f"{refusals}\n", ""), "rules: [P1, P6]", "rules: [P1]")
    place = text[: text.index("guardians_disagree: hold")].count("\n") + 1

    found = findings(text)

    assert [one.split(":")[1] for one in found] == [str(place)]
    assert "write one with when: [dissent]" in found[0]
    assert (
        findings(edited(text, "guardians_disagree: hold", "guardians_disagree: any_one_signs"))
        == []
    )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "elements: [claim.core]",
            "elements: [claim.core, therapy.notes]",
            "flow F9 names therapy.notes, which can never be permitted: no facts can open it",
        ),
        (
            "recipients: [referral_coordinator, counselor]",
            "recipients: [referral_coordinator, counselor, administrator]",
            "flow F2 names administrator, which can never be permitted",
        ),
        (
            P2,
            "  - {id: P0, text: Again., kinds: [psychotherapy_note], to: [lea], unless: []}\n" + P2,
            "prohibition P0 does nothing: prohibition P2 objects whenever it does",
        ),
        (
            "kinds: [psychotherapy_note], unless",
            "kinds: [psychotherapy_note], elements: [sud.row], unless",
            "prohibition P2 does nothing: no slice is both of all it names",
        ),
    ],
)
def test_a_rule_that_does_nothing_is_a_finding(old: str, new: str, expected: str) -> None:
    assert any(expected in line for line in findings(edited(TEMPLATE, old, new)))


@pytest.mark.parametrize("document", shipped_ids())
def test_the_shipped_documents_have_no_findings(document: str) -> None:
    bound = shipped_bound(document)

    assert uncovered(bound, document) == ()
    idle = idle_rules(bound, surfaces_of(bound), document)
    assert [str(one.problem) for one in idle if not one.meant] == []


def test_the_dead_permit_that_an_agreement_means_is_told_apart() -> None:
    bound = shipped_bound("millbrook-harbor-2026")

    (idle,) = idle_rules(bound, surfaces_of(bound), "m")

    assert idle.meant
    assert str(idle.problem).startswith("m:24:3: flow F6 names sud.row")


def test_the_whole_table_is_counted_as_the_engine_counts_it() -> None:
    counted = sum(1 for _ in table().cells())
    bound = shipped_bound("millbrook-harbor-2026")

    conditions = conditions_of(bound.template, bound.agreements[0], bound.law)

    proof = prove(conditions, bound.template)

    assert (proof.slices, proof.cells, proof.permits) == (204, counted, 6_561)


@pytest.mark.parametrize("document", shipped_ids())
def test_what_the_shipped_documents_promise_holds_in_every_cell(document: str) -> None:
    bound = shipped_bound(document)

    for agreement in bound.agreements:
        proof = prove(conditions_of(bound.template, agreement, bound.law), bound.template)
        assert proof.cells > 90_000
        assert proof.failures == ()


@pytest.mark.parametrize(
    ("promise", "facts", "element"),
    [
        ("never: {elements: [visit.dates], to: lea}", "c_health enrolled in_force", "visit.dates"),
        ("requires_all: [c_ferpa], where: {from: lea, purposes: [refer]}",
         "deidentified enrolled in_force provider_active", "referral.urgency"),
        ("requires_one_of: [c_ferpa, threat_documented], where: {from: lea, purposes: [refer]}",
         "deidentified enrolled in_force provider_active", "referral.urgency"),
        ("closed_when: [minor_consented_care], where: {to: payer}",
         "in_force minor_consented_care", "claim.core"),
        ("carries: [HUAPRV], where: {elements: [referral.status], to: lea}",
         "c_health enrolled in_force", "referral.status"),
    ],
)  # fmt: skip
def test_a_broken_promise_brings_the_smallest_cell_against_it(
    promise: str, facts: str, element: str
) -> None:
    text = TEMPLATE + f"{PROMISES}  - {{id: S1, text: Promised., {promise}}}\n"
    bound = read_bound(text.encode(), "t.yaml", shipped_document)

    proof = prove(conditions_of(bound.template, bound.agreements[0], bound.law), bound.template)

    (failure,) = proof.failures
    assert (" ".join(failure.facts), failure.asked.element) == (facts, element)
    assert table_permits(bound_text=text, asked=failure.asked, facts=failure.facts)


def table_permits(bound_text: str, asked: object, facts: tuple[str, ...]) -> bool:
    """Ask the engine itself whether the counterexample leaves."""
    bound = read_bound(bound_text.encode(), "t.yaml", shipped_document)
    engine = compile_table(bound.template, bound.agreements[0], bound.law)
    return engine.decide(asked, facts).permitted  # type: ignore[arg-type] # facts as text


@pytest.mark.parametrize(
    ("promise", "expected"),
    [
        ("never: {kinds: [psychotherapy_notes]}", 'did you mean "psychotherapy_note"?'),
        ("requires_one_of: []", "requires_one_of: names nothing"),
        ("requires_all: [c_fepra]", 'did you mean "c_ferpa"?'),
        ("carries: [NORELINKS]", 'did you mean "NORELINK"?'),
        ("where: {to: lea}", "says exactly one of never, requires_one_of"),
        ("never: {}", "never: names nothing"),
        ("never: {to: hub}, where: {to: lea}", "write the scope under never itself"),
        ("carries: [AOD], unless: [c_ferpa]", "stands only beside closed_when"),
        ("never: {to: hub}, carries: [AOD]", "says exactly one of"),
    ],
)
def test_a_promise_that_errs_is_refused(promise: str, expected: str) -> None:
    text = TEMPLATE + f"{PROMISES}  - {{id: S1, text: Promised., {promise}}}\n"

    problems = problems_of(read_bound, text.encode(), "t.yaml", shipped_document)

    assert any(expected in problem for problem in problems), problems
