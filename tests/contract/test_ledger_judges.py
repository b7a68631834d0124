"""What the ledger hands out holds for verifiers that nobody here wrote, and spoilt it does not."""

from pathlib import Path

import pytest

from bridge.ledger.append import append
from bridge.ledger.entry import Entry, Kind
from bridge.store.database.engine import write
from tests.bridge.cli.test_evidence import file, given, receipt, settled, vkey
from tests.contract.programs import node
from tests.support.worlds import World, caller, make_world, referral

pytestmark = pytest.mark.xdist_group("contract")


@pytest.mark.turns(2)
@pytest.mark.parametrize("count", [1, 2, 5, 30])
def test_receipts_heads_and_their_growth_hold_for_verifiers_of_others(
    database_url: str, tmp_path: Path, count: int
) -> None:
    world = settled(make_world(database_url, tmp_path))
    world.refer([referral(1)])
    world.bridge.gate.read(caller(), "ServiceRequest", world.id_of("ServiceRequest", "R-1"))
    grow(world, count)
    earlier, extended = file(world, "earlier.txt"), file(world, "extended.txt")
    earlier.write_text(given(world, "head", "--sign", "--log", world.agreement), encoding="utf-8")
    size = int(earlier.read_text(encoding="utf-8").split("\n")[1])
    grow(world, count)
    given(world, "extend", world.agreement, "--since", str(size), "--out", str(extended))
    place = f"{world.agreement}#0"
    opened = receipt(world, place, "--opened").rename(file(world, "opened.json"))
    sealed = receipt(world, place)
    world.bridge.engine.dispose()
    told = node("ledger_judges.mjs", vkey(world), *map(str, (sealed, opened, extended, earlier)))

    assert told == {
        "sizes": [size, size + count, size + count],
        "since": size,
        "sealed": [True, False, False],
        "opened": [True, False],
        "extension": [True, False, False],
        "signature": [True, False],
    }


def grow(world: World, count: int) -> None:
    entries = [Entry(world.agreement, Kind.RELEASE, request=f"r-{n}") for n in range(count)]
    with write(world.bridge.engine) as connection:
        append(connection, entries, world.clock)
