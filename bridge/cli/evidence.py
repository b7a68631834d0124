"""``ledger key|extend|receipt|countersign|export``: what others check the ledger by."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.running import Home, open_at, print_line, tell

if TYPE_CHECKING:
    from bridge.journeys.running.sign_heads import Keeper
    from bridge.ledger.notes import Signer
    from bridge.settings import Settings

Log = Annotated[str, typer.Argument(help="The agreement's id.")]


def key(
    file: Annotated[
        Path | None, typer.Option(help="A party's own key, made there if there is none.")
    ] = None,
    name: Annotated[str, typer.Option(help="Of a new key: who signs, best a host name.")] = "",
    home: Home = Path(),
) -> None:
    """Print the public key by which others check what is signed: the bridge's, or a party's."""
    from bridge.ledger.keys import signer_in
    from bridge.settings import read_settings

    signer = _signer_of(read_settings(home)) if file is None else signer_in(file, name)
    print_line(signer.vkey)


def extend(
    log: Log,
    since: Annotated[int, typer.Option(min=0, help="Size of the head that the party kept.")],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    home: Home = Path(),
) -> None:
    """Write the signed head of a log with the proof that it begins as a party knows it."""
    with _keeping(home) as keeper:
        _write(out, keeper.extend(log, since))
    print_line(f"written to {out.name}; the party does: schoolbridge ledger countersign")


def receipt(
    entry: Annotated[str, typer.Argument(help="LOG#INDEX, or LOG#INDEX.ROW of several.")],
    out: Annotated[Path, typer.Option(help="The JSON file to write.")],
    opened: Annotated[
        bool,
        typer.Option(
            "--opened",
            help="With all that the entry says, what was withheld too: for an auditor or a court.",
        ),
    ] = False,
    home: Home = Path(),
) -> None:
    """Write what proves that a disclosure is in the ledger; sealed, for who received it."""
    import json

    from bridge.errors import BridgeError
    from bridge.ledger.entry import Receipt

    try:
        place = Receipt.parse(entry)
    except ValueError as error:
        raise BridgeError(str(error)) from None
    with _keeping(home) as keeper:
        document = keeper.receipt(place, opened=opened)
    _write(out, json.dumps(document, indent=1))
    told = "it names what was withheld: give it to no partner" if opened else "it is sealed"
    print_line(f"written to {out.name}; {told}")


def countersign(
    note: Annotated[Path, typer.Argument(help="The new head: of ledger extend, or head --sign.")],
    kept: Annotated[Path, typer.Option(help="The file of the head countersigned last.")],
    keeper: Annotated[str, typer.Option(help="The bridge's public key: its ledger key.")],
    file: Annotated[Path, typer.Option("--key", help="The party's own key: ledger key --file.")],
    first: Annotated[
        bool, typer.Option("--first", help="No head of this log was countersigned before.")
    ] = False,
) -> None:
    """As a party: sign a head that extends the one kept, and keep it; else exit code 1."""
    from bridge.errors import BridgeError
    from bridge.ledger.countersigning import countersign_kept
    from bridge.ledger.keys import signer_in
    from bridge.ledger.verifier import Refused

    try:
        text = note.read_text(encoding="utf-8")
        seen = countersign_kept(kept, text, keeper, signer_in(file), first=first)
    except (OSError, UnicodeDecodeError):
        raise BridgeError(f"{note.name} cannot be read, or {kept.name} not written") from None
    except Refused as reason:
        raise BridgeError(f"not countersigned: {reason}") from None
    print_line(f"{seen.origin}: {seen.size} entries; {kept.name} holds it, signed by both")


def export(
    log: Log,
    out: Annotated[Path, typer.Option(help="The NDJSON file to write.")],
    head: Annotated[Path, typer.Option(help="The file for the signed head it is checked by.")],
    home: Home = Path(),
) -> None:
    """Write every entry of a log, with what was withheld and why: for an auditor alone."""
    from bridge.files import written_whole

    count = 0
    with _keeping(home) as keeper, written_whole(out, replace=True) as new:
        note, lines = keeper.export(log)
        with new.open("w", encoding="utf-8") as file:
            for line in lines:
                file.write(f"{line}\n")
                count += 1
        _write(head, note)
    print_line(f"{count} entries written to {out.name}, their head to {head.name}")


def tell_signed_heads(home: Path, log: str, *, as_json: bool) -> None:
    """Print signed heads, of one log or of all: the notes as they are, or as JSON."""
    with _keeping(home) as keeper:
        signed = {each: keeper.sign(each) for each in ([log] if log else keeper.logs())}
    if as_json:
        heads = {
            each: {"size": seen.size, "root": seen.root.hex(), "note": note}
            for each, (note, seen) in signed.items()
        }
        tell(heads, as_json=True)
        return
    print_line("\n".join(note for note, _ in signed.values()).removesuffix("\n"))


@contextmanager
def _keeping(home: Path) -> Iterator["Keeper"]:
    """Open the ledger with the key that signs its heads."""
    from bridge.journeys.running.sign_heads import Keeper
    from bridge.store.database.engine import read

    bridge = open_at(home)
    signer = _signer_of(bridge.settings)
    with read(bridge.engine) as connection:
        yield Keeper(connection, signer, bridge.settings.heads_file)


def _signer_of(settings: "Settings") -> "Signer":
    from bridge.ledger.keys import signer_in

    # The address partners know, without the scheme, as C2SP asks of an origin.
    return signer_in(settings.ledger_key_file, settings.base_url.partition("://")[2])


def _write(file: Path, text: str) -> None:
    from bridge.files import written_whole

    with written_whole(file, replace=True) as new:
        new.write_text(text, encoding="utf-8")
