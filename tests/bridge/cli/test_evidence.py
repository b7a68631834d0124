"""What others check the ledger by: signed heads, receipts, exports, and a party's own signature."""

import json
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bridge.clock import SystemClock
from bridge.journeys.running.sign_heads import Keeper
from bridge.ledger import verifier
from bridge.ledger.append import Head, append, head
from bridge.ledger.countersigning import extension, read_extension
from bridge.ledger.entry import Entry, Kind
from bridge.ledger.halting import KnownHead, halt_all
from bridge.ledger.keys import signer_in
from bridge.ledger.listing import Listed, ListedRows
from bridge.ledger.notes import Signer, sign_head
from bridge.ledger.verifier import Refused, check_receipt, open_note
from bridge.ledger.witness import read_witness
from bridge.settings import FILE_NAME
from bridge.store.database.engine import read, write
from tests.support.command_line import said
from tests.support.worlds import World, caller, referral

KEEPER = "127.0.0.1:8020"
CLINIC = "clinic.example"


@pytest.fixture
def told(world: World) -> World:
    """A world in which one referral left, and a part of the student's record was withheld."""
    world.refer([referral(1)])
    world.bridge.gate.read(caller(), "ServiceRequest", world.id_of("ServiceRequest", "R-1"))
    return settled(world)


def settled(world: World) -> World:
    """Write the settings by which commands find a world."""
    settings = {
        "database_url": world.bridge.settings.database_url,
        "base_url": f"http://{KEEPER}",
        "host": "127.0.0.1",
        "port": "8020",
        "secret": world.bridge.settings.secret,
        "demo_start": world.clock.now().isoformat(),
        "demo_began": SystemClock().real_now().isoformat(),
    }
    lines = [f"{name} = {json.dumps(value)}\n" for name, value in settings.items()]
    file(world, FILE_NAME).write_text("".join(lines), encoding="utf-8")
    return world


def file(world: World, name: str) -> Path:
    return world.bridge.settings.home / name


def given(world: World, *words: str) -> str:
    """Give a command of ``ledger`` that must go well; return what it printed."""
    done = said(world.bridge.settings.home, "ledger", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def vkey(world: World) -> str:
    return given(world, "key").strip()


def refused(world: World, *words: str) -> str:
    """Give a command of ``ledger`` that must not go well; return why."""
    done = said(world.bridge.settings.home, "ledger", *words)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    return done.stderr


def receipt(world: World, place: str, *more: str) -> Path:
    out = file(world, "receipt.json")
    given(world, "receipt", place, "--out", str(out), *more)
    return out


def more(world: World, count: int = 3) -> None:
    entries = [Entry(world.agreement, Kind.RELEASE, request=f"r-{n}") for n in range(count)]
    with write(world.bridge.engine) as connection:
        append(connection, entries, world.clock)


def test_a_signed_head_opens_with_the_key_the_bridge_prints(told: World) -> None:
    note = given(told, "head", "--sign", "--log", told.agreement)
    seen = open_note(note, [vkey(told)])
    with read(told.bridge.engine) as connection:
        stands = head(connection, told.agreement)
    assert seen.origin == f"{KEEPER}/{told.agreement}"
    assert (seen.size, seen.root) == (stands.size, stands.root)
    both = json.loads(given(told, "head", "--sign", "--json"))
    assert both[told.agreement]["note"] == note


def test_a_head_is_in_the_heads_file_before_anybody_is_given_it(told: World) -> None:
    vkey(told)
    signer, heads = signer_in(file(told, "ledger-key.json")), file(told, "other-heads.json")
    with read(told.bridge.engine) as connection:
        _, seen = Keeper(connection, signer, heads).sign(told.agreement)
    assert read_witness(heads).heads[told.agreement] == KnownHead(seen.size, seen.root)


def test_the_key_stays_is_for_its_owner_alone_and_is_not_shown(told: World) -> None:
    public, kept = vkey(told), file(told, "ledger-key.json")
    seed = json.loads(kept.read_bytes())["seed"]
    assert public == vkey(told)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert seed not in public + repr(signer_in(kept))
    kept.write_text('{"name": "a b", "seed": "00"}', encoding="utf-8")
    assert "no key" in refused(told, "key")


def test_a_sealed_receipt_holds_by_the_copied_verifier_alone(told: World) -> None:
    out, public = receipt(told, f"{told.agreement}#0"), vkey(told)
    alone = shutil.copy(verifier.__file__, file(told, "verifier.py"))
    command = [sys.executable, "-I", alone, "receipt", str(out), "--key", public]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout).keys() == {"log", "index", "leaf"}


def tells(document: dict[str, Any], entry: dict[str, Any]) -> set[str]:
    """Return what a receipt shows of what its entry says; of which agreement it is may be told."""
    asked = {line.split("|")[4] for line in entry["ruling"]["bits"].splitlines()}
    withheld = asked - set(entry["elements"])
    assert withheld  # so whoever is shown the entry learns that there was more
    shown = json.dumps(document | {"log": "", "checkpoint": ""})
    said = {*asked, *entry["evidence"], entry["subject"], entry["receiving"], "c_ferpa"}
    return {each for each in said if each in shown}


def test_a_sealed_receipt_tells_nothing_of_what_the_entry_says(told: World) -> None:
    place, public = f"{told.agreement}#0", [vkey(told)]
    sealed = json.loads(receipt(told, place).read_bytes())
    opened = json.loads(receipt(told, place, "--opened").read_bytes())
    assert sealed.keys() == {"log", "index", "leaf", "path", "checkpoint"}
    assert not tells(sealed, check_receipt(opened, public))
    body, salt = opened["body"].encode(), bytes.fromhex(opened["salt"])
    assert sealed["leaf"] == verifier.entry_leaf(salt, body).hex()


def test_a_receipt_that_shows_the_entry_is_noticed(told: World) -> None:
    opened = json.loads(receipt(told, f"{told.agreement}#0", "--opened").read_bytes())
    assert len(tells(opened, json.loads(opened["body"]))) > 5


@pytest.mark.parametrize("how", [(), ("--opened",)])
def test_a_receipt_of_which_one_letter_was_changed_is_refused(
    told: World, how: tuple[str, ...]
) -> None:
    more(told)
    out, public = receipt(told, f"{told.agreement}#0", *how), [vkey(told)]
    text, held = out.read_text(encoding="utf-8"), []
    for at, letter in enumerate(text):
        changed = f"{text[:at]}{chr(ord(letter) ^ 1)}{text[at + 1 :]}"
        try:
            check_receipt(json.loads(changed), public)
        except (Refused, ValueError):
            continue
        held.append(at)
    # The last letter of a signature has bits that base64 does not read.
    assert all(text[at + 1] == "=" for at in held)
    assert len(held) <= 1


def test_a_receipt_of_one_row_shows_that_row_and_the_digests_of_others(told: World) -> None:
    rows = ListedRows()
    for n in range(3):
        rows.add(f"person-{n}", f"row-{n}", f"digest-{n}")
    listed = Listed.of(Entry(told.agreement, Kind.RELEASE), "Encounter", rows)
    with write(told.bridge.engine) as connection:
        (place,) = append(connection, [listed], told.clock)
    opened = receipt(told, f"{place}.1", "--opened")
    assert check_receipt(json.loads(opened.read_bytes()), [vkey(told)])["row"]["id"] == "row-1"
    assert "person-0" not in opened.read_text(encoding="utf-8")
    sealed = receipt(told, f"{place}.1").read_text(encoding="utf-8")
    assert not any(f"{kind}-1" in sealed for kind in ("person", "row", "digest"))
    assert "does not exist" in refused(told, "receipt", f"{place}.9", "--out", str(opened))


def test_only_of_what_left_there_is_a_receipt(told: World) -> None:
    denied = Entry(told.agreement, Kind.DENY, subject="person")
    with write(told.bridge.engine) as connection:
        (place,) = append(connection, [denied], told.clock)
    out = str(file(told, "none.json"))
    assert "nothing left" in refused(told, "receipt", str(place), "--out", out)
    assert "written log#index" in refused(told, "receipt", "no place", "--out", out)
    assert "does not exist" in refused(told, "receipt", f"{told.agreement}#99", "--out", out)
    assert "no such log" in refused(told, "extend", "no-log", "--since", "0", "--out", out)
    assert not Path(out).exists()


def test_of_a_halted_log_nothing_is_signed(told: World) -> None:
    with write(told.bridge.engine) as connection:
        halt_all(connection, [])
    assert "halted" in refused(told, "head", "--sign", "--log", told.agreement)
    assert "halted" in refused(
        told, "receipt", f"{told.agreement}#0", "--out", str(file(told, "r.json"))
    )


def test_an_export_holds_against_its_head_and_not_with_a_letter_changed(told: World) -> None:
    more(told)
    out, note, public = file(told, "log.ndjson"), file(told, "head.txt"), vkey(told)
    given(told, "export", told.agreement, "--out", str(out), "--head", str(note))
    check = ["log", str(out), str(note), "--key", public]
    assert verifier.main(check) == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    text = out.read_text(encoding="utf-8")
    out.write_text(text.replace('r-1\\"', 'r-7\\"', 1), encoding="utf-8")
    assert out.read_text(encoding="utf-8") != text
    assert verifier.main(check) == 1


def test_a_log_is_compared_with_a_note_that_a_party_kept(told: World) -> None:
    note, vkey_of_it = file(told, "note.txt"), vkey(told)
    note.write_text(given(told, "head", "--sign", "--log", told.agreement), encoding="utf-8")
    more(told)
    assert "nothing is halted" in given(told, "remember", str(note))
    seen = open_note(note.read_text(encoding="utf-8"), [vkey_of_it])
    longer = Head(told.agreement, seen.size + 9, seen.root, None)
    stranger = Signer.from_seed(KEEPER, bytes(32))
    note.write_text(sign_head(longer, stranger), encoding="utf-8")
    assert "has not signed" in refused(told, "remember", str(note))
    ours = sign_head(longer, signer_in(file(told, "ledger-key.json")))
    note.write_text(ours, encoding="utf-8")
    found = said(told.bridge.settings.home, "ledger", "remember", str(note))
    assert (found.returncode, told.agreement in found.stdout) == (1, True)


class Party:
    """A party of an agreement, with a key and the head it countersigned last."""

    def __init__(self, world: World) -> None:
        self.world, self.kept = world, file(world, "kept.txt")
        self.key, self.new = file(world, "clinic-key.json"), file(world, "new.txt")
        named = ("key", "--file", str(self.key), "--name", CLINIC)
        self.vkey, self.keeper = given(world, *named).strip(), vkey(world)

    def given_head(self, since: int) -> None:
        asked = ("extend", self.world.agreement, "--since", str(since), "--out", str(self.new))
        given(self.world, *asked)

    def signs(self, *more: str) -> str:
        """Countersign what it was given; return why not, or "" if it did."""
        words = ["ledger", "countersign", str(self.new), "--kept", str(self.kept)]
        words += ["--key", str(self.key), "--keeper", self.keeper, *more]
        done = said(self.world.bridge.settings.home, *words)
        assert done.stderr.count("\n") == done.returncode, done.stderr  # one line, or nothing
        return done.stderr

    def holds(self) -> int:
        note = self.kept.read_text(encoding="utf-8")
        return open_note(note, [self.keeper, self.vkey]).size


def test_a_party_countersigns_a_log_as_it_grows(told: World) -> None:
    party = Party(told)
    party.given_head(0)
    assert "only a first head" in party.signs()
    assert party.signs("--first") == ""
    before = party.holds()
    for _ in range(3):
        more(told)
        party.given_head(party.holds())
        assert party.signs() == ""
    assert party.holds() == before + 9
    assert "already" in party.signs("--first")
    assert party.signs() != ""  # the proof is from a head it no longer keeps
    assert party.holds() == before + 9


def test_a_party_refuses_what_does_not_extend_the_head_it_kept(told: World) -> None:
    party = Party(told)
    party.given_head(0)
    party.signs("--first")
    kept, size = party.kept.read_bytes(), party.holds()
    more(told)
    party.given_head(size)
    old, path, note = read_extension(party.new.read_text(encoding="utf-8"))
    assert old == size
    keeper = signer_in(file(told, "ledger-key.json"))
    with read(told.bridge.engine) as connection:
        stands = head(connection, told.agreement)
    fork = sign_head(Head(stands.log, stands.size, b"\x07" * 32, stands.time), keeper)
    short = sign_head(Head(stands.log, size - 1, stands.root, stands.time), keeper)
    bad_path = [*path[:-1], bytes(32)] if path else [bytes(32)]
    tried = {
        "rewritten": extension(fork, size, path),
        "shorter": extension(short, size, []),
        "not signed": extension(note.replace(KEEPER, "127.0.0.1:8021"), size, path),
        "without its proof": note,
        "another proof": extension(note, size, bad_path),
        "no proof at all": "old x\n\n" + note,
        "a false line in its name": extension(f"{note}{_false_line(party)}", size, path),
    }
    for what, text in tried.items():
        party.new.write_text(text, encoding="utf-8")
        assert party.signs() != "", what
        assert party.kept.read_bytes() == kept, what
    party.given_head(size)
    party.kept.write_bytes(kept.replace(b"\n\n", b"0\n\n", 1))
    assert "signature" in party.signs()  # somebody changed the file of the head it kept


def _false_line(party: Party) -> str:
    """A line that bears the party's name and mark, and is not its signature."""
    return signer_in(party.key).line("another text\n")
