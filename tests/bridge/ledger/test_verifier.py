import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from bridge.clock import FixedClock
from bridge.ledger import verifier
from bridge.ledger.append import Head, append, erase, head
from bridge.ledger.entry import Kind, Receipt
from bridge.ledger.errors import UnknownEntry
from bridge.ledger.notes import Signer, sign_head
from bridge.ledger.proofs import (
    consistency_proof,
    export_lines,
    inclusion_proof,
    receipt_document,
)
from bridge.ledger.verifier import Refused, check_receipt, main, open_note
from bridge.store.database.engine import read, write
from tests.bridge.ledger.conftest import EntryMaker

SIGNER = Signer.from_seed("bridge.district.example", bytes(range(32)))


@pytest.fixture
def folder(engine: Engine, clock: FixedClock, make_entry: EntryMaker, tmp_path: Path) -> Path:
    """What a party is handed: a receipt, a signed head and an export with one erased entry."""
    with write(engine) as connection:
        append(connection, [make_entry()] * 600, clock)
        erase(connection, make_entry(kind=Kind.ERASURE, refers=(5,)), clock)
    with read(engine) as connection:
        note = sign_head(head(connection, "mou-1"), SIGNER)
        signed = open_note(note, [SIGNER.vkey])
        receipt = receipt_document(connection, Receipt("mou-1", 300), note, signed)
        lines = [json.dumps(line) for line in export_lines(connection, "mou-1")]
    (tmp_path / "receipt.json").write_text(json.dumps(receipt), encoding="utf-8")
    (tmp_path / "checkpoint.txt").write_text(note, encoding="utf-8")
    (tmp_path / "log.ndjson").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


def receipt_in(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "receipt.json").read_text(encoding="utf-8")))


def run_log(folder: Path) -> int:
    files = [str(folder / "log.ndjson"), str(folder / "checkpoint.txt")]
    return main(["log", *files, "--key", SIGNER.vkey])


def test_a_receipt_proves_its_entry(folder: Path) -> None:
    entry = check_receipt(receipt_in(folder), [SIGNER.vkey])
    assert (entry["index"], entry["elements"]) == (300, ["referral.reason", "student.name"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("index", 301),
        ("index", 300.0),
        ("log", "mou-2"),
        ("salt", "00" * 32),
        ("path", []),
        ("checkpoint", ""),
        ("body", None),
        ("body", "{}"),
    ],
)
def test_a_changed_receipt_is_refused(folder: Path, field: str, value: object) -> None:
    with pytest.raises(Refused):
        check_receipt(receipt_in(folder) | {field: value}, [SIGNER.vkey])


def test_a_receipt_with_another_recipient_is_refused(folder: Path) -> None:
    receipt = receipt_in(folder)
    receipt["body"] = receipt["body"].replace("clinic-2", "clinic-3")
    with pytest.raises(Refused, match="not in the log"):
        check_receipt(receipt, [SIGNER.vkey])


@pytest.mark.parametrize("log", ["mou-2", "mou-2/mou-1"])
def test_a_receipt_with_a_head_of_another_log_is_refused(folder: Path, log: str) -> None:
    receipt = receipt_in(folder)
    signed = open_note(receipt["checkpoint"], [SIGNER.vkey])
    other = sign_head(Head(log, signed.size, signed.root, None), SIGNER)
    with pytest.raises(Refused, match="another place"):
        check_receipt(receipt | {"checkpoint": other}, [SIGNER.vkey])


def test_an_export_out_of_order_is_named_where_it_begins(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (folder / "log.ndjson").read_text(encoding="utf-8").splitlines()
    lines[10], lines[11] = lines[11], lines[10]
    (folder / "log.ndjson").write_text("\n".join(lines), encoding="utf-8")
    assert run_log(folder) == 1
    assert "entry 10 is out of place" in capsys.readouterr().out


def test_an_exported_log_leads_to_its_signed_head(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_log(folder) == 0
    assert "601 entries hold, 1 erased" in capsys.readouterr().out


@pytest.mark.parametrize("damage", ["drop", "swap", "change", "repeat", "hide"])
def test_a_changed_export_is_refused(folder: Path, damage: str) -> None:
    file = folder / "log.ndjson"
    lines = file.read_text(encoding="utf-8").splitlines()
    match damage:
        case "drop":
            del lines[10]
        case "swap":
            lines[10], lines[11] = lines[11], lines[10]
        case "change":
            lines[10] = lines[10].replace("clinic-2", "clinic-3")
        case "repeat":
            lines.append(lines[-1])
        case "hide":
            row = json.loads(lines[10])
            leaf = verifier.entry_leaf(bytes.fromhex(row["salt"]), row["body"].encode())
            lines[10] = json.dumps({"leaf": leaf.hex()})
    file.write_text("\n".join(lines), encoding="utf-8")
    assert run_log(folder) == 1


def test_unreadable_input_is_told_from_evidence_that_fails(tmp_path: Path) -> None:
    (tmp_path / "receipt.json").write_text("{", encoding="utf-8")
    command = ["receipt", str(tmp_path / "receipt.json"), "--key", SIGNER.vkey]
    assert main(command) == 2
    (tmp_path / "receipt.json").write_text("{}", encoding="utf-8")
    assert main(command) == 1


def test_the_verifier_runs_alone_as_one_copied_file(folder: Path) -> None:
    copied = shutil.copy(verifier.__file__, folder / "verifier.py")
    command = [sys.executable, "-I", str(copied), "receipt", "receipt.json", "--key", SIGNER.vkey]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)  # noqa: S603 - our own program
    assert (done.returncode, json.loads(done.stdout)["index"]) == (0, 300)


def test_the_verifier_needs_the_standard_library_and_cryptography_only() -> None:
    tree = ast.parse(Path(verifier.__file__).read_text(encoding="utf-8"))
    names = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    names |= {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    roots = {name.split(".")[0] for name in names}
    assert roots - sys.stdlib_module_names == {"cryptography"}


def test_stored_paths_hold_for_earlier_heads_too(
    engine: Engine, clock: FixedClock, make_entry: EntryMaker
) -> None:
    heads = []
    with write(engine) as connection:
        for many in (1, 255, 1, 260, 3):
            append(connection, [make_entry()] * many, clock)
            heads.append(head(connection, "mou-1"))
    with read(engine) as connection:
        for old in heads:
            for new in (one for one in heads if one.size >= old.size):
                path = consistency_proof(connection, "mou-1", old.size, new.size)
                pair = (old.size, old.root), (new.size, new.root)
                verifier.check_consistency(*pair, path)


def test_a_proof_for_a_size_the_log_never_had_is_refused(
    engine: Engine, clock: FixedClock, make_entry: EntryMaker
) -> None:
    with write(engine) as connection:
        append(connection, [make_entry()] * 3, clock)
        for index, size in ((0, 4), (2, 2), (0, -1)):
            with pytest.raises(UnknownEntry):
                inclusion_proof(connection, Receipt("mou-1", index), size)
        with pytest.raises(UnknownEntry):
            consistency_proof(connection, "mou-1", 3, 2)
