import base64
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bridge.ledger.append import Head
from bridge.ledger.errors import ForkDetected
from bridge.ledger.merkle import Frontier, consistency_path
from bridge.ledger.notes import Signer, countersign, sign_head
from bridge.ledger.verifier import Checkpoint, Refused, leaf_hash, open_note, read_vkey

DISTRICT = Signer.from_seed("bridge.district.example", bytes(range(32)))
CLINIC = Signer.from_seed("bridge.clinic.example", bytes(range(1, 33)))
STRANGER = Signer.from_seed("bridge.district.example", bytes(range(2, 34)))
TIME = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LEAVES = [leaf_hash(b"%d" % n) for n in range(9)]


class Leaves:
    def stored(self, level: int, start: int, stop: int) -> list[bytes]:
        assert level == 0
        return LEAVES[start:stop]


def head_of(size: int, log: str = "mou-1") -> Head:
    frontier = Frontier()
    for leaf in LEAVES[:size]:
        frontier.push(leaf)
    return Head(log, size, frontier.root(), TIME)


def seen(size: int) -> Checkpoint:
    return open_note(sign_head(head_of(size), DISTRICT), [DISTRICT.vkey])


def test_a_signed_head_has_the_form_of_a_checkpoint() -> None:
    lines = sign_head(head_of(7), DISTRICT).split("\n")
    assert lines[:2] == ["bridge.district.example/mou-1", "7"]
    assert base64.b64decode(lines[2]) == head_of(7).root
    assert lines[3:5] == ["2026-03-02T12:00:00.000000Z", ""]
    assert lines[5].startswith("\u2014 bridge.district.example ")
    assert lines[6:] == [""]


def test_the_signature_covers_the_text_up_to_the_blank_line() -> None:
    text, _, line = sign_head(head_of(7), DISTRICT).partition("\n\n")
    raw = base64.b64decode(line.split(" ")[2])
    key = Ed25519PublicKey.from_public_bytes(read_vkey(DISTRICT.vkey)[1])
    key.verify(raw[4:], (text + "\n").encode())
    assert len(raw) == 68


def test_a_key_of_the_go_note_package_is_read() -> None:
    # The example key of golang.org/x/mod/sumdb/note (BSD-3-Clause): an outside vector.
    vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    assert read_vkey(vkey)[0] == "PeterNeumann"


def test_a_note_of_the_go_note_package_is_opened() -> None:
    vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    note = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n"
        "\n"
        "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgK"
        "vqfqdngotpRZb6KE6RyyBwJnAM=\n"
    )
    with pytest.raises(Refused, match="not a checkpoint"):  # signed well, yet no head
        open_note(note, [vkey])
    with pytest.raises(Refused, match="signature"):
        open_note(note.replace("answer", "Answer"), [vkey])


def test_an_opened_head_says_what_was_signed() -> None:
    expected = Checkpoint(
        "bridge.district.example/mou-1", 7, head_of(7).root, "2026-03-02T12:00:00.000000Z"
    )
    assert seen(7) == expected


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n7\n", "\n8\n"),
        ("mou-1", "mou-2"),
        ("12:00", "12:01"),
        ("\u2014", "-"),
        ("\u2014 bridge", "\u2014 bridgf"),
        ("\n\n", "\n"),
    ],
)
def test_a_changed_note_is_refused(old: str, new: str) -> None:
    with pytest.raises(Refused):
        open_note(sign_head(head_of(7), DISTRICT).replace(old, new, 1), [DISTRICT.vkey])


def test_every_key_asked_for_must_have_signed() -> None:
    note = sign_head(head_of(7), DISTRICT)
    with pytest.raises(Refused, match="has not signed"):
        open_note(note, [DISTRICT.vkey, CLINIC.vkey])
    with pytest.raises(Refused, match="no key"):
        open_note(note, [])


def test_the_same_name_with_another_key_is_another_signer() -> None:
    with pytest.raises(Refused, match="has not signed"):
        open_note(sign_head(head_of(7), STRANGER), [DISTRICT.vkey])


@pytest.mark.parametrize(
    "vkey", ["", "name", "name+00000000+AAAA", CLINIC.vkey.replace("clinic", "klinik")]
)
def test_what_is_no_key_is_refused(vkey: str) -> None:
    with pytest.raises(Refused):
        read_vkey(vkey)


def test_a_party_countersigns_a_head_that_extends_the_one_it_remembers() -> None:
    note = sign_head(head_of(9), DISTRICT)
    path = consistency_path(Leaves(), 5, 9)
    both = countersign(note, DISTRICT.vkey, seen(5), path, CLINIC)
    assert open_note(both, [DISTRICT.vkey, CLINIC.vkey]).size == 9


def test_a_party_refuses_a_head_that_went_back() -> None:
    note = sign_head(head_of(5), DISTRICT)
    with pytest.raises(ForkDetected, match="shorter"):
        countersign(note, DISTRICT.vkey, seen(9), [], CLINIC)


def test_a_party_refuses_a_head_over_other_entries() -> None:
    forked = Head("mou-1", 9, bytes(32), TIME)
    path = consistency_path(Leaves(), 5, 9)
    with pytest.raises(ForkDetected, match="rewritten"):
        countersign(sign_head(forked, DISTRICT), DISTRICT.vkey, seen(5), path, CLINIC)


def test_a_party_refuses_a_head_of_another_log() -> None:
    note = sign_head(head_of(9, log="mou-2"), DISTRICT)
    with pytest.raises(ForkDetected, match="another log"):
        countersign(note, DISTRICT.vkey, seen(9), [], CLINIC)


def test_a_party_does_not_countersign_what_the_keeper_has_not_signed() -> None:
    with pytest.raises(Refused):
        countersign(sign_head(head_of(9), STRANGER), DISTRICT.vkey, None, [], CLINIC)


def test_a_signer_shows_no_key_in_its_text_form() -> None:
    assert repr(DISTRICT) == str(DISTRICT) == "Signer(bridge.district.example)"


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb"])
def test_a_name_that_a_note_cannot_carry_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        Signer.from_seed(name, bytes(32))


def test_a_log_whose_name_would_forge_a_line_is_refused() -> None:
    with pytest.raises(ValueError, match="one line"):
        sign_head(head_of(1, log="mou-1\n900"), DISTRICT)
