"""Events that let a record be seen, or that might seem to, each made up to the moment before.

Each function makes a world up to there and returns what then happens: nothing where days must pass.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Final, Protocol

from bridge.journeys.families.check_signatures import invalidate_release
from bridge.journeys.families.emergencies import declare_emergency
from bridge.journeys.families.enter_order import Asked, Ordered, enter_order
from bridge.journeys.families.guardian_blocks import Order, lift_order, record_order
from bridge.journeys.families.record_guardians import Guardian, add_guardian
from bridge.journeys.families.record_releases import revoke_release
from bridge.journeys.families.register_release import file_release
from bridge.journeys.files.import_roster import import_roster
from bridge.journeys.referrals.same_student import Pair, doubt, settle
from bridge.journeys.running.amend_agreement import amend_agreement
from bridge.journeys.running.report_sources import source_down, source_heard
from bridge.store.database.engine import write
from bridge.store.facts.evidence import NewEvidence, record_evidence
from consent.emergencies import Declaration
from consent.signed_release import SignedRelease
from mappings.language import Mapped
from tests.bridge.api.test_newly_permitted import NARROWER, documents
from tests.bridge.journeys.test_release_register import FORM
from tests.support.worlds import (
    CARE_CONSENT,
    HARBOR,
    LEA,
    NOW,
    Json,
    World,
    encounter,
    form_education,
    post_session,
    put_task,
    referral,
)

TELLS: Final = SignedRelease(
    form="health",
    answer="signed",
    recorded_at=NOW,
    birth_date=date.max,
    signer="Max Winterbourne",
    signer_relationship="FTH",
    signed_on=date(2026, 9, 1),
    expires_on=date(2027, 6, 30),
    elements=("status", "visit.dates", "safety.alert"),
    purposes=("follow", "attend"),
    recipient="lea",
    discloser="provider",
    statements=("condition", "redisclosure", "revoke"),
)
REFUSES: Final = replace(
    FORM, answer="refused", signer="Mia Winterbourne", signer_relationship="MTH"
)
PARTIES: Final = (LEA, HARBOR)


class Polled(Protocol):
    """A world, and whose records all of this is about."""

    @property
    def world(self) -> World:
        """The world."""

    @property
    def student(self) -> str:
        """The first student's id."""


def session(parties: Polled, key: str = "s-1", **changes: object) -> None:
    """Let the provider accept the referral and record a session of it."""
    web = parties.world.web()
    (task,) = [t for t in web.found("/fhir/Task") if t["status"] == "requested"]
    assert put_task(web, task, "accepted", **changes).status_code == 200
    (task,) = web.found("/fhir/Task")
    assert post_session(web, encounter(task, key)).status_code == 201


def guardians_care() -> Json:
    return {"extension": [{"url": CARE_CONSENT, "valueCode": "guardian"}]}


def roster(world: World, *, enrolled: bool) -> None:
    row = referral(1)
    student = replace(row.student, enrolled=enrolled)
    import_roster(world.parts, LEA, [Mapped(student, row.origin.row)])


# What stands before. -----------------------------------------------------------------------------


def referred(parties: Polled, **changes: object) -> None:
    parties.world.refer([referral(1, **changes)])


def served(parties: Polled, *forms: SignedRelease, **changes: object) -> None:
    """A referral the family let go, with a session that care by a guardian's consent rests on."""
    referred(parties, releases=(form_education(),), **changes)
    session(parties, **guardians_care())
    for form in forms:
        file_release(parties.world.parts, PARTIES, "1001", form)


def refused(parties: Polled, form: SignedRelease) -> str:
    return file_release(parties.world.parts, PARTIES, "1001", form).id


OpensLater = Callable[[], object]


def no_form(parties: Polled) -> OpensLater:
    referred(parties, releases=())
    return partial(file_release, parties.world.parts, PARTIES, "1001", FORM)


def no_form_to_tell_the_school(parties: Polled) -> OpensLater:
    served(parties)
    return partial(file_release, parties.world.parts, PARTIES, "1001", TELLS)


def a_second_referral_brings_the_form(parties: Polled) -> OpensLater:
    referred(parties, releases=())
    again = replace(referral(1), number="R-9", releases=(form_education(),))
    return partial(parties.world.refer, [again])


def the_same_row_comes_again_with_the_form(parties: Polled) -> OpensLater:
    referred(parties, releases=(form_education(answer="pending", signed_on=None),))
    again = referral(1, releases=(form_education(),))
    return partial(parties.world.refer, [again])


def care_of_unknown_consent(parties: Polled) -> OpensLater:
    referred(parties, releases=(form_education(),))
    session(parties)
    file_release(parties.world.parts, PARTIES, "1001", TELLS)
    web = parties.world.web()

    def said() -> None:
        (task,) = web.found("/fhir/Task")
        assert put_task(web, task, "accepted", **guardians_care()).status_code == 200

    return said


def a_refusal(parties: Polled) -> OpensLater:
    served(parties, TELLS)
    return partial(revoke_release, parties.world.parts, refused(parties, REFUSES))


def a_refusal_to_tell_the_school(parties: Polled) -> OpensLater:
    served(parties, TELLS)
    mine = replace(TELLS, answer="refused", signer="Mia W", signer_relationship="MTH")
    return partial(revoke_release, parties.world.parts, refused(parties, mine))


def a_refusal_that_nobody_signed(parties: Polled) -> OpensLater:
    served(parties, TELLS)
    form = refused(parties, REFUSES)
    return partial(invalidate_release, parties.world.parts, form, ("x", "y"))


def a_refusal_by_a_guardian_kept_out(parties: Polled) -> OpensLater:
    served(parties, TELLS)
    refused(parties, replace(TELLS, answer="refused", signer="Mia W", signer_relationship="MTH"))
    order = Order(guardian="Mia W")
    return partial(record_order, parties.world.parts, parties.student, order)


def an_order_lifted(parties: Polled, party: str) -> OpensLater:
    served(parties, TELLS)
    order, _ = record_order(parties.world.parts, parties.student, Order(party=party))
    return partial(lift_order, parties.world.parts, parties.student, order)


def before_the_roster(parties: Polled) -> OpensLater:
    referred(parties, student={"enrolled": None})
    return partial(roster, parties.world, enrolled=True)


def a_student_who_left(parties: Polled) -> OpensLater:
    served(parties, TELLS)
    roster(parties.world, enrolled=False)
    return partial(roster, parties.world, enrolled=True)


def two_numbers_of_one_child(parties: Polled) -> OpensLater:
    served(parties, TELLS)
    parties.world.refer([referral(2)])
    pair = Pair(LEA, ("1001", "1002"), "staff:office")
    doubt(parties.world.parts, pair)
    return partial(settle, parties.world.parts, pair, None)


def a_signer_who_is_not_on_the_register(parties: Polled) -> OpensLater:
    world = parties.world
    served(parties)
    mother = Guardian(
        "Mia Winterbourne", "MTH", ("education", "health"), date(2026, 1, 1), "roster"
    )
    add_guardian(world.parts, LEA, "1001", mother)
    file_release(world.parts, PARTIES, "1001", TELLS)
    father = replace(mother, name="Max Winterbourne", relationship="FTH")
    return partial(add_guardian, world.parts, LEA, "1001", father)


def a_list_nobody_can_read(parties: Polled) -> OpensLater:
    served(parties, TELLS)
    source_down(parties.world.parts, LEA, "dissent")
    return partial(source_heard, parties.world.parts, LEA, "dissent")


def an_agreement_that_passes_less(parties: Polled) -> OpensLater:
    amend_agreement(parties.world.parts, documents(NARROWER))
    referred(parties)
    return partial(amend_agreement, parties.world.parts, documents(version=b"3"))


def an_order_until_a_day(parties: Polled, party: str) -> OpensLater:
    served(parties, TELLS)
    last = (NOW + timedelta(days=1)).date()
    ordered = Ordered(party=party, last_day=last)
    enter_order(parties.world.parts, Asked(LEA, "1001", "office"), ordered)
    return lambda: None


def a_minor_who_comes_of_age(parties: Polled) -> OpensLater:
    served_alone = {"student": {"birth_date": date(2008, 10, 17)}}
    referred(parties, releases=(form_education(),), **served_alone)
    session(parties)
    # Every form of today ends with the day; what a law pack may bring need not.
    for fact in ("c_health", "enrolled"):
        row = NewEvidence(fact, fact, NOW, NOW, "test", student_id=parties.student)
        with write(parties.world.bridge.engine) as connection:
            record_evidence(connection, [row])
    return lambda: None


def an_emergency(parties: Polled) -> OpensLater:
    referred(parties, releases=())
    when = NOW + timedelta(days=3)
    elements = ("student.name", "referral.reason")
    said = Declaration("a made-up threat", "provider", elements, "lea.counselor", when, when)
    return partial(declare_emergency, parties.world.parts, PARTIES, "1001", said)


def one_of_two_signatures(parties: Polled) -> OpensLater:
    referred(parties, releases=())
    parts, both = parties.world.parts, ("education", "health")
    for name, relationship in (("Max Winterbourne", "FTH"), ("Mia Winterbourne", "MTH")):
        known = Guardian(name, relationship, both, date(2020, 1, 1), "roster")
        add_guardian(parts, LEA, "1001", known)
    file_release(parts, PARTIES, "1001", FORM)
    hers = replace(FORM, signer="Mia Winterbourne", signer_relationship="MTH")
    return partial(file_release, parts, PARTIES, "1001", hers)


def a_minors_own_form(parties: Polled) -> OpensLater:
    """The provider alone may be told of care that a minor sought."""
    referred(parties, releases=(form_education(),))
    session(parties, extension=[{"url": CARE_CONSENT, "valueCode": "minor"}])
    own = replace(TELLS, form="minor", signer="Child1", signer_relationship="ONESELF")
    own = replace(own, elements=("referral",), purposes=("refer",), recipient="provider")
    return partial(file_release, parties.world.parts, PARTIES, "1001", own)


def the_same_form_again(parties: Polled) -> OpensLater:
    served(parties, TELLS)
    return partial(file_release, parties.world.parts, PARTIES, "1001", TELLS)


def a_form_beside_an_order(parties: Polled) -> OpensLater:
    served(parties)
    record_order(parties.world.parts, parties.student, Order(party="lea"))
    return partial(file_release, parties.world.parts, PARTIES, "1001", TELLS)


def a_form_that_ends(parties: Polled) -> OpensLater:
    served(parties)
    form = file_release(parties.world.parts, PARTIES, "1001", TELLS)
    return partial(revoke_release, parties.world.parts, form.id)


def an_order_that_begins(parties: Polled) -> OpensLater:
    served(parties, TELLS)
    order = Order(party="lea")
    return partial(record_order, parties.world.parts, parties.student, order)


def an_order_that_ends_beside_another(parties: Polled) -> OpensLater:
    an_order_until_a_day(parties, "lea")
    record_order(parties.world.parts, parties.student, Order(party="lea", source="safety-flag"))
    return lambda: None


OPENINGS: Final[dict[str, tuple[Callable[[Polled], OpensLater], str]]] = {
    "a form to send": (no_form, "harbor-ehr Task"),
    "a form to tell the school": (no_form_to_tell_the_school, "attendance Encounter"),
    "a second referral's form": (a_second_referral_brings_the_form, "harbor-ehr Patient"),
    "a form that was pending": (the_same_row_comes_again_with_the_form, "harbor-ehr Patient"),
    "on whose consent care rests": (care_of_unknown_consent, "attendance Encounter"),
    "a refusal taken back": (a_refusal, "harbor-ehr Patient"),
    "a refusal to tell, taken back": (a_refusal_to_tell_the_school, "attendance Encounter"),
    "a refusal that is invalid": (a_refusal_that_nobody_signed, "harbor-ehr Patient"),
    "a refusal by one kept out": (a_refusal_by_a_guardian_kept_out, "attendance Encounter"),
    "a lifted order: provider": (partial(an_order_lifted, party="provider"), "harbor-ehr Patient"),
    "a lifted order: school": (partial(an_order_lifted, party="lea"), "attendance Encounter"),
    "a lifted order: hub": (partial(an_order_lifted, party="hub"), "state-hub Encounter"),
    "the roster": (before_the_roster, "harbor-ehr Patient"),
    "a student who comes back": (a_student_who_left, "attendance Encounter"),
    "two who are two": (two_numbers_of_one_child, "attendance Encounter"),
    "a signer's authority": (a_signer_who_is_not_on_the_register, "attendance Encounter"),
    "a source heard again": (a_list_nobody_can_read, "attendance Encounter"),
    "an amendment": (an_agreement_that_passes_less, "harbor-ehr Task"),
    "an order's last day: provider": (
        partial(an_order_until_a_day, party="provider"),
        "harbor-ehr Patient",
    ),
    "an order's last day: school": (
        partial(an_order_until_a_day, party="lea"),
        "attendance Encounter",
    ),
    "an order's last day: hub": (partial(an_order_until_a_day, party="hub"), "state-hub Encounter"),
    "an emergency": (an_emergency, "night Patient"),
    "the last of two signatures": (one_of_two_signatures, "harbor-ehr Patient"),
    "an 18th birthday": (a_minor_who_comes_of_age, "attendance Encounter"),
}
"""What happens, how it is made, and of whom and what at least something comes to be seen by it."""


EDITS: Final = {
    "the last of two signatures": {"guardians_disagree: hold": "guardians_disagree: all_must_sign"},
}
"""What the template of an event's world reads instead."""
CLOSED: Final[dict[str, Callable[[Polled], OpensLater]]] = {
    "a minor's own form": a_minors_own_form,
    "the same form again": the_same_form_again,
    "a form beside an order": a_form_beside_an_order,
    "a form that ends": a_form_that_ends,
    "an order that begins": an_order_that_begins,
    "one of two orders that ends": an_order_that_ends_beside_another,
}
"""What lets nobody see anything: so nothing moves, for anybody."""
