"""One demonstration per database, shared by the stories told about it."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url

from bridge.demo.run import Demo
from tests.support.databases import for_the_server


class Told:
    """What a demonstration said and what each party ended up with."""

    def __init__(self, demo: Demo, out: Path) -> None:
        self.report = demo.report
        self.out = out
        self.home = demo.home

    def received(self, party: str, kind: str) -> list[dict[str, Any]]:
        """Return the resources of one type that a party received."""
        file = self.out / party / f"{kind}.ndjson"
        return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]

    def everything(self, party: str) -> str:
        """Return everything a party received as one text."""
        files = sorted((self.out / party).iterdir())
        return "\n".join(file.read_text(encoding="utf-8") for file in files)


# One worker tells all the stories of one database, so that each demonstration runs once.
@pytest.fixture(
    scope="session",
    params=[
        pytest.param("sqlite", marks=pytest.mark.xdist_group("demo-sqlite")),
        pytest.param("postgresql", marks=pytest.mark.xdist_group("demo-postgresql")),
    ],
)
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Told:
    folder = tmp_path_factory.mktemp(f"demo-{request.param}")
    url = "sqlite:///bridge.sqlite3"
    if request.param == "postgresql":
        url = _postgres(request.getfixturevalue("postgres_server"))
    demo = Demo(folder / "demo", database_url=url)
    demo.run()
    demo.write_out(folder / "out")
    return Told(demo, folder / "out")


def _postgres(server: str) -> str:
    """Make a database with its tables; return it for the server, which may change no table."""
    url = make_url(server).set(drivername="postgresql+psycopg")
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE demonstration")
    admin.dispose()
    return for_the_server(url.set(database="demonstration").render_as_string(hide_password=False))
