"""How far an element may go, and what rides with it: the lattice and the duties with payload."""

from datetime import UTC, datetime, timedelta

import pytest

from consent.codes import obligation_codes
from consent.duties import (
    ConsentScope,
    Duty,
    Extent,
    Notice,
    Review,
    able,
    beyond,
    discharging,
    duty_rules,
    extent_of,
    lowest,
    notice,
    notice_rules,
)
from consent.model import Decision
from consent.mou import read_agreement, read_template, seal
from consent.table import DecisionTable, compile_table
from tests.consent.worked_example import (
    AGREEMENT,
    TEMPLATE,
    agreement_with,
    edited,
    law,
    slice_of,
    table,
)

F1 = slice_of("lea provider intake refer referral.reason")
F1_FACTS = ("in_force", "enrolled", "provider_active", "c_ferpa")
F4 = slice_of("provider lea counselor follow visit.type")
F4_FACTS = ("in_force", "enrolled", "c_health", "guardian_saw_text")
F1_DUTIES = "obligations: [NORDSCLCD, AOD, MINEC]"


def with_f1_duties(codes: str, able_to: frozenset[str] = able()) -> DecisionTable:
    """Return the table in which the template's F1 carries these duties."""
    template = read_template(edited(TEMPLATE, F1_DUTIES, f"obligations: [{codes}]").encode(), "t")
    agreement = read_agreement(seal(AGREEMENT.encode(), template), "a", template)
    return compile_table(template, agreement, law(), able_to)


def payloads(decision: Decision) -> dict[str, object]:
    return {duty.code: duty.payload for duty in decision.duties}


def test_the_lattice_has_seven_steps_in_order() -> None:
    assert [str(extent) for extent in Extent] == [
        "deny", "aggregate", "pseudonym", "redact", "hold-for-review",
        "permit-with-duties", "permit",
    ]  # fmt: skip


def test_the_lowest_extent_wins_and_no_duty_at_all_is_a_plain_permit() -> None:
    assert lowest(()) is Extent.PERMIT
    assert lowest((Extent.DUTIES, Extent.PSEUDONYM, Extent.REDACT)) is Extent.PSEUDONYM
    assert lowest((Extent.PERMIT, Extent.DENY)) is Extent.DENY


@pytest.mark.parametrize(
    ("question", "facts", "extent"),
    [
        ("lea provider intake refer referral.reason", "in_force enrolled provider_active c_ferpa",
         "permit-with-duties"),
        ("lea provider intake refer referral.reason", "enrolled provider_active c_ferpa", "deny"),
        ("provider hub loader report enc.row", "in_force state_mandate pseudonymised c_health",
         "pseudonym"),
        ("hub public anyone report agg.cell", "n_at_least_min complement_safe", "aggregate"),
        ("lea family guardian rights student.name", "identity_proofed rights_holder", "permit"),
        ("provider lea counselor follow visit.type",
         "in_force enrolled c_health guardian_saw_text", "hold-for-review"),
        ("provider lea counselor follow visit.type",
         "in_force enrolled c_health guardian_saw_text human_reviewed", "permit-with-duties"),
        ("provider lea counselor follow visit.type",
         "in_force enrolled c_health guardian_saw_text dissent", "deny"),
        ("provider lea teacher follow visit.type", "in_force enrolled c_health", "deny"),
    ],
)  # fmt: skip
def test_each_cell_says_how_far_it_lets_an_element_go(
    question: str, facts: str, extent: str
) -> None:
    decision = table().decide(slice_of(question), facts.split())

    assert decision.extent == extent
    assert decision.permitted == (extent not in {"deny", "hold-for-review"})


def test_what_waits_for_a_review_does_not_leave_and_says_what_is_missing() -> None:
    decision = table().decide(F4, F4_FACTS)

    assert not decision.permitted
    assert decision.missing == ("human_reviewed",)
    assert decision.duties == ()


def test_a_review_duty_holds_also_where_the_flow_forgot_to_require_the_review() -> None:
    reviewed = with_f1_duties("AOD, HUAPRV")

    held, released = (reviewed.decide(F1, f) for f in (F1_FACTS, (*F1_FACTS, "human_reviewed")))

    assert (held.extent, held.permitted) == (Extent.HOLD, False)
    assert (released.extent, released.permitted) == (Extent.DUTIES, True)
    assert "human_reviewed" in reviewed.relevant_facts(F1)


def test_the_lowest_of_several_duties_decides_how_far() -> None:
    asked = slice_of("provider hub loader report enc.row")
    facts = ("in_force", "state_mandate", "pseudonymised", "c_health")

    decision = table().decide(asked, facts)

    assert {"PSEUD", "NORELINK"} <= set(decision.obligations)
    assert decision.extent is Extent.PSEUDONYM


@pytest.mark.parametrize("code", ["PSEUD", "ANONY"])
def test_a_duty_that_cannot_be_carried_out_towards_this_recipient_is_a_denial(code: str) -> None:
    impossible = with_f1_duties(f"AOD, {code}")

    decision = impossible.decide(F1, F1_FACTS)

    assert decision.reasons == (f"duty:{code}", f"duty:{code}")
    assert impossible.filter(F1).never


def test_a_duty_nobody_can_carry_out_is_a_denial_that_names_it() -> None:
    impossible = with_f1_duties("AOD, REDACT")

    decision = impossible.decide(F1, F1_FACTS)

    assert decision.reasons == ("duty:REDACT", "duty:REDACT")
    assert (decision.permitted, decision.extent) == (False, Extent.DENY)
    assert impossible.filter(F1).never


def test_a_sender_that_can_carry_out_more_may_send_and_one_that_can_less_may_not() -> None:
    redacting = with_f1_duties("AOD, REDACT", able() | {"REDACT"})
    without_ledger = with_f1_duties("NORDSCLCD, AOD, MINEC", able() - {"AOD"})

    assert redacting.decide(F1, F1_FACTS).extent is Extent.REDACT
    assert without_ledger.decide(F1, F1_FACTS).reasons[0] == "duty:AOD"


def test_a_sender_may_declare_a_duty_we_know_no_rule_for() -> None:
    marking = with_f1_duties("PRIVMARK", able() | {"PRIVMARK"})

    decision = marking.decide(F1, F1_FACTS)

    assert decision.extent is Extent.DUTIES
    assert payloads(decision)["PRIVMARK"] is None


def test_an_agreement_that_adds_a_duty_nobody_can_carry_out_closes_its_flow() -> None:
    added = agreement_with("add_obligations: []", "add_obligations: [PRIVMARK]")
    closed = compile_table(read_template(TEMPLATE.encode(), "t"), added, law())

    assert closed.decide(F1, F1_FACTS).reasons == ("duty:PRIVMARK",)
    assert closed.decide(F4, (*F4_FACTS, "human_reviewed")).permitted


def test_a_basis_whose_companion_cannot_ride_along_is_no_basis() -> None:
    asked = slice_of("provider hub loader report sud.row")
    mute = with_f1_duties("AOD", able() - {"p2.copy_or_scope"})

    votes = {vote.layer: vote.agrees for vote in mute.explain(asked, ["c_part2"])}

    assert votes["law:PART2"] is False


def test_every_declared_duty_is_a_known_code_and_says_who_carries_it_out() -> None:
    rules = duty_rules()

    assert rules.keys() <= obligation_codes()
    assert able() == {code for code, rule in rules.items() if rule.carried_out_by}
    assert not {"REDACT", "MASK", "DEID"} & able()


def test_the_ferpa_notice_rides_in_english_and_spanish_wherever_ferpa_governs() -> None:
    riding = payloads(table().decide(F1, F1_FACTS))["ferpa.9933"]

    assert isinstance(riding, Notice)
    assert riding.id == "ferpa.9933"
    assert "99.33" in riding.text("en")
    assert "expediente educativo" in riding.text("es")
    with pytest.raises(KeyError):
        riding.text("fr")


def test_a_notice_that_is_not_written_is_not_made_up() -> None:
    assert (notice("p2.notice").id, notice("p2.notice").cite) == ("p2.notice", "42 CFR 2.32")
    assert [tongue for tongue, text in notice("ferpa.9933").texts if text] == ["en", "es"]
    assert all(text == text.strip() for _, text in notice("ferpa.9933").texts)
    with pytest.raises(LookupError, match="no such notice"):
        notice("p3.notice")


@pytest.mark.parametrize(
    ("codes", "extent", "facts"),
    [
        ((), Extent.PERMIT, ()),
        (("AOD",), Extent.DUTIES, ()),
        (("HUAPRV",), Extent.DUTIES, ("human_reviewed",)),
        (("no-such-code",), Extent.DUTIES, ()),
        (("HUAPRV", "PSEUD", "AOD"), Extent.PSEUDONYM, ("human_reviewed",)),
        (("ANONY", "PSEUD"), Extent.AGGREGATE, ()),
    ],
)
def test_what_codes_do_to_a_release_once_each_is_discharged(
    codes: tuple[str, ...], extent: Extent, facts: tuple[str, ...]
) -> None:
    assert extent_of(codes) is extent
    assert discharging(codes) == facts


def test_the_first_duty_that_cannot_be_carried_out_is_named() -> None:
    assert beyond(("AOD", "REDACT", "MASK"), {"AOD"}, "provider") == "REDACT"
    assert beyond(("AOD",), {"AOD"}, "provider") == beyond((), (), "provider") == ""


@pytest.mark.parametrize(
    ("law_name", "basis", "recipient", "rides"),
    [
        ("FERPA", "ferpa.consent", "provider", True),
        ("HIPAA", "ferpa.consent", "provider", False),
        ("FERPA", "ferpa.consent", "family", False),
        ("FERPA", "ferpa.deid", "provider", False),
    ],
)
def test_a_notice_rides_with_the_bases_of_its_law_but_for_some(
    law_name: str, basis: str, recipient: str, rides: bool
) -> None:
    rule = next(rule for rule in notice_rules() if rule.id == "ferpa.9933")

    assert rule.rides(law_name, basis, recipient) is rides


def test_the_family_gets_its_own_record_without_a_notice() -> None:
    asked = slice_of("lea family guardian rights student.name")

    decision = table().decide(asked, ["identity_proofed", "rights_holder", "c_ferpa"])

    assert decision.permitted
    assert decision.duties == ()


def test_a_dataset_without_identities_brings_no_notice() -> None:
    asked = slice_of("lea hub loader report ref.row")
    facts = ["in_force", "audit_eval_agreement", "pseudonymised"]

    assert "ferpa.9933" in table().decide(asked, facts).obligations
    coded = next(v for v in table().explain(asked, ["deidentified"]) if v.layer == "law:FERPA")
    assert coded.by == ("ferpa.deid",)


def test_part_2_data_rides_with_its_notice_and_the_scope_of_the_consent_used() -> None:
    agreed = agreement_with("elements: [sud.row], unless: []", "elements: [claim.core], unless: []")
    opened = compile_table(read_template(TEMPLATE.encode(), "t"), agreed, law())
    asked = slice_of("provider hub loader report sud.row")
    facts = ["in_force", "state_mandate", "pseudonymised", "c_health", "c_part2"]

    found = payloads(opened.decide(asked, facts))

    assert found["p2.copy_or_scope"] == ConsentScope(form="part2", basis="p2.consent")
    assert isinstance(found["p2.notice"], Notice)
    assert found["PSEUD"] is None


def test_an_emergency_carries_the_hours_within_which_it_is_reviewed() -> None:
    asked = slice_of("lea provider clinician safety safety.alert")
    review = payloads(table().decide(asked, ["threat_documented"]))["REVIEW72H"]
    at = datetime(2026, 11, 1, 5, tzinfo=UTC)

    assert review == Review(hours=72)
    assert isinstance(review, Review)
    assert review.due(at) == at + timedelta(days=3)


def test_an_agreement_may_shorten_the_review() -> None:
    sooner = agreement_with("small_cell: {min_n: 15}", "emergency: {review_within_hours: 24}")
    narrower = compile_table(read_template(TEMPLATE.encode(), "t"), sooner, law())
    asked = slice_of("lea provider clinician safety safety.alert")

    found = payloads(narrower.decide(asked, ["threat_documented"]))

    assert found["REVIEW72H"] == Review(hours=24)


def test_the_codes_of_the_duties_are_the_obligations() -> None:
    decision = table().decide(F1, F1_FACTS)

    assert decision.obligations == ("AOD", "MINEC", "NORDSCLCD", "ferpa.9933")
    assert tuple(duty.code for duty in decision.duties) == decision.obligations


def test_a_ledger_keeps_the_form_and_basis_with_a_duty_whose_scope_rides_along() -> None:
    assert str(Duty("p2.copy_or_scope", ConsentScope("part2", "p2.consent"))) == (
        "p2.copy_or_scope part2 p2.consent"
    )
    assert str(Duty("AOD")) == "AOD"


def test_an_extent_nobody_knows_lets_nothing_leave_though_somebody_says_to_do_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = ["code,extent,carried_out_by,discharged_by,payload,only_to"]
    lines += ["NEW,transmogrify,gate: somebody,,,", "AOD,permit-with-duties,ledger: entered,,,"]
    caches = (duty_rules, able)
    for cached in caches:
        cached.cache_clear()
    try:
        with monkeypatch.context() as patch:
            patch.setattr("consent.duties._text", lambda _: "\n".join(lines))
            assert duty_rules()["NEW"].extent is Extent.DENY
            assert able() == frozenset({"AOD"})
    finally:
        for cached in caches:
            cached.cache_clear()
