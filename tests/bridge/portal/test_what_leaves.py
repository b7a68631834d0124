"""What the check page lists is what the provider gets: for drafts drawn by chance.

A short run stands in every test run; ``make faults`` makes the long one: ``SCHOOLBRIDGE_DRAFTS``
says how many drafts, and ``SCHOOLBRIDGE_TEST_SEED`` repeats one.
"""

import os
import random
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.clock import FixedClock
from bridge.gate.projection import LINKING
from bridge.identity import Caller, Party, Standing
from bridge.journeys.files.import_roster import import_roster
from bridge.journeys.referrals import enter_referral
from bridge.journeys.referrals.enter_referral import BY_GUARDIAN, KIND, rehearse, send
from bridge.journeys.referrals.keep_drafts import Draft
from bridge.portal.leaving_words import leaving
from bridge.portal.refer_questions import CONCERNS, LANGUAGES, RELATIONS, URGENCIES
from mappings.canonical import Student
from mappings.language import Mapped
from tests.faults.seeds import told_seed
from tests.support.hostile_texts import scripts
from tests.support.worlds import COVE, HARBOR, LEA, NOW, Json, World, make_world

LONG = int(os.environ.get("SCHOOLBRIDGE_DRAFTS") or 10_000)  # noqa: TID251 - how long to test
DRAFTS = [12, pytest.param(LONG, marks=pytest.mark.faults)]
AT_ONCE = 100
COUNSELOR = Caller("staff:one", Standing(Party.LEA, LEA, "", "counselor", ("follow",)))
CLIENTS = {HARBOR: "harbor-ehr", COVE: "cove-ehr"}
KINDS = (
    *("Patient", "RelatedPerson", "ServiceRequest", "Task"),
    *("Observation", "QuestionnaireResponse", "Consent", "Provenance"),
)
Found = dict[tuple[str, str], Json]


def draft(draw: random.Random, number: int, texts: list[str]) -> Draft:
    """Return a whole draft, as the pages keep one: every answer that can be left out may be."""
    said = lambda *options: draw.choice(options)  # noqa: E731 - so short
    today = NOW.date()
    signed = said("yes", "yes", "yes", "pending")
    by_guardian = draw.random() < 0.5
    values: dict[str, Any] = {
        "local_id": str(5000 + number),
        "given_name": said("Luz", draw.choice(texts)[:60]),
        "family_name": said("Quintero", draw.choice(texts)[:60]),
        "birth_date": date(draw.randint(2007, 2020), draw.randint(1, 12), 5).isoformat(),
        "school": said("north-middle", ""),
        "guardian": "Ines Quintero",
        "relationship": draw.choice(RELATIONS).value,
        "phone": said("555-0177", ""),
        "home_language": said("", draw.choice(LANGUAGES).value),
        "interpreter": said("yes", "no"),
        "concerns": [o.value for o in draw.sample(CONCERNS, draw.randint(1, 5))],
        "description": said("", "Cries in class.", draw.choice(texts)),
        "urgency": draw.choice(URGENCIES).value,
        "provider": said(HARBOR, HARBOR, COVE),
        "signed": signed,
        BY_GUARDIAN: ["yes"] if by_guardian else [],
        "signer": "" if by_guardian else said("Ines Quintero", "Juan Reyes"),
        "signer_relationship": "" if by_guardian else draw.choice(RELATIONS).value,
        "signed_on": (today - timedelta(days=draw.randint(0, 400))).isoformat(),
        "expires_on": said("", (today + timedelta(days=draw.randint(0, 300))).isoformat()),
        "back": said(["yes"], []),
        "authored_on": today.isoformat(),
    }
    return Draft(f"draft-{number:06}", KIND, values)


def enrolled(world: World, said: Draft) -> None:
    v = said.values
    born = date.fromisoformat(v["birth_date"])
    student = Student(v["local_id"], v["family_name"], v["given_name"], born, enrolled=True)
    import_roster(world.parts, LEA, [Mapped(student, 2)])


def plain(resources: tuple[Any, ...] | list[Json]) -> Found:
    """Return resources by type and id, without marks of a version, and links to one another.

    What a link leads to is listed itself (:func:`stray`).
    """
    return {
        (r["resourceType"], r["id"]): {name: r[name] for name in r if not _is_aside(r, name)}
        for r in resources
    }


def _is_aside(resource: Json, name: str) -> bool:
    return name == "meta" or name in LINKING.get(resource["resourceType"], ())


def stray(resources: list[Json], shown: Found) -> bool:
    """Tell whether a link leads to a record that was not listed."""
    links = [
        tuple(str(link["reference"]).split("/"))
        for resource in resources
        for name in LINKING.get(resource["resourceType"], ())
        for link in resource.get(name, ())
    ]
    return not set(links) <= set(shown)


def received(world: World) -> dict[str, list[Json]]:
    """Return everything that each provider reads."""
    webs = {provider: world.web(client) for provider, client in CLIENTS.items()}
    return {
        provider: [one for kind in KINDS for one in web.found(f"/fhir/{kind}?_count=100")]
        for provider, web in webs.items()
    }


def differences(world: World, draw: random.Random, numbers: range) -> tuple[list[str], int]:
    """Send drafts; return in what lists and what came differ, and how many let something leave."""
    texts = scripts(draw.randrange(10**6))
    shown: dict[str, Found] = {provider: {} for provider in CLIENTS}
    listed: list[tuple[str, list[str], Found]] = []
    for number in numbers:
        said = draft(draw, number, texts)
        if number == numbers[0]:  # of each world's first student nothing at all is known
            said.values["signed"] = "pending"
        elif draw.random() < 0.9:  # nothing leaves of whom no roster knows
            enrolled(world, said)
        seen = enter_referral.rehearse(world.parts, COUNSELOR, said)
        assert send(world.bridge, COUNSELOR, said)[1] == seen.problems
        own = plain(seen.sent)
        listed.append((said.values["provider"], leaving(seen.sent), own))
        shown[said.values["provider"]] |= own
    every = received(world)
    came = {provider: plain(resources) for provider, resources in every.items()}
    wrong = [
        f"{provider}: {kind}"
        for provider in CLIENTS
        for kind, _ in {*shown[provider], *came[provider]}
        if {k: v for k, v in shown[provider].items() if k[0] == kind}
        != {k: v for k, v in came[provider].items() if k[0] == kind}
    ]
    wrong += [
        f"{provider}: links" for provider in CLIENTS if stray(every[provider], shown[provider])
    ]
    for provider, words, own in listed:
        if leaving([came[provider][key] for key in own if key in came[provider]]) != [
            each for each in words if own
        ]:
            wrong.append("words")
    return sorted(set(wrong)), sum(bool(own) for _, _, own in listed)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[[int], World]]:
    made: list[World] = []

    def new(number: int) -> World:
        folder = tmp_path / str(number)
        folder.mkdir()
        made.append(make_world(f"sqlite:///{folder / 'bridge.db'}", folder, FixedClock(NOW)))
        return made[-1]

    yield new
    for world in made:
        world.bridge.engine.dispose()


@pytest.mark.parametrize("count", DRAFTS)
def test_what_the_check_page_lists_is_what_the_provider_gets(
    make: Callable[[int], World], count: int
) -> None:
    draw, left = random.Random(told_seed()), 0  # noqa: S311 - which drafts
    for first in range(0, count, AT_ONCE):
        world = make(first)
        numbers = range(first, min(first + AT_ONCE, count))
        wrong, some = differences(world, draw, numbers)
        assert wrong == [], f"drafts {numbers}"
        left += some
        world.bridge.engine.dispose()
    sys.stdout.write(f"{count} drafts, of {left} something left\n")
    assert 0 < left < count


def test_a_list_that_leaves_something_out_is_caught(
    make: Callable[[int], World], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = rehearse

    def short(*given: Any) -> Any:  # noqa: ANN401 - as it is called
        found = whole(*given)
        return type(found)(tuple(r for r in found.sent if r["resourceType"] != "Patient"), ())

    monkeypatch.setattr(enter_referral, "rehearse", short)
    wrong, _ = differences(make(0), random.Random(1), range(8))  # noqa: S311 - repeatable
    assert any("Patient" in each for each in wrong)
