"""Amendments, licences and shared papers: each a child that can only narrow."""

from datetime import UTC, datetime

import pytest

from consent.mou import (
    Agreement,
    Amendment,
    UseLicence,
    agreement_at,
    in_force,
    licence_holds,
    read_agreement,
    read_bound,
    seal,
    shipped_bound,
    shipped_document,
    shipped_template,
)
from consent.surface import compare, surfaces_of
from tests.consent.worked_example import (
    AGREEMENT,
    TEMPLATE,
    edited,
    problems_of,
    template_with,
)

PARENT = "stonebrook-crossroads-2026"
AMENDMENT = shipped_document(f"{PARENT}-a1").decode()
LICENCE = shipped_document("school-wellness-extract-2026").decode()
TWO = shipped_document("two-rivers-2026").decode()


def agreement() -> Agreement:
    return shipped_bound(PARENT).agreements[0]


def amendment() -> Amendment:
    (own,) = shipped_bound(f"{PARENT}-a1").own
    assert isinstance(own, Amendment)
    return own


def licence() -> UseLicence:
    (own,) = shipped_bound("school-wellness-extract-2026").own
    assert isinstance(own, UseLicence)
    return own


def problem(text: str, old: str, new: str) -> str:
    source = edited(text, old, new).encode()
    return "\n".join(problems_of(read_bound, source, "d.yaml", shipped_document))


@pytest.mark.parametrize(
    ("local", "count"),
    [("2027-01-04T04:59:59", 20), ("2027-01-04T05:00:00", 25), ("2027-06-30T23:00:00", 25)],
)
def test_an_amendment_holds_from_its_own_day_in_the_districts_zone(local: str, count: int) -> None:
    at = datetime.fromisoformat(local).replace(tzinfo=UTC)

    assert agreement_at(agreement(), [amendment()], at).small_cell.min_n == count


def test_an_amendment_opens_no_cell_of_what_it_amends() -> None:
    (before,), (after,) = (surfaces_of(shipped_bound(name)) for name in (PARENT, f"{PARENT}-a1"))

    difference = compare(before, after)

    assert (difference.opened, difference.closed) == (0, 164)


def test_an_agreement_ends_with_the_amendment_that_ends_sooner() -> None:
    text = edited(AMENDMENT, "to: 2027-06-30", "to: 2027-03-31")
    amended = read_bound(text.encode(), "a.yaml", shipped_document).agreements[0]
    template = shipped_bound(PARENT).template

    assert in_force(amended, template, datetime(2027, 3, 31, 12, tzinfo=UTC))
    assert not in_force(amended, template, datetime(2027, 4, 2, tzinfo=UTC))


def test_a_draft_or_unsigned_amendment_changes_nothing_yet() -> None:
    at = datetime(2027, 2, 1, tzinfo=UTC)
    text = edited(AMENDMENT, "status: in-force", "status: draft")
    (draft,) = read_bound(text.encode(), "a.yaml", shipped_document).own

    assert isinstance(draft, Amendment)
    assert agreement_at(agreement(), [draft], at) == agreement()
    with pytest.raises(ValueError, match="does not extend the one before"):
        agreement_at(agreement(), [amendment(), amendment()], at)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("min_n: 25", "min_n: 19", "min_n may not be lower than the template's 20"),
        ("{drop_recipients: [school_nurse]}", "{add_recipients: [teacher]}", '"add_recipients" is'),
        ("id: D2", "id: D1", 'prohibition id "D1" is used twice'),
        ("from: 2027-01-04", "from: 2026-08-31", "must lie within 2026-09-01 to 2027-06-30"),
        ("tz: America/New_York", "tz: America/Chicago", "zone of the agreement, America/New_York"),
        ("small_cell: {min_n", "parties: {}\nsmall_cell: {min_n", "parties: is locked"),
        ("{party: lea, by: superintendent, signed_on: 2026-12-10}, ", "", "signed by lea too"),
        ('"21": {', '"20": {', 'clause "20" is the template\'s; take a new number'),
    ],
)
def test_an_amendment_that_widens_or_errs_is_refused(old: str, new: str, expected: str) -> None:
    assert expected in problem(AMENDMENT, old, new)


def test_a_licence_lets_the_hub_have_only_the_rows_and_purposes_it_names() -> None:
    (before,) = surfaces_of(shipped_bound("ct-style-smh-template"))
    (after,) = surfaces_of(shipped_bound("school-wellness-extract-2026"))

    to_hub = {asked for asked in after.openings if asked.recipient == "hub"}
    assert {(asked.purpose, asked.element) for asked in to_hub} == {
        ("report", "enc.row"),
        ("report", "ref.row"),
    }
    assert compare(before, after).opened == 0
    assert all({"NORELINK", "NORDSCLW"} <= set(after.openings[s].duties) for s in to_hub)


def test_a_licence_narrows_each_agreement_of_its_template_and_no_other() -> None:
    narrowed = licence().narrow(agreement())

    assert narrowed.small_cell.min_n == 20
    assert narrowed.retention["hub_rows"].days == 730
    with pytest.raises(ValueError, match="another document"):
        licence().narrow(shipped_bound("millbrook-harbor-2026").agreements[0])


@pytest.mark.parametrize(("day", "expected"), [((2026, 12, 1), True), ((2027, 9, 2), False)])
def test_a_licence_holds_only_while_the_agreement_under_it_does(
    day: tuple[int, int, int], expected: bool
) -> None:
    at = datetime(*day, tzinfo=UTC)
    template = shipped_bound(PARENT).template

    assert licence_holds(licence(), agreement(), template, at) is expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("rows: [enc.row, ref.row]", "rows: [student.name]", "is not a known row of a flow"),
        ("purposes: [report]", "purposes: [treat]", "is not a known purpose of a flow"),
        ("relinking: forbidden", "relinking: allowed", "is not a known answer"),
        ("redisclosure: forbidden, ", "", "use: lacks redisclosure"),
        ("recipients: [loader]", "recipients: [analyst]", "is not a known recipient of a flow"),
        ("hub_rows: {days: 730}", "hub_rows: {days: 1826}", "may not be kept longer"),
        ("min_n: 15", "min_n: 10", "may not be lower than the template's 11"),
        ("{party: hub, by: data_manager, signed_on: 2026-08-25}, ", "", "is signed by hub and by"),
        ("to: 2027-08-31", "to: 2030-08-31", "the days of what it extends"),
    ],
)
def test_a_licence_that_widens_or_errs_is_refused(old: str, new: str, expected: str) -> None:
    assert expected in problem(LICENCE, old, new)


def test_two_districts_on_one_paper_have_an_agreement_each() -> None:
    alderbrook, fernhill = shipped_bound("two-rivers-2026").agreements

    assert alderbrook.parties["lea"].name == "Alderbrook Public Schools"
    assert fernhill.parties["lea"].name == "Fernhill Regional School District"
    assert alderbrook.last_signature() == fernhill.last_signature()
    first = {flow.id: flow for flow in fernhill.flows}
    assert "screen.score" not in first["C1"].elements
    assert "attendance.summary" not in first["C1"].elements


def test_a_shared_paper_is_not_read_as_if_it_bound_one_district() -> None:
    template = shipped_bound("two-rivers-2026").template

    problems = problems_of(read_agreement, TWO.encode(), "two.yaml", template)

    assert problems == [
        "two.yaml:14:1: districts: is a paper of several; say for which district it is read"
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("district: fernhill, by", "district: fernhil, by", 'did you mean "fernhill"?'),
        (
            "  - {party: lea, district: fernhill, by: superintendent, signed_on: 2026-08-17}\n",
            "",
            "an agreement in force is signed by lea of fernhill too",
        ),
        ("parties:\n", "parties:\n  lea: {name: Both}\n", "lea is bound under districts"),
        ("drop_recipients: [school_nurse]", "drop_recipients: [dean]", '"dean" is not a known'),
    ],
)
def test_a_shared_paper_that_errs_is_refused(old: str, new: str, expected: str) -> None:
    assert expected in problem(TWO, old, new)


DIGEST = shipped_template().digest


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "id: xx-smh-template",
            "id: xx-smh",
            'a.yaml:7:15: extends.id: the template given is "xx-smh-template"',
        ),
        (
            'version: "2026.1"',
            'version: "2025.1"',
            'a.yaml:7:41: extends.version: the template given is "2026.1"',
        ),
        (
            DIGEST,
            f"sha256:{'0' * 64}",
            (
                "a.yaml:7:59: extends.digest: is not the digest of the template given; "
                "read both again, then seal the agreement"
            ),
        ),
        (
            "small_cell: {min_n: 15}",
            "people: {}",
            "a.yaml:27:9: people: is locked by the template; leave it out",
        ),
        (
            "small_cell: {min_n: 15}",
            "override: {}",
            "a.yaml:27:11: override: is locked by the template; leave it out",
        ),
    ],
    ids=["id", "version", "digest", "people", "override"],
)
def test_an_agreement_that_is_no_child_of_its_template_is_told_why(
    old: str, new: str, said: str
) -> None:
    text = edited(AGREEMENT, old, new)

    problems = problems_of(read_agreement, text.encode(), "a.yaml", shipped_template())

    assert problems == [said]


@pytest.mark.parametrize("block", ["flows", "retention", "term", "clauses"])
def test_a_block_the_template_locks_is_refused_and_parties_are_bound_all_the_same(
    block: str,
) -> None:
    way = next(line for line in TEMPLATE.splitlines() if line.startswith(f"  {block}: "))
    shut = template_with(way + "\n", f"  {block}: locked\n")
    bound = template_with("  parties: bind ", "  parties: locked ")
    text = AGREEMENT.replace("small_cell:", "term: {notice_days: 60}\nsmall_cell:").encode()

    problems = problems_of(read_agreement, seal(text, shut), "a.yaml", shut)

    assert [found.split(": ", 1)[1] for found in problems] == [
        f"{block}: is locked by the template; leave it out"
    ]
    assert read_agreement(seal(text, bound), "a.yaml", bound).term.notice_days == 60


def test_a_child_without_clauses_of_its_own_adds_none() -> None:
    text = AGREEMENT.partition("clauses:")[0].encode()

    assert read_agreement(text, "a.yaml", shipped_template()).clauses == {}
