"""Which providers a school is shown, and in which order: all, or those that fit what it asked for.

What was asked for stands in the address and is nothing about the student: that a service sees the
student's age is asked with yes, and worked out here. A provider that does not say what was asked
for is not shown then, and the page says how many are not. None is recommended.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from bridge.journeys.referrals.enter_referral import providers_of
from bridge.journeys.referrals.keep_drafts import Draft
from bridge.journeys.referrals.offered_services import OfferedService, offered_services
from bridge.portal.forms import Option
from bridge.portal.languages import say
from bridge.portal.refer_questions import LANGUAGES
from bridge.portal.visits import Visit

CAPACITY: Final = {
    "capacity": say("Has room"),
    "no-capacity": say("Has no room now"),
    "waitlist": say("Has a waiting list"),
    "additional-assessment-required": say("Sees the student first, then decides"),
}
DAYS: Final = {
    "mon": say("Monday"),
    "tue": say("Tuesday"),
    "wed": say("Wednesday"),
    "thu": say("Thursday"),
    "fri": say("Friday"),
    "sat": say("Saturday"),
    "sun": say("Sunday"),
}
PAYMENTS: Final = {
    "medicaid": say("Medicaid (HUSKY)"),
    "private-insurance": say("Private insurance"),
    "no-insurance": say("No insurance"),
}
YES: Final = "yes"
# A service that does not say when it closes is not taken to be open late.
_LATE: Final = "16:00:00"


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing a school can ask of a service: its name in the address, words, and answers."""

    name: str
    label: str
    options: Mapping[str, str]


CHOICES: Final = (
    Choice("speaks", say("Language of the service"), {o.value: o.label for o in LANGUAGES}),
    Choice("day", say("Open on"), DAYS),
    Choice("late", say("Open after 4 p.m."), {YES: say("Yes")}),
    Choice("age", say("Sees students of this age"), {YES: say("Yes")}),
    Choice("pays", say("Accepts"), PAYMENTS),
    Choice("bus", say("Public transport goes there"), {YES: say("Yes")}),
    Choice("room", say("Has room"), {YES: say("Yes")}),
)
Asked = Mapping[str, str]
"""What was asked for, by the name of the choice; only answers that there are."""


def asked_for(sent: Callable[[str], str]) -> Asked:
    """Return what was asked for, given what finds a text that was sent by its name."""
    said = {each.name: sent(each.name) for each in CHOICES}
    return {each.name: said[each.name] for each in CHOICES if said[each.name] in each.options}


@dataclass(frozen=True, slots=True)
class Offer:
    """The providers a page offers; ``left_out`` are those that do not fit what was asked for."""

    options: Sequence[Option]
    left_out: int = 0


def offer(visit: Visit, draft: Draft, asked: Asked, today: date) -> Offer:
    """Return the providers of the district in an order of this draft's own: none comes first."""
    services = offered_services(visit.bridge, visit.staff)
    order = visit.bridge.identifiers
    every = sorted(
        providers_of(visit.parts, visit.staff.organization),
        key=lambda o: order.seal("offered", draft.id, o.key),
    )
    age = _age(str(draft.values.get("birth_date", "")), today)
    shown = [o for o in every if not asked or _any_fits(services.get(o.id, []), asked, age)]
    options = [Option(o.key, o.name, _words(visit, services.get(o.id, []))) for o in shown]
    return Offer(options, len(every) - len(shown))


def _any_fits(services: Sequence[OfferedService], asked: Asked, age: int | None) -> bool:
    return any(_fits(each, asked, age) for each in services)


def _fits(service: OfferedService, asked: Asked, age: int | None) -> bool:
    day, until = asked.get("day"), service.open_until or {}
    late = [time for on, time in until.items() if time > _LATE and day in (None, on)]
    return (
        ("speaks" not in asked or asked["speaks"] in service.languages)
        and (day is None or day in service.days)
        and ("late" not in asked or bool(late))
        and ("age" not in asked or _sees(service, age))
        and ("pays" not in asked or asked["pays"] in service.accepts)
        and ("bus" not in asked or service.transit is True)
        and ("room" not in asked or service.capacity == "capacity")
    )


def _sees(service: OfferedService, age: int | None) -> bool:
    low, high = service.youngest, service.oldest
    if age is None or (low is None and high is None):
        return False
    return (low is None or low <= age) and (high is None or age <= high)


def _age(born: str, today: date) -> int | None:
    if not born:
        return None
    day = date.fromisoformat(born)
    return today.year - day.year - ((today.month, today.day) < (day.month, day.day))


def _words(visit: Visit, services: Sequence[OfferedService]) -> str:
    return "; ".join(_line(visit, each) for each in services) or say("Says nothing about room")


def _line(visit: Visit, service: OfferedService) -> str:
    """Return what a service says of itself, in one line."""
    words = [service.name, visit.say(CAPACITY.get(service.capacity, ""))]
    if service.wait_days is not None:
        words.append(visit.say(say("wait in days:")) + f" {service.wait_days}")
    words += [option.label for option in LANGUAGES if option.value in service.languages]
    words += [visit.say(name) for day, name in DAYS.items() if day in service.days]
    if (service.youngest, service.oldest) != (None, None):
        ages = "-".join("" if n is None else str(n) for n in (service.youngest, service.oldest))
        words.append(visit.say(say("ages:")) + f" {ages}")
    words += [visit.say(name) for kind, name in PAYMENTS.items() if kind in service.accepts]
    words += [visit.say(say("bus or train"))] if service.transit else []
    return ", ".join(word for word in words if word)
