"""What a consent filter asks has row ids on SQLite (docs/adr/0057).

SQLite 3.53.4 finds too little by two keys joined with OR in a table that is its own index, where it
has statistics of many rows: in a ``NOT EXISTS`` that would be a release that must not be.
"""

import re
from pathlib import Path

from bridge.gate.authorise import authorised
from bridge.gate.viewers import viewer_of
from bridge.store.database.engine import read
from bridge.store.search.index import PARAMETERS
from tests.support.worlds import NOW, caller, make_world

ASKED = re.compile(r"\b(?:FROM|JOIN) (\w+)")


def test_every_table_that_a_filter_asks_has_row_ids(tmp_path: Path) -> None:
    world = make_world(f"sqlite:///{tmp_path / 'bridge.db'}", tmp_path)
    with read(world.bridge.engine) as connection:
        viewer = viewer_of(connection, caller())
        every = [authorised(viewer, kind, NOW, "sqlite") for kind in PARAMETERS]
        said = [each.condition.text for each in every]
        tables = {"record", "student"}.union(*(ASKED.findall(each) for each in said))
        assert "evidence" in tables
        for table in tables:
            connection.exec_driver_sql(f"SELECT rowid FROM {table} LIMIT 1")  # noqa: S608 - names of ours
    world.bridge.engine.dispose()
