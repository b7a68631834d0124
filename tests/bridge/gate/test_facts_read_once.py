"""What a record is decided on is read once for all of its elements, and the answers are the same.

Each decision is compared with one that reads every fact anew for its element, on random evidence:
rows about any student or one, about elements, purposes, recipients, agreements, referrals and
records that are meant and that are not, said, denied and unknown.
"""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

from bridge.gate.agreements import VIEWS
from bridge.gate.authorise import Viewer, scope_of
from bridge.gate.decisions import ElementDecision, decide_as, whom_of
from bridge.gate.viewers import viewer_of
from bridge.store.database.engine import read
from bridge.store.facts.evidence import EvidenceView
from bridge.store.facts.held_facts import RecordFacts
from bridge.store.facts.known_facts import KnownFact
from bridge.store.stored import Stored
from consent.facts import IfUnknown, load_facts
from consent.model import Slice
from tests.support.worlds import NOW, World, caller

CASES = 400
VIEWERS = {"harbor-ehr": "lea", "millbrook-sis": "provider"}
_ELSEWHERE = "elsewhere"


def rows(dice: random.Random, agreement: str, elements: tuple[str, ...]) -> Iterator[KnownFact]:
    """Yield what was said, more often of what is asked than of anything else.

    Mostly all that a permit needs is said first.
    """
    if dice.random() < 0.8:
        for name, fact in load_facts().items():
            if fact.if_unknown is IfUnknown.FALSE:
                yield KnownFact("", "s1", "", "", name, True, "", "", "", dice.choice("ab"))
    for _ in range(dice.choice((0, 3, 12, 60))):
        yield KnownFact(
            agreement_id=dice.choice(("", agreement, _ELSEWHERE)),
            student_id=dice.choice(("", "s1", "s1", "s2")),
            referral_id=dice.choice(("", "", "f1", "f2")),
            record_id=dice.choice(("", "", "r1", "r2")),
            fact=dice.choice(list(load_facts())),
            value=dice.choice((True, True, True, False, None)),
            element=dice.choice(("", "", *elements)),
            purpose=dice.choice(("", "", "refer", "follow", "attend")),
            recipient=dice.choice(("", "", "provider", "lea")),
            source_id=dice.choice(("", "a", "b", "c")),
        )


def stored(dice: random.Random, sender: str, agreement: str) -> Stored:
    return Stored(
        type="Task",
        id="r1",
        custodian="millbrook",
        sender_role=sender,
        audience="harbor",
        agreement_id=agreement,
        student_id=dice.choice(("s1", "s1", "s1", "")),
        referral_id=dice.choice(("f1", "")),
        element="",
        third_party=dice.choice((True, False)),
        version=1,
        change=1,
        last_updated=NOW,
        birth_date=dice.choice((None, date(2012, 1, 1), date(2000, 1, 1))),
        body="{}",
    )


def each_anew(
    sender: str, viewer: Viewer, asked: tuple[Stored, str], view: EvidenceView, now: datetime
) -> ElementDecision:
    """Decide an element as if it were the only one."""
    record, element = asked
    agreement = viewer.agreements[0]
    born, adults = record.birth_date, agreement.adult_since(now)
    constants = agreement.constants(now, VIEWS[sender, viewer.party])
    minor = born is None or born > adults
    ids = (record.id, record.student_id, record.referral_id)
    about = RecordFacts(*ids, third_party=record.third_party, minor=minor)
    answers = []
    for purpose in viewer.purposes:
        question = Slice(sender, viewer.party, viewer.role, purpose, element)
        scope = scope_of(agreement, question, constants)
        true, sources = view.true_facts(agreement.table.relevant_facts(question), scope, about)
        decision = agreement.table.decide(question, true)
        answers.append(ElementDecision(question, true, decision, tuple(sorted(sources))))
    return next((each for each in answers if each.decision.permitted), answers[0])


def test_decisions_on_facts_read_once_are_those_on_facts_read_for_each_element(
    world: World,
) -> None:
    dice = random.Random(20261127)  # noqa: S311 - repeatable, not secret
    with read(world.bridge.engine) as connection:
        viewers = {name: viewer_of(connection, caller(name)) for name in VIEWERS}
    permitted = sources = 0
    for case in range(CASES):
        name, sender = dice.choice(list(VIEWERS.items()))
        purposes = dice.choice((("refer",), ("follow",), ("refer", "follow", "attend")))
        viewer = replace(viewers[name], purposes=purposes)
        agreement = viewer.agreements[0]
        elements = tuple(sorted({asked.element for asked in agreement.table.slices()}))
        view = EvidenceView(list(rows(dice, agreement.id, elements)))
        record = stored(dice, sender, agreement.id)
        now = dice.choice((NOW, datetime(2026, 8, 1, 12, tzinfo=UTC)))

        found = decide_as(sender, viewer, agreement, (record, elements), (view, now)).elements

        wanted = [each_anew(sender, viewer, (record, one), view, now) for one in elements]
        assert list(found) == wanted, f"case {case}"
        permitted += sum(each.decision.permitted for each in found)
        sources += sum(bool(each.sources) for each in found)
    assert permitted > CASES  # or nothing was compared but denials
    assert sources > CASES


def test_what_a_row_says_of_one_element_is_not_taken_for_another(world: World) -> None:
    with read(world.bridge.engine) as connection:
        viewer = viewer_of(connection, caller("millbrook-sis"))
    agreement, asked = viewer.agreements[0], ("referral.status", "close.reason")
    said = KnownFact("", "s1", "", "", "dissent", True, asked[0], "", "", "a")
    dice = random.Random(1)  # noqa: S311 - repeatable, not secret
    record = replace(stored(dice, "provider", agreement.id), student_id="s1")
    known = (EvidenceView([said]), NOW)

    decided = decide_as("provider", viewer, agreement, (record, asked), known).elements

    assert {each.slice.element for each in decided if "dissent" in each.facts} <= {asked[0]}
    assert {each.slice.element for each in decided if "a" in each.sources} <= {asked[0]}
    assert "dissent" in decided[0].facts


def of_several(dice: random.Random, said: list[KnownFact]) -> Iterator[KnownFact]:
    """Yield what was said, and of other students the same, or nearly, said by others."""
    yield from said
    for student in ("s3", "s4", "s5"):
        others = dice.sample("abcdef", 3) if dice.random() < 0.7 else dice.choices(("", *"ab"), k=3)
        by = {"": "", **dict(zip("abc", others, strict=True))}
        left_out = dice.randrange(2 * len(said) + 1)
        for number, fact in enumerate(said):
            if fact.student_id == "s1" and number != left_out:
                yield fact._replace(student_id=student, source_id=by[fact.source_id])


def test_records_of_which_the_same_is_said_are_decided_alike_and_name_their_own_sources(
    world: World,
) -> None:
    dice = random.Random(20261128)  # noqa: S311 - repeatable, not secret
    with read(world.bridge.engine) as connection:
        viewers = {name: viewer_of(connection, caller(name)) for name in VIEWERS}
    decided = made = own = 0
    for case in range(CASES // 8):
        name, sender = dice.choice(list(VIEWERS.items()))
        viewer = replace(viewers[name], purposes=dice.choice((("refer",), ("refer", "follow"))))
        agreement = viewer.agreements[0]
        elements = tuple(sorted({asked.element for asked in agreement.table.slices()}))[::3]
        view = EvidenceView(list(of_several(dice, list(rows(dice, agreement.id, elements)))))
        usual, told = stored(dice, sender, agreement.id), list[tuple[str, ...]]()
        for student in ("s1", "s3", "s4", "s5", "", "s1", "s4"):
            odd = dice.random() < 0.3
            record = stored(dice, sender, agreement.id) if odd else usual
            record = replace(record, student_id=student, id=dice.choice(("r1", "r1", "r3")))

            found = decide_as(sender, viewer, agreement, (record, elements), (view, NOW)).elements

            wanted = [each_anew(sender, viewer, (record, one), view, NOW) for one in elements]
            assert list(found) == wanted, f"case {case}"
            decided += 1
            told += [each.sources for each in found if each.sources]
        made += len(view.answers)
        own += len(set(told)) > 1
    assert made < decided * 0.8  # or nothing was shared
    assert own > CASES / 40  # or all of them were said by the same


def test_a_fact_that_is_not_read_for_a_viewer_would_change_no_answer(world: World) -> None:
    dice = random.Random(20261128)  # noqa: S311 - repeatable, not secret
    with read(world.bridge.engine) as connection:
        viewers = {name: viewer_of(connection, caller(name)) for name in VIEWERS}
    left_out = 0
    for case in range(CASES):
        name, sender = dice.choice(list(VIEWERS.items()))
        viewer = replace(viewers[name], purposes=dice.choice((("refer",), ("refer", "follow"))))
        agreement, whom = viewer.agreements[0], whom_of(viewer)
        elements = tuple(sorted({asked.element for asked in agreement.table.slices()}))
        every = list(rows(dice, agreement.id, elements))
        some = [row for row in every if row.fact in whom.facts]
        record, asked = stored(dice, sender, agreement.id), (sender, viewer, agreement)

        found, wanted = (
            decide_as(*asked, (record, elements), (EvidenceView(said), NOW)).elements
            for said in (some, every)
        )

        assert found == wanted, f"case {case}"
        left_out += len(every) - len(some)
    assert left_out > CASES


def alike(world: World, *said: KnownFact) -> list[tuple[ElementDecision, ...]]:
    """Decide a record of each of three students, about whom something is said besides one more."""
    with read(world.bridge.engine) as connection:
        viewer = viewer_of(connection, caller("harbor-ehr"))
    agreement, elements = viewer.agreements[0], ("student.name", "referral.reason")
    facts = [name for name, fact in load_facts().items() if fact.if_unknown is IfUnknown.FALSE]
    every = [
        KnownFact("", f"s{n}", "", "", fact, True, "", "", "", f"form-{n}")
        for n in (1, 2, 3)
        for fact in facts
    ]
    view = EvidenceView([*every, *said])
    base = replace(stored(random.Random(1), "lea", agreement.id), third_party=False)  # noqa: S311 - to be repeated, not to be secret
    of = (replace(base, student_id=f"s{n}", id=f"r{n}", referral_id=f"f{n}") for n in (1, 2, 3))
    return [
        decide_as("lea", viewer, agreement, (each, elements), (view, NOW)).elements for each in of
    ]


def test_each_record_of_those_decided_alike_names_the_forms_of_its_own_student(
    world: World,
) -> None:
    decided = alike(world)

    assert all(each.decision.permitted for elements in decided for each in elements)
    named = [{source for each in elements for source in each.sources} for elements in decided]
    assert named == [{"form-1"}, {"form-2"}, {"form-3"}]


def test_what_is_said_of_one_referral_or_record_is_not_taken_for_another_student(
    world: World,
) -> None:
    denies = KnownFact("", "", "", "", "recipient_blocked", True, "", "", "", "x")
    for said in (
        denies._replace(student_id="s2"),
        denies._replace(referral_id="f2"),
        denies._replace(record_id="r2"),
        denies._replace(student_id="s2", element="student.name"),
    ):
        first, second, third = alike(world, said)
        assert all(each.decision.permitted for each in (*first, *third))
        assert not second[0].decision.permitted
        assert second[1].decision.permitted == bool(said.element)
