"""The demo's own sign-in speaks the protocol, and is served nowhere else."""

import re
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import uvicorn

from bridge.app import create_app
from bridge.clock import FixedClock, SystemClock
from bridge.demo.issuer import PATH, development_issuer
from bridge.directories import Directory
from bridge.errors import SettingsError
from bridge.settings import Settings
from tests.support.worlds import LEA, NOW, World, make_world, referral


@pytest.fixture
def demo(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    """A world with the settings of a demonstration; ``serving`` puts it on its port."""
    made = make_world(sqlite_url, tmp_path, FixedClock(NOW, real=SystemClock().real_now()))
    made.refer([referral(0)])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    roles = (("Counselor", "counselor"),)
    directory = Directory(LEA, base + PATH, "demo", "", "roles", roles, ("follow",))
    settings = replace(
        made.bridge.settings,
        base_url=base,
        port=port,
        demo_start=NOW.isoformat(),
        directories=(directory,),
        development_issuer=True,
    )
    made.bridge = replace(made.bridge, settings=settings)
    yield made
    made.bridge.engine.dispose()


@pytest.fixture
def http(demo: World) -> Iterator[httpx.Client]:
    """A browser in front of the demo's running server."""
    settings = demo.bridge.settings
    app = create_app(demo.bridge)
    server = uvicorn.Server(
        uvicorn.Config(app, "127.0.0.1", settings.port, log_config=None, lifespan="off")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    with httpx.Client(base_url=settings.base_url, trust_env=False, timeout=30) as client:
        yield client
    server.should_exit = True
    thread.join()


def form_of(http: httpx.Client) -> tuple[httpx.URL, dict[str, str]]:
    begun = http.get(f"/portal/sign-in/{LEA}")
    page = http.get(begun.headers["location"])
    fields = dict(re.findall(r'name="([a-z_]+)" value="([^"]*)">', page.text))
    return page.url.copy_with(query=None), fields | {"person": "Counselor"}


def test_a_made_up_counselor_signs_in_and_sees_the_board(http: httpx.Client) -> None:
    place, form = form_of(http)
    back = http.post(place, data=form)
    assert back.status_code == 303
    assert http.get(back.headers["location"]).headers["location"] == "/portal/board"
    assert "Child0" in http.get("/portal/board").text


@pytest.mark.parametrize(
    "change",
    [
        {"person": "Superintendent"},
        {"redirect_uri": "http://127.0.0.1:9/"},
        {"client_id": "x"},
        {"code_challenge_method": "plain"},
        {"nonce": ""},
    ],
)
def test_it_answers_the_bridge_alone(http: httpx.Client, change: dict[str, str]) -> None:
    place, form = form_of(http)
    assert http.post(place, data=form | change).status_code == 400


def test_its_codes_work_once_with_their_verifier(http: httpx.Client) -> None:
    place, form = form_of(http)
    back = httpx.URL(http.post(place, data=form).headers["location"])
    token = {"code": back.params["code"], "redirect_uri": form["redirect_uri"]}
    endpoint = f"{PATH}/token"
    assert http.post(endpoint, data=token | {"code_verifier": "x"}).status_code == 400
    assert http.post(endpoint, data=token).status_code == 400
    assert http.get(back).status_code == 403  # that try used the code up


@pytest.mark.parametrize(
    "change",
    [
        {"development_issuer": False},
        {"demo_start": ""},
        {"base_url": "https://bridge.example.org"},
        {"host": "192.0.2.1"},
        {"directories": ()},
    ],
)
def test_it_is_refused_outside_of_a_demonstration_on_loopback(
    demo: World, change: dict[str, object]
) -> None:
    settings: Settings = replace(demo.bridge.settings, **change)  # type: ignore[arg-type] # fields as a case changes them
    with pytest.raises(SettingsError, match=r"development issuer"):
        development_issuer(settings, demo.bridge.clock)
    if settings.development_issuer:
        with pytest.raises(SettingsError):
            create_app(replace(demo.bridge, settings=settings))


def test_a_bridge_that_is_no_demo_serves_none(demo: World) -> None:
    settings = replace(demo.bridge.settings, development_issuer=False)
    app = create_app(replace(demo.bridge, settings=settings))
    assert not any(getattr(route, "path", "").startswith(PATH) for route in app.routes)
