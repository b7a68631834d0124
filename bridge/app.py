"""The application: settings in, ASGI app out. Nothing is made at import."""

from dataclasses import replace
from datetime import datetime

from fastapi import FastAPI, Response

from bridge.api import (
    bulk,
    fhir,
    groups,
    metrics,
    notices,
    oauth,
    problems,
    recalls,
    school,
    subscriptions,
    terminology,
)
from bridge.api.guard import Guard
from bridge.api.hot import HotLane, Lane
from bridge.clock import Clock, ShiftedClock, SystemClock
from bridge.context import Bridge
from bridge.demo.issuer import PATH, development_issuer
from bridge.directories import is_loopback
from bridge.gate import Gate, keep_tables
from bridge.identifiers import Identifiers
from bridge.identity.signing import SigningKey
from bridge.journeys.partners.deliver_notifications import Deliveries
from bridge.journeys.partners.send_notifications import Sender
from bridge.journeys.running.keep_heads import keep_heads
from bridge.journeys.running.sign_in_staff import DirectorySignIn
from bridge.measures import measured_by
from bridge.migrations.state import require_current
from bridge.outbound import Fetching, Outgoing
from bridge.outbound.signatures import signer_of
from bridge.parts import parts_of
from bridge.portal import (
    answer_file,
    assets,
    board,
    clinic,
    clinic_looked,
    close_out,
    family,
    import_page,
    looked,
    meeting,
    notes,
    owners,
    refer,
    referral_page,
    same_page,
    session_page,
    sign_in,
    staff_forms,
    told,
)
from bridge.prometheus import Prometheus
from bridge.settings import Settings
from bridge.store.database.engine import open_engine, write


def open_bridge(settings: Settings, sharers: int = 1) -> Bridge:
    """Open the database and make the parts of a running bridge.

    Args:
        settings: the deployment's.
        sharers: how many processes serve from the database at once.

    Raises:
        SchemaError: the database's tables are those of another version.
        LedgerDamaged: the heads kept outside of the database cannot be read.
    """
    engine = open_engine(settings.database_url, sharers=sharers)
    require_current(engine)
    with write(engine) as connection:
        keep_tables(connection)
    clock = clock_of(settings)
    identifiers = Identifiers(settings.secret)
    gate = Gate(engine, clock, identifiers)
    fetching = Fetching(Outgoing(loopback=settings.local))
    notifying = Outgoing(loopback=settings.local)
    signing = SigningKey.load_or_generate(settings.signing_key_file)
    parts = (settings, engine, clock, identifiers, gate)
    bridge = Bridge(*parts, fetching=fetching, notifying=notifying, signing=signing)
    bridge = replace(bridge, measures=_measures(bridge, sharers))
    keep_heads(parts_of(bridge), settings.heads_file)
    return bridge


def _measures(bridge: Bridge, sharers: int) -> Prometheus | None:
    """Begin to count what a bridge does, where its settings say who may ask for it."""
    if not bridge.settings.metrics_token:
        return None
    made = Prometheus(bridge.settings.metrics_folder if sharers > 1 else None)
    measured_by(bridge.engine, made)
    return made


def clock_of(settings: Settings) -> Clock:
    """Return the clock the settings ask for."""
    real = SystemClock()
    if not settings.demo_start:
        return real
    # The demo's time goes on over a restart: it must not fall behind what is recorded already.
    began = datetime.fromisoformat(settings.demo_began)
    return ShiftedClock(datetime.fromisoformat(settings.demo_start) + (real.now() - began))


def deliveries_of(bridge: Bridge) -> Deliveries:
    """Return the worker that sends a bridge's notifications."""
    whole = (parts_of(bridge), bridge.gate)
    signer = signer_of(bridge.signing, bridge.clock) if bridge.signing else None
    sender = Sender(whole, bridge.settings.fhir_base, bridge.notifying, signer)
    return Deliveries(bridge.engine, bridge.clock, sender)


def create_app(bridge: Bridge) -> FastAPI:
    """Return the ASGI application of one bridge."""
    app = FastAPI(title="schoolbridge", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.bridge = bridge
    app.state.directories = DirectorySignIn(
        # Fetches of its own: strangers who begin sign-ins must not hold up a client's keys.
        parts_of(bridge),
        # A directory of this machine is one the operator named; its documents name no other of it.
        Fetching(
            Outgoing(loopback=any(is_loopback(d.issuer) for d in bridge.settings.directories))
        ),
        bridge.settings.directories,
        bridge.settings.base_url,
    )
    app.state.lane = Lane(bridge)
    app.add_middleware(HotLane, lane=app.state.lane)
    app.add_middleware(Guard, measures=bridge.measures)
    problems.install(app)
    told.install(app)
    _add_routes(app)
    if bridge.settings.development_issuer:
        app.mount(PATH, development_issuer(bridge.settings, bridge.clock))

    @app.get("/healthz")
    def healthz() -> Response:
        """Say that the process answers."""
        return Response(b"ok\n", media_type="text/plain")

    return app


def _add_routes(app: FastAPI) -> None:
    # The fixed paths come before the FHIR routes, whose patterns are wider.
    for router in (
        oauth.router,
        metrics.router,
        bulk.router,
        groups.router,
        recalls.router,
        notices.router,
        terminology.router,
        subscriptions.router,
        fhir.router,
        school.router,
        assets.router,
        told.router,
        session_page.router,
        sign_in.router,
        board.router,
        family.router,
        answer_file.router,
        clinic_looked.router,
        clinic.router,
        staff_forms.router,
        import_page.router,
        looked.router,
        same_page.router,
        meeting.router,
        close_out.router,
        refer.router,
        referral_page.router,
        notes.router,
        owners.router,
    ):
        app.include_router(router)
