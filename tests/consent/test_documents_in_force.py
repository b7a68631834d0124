"""What loaded documents say: digests, dates, clauses, parties, narrowed numbers."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from consent.mou import (
    Template,
    clause_of,
    in_force,
    notices,
    read_agreement,
    read_template,
    shipped_agreement,
    shipped_document,
    shipped_template,
)
from tests.consent.worked_example import (
    AGREEMENT,
    TEMPLATE,
    agreement_with,
    edited,
    problems_of,
    template_with,
)

NEW_YORK = ZoneInfo("America/New_York")


def test_the_digest_does_not_follow_comments_order_or_layout() -> None:
    lines = [line.split(" # ")[0].rstrip() for line in TEMPLATE.splitlines()]
    other = "\r\n".join(line for line in lines if line and not line.startswith("#"))
    moved = edited(
        TEMPLATE, 'id: xx-smh-template\nversion: "2026.1"', "version: '2026.1'\nid: xx-smh-template"
    )

    assert read_template(other.encode(), "t.yaml").digest == shipped_template().digest
    assert read_template(moved.encode(), "t.yaml").digest == shipped_template().digest


def test_the_digest_follows_every_word() -> None:
    assert template_with("text: Claims.", "text: Claim.").digest != shipped_template().digest


def test_the_digest_is_the_same_on_every_machine() -> None:
    assert shipped_template().digest == (
        "sha256:4bf4557c84315ab7aa0d3b2008369277a8326a6a3244ae18715ffd5feeacf452"
    )


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2026-08-23T23:59:59", False),
        ("2026-08-24T00:00:00", True),
        ("2027-06-30T23:59:59", True),
        ("2027-07-01T00:00:00", False),
    ],
)
def test_an_agreement_holds_from_first_to_last_day_of_the_districts_zone(
    local: str, expected: bool
) -> None:
    at = datetime.fromisoformat(local).replace(tzinfo=NEW_YORK)

    assert in_force(shipped_agreement(), shipped_template(), at.astimezone(UTC)) is expected


def test_an_agreement_in_another_zone_waits_for_its_templates_first_instant() -> None:
    early = AGREEMENT.replace("from: 2026-08-24", "from: 2026-07-01")
    early = early.replace("America/New_York", "Pacific/Kiritimati").replace(
        "on: 2026-08", "on: 2026-05"
    )
    agreement = read_agreement(early.encode(), "a.yaml", shipped_template())
    at = datetime(2026, 6, 30, 12, tzinfo=UTC)

    assert agreement.effective.holds(at)
    assert not in_force(agreement, shipped_template(), at)
    assert in_force(agreement, shipped_template(), datetime(2026, 7, 1, 4, tzinfo=UTC))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("status: in-force", "status: suspended"),
        ("status: in-force", "status: draft"),
        ("status: in-force", "status: ended"),
        ("signed_on: 2026-08-21", "signed_on: 2026-12-01"),
    ],
)
def test_an_agreement_does_not_hold_unless_in_force_and_signed_by_then(old: str, new: str) -> None:
    at = datetime(2026, 10, 1, tzinfo=UTC)

    assert in_force(shipped_agreement(), shipped_template(), at)
    assert not in_force(agreement_with(old, new), shipped_template(), at)


@pytest.mark.parametrize(
    ("local", "expected"), [("2026-09-30T23:59:59", False), ("2026-10-01T00:00:00", True)]
)
def test_an_agreement_holds_from_the_day_the_last_party_signs_in_the_districts_zone(
    local: str, expected: bool
) -> None:
    late = agreement_with("signed_on: 2026-08-21", "signed_on: 2026-10-01")
    at = datetime.fromisoformat(local).replace(tzinfo=NEW_YORK)

    assert in_force(late, shipped_template(), at.astimezone(UTC)) is expected


def withdrawn(when: str) -> Template:
    return template_with("status: published ", f"status: withdrawn\nwithdrawn: {{{when}}}\n")


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("since: 2026-09-30", True),
        ("since: 2026-08-21", True),
        ("since: 2026-09-01, running_until: 2026-10-01", True),
        ("since: 2026-09-01, running_until: 2026-09-30", False),
    ],
)
def test_a_withdrawn_template_lets_running_agreements_go_on_to_the_day_it_gives(
    when: str, expected: bool
) -> None:
    agreement = read_agreement(AGREEMENT.encode(), "a.yaml", withdrawn(when))
    late = datetime(2026, 10, 1, 23, 59, tzinfo=NEW_YORK)

    assert in_force(agreement, withdrawn(when), late) is expected


def test_withdrawing_a_template_does_not_change_what_was_signed() -> None:
    assert withdrawn("since: 2026-09-30").digest == shipped_template().digest


def test_no_agreement_signed_after_a_withdrawal_holds_or_reads() -> None:
    template = withdrawn("since: 2026-08-20")
    at = datetime(2026, 10, 1, tzinfo=UTC)

    problems = problems_of(read_agreement, AGREEMENT.encode(), "a.yaml", template)

    assert problems == [
        "a.yaml:9:9: signed: the template was withdrawn on 2026-08-20; no new agreement can sign it"
    ]
    assert not in_force(shipped_agreement(), template, at)


def test_a_draft_template_holds_nothing() -> None:
    template = template_with("status: published ", "status: draft ")
    agreement = agreement_with("F9: {drop: false}", "F9: {drop: true}", template)

    assert not in_force(agreement, template, datetime(2026, 10, 1, tzinfo=UTC))


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        in_force(shipped_agreement(), shipped_template(), datetime(2026, 10, 1))  # noqa: DTZ001 - without a zone on purpose


def test_the_agreement_tightens_the_templates_numbers_and_keeps_the_rest() -> None:
    agreement = shipped_agreement()

    assert agreement.small_cell.min_n == 15
    assert agreement.small_cell.complementary
    assert agreement.retention["provider_copy_of_referral"].days == 1825
    assert agreement.retention["hub_rows"].days == 1825
    assert agreement.retention["disclosure_log"].days is None
    clocks = {(breach.who, breach.tell): breach.clock for breach in agreement.breach}
    assert clocks["provider", "lea"]["student_information_days"] == 3
    assert clocks["lea", "families"] == {"hours": 48}


def test_the_parties_are_read_with_what_changes_the_law() -> None:
    provider = shipped_agreement().parties["provider"]

    assert provider.name == "Harbor Family Centers"
    assert provider.ids == {"npi": "1999999984"}
    assert (provider.acts_for_lea, provider.part2_program) == (False, True)
    assert shipped_agreement().parties["lea"].sites == ("millbrook-high", "north-middle")


@pytest.mark.parametrize(
    ("rule", "clause"),
    [("F1", "4.1"), ("P1", "5"), ("P4", "4.4"), ("P5", "10"), ("A1", "15"), ("Z9", "")],
)
def test_each_rule_leads_back_to_its_clause(rule: str, clause: str) -> None:
    assert clause_of(rule, shipped_template(), shipped_agreement()) == clause


def test_a_dropped_flow_and_added_conditions_narrow_it() -> None:
    agreement = agreement_with("F9: {drop: false}", "F9: {drop: true, add_obligations: [AOD]}")
    flows = {flow.id: flow for flow in agreement.flows}

    assert flows["F9"].recipients == ()
    assert flows["F9"].obligations == ("MINEC", "AOD")
    assert flows["F4"].requires[-1] == "guardian_saw_text"


def test_the_notices_against_passing_on_are_the_templates() -> None:
    assert notices(shipped_template()) == ("ferpa.9933", "p2.notice")


def test_a_document_that_is_not_shipped_is_not_looked_for_elsewhere() -> None:
    with pytest.raises(LookupError):
        shipped_document("../../pyproject")
