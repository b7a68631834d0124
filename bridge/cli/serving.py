"""``serve``: one process, or several that share an address and a database."""

import multiprocessing
import os
import shutil
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from bridge.cli.footprint import settle, share_heaps, without_ornaments
from bridge.cli.running import Home

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fastapi import FastAPI

    from bridge.context import Bridge
    from bridge.settings import Settings

# A database that starts or recovers beside us: PostgreSQL takes some seconds over it.
WAIT_SECONDS: Final = 60
# What a restored copy could have forgotten without being found out is no older than this.
HEADS_SECONDS: Final = 5
MAIL_SECONDS: Final = 30
# Somebody who has just imported a file opens the list a few seconds later.
READY_SECONDS: Final = 3
# A partner that polls asks every few minutes.
SEEN_SECONDS: Final = 5
# So many new objects before the collector looks: a part of an export makes more than its 700.
GARBAGE: Final = 20_000
# A worker that is busy is not dead.
SILENT_SECONDS: Final = 60


def _without_core_dumps() -> None:
    """Let no image of the memory, with keys and records, be written where a process breaks down."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def serve(
    home: Home = Path(),
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that answer.")] = 1,
) -> None:
    """Run the FHIR API and the portal."""
    share_heaps()
    with without_ornaments():
        import uvicorn
        from uvicorn.supervisors import Multiprocess

        from bridge.logs import configure_logs
        from bridge.settings import read_settings

    configure_logs(for_good=True)
    _without_core_dumps()
    settings = read_settings(home)
    if workers == 1:
        server = uvicorn.Server(_config(settings, _app(home, 1)))
        server.run()
        if not server.started:  # the address is taken; the server has said so
            raise typer.Exit(1)
        return
    shutil.rmtree(settings.metrics_folder, ignore_errors=True)  # of a server that ended
    # The tables are made or refused once, before anybody serves.
    _app(home, workers).state.bridge.engine.dispose()
    config = _config(settings, partial(_worker_app, home, workers), workers)
    listening = config.bind_socket()
    Multiprocess(config, sockets=[listening]).run()


def _config(settings: "Settings", app: Any, workers: int = 1) -> Any:  # noqa: ANN401 - see uvicorn
    import uvicorn

    from bridge.api.hot_connections import HotConnection

    return uvicorn.Config(
        app,
        http=HotConnection,
        factory=workers > 1,
        workers=workers,
        timeout_worker_healthcheck=SILENT_SECONDS,
        host=settings.host,
        port=settings.port,
        # The access log of the server holds addresses with queries; the guard writes ours.
        access_log=False,
        server_header=False,
        log_config=None,
        timeout_keep_alive=20,
        h11_max_incomplete_event_size=65536,
    )


def _app(home: Path, workers: int) -> "FastAPI":
    """Make the application once the database answers."""
    with without_ornaments():
        from bridge.app import create_app, open_bridge
    from bridge.settings import read_settings
    from bridge.store.database.outages import once_up

    settings = read_settings(home)
    if settings.metrics_token and workers > 1:
        from bridge.prometheus import share_between_processes

        share_between_processes(settings.metrics_folder)
    bridge = once_up(lambda: open_bridge(settings, sharers=workers), WAIT_SECONDS)
    for work in (_watch_heads, _deliver, _make_ready, _let_be_seen):
        _keep_up(work, bridge)
    if settings.mail is not None or settings.text is not None:
        _keep_up(_tell_people, bridge)
    app = create_app(bridge)
    settle(GARBAGE)
    return app


def _watch_heads(bridge: "Bridge") -> None:
    """Compare the ledger with the heads kept outside of the database, as long as this serves."""
    from bridge.journeys.running.keep_heads import keep_heads
    from bridge.parts import parts_of

    compare = partial(keep_heads, parts_of(bridge), bridge.settings.heads_file)
    while True:
        time.sleep(HEADS_SECONDS)
        do_each([compare], "bridge.heads", "the heads were not compared")


def do_each(doing: "Sequence[Callable[[], object]]", log: str, undone: str) -> None:
    """Do what a thread does again and again; what goes wrong with one changes nothing for others.

    The next round tries again: a calendar, a file or a partner's server may be as it should then.
    """
    import structlog

    from bridge.errors import BridgeError
    from bridge.ledger.errors import LedgerError
    from bridge.outbound import OutboundError
    from bridge.store.database.outages import OUTAGES

    for work in doing:
        try:
            work()
        except (*OUTAGES, BridgeError, LedgerError, OutboundError, OSError) as error:
            structlog.get_logger(log).warning(undone, kind=type(error).__name__)


def _make_ready(bridge: "Bridge") -> None:
    """Make pages ready before somebody looks, as long as this serves."""
    from bridge.journeys.running.make_ready import make_ready

    settings = bridge.settings
    making = partial(
        make_ready, bridge, settings.calendars_folder, settings.directories, beside=True
    )
    while True:
        do_each([making], "bridge.ready", "pages were not made ready")
        time.sleep(READY_SECONDS)


def _let_be_seen(bridge: "Bridge") -> None:
    """Let what has come to be seen by the day be found by time, as long as this serves."""
    from bridge.journeys.running.let_be_seen import let_be_seen
    from bridge.parts import parts_of

    looking = partial(let_be_seen, parts_of(bridge))
    while True:
        do_each([looking], "bridge.seen", "what came to be seen was not looked at")
        time.sleep(SEEN_SECONDS)


def _deliver(bridge: "Bridge") -> None:
    """Send notifications to those who subscribed, as long as this serves."""
    from bridge.app import deliveries_of

    deliveries_of(bridge).run(threading.Event())


def _keep_up(work: "Callable[[Bridge], None]", bridge: "Bridge") -> None:
    """Do something in a thread as long as this serves; should it end all the same, it begins again.

    A thread that ended would do nothing any more, and nobody would know.
    """

    def again() -> None:
        while True:
            worker = threading.Thread(target=work, args=(bridge,), daemon=True)
            worker.start()
            worker.join()
            time.sleep(HEADS_SECONDS)

    threading.Thread(target=again, daemon=True).start()


def _tell_people(bridge: "Bridge") -> None:
    """Tell by mail that referrals wait, and families that a form does, as long as this serves."""
    from bridge.journeys.families.remind_families import FamilyReminders, senders_of
    from bridge.journeys.partners.send_digests import Digests
    from bridge.parts import parts_of

    place = f"{bridge.settings.base_url}/portal/sign-in"
    server = bridge.settings.mail
    digests = Digests(parts_of(bridge), bridge.gate, server, place) if server else None
    families = FamilyReminders(
        parts_of(bridge),
        senders_of(server, bridge.settings.text),
        f"{bridge.settings.base_url}/portal/family",
        bridge.settings.home / "calendars",
    )
    sending = [*([digests.send_due] if digests else ()), families.send_due]
    while True:
        do_each(sending, "bridge.mail", "nobody was told")
        time.sleep(MAIL_SECONDS)


def _worker_app(home: Path, workers: int) -> "FastAPI":
    """Make the application of one of several processes."""
    share_heaps()
    with without_ornaments():
        from bridge.logs import configure_logs

    configure_logs(for_good=True)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    return _app(home, workers)


def _end_with_parent() -> None:
    """End this worker with the process that started it, however that ended.

    A worker that outlived it would hold the address, and the next start would find it taken.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
