"""Partners take turns: of what one has under way, one part at a time is made.

However many files a partner reads at once, it waits in the queue for the database at most once, so
another's small export stands behind one part of it and not behind all. Waiting takes no thread. A
reader that does not read holds nothing.
"""

import asyncio
from collections.abc import Iterator
from typing import Final, TypeVar
from weakref import WeakValueDictionary

from starlette.concurrency import run_in_threadpool

T = TypeVar("T")
# A lock is there as long as somebody holds it or waits for it.
_TURNS: Final[WeakValueDictionary[tuple[asyncio.AbstractEventLoop, str], asyncio.Lock]] = (
    WeakValueDictionary()
)


async def next_in_turn(partner: str, parts: Iterator[T]) -> T | None:
    """Return the next part of something long, made when it is the partner's turn; None: the end."""
    key = (asyncio.get_running_loop(), partner)
    turn = _TURNS.get(key)
    if turn is None:
        turn = _TURNS[key] = asyncio.Lock()
    async with turn:
        return await run_in_threadpool(next, parts, None)
