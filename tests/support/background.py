"""A server of a test runs in a thread of its own for as long as a block lasts."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def in_background(serve: Callable[[threading.Event], None]) -> Iterator[None]:
    """Run a function, which ends soon after the event it is given is set at the block's end."""
    ended = threading.Event()
    thread = threading.Thread(target=serve, args=(ended,))
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
