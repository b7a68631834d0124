"""The commands that say what left and why."""

import json
from pathlib import Path

from typer.testing import CliRunner, Result

from bridge.cli import app
from bridge.clock import SystemClock
from tests.support.worlds import World, caller, referral

SECRET = "a secret of this test alone, " * 2


def run(world: World, *arguments: str, more: str = "", typed: str | None = None) -> Result:
    """Run a command on the deployment of a world, with more in its settings and something typed."""
    home: Path = world.bridge.settings.home
    settings = {
        "database_url": world.bridge.settings.database_url,
        "base_url": "http://127.0.0.1:8020",
        "host": "127.0.0.1",
        "port": 8020,
        "secret": SECRET,
        "demo_start": world.clock.now().isoformat(),
        "demo_began": SystemClock().real_now().isoformat(),
    }
    lines = [f"{name} = {json.dumps(value)}\n" for name, value in settings.items()]
    (home / "schoolbridge.toml").write_text("".join([*lines, more]), encoding="utf-8")
    return CliRunner().invoke(app, [*arguments, "--home", str(home)], input=typed)


def test_why_takes_a_decision_again_and_prints_who_voted_how(lite: World) -> None:
    lite.refer([referral(1)])
    lite.bridge.gate.read(caller(), "ServiceRequest", lite.id_of("ServiceRequest", "R-1"))
    found = run(lite, "why", f"{lite.agreement}#0")
    assert found.exit_code == 0, found.output
    assert "exact: True" in found.output
    assert "permit  referral.reason (clause 4.1): flow:F1" in found.output
    assert "prohibition:P4 objects; missing: human_reviewed" in found.output
    assert "Winterbourne" not in found.output


def test_why_as_json_names_every_layer_of_every_element(lite: World) -> None:
    lite.refer([referral(1)])
    lite.bridge.gate.read(caller(), "ServiceRequest", lite.id_of("ServiceRequest", "R-1"))
    told = json.loads(run(lite, "why", f"{lite.agreement}#0", "--json").output)
    assert (told["exact"], told["table_in_use"], told["differences"]) == (True, True, [])
    reason = next(e for e in told["elements"] if e["element"] == "referral.reason")
    assert reason["bases"] == ["ferpa.consent"]
    assert all(vote["agrees"] for vote in reason["votes"])


def test_why_of_nothing_is_one_error_and_no_trace(lite: World) -> None:
    lite.refer([referral(1)])
    for receipt in ("nothing", "nothing#x", f"{lite.agreement}#7"):
        assert run(lite, "why", receipt).exit_code == 1


def test_an_account_is_written_as_a_page_in_the_language_asked_for(lite: World) -> None:
    lite.refer([referral(1)])
    lite.bridge.gate.read(caller(), "ServiceRequest", lite.id_of("ServiceRequest", "R-1"))
    out = lite.bridge.settings.home / "page.html"
    asked = ("account", "1001", "--lea", "millbrook", "--out", str(out), "--lang", "es")
    assert run(lite, *asked).exit_code == 1  # a guardian gives a name
    assert run(lite, *asked, typed="Max Winterbourne\n").exit_code == 0
    assert "motivo de la remisión" in out.read_text(encoding="utf-8")
