"""Running the stream against three worlds until they differ or the triples are used up."""

import asyncio
import re
from dataclasses import dataclass

from tests.leaks.stream import Knowledge, Stream, learn
from tests.leaks.trio import Answer, Ask, Difference, Trio

_ETAG = re.compile(r'W/"[0-9a-f]{32}"')


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many triples were asked, by status, and the first difference."""

    asked: int
    statuses: dict[int, int]
    found: Difference | None


def compare(trio: Trio, triples: int, seed: int) -> Outcome:
    """Ask up to so many triples; stop at the first difference."""
    return asyncio.run(_compare(trio, triples, seed))


async def _compare(trio: Trio, triples: int, seed: int) -> Outcome:
    known = learn(trio.sides)
    statuses: dict[int, int] = {}
    stirring = max(triples // 8, 1)
    for number, ask in enumerate(Stream(trio, seed, known).asks(triples)):
        if number % stirring == stirring - 1:
            await asyncio.to_thread(_stir, trio, number // stirring)
        seen: list[Answer] = []
        found = await trio.ask(number, ask, seen)
        statuses[seen[0].status] = statuses.get(seen[0].status, 0) + 1
        if found:
            return Outcome(number + 1, statuses, found)
        _remember(known, ask, seen[0])
    return Outcome(triples, statuses, None)


def _stir(trio: Trio, turn: int) -> None:
    for side in trio.sides:
        trio.view.stir(side.opened, side.variant, turn)


def _remember(known: Knowledge, ask: Ask, answer: Answer) -> None:
    """Keep entity tags and Tasks that were read, to send them back."""
    tags = [value.decode() for name, value in answer.headers if name == b"etag"]
    tags += _ETAG.findall(answer.body.decode("utf-8", "replace"))[:2]
    known.etags = [*known.etags[-60:], *tags]
    task = ask.path.startswith("/fhir/Task/") and "$" not in ask.path
    if task and ask.method == "GET" and answer.status == 200:
        body = answer.body
        moved = body.replace(b'"status":"requested"', b'"status":"accepted"')
        moved = moved.replace(b'"status":"received"', b'"status":"accepted"')
        known.bodies = [*known.bodies[-20:], body, moved]
        version = re.search(rb'"versionId":"([0-9a-f]{32})"', body)
        known.etags += [f'W/"{version[1].decode()}"'] * 6 if version else []
