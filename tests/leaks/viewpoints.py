"""Three worlds for each viewpoint: hidden rows there, absent, or different.

What the viewpoint's callers may see is the same in all three and happens at the same instants.
What they may not see differs: whole referrals, other parties' work, and the withheld elements of
the records they do see.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from bridge.journeys.families.record_releases import revoke_release
from mappings.canonical import (
    Coded,
    Referral,
    ScaleResult,
    Screening,
)
from tests.leaks.callers import Opened
from tests.leaks.screened import answers_of, minute, screen
from tests.support.worlds import (
    ACT_CODE,
    CARE_CONSENT,
    COVE,
    HARBOR,
    encounter,
    form_education,
    form_health,
    post_session,
    put_task,
    referral,
)


class Variant(StrEnum):
    """What became of the hidden rows."""

    FULL = "full"
    ABSENT = "absent"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """Callers who must not be able to tell three worlds apart.

    ``populate`` fills a world, ``stir`` does hidden work while requests are answered.
    """

    name: str
    callers: tuple[str, ...]
    staff: tuple[str, ...]
    populate: Callable[[Opened, Variant], None]
    stir: Callable[[Opened, Variant, int], None]


PENDING = (form_education(answer="pending"), form_health(answer="pending"))
REFUSED = (form_education(answer="refused"), form_health(answer="refused"))
EXPIRED = (form_education(expires_on=date(2026, 9, 30)),)
VISITS = form_health(elements=("visits",), purpose="attend")


def withheld(variant: Variant) -> dict[str, Any]:
    """Return what a provider is not told of a referral it may read."""
    match variant:
        case Variant.FULL:
            return {
                "description": "Her mother drinks.",
                "discipline_count": 2,
                "iep": True,
                "referrer_name": "Ada Quill",
                "student": {"address_line": "1 Elm Row", "city": "Millbrook", "state_id": "S1"},
            }
        case Variant.ABSENT:
            nothing = {"sex": None}
            return {"description": None, "discipline_count": None, "student": nothing}
        case _:
            return {
                "description": "Fights, " * 40,
                "interventions_tried": "Two talks.",
                "discipline_count": 31,
                "iep": False,
                "releases": (form_education(), form_health(answer="pending")),
                "student": {"sex": Coded("male", "M"), "address_line": "9 Oak Ave, rear"},
            }


def send(opened: Opened, when: float, *rows: Referral, provider: str = HARBOR) -> None:
    """Import referrals at one instant."""
    opened.at(minute(when))
    report = opened.world.refer(rows, provider)
    assert report.stored == len(rows), report.as_data()


def revoke(opened: Opened, when: float, number: int, provider: str = HARBOR) -> None:
    """Revoke the education release of a referral."""
    opened.at(minute(when))
    request = opened.world.id_of("ServiceRequest", f"R-{number}", provider)
    issue = opened.world.bridge.identifiers.issue
    assert revoke_release(opened.world.parts, issue("release", request, "education"))


def read_task(opened: Opened, caller: str, number: int) -> dict[str, Any]:
    """Read a Task as a provider does."""
    provider = COVE if caller.startswith("cove") else HARBOR
    task_id = opened.world.id_of("Task", f"R-{number}", provider)
    answer = opened.web(caller).get(f"/fhir/Task/{task_id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def answer(opened: Opened, when: float, number: int, status: str, **more: Any) -> None:  # noqa: ANN401 - fields as a case changes them
    """Let a provider answer a referral, naming on whose consent the care rests."""
    opened.at(minute(when))
    caller = more.pop("caller", "harbor intake")
    if consent := more.pop("consent", None):
        more["extension"] = [{"url": CARE_CONSENT, "valueCode": consent}]
    task = read_task(opened, caller, number)
    done = put_task(opened.web(caller), task, status, **more)
    assert done.status_code == 200, done.text


def session(opened: Opened, when: float, number: int, key: str, **more: Any) -> None:  # noqa: ANN401 - fields as a case changes them
    """Let a provider record a session; ``label`` is its confidentiality, ``modality`` its kind."""
    opened.at(minute(when))
    caller = more.pop("caller", "harbor intake")
    label, modality = more.pop("label", "MH"), more.pop("modality", "individual")
    made = encounter(read_task(opened, caller, number), key, **more)
    made["meta"] = {"security": [{"system": ACT_CODE, "code": label}]}
    made["type"][0]["coding"][1]["code"] = modality
    if modality == "group":
        made["type"][0]["coding"][0]["code"] = "76168009"
    done = post_session(opened.web(caller), made)
    assert done.status_code == 201, done.text


def appointment(opened: Opened, when: float, number: int, key: str) -> None:
    """Let the other provider book a visit."""
    opened.at(minute(when))
    task = read_task(opened, "cove intake", number)
    made = {
        "resourceType": "Appointment",
        "identifier": [{"system": "https://cove.example/visits", "value": key}],
        "status": "booked",
        "start": "2026-10-20T14:00:00Z",
        "end": "2026-10-20T14:45:00Z",
        "participant": [{"actor": task["for"], "status": "accepted"}],
        "basedOn": [task["focus"]],
    }
    done = post_session(opened.web("cove intake"), made)
    assert done.status_code == 201, done.text


# --- a provider ---------------------------------------------------------------------------------


def for_provider(opened: Opened, variant: Variant) -> None:
    """Four referrals to see; pending, refused, revoked, expired and others' ones beside them."""
    _never_seen(opened, variant, 0, 20)
    for number in (1, 2, 3, 4):
        send(opened, number, referral(number, **withheld(variant)))
    screen(opened, 4.25, 1, 2, **answers_of(variant))
    _never_seen(opened, variant, 4.5, 60)
    _edited_unseen(opened, variant, 4.7)
    answer(opened, 5, 1, "accepted", consent="guardian")
    session(opened, 5, 1, "own-2")
    if variant is Variant.FULL:  # others' disclosures stand in the same ledger
        for _ in range(3):
            assert b"services-started" in opened.web("counselor").get("/school/follow-up").content
    # Seen once, with a session of the provider's own, then revoked: all that is left to it is that.
    name = {"given_name": f"Once{variant.value}"}
    send(opened, 6, referral(9, student=name, description=variant.value))
    session(opened, 7, 9, "own-1")
    revoke(opened, 8, 9)


def _edited_unseen(opened: Opened, variant: Variant, when: float) -> None:
    """Change, of students a provider knows, what it is not told: their address."""
    for n, number in enumerate({Variant.FULL: (2,), Variant.DIFFERENT: (3, 1, 3)}.get(variant, ())):
        more = withheld(variant)
        more["student"] = {**more["student"], "address_line": f"{n} Elm Row"}
        opened.at(minute(when + n / 100))
        assert opened.world.refer([referral(number, **more)]).unchanged == 1


def _never_seen(opened: Opened, variant: Variant, when: float, first: int) -> None:
    if variant is Variant.FULL:
        send(opened, when, referral(first, releases=PENDING), referral(first + 1, releases=REFUSED))
        send(opened, when, referral(first + 2, releases=EXPIRED), referral(first + 3))
        revoke(opened, when, first + 3)
        gone = {"enrolled": False}
        send(opened, when, referral(first + 4, student=gone))
        send(opened, when, referral(first + 5), provider=COVE)
        appointment(opened, when, first + 5, f"booked-{first}")
        screen(opened, when, *range(first, first + 4), first + 5)
    elif variant is Variant.DIFFERENT:
        send(opened, when, referral(first, releases=REFUSED, urgency=Coded("stat", "now")))
        scores = (Screening(Coded("gad-7", "GAD"), Decimal(21), date(2026, 9, 2)),)
        send(opened, when, referral(first + 3, screenings=scores, description="x" * 900))
        revoke(opened, when, first + 3)
        send(opened, when, referral(first + 6), referral(first + 5), provider=COVE)
        screen(opened, when, first, first + 3, scores=(ScaleResult("gad-7", Decimal(2)),))


def stir_for_provider(opened: Opened, variant: Variant, turn: int) -> None:
    """Let hidden referrals arrive and the other provider answer, now."""
    now = (opened.world.clock.instant - minute(0)) / timedelta(minutes=1)
    if variant is not Variant.ABSENT and turn < 4:
        _never_seen(opened, variant, now, 100 + 10 * turn)
        if turn == 0:
            answer(opened, now, 25, "accepted", caller="cove intake")


def for_cove(opened: Opened, variant: Variant) -> None:
    """Two referrals to the other provider; the same students were sent to the first one too."""
    if variant is Variant.FULL:
        send(opened, 0, referral(1), referral(2), referral(3))
        answer(opened, 0, 1, "accepted", consent="minor")
        session(opened, 0, 1, "harbor-1")
        screen(opened, 0, 1, 2)
    send(opened, 1, referral(41), referral(42), provider=COVE)
    screen(opened, 1, 41, **answers_of(variant))
    if variant is Variant.DIFFERENT:
        send(opened, 2, *(referral(number) for number in range(1, 9)))
        answer(opened, 2, 2, "rejected")
    answer(opened, 3, 41, "accepted", caller="cove intake")


def stir_for_cove(opened: Opened, variant: Variant, turn: int) -> None:
    """Let the first provider get more."""
    now = (opened.world.clock.instant - minute(0)) / timedelta(minutes=1)
    if variant is not Variant.ABSENT and turn < 4:
        number = 100 + 10 * turn + len(variant.value)
        send(opened, now, referral(number))
        screen(opened, now, number)


# --- the state hub ------------------------------------------------------------------------------


def for_hub(opened: Opened, variant: Variant) -> None:
    """The same coded rows; other names, hours, notes, consents, answers and Part 2 sessions."""
    late = {Variant.FULL: 0.0, Variant.ABSENT: 40.0, Variant.DIFFERENT: 71.0}[variant]
    signed = {
        Variant.FULL: (form_education(), form_health()),
        Variant.ABSENT: (form_education(),),
        Variant.DIFFERENT: (form_education(), form_health(answer="refused")),
    }[variant]
    hour = 13 + int(late) // 20
    for number in (1, 2, 3):
        more = withheld(variant) | {"releases": signed}
        more["student"] = {"given_name": variant.value, **more["student"]}
        asked = datetime(2026, 9, 2, hour, number, tzinfo=UTC)
        send(opened, late + number, referral(number, authored_on=asked, **more))
        _part2(opened, variant, late + number, number)
        if variant is not Variant.ABSENT:
            screen(opened, late + number, number, **answers_of(variant))
    for number in (1, 2, 3):
        period = {"start": f"2026-10-05T{hour}:00:00-04:00", "end": "2026-10-05T20:00:00-04:00"}
        who = [{"individual": {"display": f"Dr {variant.value}"}}]
        key, when = f"key-{number}", late + 4 + number
        session(opened, when, number, key, period=period, participant=who)
    if variant is Variant.FULL:
        answer(opened, 100, 1, "accepted", consent="minor")


def _part2(opened: Opened, variant: Variant, when: float, number: int) -> None:
    if variant is not Variant.ABSENT:
        for n in range(1 + len(variant.value) % 3):
            session(opened, when, number, f"p2-{variant}-{number}-{n}", label="42CFRPart2")


def stir_for_hub(opened: Opened, variant: Variant, turn: int) -> None:
    """Let Part 2 sessions arrive."""
    now = (opened.world.clock.instant - minute(0)) / timedelta(minutes=1)
    if variant is not Variant.ABSENT and turn < 4:
        session(opened, now, 2, f"stir-{turn}", label="ETH")


# --- the school ---------------------------------------------------------------------------------


def for_school(opened: Opened, variant: Variant) -> None:
    """The school's own referrals, the same; what providers did where it may not be told differs."""
    send(opened, 0, referral(1), referral(4), referral(7, releases=(form_education(), VISITS)))
    send(opened, 1, *(referral(n, releases=(form_education(),)) for n in (2, 8)))
    send(opened, 2, referral(3), referral(6), referral(5, releases=PENDING))
    answer(opened, 3, 1, "accepted", consent="guardian")
    session(opened, 4, 1, "told-1")
    answer(opened, 5, 4, "accepted", consent="guardian")
    answer(opened, 6, 7, "accepted", consent="guardian")
    session(opened, 7, 7, "seen-1")
    _untold(opened, variant, 8)


def _untold(opened: Opened, variant: Variant, when: float) -> None:
    if variant is not Variant.ABSENT:
        screen(opened, when, 2, 3, **answers_of(variant))
    if variant is Variant.FULL:
        answer(opened, when, 2, "accepted", consent="guardian")
        answer(opened, when, 3, "accepted", consent="minor")
        answer(opened, when, 6, "accepted")
        for number, label in ((2, "MH"), (3, "MH"), (4, "SUD"), (6, "MH"), (7, "42CFRPart2")):
            session(opened, when, number, f"full-{number}", label=label)
        session(opened, when, 4, "full-group", modality="group")
    elif variant is Variant.DIFFERENT:
        answer(opened, when, 2, "rejected", consent="guardian")
        answer(opened, when, 3, "accepted", consent="minor")
        answer(opened, when, 3, "in-progress")
        answer(opened, when, 6, "rejected")
        for number in (4, 7, 7, 8):
            session(opened, when, number, f"diff-{number}-{when}", modality="group")
            when += 0.25


def stir_for_school(opened: Opened, variant: Variant, turn: int) -> None:
    """Let untold sessions arrive."""
    now = (opened.world.clock.instant - minute(0)) / timedelta(minutes=1)
    if variant is not Variant.ABSENT and turn < 4:
        session(opened, now, 8, f"stir-{variant}-{turn}")
        screen(opened, now, 8, again=turn + 1)
        session(opened, now, 4, f"stir-p2-{turn}", label="SUD")


VIEWPOINTS = (
    Viewpoint(
        "provider",
        ("harbor intake", "harbor billing", "harbor safety", "stranger", "disabled", "nobody"),
        (),
        for_provider,
        stir_for_provider,
    ),
    Viewpoint("other provider", ("cove intake",), (), for_cove, stir_for_cove),
    Viewpoint("hub", ("hub loader", "hub publisher"), (), for_hub, stir_for_hub),
    Viewpoint(
        "school",
        ("coordinator", "counselor", "administrator"),
        ("counselor", "administrator"),
        for_school,
        stir_for_school,
    ),
)
