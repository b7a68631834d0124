"""A type of an export comes in several files, each of about so many bytes and fetched by itself."""

import json
import random
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from bridge.gate.exports import file_cuts
from bridge.journeys.families.record_releases import revoke_release
from tests.support.exports import kicked_off, rows_of, served
from tests.support.worlds import Json, Web, World, referral

MANY = 12
SIZE = 8_000
ASKED = "?_type=ServiceRequest"


def cut_at(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(file_cuts, "FILE_BYTES", size)


def files_at(web: Web, place: str) -> list[Json]:
    found: list[Json] = web.get(place).json()["output"]
    return found


def ids(web: Web, file: Json) -> list[str]:
    return [json.loads(line)["id"] for line in web.get(file["url"]).text.splitlines()]


def revoked(world: World, request: str) -> None:
    form = world.bridge.identifiers.issue("release", request, "education")
    assert revoke_release(world.parts, form)


def referred(world: World, monkeypatch: pytest.MonkeyPatch, size: int = SIZE) -> tuple[Web, str]:
    """Refer some, and export them in files of a size."""
    world.refer(referral(n) for n in range(MANY))
    cut_at(monkeypatch, size)
    web = world.web()
    return web, kicked_off(web, ASKED)


def test_files_hold_each_row_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    web, place = referred(world, monkeypatch)
    files = files_at(web, place)
    assert [file["url"].rpartition("/")[2] for file in files] == [
        f"ServiceRequest-{n}.ndjson" for n in range(1, len(files) + 1)
    ]
    assert len(files) == 4
    told = [each for file in files for each in ids(web, file)]
    assert told == [world.id_of("ServiceRequest", f"R-{n}") for n in range(MANY)]


def test_files_are_bounded_by_bytes_and_not_by_rows(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 6_000
    names = ({"given_name": "N" * (20 if n % 5 else 2_000)} for n in range(MANY))
    world.refer(referral(n, student=name) for n, name in enumerate(names))
    cut_at(monkeypatch, most)
    web = world.web()
    bodies = [web.get(f["url"]).content for f in files_at(web, kicked_off(web, "?_type=Patient"))]
    assert sum(body.count(b"\n") for body in bodies) == MANY
    assert len({body.count(b"\n") for body in bodies}) > 1
    assert all(len(body) <= most for body in bodies)


def test_files_are_fetched_in_any_order_and_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    web, place = referred(world, monkeypatch)
    files = files_at(web, place)
    once = {file["url"]: ids(web, file) for file in files}
    random.shuffle(files)
    assert {file["url"]: ids(web, file) for file in files} == once


def test_a_manifest_says_of_a_file_that_was_sent_what_was_sent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    web, place = referred(world, monkeypatch)
    first, *others = files_at(web, place)
    assert "extension" not in first
    body = web.get(first["url"]).content
    sent = {"count": body.count(b"\n"), "sha256": sha256(body).hexdigest()}
    after = files_at(web, place)
    assert after == [{**first, "extension": {"sent": sent}}, *others]
    assert web.get(place).headers["X-Progress"].startswith("1 of 4 files")


def test_cuts_are_those_of_a_world_without_what_is_withheld(
    lite: World, make_twin: Callable[[], World], monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden, twin, told = {0, 4, 9}, make_twin(), []
    cut_at(monkeypatch, SIZE)
    for world, numbers in ((lite, range(MANY)), (twin, sorted({*range(MANY)} - hidden))):
        free = "x" * (30_000 if world is lite else 3)  # nobody has approved it yet
        world.refer(referral(n, description=free) for n in numbers)
        for n in hidden.intersection(numbers):
            revoked(world, world.id_of("ServiceRequest", f"R-{n}"))
        web = world.web()
        told.append([ids(web, file) for file in files_at(web, kicked_off(web, ASKED))])
    assert told[0] == told[1]
    assert len(told[0]) == 3


def test_a_type_stays_as_it_was_cut_whatever_is_withheld_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    web, place = referred(world, monkeypatch)
    files = files_at(web, place)
    (first, *_), *_ = told = [ids(web, file) for file in files]
    revoked(world, first)
    cut_at(monkeypatch, 1)
    assert [each["url"] for each in files_at(web, place)] == [each["url"] for each in files]
    again = [ids(web, file) for file in files]
    assert again == [told[0][1:], *told[1:]]


def test_a_file_that_no_manifest_names_is_not_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    web, place = referred(world, monkeypatch)
    files_at(web, place)
    for name in ("ServiceRequest", "ServiceRequest-0", "ServiceRequest-5", "ServiceRequest-x"):
        assert web.get(f"{place}/{name}.ndjson").status_code == 404


def test_a_type_that_was_fetched_whole_is_not_cut_any_more(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    web, place = referred(lite, monkeypatch)
    whole = web.get(f"{place}/ServiceRequest.ndjson").text
    (file,) = files_at(web, place)
    assert web.get(file["url"]).text == whole


def test_a_hubs_rows_come_in_files_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    served(world, 6)
    web = world.web("state-hub")
    whole = rows_of(web, kicked_off(web, "?_type=Encounter"))["Encounter"]
    cut_at(monkeypatch, 2 * len(json.dumps(whole[0])))
    place = kicked_off(web, "?_type=Encounter")
    files = files_at(web, place)
    assert len(files) > 2
    told = [json.loads(x) for file in files for x in web.get(file["url"]).text.splitlines()]
    assert told == whole


def test_a_sample_says_how_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(7)  # noqa: S311 - repeatable
    many = sorted(f"{dice.getrandbits(32):08x}-0000" for _ in range(200_000))
    found: list[Any] = [(each, 0) for each in many[: file_cuts.SAMPLE]]
    assert file_cuts._all(found) == pytest.approx(200_000, rel=0.12)
    assert file_cuts._all(found[:-1]) == file_cuts.SAMPLE - 1


def test_no_more_files_than_a_client_can_follow(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_cuts, "MOST_FILES", 3)
    web, place = referred(lite, monkeypatch, 1)
    assert len(files_at(web, place)) <= 4
