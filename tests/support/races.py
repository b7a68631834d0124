"""Reads against a revocation, started within the same few milliseconds."""

import random
import secrets
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import insert

from bridge.gate import Query, Released
from bridge.gate.disclosures import subject_of
from bridge.gate.hot.asked import Asked
from bridge.gate.hot.together import Together
from bridge.identity import digest_of
from bridge.identity.tables import TOKEN
from bridge.journeys.families.record_releases import revoke_release
from bridge.ledger.entry import Kind
from bridge.ledger.lookup import about
from bridge.store.database.engine import read, write
from tests.support.reads import Reads
from tests.support.worlds import LEA, World, referral

READERS = 3
REQUEST = "ServiceRequest"


@dataclass(frozen=True, slots=True)
class Race:
    """What came of one race.

    Attributes:
        before, after: releases in the ledger when the revocation was acknowledged, and at the end.
        in_flight: seconds after the acknowledgement at which the last answer arrived that had been
            committed before it; 0 if none was under way.
    """

    before: int
    after: int
    in_flight: float


def run_races(
    world: World,
    races: int,
    seed: int,
    kind: type[Together] = Together,
    *,
    searching: bool = False,
) -> list[Race]:
    """Run so many races, each about a student of its own, with what was released remembered.

    Each record is read, or searched for with its Patient.
    """
    dice = random.Random(seed)  # noqa: S311 - repeatable, not secret
    reads = Reads(world, kind)
    done: list[Race] = []
    for start in range(0, races, 50):
        numbers = range(start, min(start + 50, races))
        world.refer(referral(n) for n in numbers)
        token = _token(world)
        done += [_race(reads, token, n, dice, searching=searching) for n in numbers]
    reads.together.close()
    return done


def _token(world: World) -> str:
    """Hand out a token: the clock of a race runs, so none can be asked for at its time."""
    bearer, clock = secrets.token_urlsafe(), world.bridge.clock
    row = {"digest": digest_of(bearer), "client_id": "harbor-ehr", "scopes": "system/*.rs"}
    with write(world.bridge.engine) as connection:
        ends = clock.real_now() + timedelta(minutes=30)
        connection.execute(insert(TOKEN), {**row, "expires_at": ends})
    return bearer


def _found(asked: Asked) -> bool:
    if isinstance(asked.found, Released):
        return bool(asked.found.matches)
    return asked.found is not None


def _race(reads: Reads, token: str, n: int, dice: random.Random, *, searching: bool) -> Race:
    world, record_id = reads.world, reads.world.id_of(REQUEST, f"R-{n}")
    query = Query(REQUEST, ids=(record_id,), limit=20)
    # Now it is remembered:
    assert not searching or reads.search(token, query, "patient").matches
    assert searching or reads.read(token, REQUEST, record_id) is not None
    arrived: list[tuple[float, bool]] = []

    def answered(some: Sequence[Asked]) -> None:
        arrived.extend((time.monotonic(), _found(each)) for each in some)

    def ask(wait: float) -> None:
        time.sleep(wait)
        asked = Asked(token, REQUEST, record_id, f"{n:08x}", answered, None)
        if searching:
            asked.search = lambda _: (query, ("patient",))
        reads.together.ask(asked)

    threads = [threading.Thread(target=ask, args=(dice.uniform(0, 0.006),)) for _ in range(READERS)]
    for thread in threads:
        thread.start()
    time.sleep(dice.uniform(0, 0.006))
    form = world.bridge.identifiers.issue("release", record_id, "education")
    assert revoke_release(world.parts, form)
    acknowledged = time.monotonic()
    before = _releases(world, n)
    for thread in threads:
        thread.join()
    while len(arrived) < READERS:
        time.sleep(0.001)
    late = [at - acknowledged for at, found in arrived if found and at > acknowledged]
    return Race(before, _releases(world, n), max(late, default=0.0))


def _releases(world: World, n: int) -> int:
    student = world.bridge.identifiers.issue("student", LEA, str(1000 + n))
    with read(world.bridge.engine) as connection:
        subject = subject_of(world.bridge.identifiers, student)
        return sum(e.entry.kind is Kind.RELEASE for e in about(connection, subject))
