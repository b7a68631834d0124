"""Running programs that nobody here wrote, in an environment of their own.

What they print and write is what counts: smart-fetch, for one, ends well when it got nothing.
"""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.support.worlds import Json

ROOT = Path(__file__).parents[2]
ENVIRONMENT = ROOT / ".clients"
PROGRAMS = Path(__file__).parent / "clients"
# Which client signs how: both algorithms that a server of SMART Backend Services must know.
CLIENTS = {
    "smart-fetch": "RS384",
    "fhirclient": "RS384",
    "fhirpy": "ES384",
    "fhir-kit-client": "ES384",
    "schemathesis": "ES384",
}
# Nothing but this machine: any other address goes to a port where nobody listens.
NOWHERE = "http://127.0.0.1:9"


def run(command: Sequence[str], within: float = 50) -> str:
    """Run a program to its end and return what it printed."""
    known = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG")}  # noqa: TID251 - a test's own
    proxies = {"HTTP_PROXY": NOWHERE, "HTTPS_PROXY": NOWHERE, "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(  # noqa: S603 - the clients under test
        command, env=known | proxies, capture_output=True, text=True, check=False, timeout=within
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def python(name: str, *arguments: str) -> Json:
    """Run one of the programs around a Python client; it prints JSON."""
    command = [str(ENVIRONMENT / "bin" / "python"), "-W", "ignore", str(PROGRAMS / name)]
    return dict(json.loads(run([*command, *arguments])))


def node(name: str, *arguments: str) -> Json:
    """Run one of the programs around a JavaScript client; it prints JSON."""
    command = [str(ENVIRONMENT / "bin" / "node"), str(PROGRAMS / name)]
    return dict(json.loads(run([*command, *arguments])))
