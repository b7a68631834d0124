"""What every command shares: where the deployment is, how errors and results are told."""

import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bridge.context import Bridge

Home = Annotated[Path, typer.Option(help="The deployment's folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def quiet_hook(
    kind: type[BaseException], _error: BaseException, trace: TracebackType | None
) -> None:
    """Tell of an unexpected error without its message, which may quote a record."""
    frames = traceback.extract_tb(trace)
    place = f" in {frames[-1].name}, line {frames[-1].lineno}" if frames else ""
    sys.stderr.write(f"schoolbridge: unexpected {kind.__name__}{place}; please report this\n")


def told_errors(run: Callable[[], object]) -> int:
    """Run the command line and turn expected errors into one line each on standard error."""
    from bridge.errors import BridgeError
    from bridge.identity.errors import IdentityError, OAuthError
    from bridge.ledger.errors import LedgerError
    from bridge.outbound import OutboundError
    from documents import DocumentError
    from mappings.readers.errors import SourceError

    expected = (
        BridgeError,
        IdentityError,
        OAuthError,
        LedgerError,
        OutboundError,
        DocumentError,
        SourceError,
    )
    sys.excepthook = quiet_hook
    try:
        run()
    except expected as error:
        sys.stderr.write(f"schoolbridge: {error}\n")
        return 1
    except SystemExit as stopped:
        return stopped.code if isinstance(stopped.code, int) else 1
    return 0


def open_at(home: Path) -> "Bridge":
    """Open the bridge of a deployment's folder."""
    from bridge.app import open_bridge
    from bridge.settings import read_settings

    return open_bridge(read_settings(home))


def tell(result: object, *, as_json: bool) -> None:
    """Print a result: JSON for machines, one line a value for people."""
    import orjson

    if as_json:
        print_line(orjson.dumps(result, option=orjson.OPT_INDENT_2).decode())
        return
    if isinstance(result, dict):
        for name, value in result.items():
            print_line(f"{name.replace('_', ' ')}: {value}")
    else:
        print_line(str(result))


def print_line(text: str) -> None:
    """Write one line to standard output."""
    typer.echo(text)
