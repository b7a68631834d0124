"""An operator's way on where the ledger lacks hashes: every command still says what is wrong."""

import json

from sqlalchemy import delete

from bridge.ledger.append import append
from bridge.ledger.entry import Entry, Kind
from bridge.ledger.tables import NODE
from bridge.store.database.engine import write
from tests.bridge.cli.test_evidence import settled
from tests.support.command_line import Said, said
from tests.support.worlds import World


def test_commands_go_on_say_what_is_wrong_and_how_it_is_mended(world: World) -> None:
    settled(world)

    def give(*words: str) -> Said:
        return said(world.bridge.settings.home, *words)

    with write(world.bridge.engine) as connection:
        entries = [Entry(world.agreement, Kind.RELEASE, request="r")] * 300
        append(connection, entries, world.clock)
    assert give("ledger", "verify").returncode == 0  # its head is known outside from now on
    with write(world.bridge.engine) as connection:
        connection.execute(delete(NODE))

    found = give("ledger", "verify", "--json")
    assert (found.returncode, found.stderr) == (1, "")
    (fault,) = json.loads(found.stdout)[world.agreement]["faults"]
    assert "ledger mend" in fault
    assert "ledger halted" in give("doctor").stdout
    assert give("student", "held", "--lea", "millbrook").returncode == 0

    mended = give("ledger", "mend", world.agreement)
    assert (mended.returncode, "nothing is halted" in mended.stdout) == (0, True), mended.stderr
    assert give("ledger", "verify").returncode == 0
