"""The servers ours is compared with, each over the resources it is given."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.arms import stored
from benchmarks.serving import ROOT, Server, free_port, start

_FRAMEWORK: str = str(ROOT / ".fhirstarter/bin/python")


@dataclass(frozen=True, slots=True)
class Reference:
    """A program that serves what is stored.

    Attributes:
        name: in the name of a row.
        words: what it is, for readers of the report.
        module: ``python -m MODULE DATABASE PORT TOKEN`` runs it.
        root: the path its resources are under.
        python: the interpreter, of the environment it needs.
    """

    name: str
    words: str
    module: str
    root: str = "/fhir"
    python: str = sys.executable
    environment: Mapping[str, str] = field(default_factory=dict)

    def serve(self, path: Path, resources: Sequence[stored.Stored], token: str) -> Server:
        """Store resources in a new database and serve them.

        Raises:
            RuntimeError: the environment it needs is not there, or it did not start.
        """
        if not Path(self.python).exists():
            raise RuntimeError(f"{self.name} is not installed: make bench installs it")
        stored.fill(str(path), resources)
        port = free_port()
        command = (self.python, "-m", self.module, str(path), str(port), token)
        return start(command, port, {**os.environ, **self.environment})  # noqa: TID251 - passed on


CEILING = Reference(
    "ceiling",
    "Starlette, one SQLite transaction and a token in memory",
    "benchmarks.arms.ceiling",
)
FHIRSTARTER = Reference(
    "fhirstarter",
    "fhirstarter 4.2.0 over SQLite with a token in memory",
    "benchmarks.arms.fhirstarter_server",
    "",
    _FRAMEWORK,
    {"FHIR_SEQUENCE": "R4B", "PYTHONWARNINGS": "ignore"},
)
