"""Workers that send notifications, as those beside a server do."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from bridge.app import deliveries_of
from bridge.context import Bridge
from bridge.journeys.partners import deliver_notifications


@contextmanager
def delivering(bridge: Bridge, workers: int = 1, pause: float = 0.02) -> Iterator[None]:
    """Let so many workers send, each as one of several processes would."""
    ended = threading.Event()
    made = [deliveries_of(bridge) for _ in range(workers)]
    threads = [threading.Thread(target=each.run, args=(ended,)) for each in made]
    usual, deliver_notifications.PAUSE = deliver_notifications.PAUSE, pause
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()
        deliver_notifications.PAUSE = usual
