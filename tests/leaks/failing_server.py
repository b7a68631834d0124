"""``schoolbridge serve`` with one route more, which fails with a text of somebody's record.

Usage: ``python failing_server.py HOME TEXT``.
"""

import sys
from pathlib import Path

from fastapi import FastAPI, Response

import bridge.app
from bridge.cli.serving import serve
from bridge.context import Bridge

_real = bridge.app.create_app


def _with_a_fault(made: Bridge) -> FastAPI:
    app = _real(made)

    @app.get("/fails")
    def fails() -> Response:
        raise ValueError(f"cannot read {sys.argv[2]}")

    @app.get("/says")
    def says() -> Response:
        sys.stderr.write(f"debug: {sys.argv[2]}\n")
        return Response(b"")

    return app


if __name__ == "__main__":
    bridge.app.create_app = _with_a_fault
    serve(Path(sys.argv[1]))
