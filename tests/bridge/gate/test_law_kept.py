"""The law as it was when a decision was taken is kept with it, and explains it years later."""

from sqlalchemy import text

from bridge.gate import Query, keep_tables, replay_log
from bridge.gate.agreements import compiled
from bridge.store.database.engine import read, write
from bridge.store.directory import agreements
from bridge.store.facts.table_documents import documents_of
from consent.law import law_of, load_law
from tests.support.worlds import World, caller, referral

# A pack of another year: consent was not yet a basis for education records.
OLDER = "\n".join(
    line.replace("ferpa.consent", "ferpa.written-consent")
    for line in load_law("US-XX").bases_text.splitlines()
)


def test_the_text_of_the_law_is_kept_with_the_table_it_made(world: World) -> None:
    with read(world.bridge.engine) as connection:
        entry = agreements(connection)[-1]
        kept = documents_of(connection, compiled(entry).table.digest)
    assert kept is not None
    assert kept[1] == load_law("US-XX").bases_text


def test_the_table_of_an_older_law_is_made_again_from_what_was_kept(world: World) -> None:
    world.refer([referral(1)])
    world.bridge.gate.search(caller(), Query("ServiceRequest"))
    with write(world.bridge.engine) as connection:
        used = next(a for a in agreements(connection) if a.id == world.agreement)
        then = compiled(used, OLDER)
        now = compiled(used)
        rows = {"now": now.table.digest, "then": then.table.digest, "bases": OLDER}
        move = "UPDATE table_documents SET digest = :then, law_bases = :bases WHERE digest = :now"
        connection.execute(text(move), rows)
        kept = documents_of(connection, then.table.digest)
    assert now.table.digest != then.table.digest
    assert kept is not None
    again = compiled(*kept)
    assert again.table.digest == then.table.digest
    assert law_of("US-XX", OLDER).bases[0].name == "ferpa.written-consent"


def test_a_new_version_keeps_the_table_it_decides_by_and_every_replay_is_exact(
    world: World,
) -> None:
    world.refer([referral(1)])
    world.bridge.gate.search(caller(), Query("ServiceRequest"))
    with write(world.bridge.engine) as connection:
        connection.execute(text("DELETE FROM table_documents"))
        keep_tables(connection)
        keep_tables(connection)
        found = list(replay_log(connection, world.agreement))
        assert all(documents_of(connection, r.recorded.entry.terms.table) for r in found)  # type: ignore[union-attr] # a release has terms
    assert [each.differences for each in found] == [()]
