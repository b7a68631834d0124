"""``party`` and ``client``: who takes part and who may connect."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.running import AsJson, Home, open_at, print_line, tell

if TYPE_CHECKING:
    from bridge.identity import Standing
    from bridge.journeys.running.set_up import AgreementDocuments

party_app = typer.Typer(no_args_is_help=True)
client_app = typer.Typer(no_args_is_help=True)


class PartyRole(StrEnum):
    """The party roles a client can act in."""

    LEA = "lea"
    PROVIDER = "provider"
    HUB = "hub"


PartyOption = Annotated[PartyRole, typer.Option(help="Party role.")]
Organization = Annotated[str, typer.Option(help="The organisation's short name.")]
Role = Annotated[str, typer.Option(help="Staff role, as the agreement names it.")]
KeyFile = Annotated[Path | None, typer.Option(help="File with the client's JWK Set (public keys).")]
KeyAddress = Annotated[
    str | None, typer.Option(help="Address of the client's JWK Set; https. Keys may change there.")
]
_REMINDER = "ask its owner to send a file whenever the keys change, or to host them (--jwks-url)"
Purposes = Annotated[list[str], typer.Option("--purpose", help="Purpose of use; repeat for more.")]


@party_app.command("add")
def add_party(
    agreement: Annotated[str, typer.Argument(help="Agreement: a file, or a shipped one's id.")],
    template: Annotated[str, typer.Option(help="Its template: a file, or a shipped one's id.")],
    lea: Annotated[str, typer.Option(help="Short name for the district.")],
    provider: Annotated[str, typer.Option(help="Short name for the provider.")],
    hub: Annotated[str, typer.Option(help="Short name for the state hub.")] = "",
    jurisdiction: Annotated[str, typer.Option(help="Law pack.")] = "US-CT",
    designated: Annotated[
        list[str] | None, typer.Option(help="What the state designated; repeat for more.")
    ] = None,
    home: Home = Path(),
) -> None:
    """Put an agreement to use, with the parties that signed it."""
    from bridge.journeys.running.set_up import activate_agreement, designate
    from bridge.parts import parts_of

    documents = _documents(template, agreement, jurisdiction, (lea, provider, hub))
    parts = parts_of(open_at(home))
    agreement_id = activate_agreement(parts, documents)
    for fact in designated or []:
        designate(parts, agreement_id, fact)
    print_line(f"agreement {agreement_id} is in use between {lea} and {provider}")


Accepts = Annotated[
    list[str] | None,
    typer.Option(help="Whom it takes: medicaid, private-insurance, no-insurance; again for more"),
]


@party_app.command("service")
def keep_party_service(
    organization: Annotated[str, typer.Argument(help="Short name of the organisation.")],
    code: Annotated[str, typer.Argument(help="Short name of the service within it.")],
    name: Annotated[str, typer.Option(help="What partners call it.")],
    capacity: Annotated[
        str,
        typer.Option(
            help="capacity, no-capacity, waitlist or additional-assessment-required; none: not said"
        ),
    ] = "",
    wait_days: Annotated[int, typer.Option(help="Days until a first appointment.")] = -1,
    closed: Annotated[bool, typer.Option(help="It takes no referrals any more.")] = False,
    language: Annotated[
        list[str] | None, typer.Option(help="A language it is given in: en, es ...; again for more")
    ] = None,
    day: Annotated[
        list[str] | None, typer.Option(help="A day it is open: mon, tue ...; again for more")
    ] = None,
    youngest: Annotated[int, typer.Option(help="The youngest it sees, in years.")] = -1,
    oldest: Annotated[int, typer.Option(help="The oldest it sees, in years.")] = -1,
    accepts: Accepts = None,
    transit: Annotated[bool | None, typer.Option(help="Public transport goes there.")] = None,
    home: Home = Path(),
) -> None:
    """Say what service a party offers and whether it has room: partners read it before they refer.

    Free text about capacity is not taken, since no decision stands before it.
    """
    from bridge.journeys.partners.keep_service import keep_service
    from bridge.parts import parts_of
    from mappings.fhir.healthcare_service import Service

    wait, *ages = (None if n < 0 else n for n in (wait_days, youngest, oldest))
    said = (tuple(language or ()), tuple(day or ()), (ages[0], ages[1]))
    known = (*said, tuple(accepts or ()), transit)
    service = Service(name, capacity, wait, not closed, *known)
    changed = keep_service(parts_of(open_at(home)), organization, code, service)
    print_line(f"service {code} of {organization}: {'kept' if changed else 'as it was'}")


@party_app.command("amend")
def amend_party(
    agreement: Annotated[str, typer.Argument(help="The agreement as amended, whole: a file.")],
    template: Annotated[str, typer.Option(help="Its template: a file, or a shipped one's id.")],
    lea: Annotated[str, typer.Option(help="Short name of the district.")],
    provider: Annotated[str, typer.Option(help="Short name of the provider.")],
    hub: Annotated[str, typer.Option(help="Short name of the state hub.")] = "",
    jurisdiction: Annotated[str, typer.Option(help="Law pack.")] = "US-CT",
    yes: Annotated[bool, typer.Option("--yes", help="Also where something opens.")] = False,
    home: Home = Path(),
) -> None:
    """Put a later text in an agreement's place from its first day; shows what opens and closes.

    Exit code 1, and nothing is changed, where something opens and --yes is not given.
    """
    from bridge.journeys.running.amend_agreement import (
        amend_agreement,
        preview_amendment,
    )
    from bridge.parts import parts_of

    documents = _documents(template, agreement, jurisdiction, (lea, provider, hub))
    parts = parts_of(open_at(home))
    preview = preview_amendment(parts, documents)
    for line in preview.lines:
        print_line(line)
    print_line(f"cells opened {preview.opened}, closed {preview.closed}")
    if preview.opened and not yes:
        print_line("nothing was changed; give --yes where the parties mean it")
        raise typer.Exit(1)
    amended = amend_agreement(parts, documents)
    print_line(f"decides from {amended.effective_at.isoformat()}" if amended.new else "as before")


@party_app.command("rename")
def rename(
    organization: Annotated[str, typer.Argument(help="Short name of the party.")],
    name: Annotated[str, typer.Argument(help="What people call it from now on.")],
    home: Home = Path(),
) -> None:
    """Give a party a name that tells it apart; its short name and all references stay."""
    from bridge.journeys.running.rename_party import rename_party
    from bridge.parts import parts_of

    changed = rename_party(parts_of(open_at(home)), organization, name)
    print_line(f"{organization} {'has another name' if changed else 'is called so already'}")


def _documents(
    template: str, agreement: str, jurisdiction: str, parties: tuple[str, str, str]
) -> "AgreementDocuments":
    from bridge.journeys.running.set_up import AgreementDocuments

    lea, provider, hub = parties
    texts = document_of(template), document_of(agreement)
    return AgreementDocuments(*texts, jurisdiction, lea, provider, hub or None)


def document_of(name: str) -> bytes:
    """Return a document's bytes: a file's, or a shipped one's by its id.

    Raises:
        BridgeError: there is neither.
    """
    from bridge.errors import BridgeError
    from consent.mou import shipped_document

    path = Path(name)
    if path.is_file():
        return path.read_bytes()
    try:
        return shipped_document(name)
    except LookupError as error:
        raise BridgeError(f"{name}: no such file, and {error.args[0]}") from None


@client_app.command("add")
def add_client(
    client_id: str,
    party: PartyOption,
    organization: Organization,
    role: Role,
    purpose: Purposes,
    jwks: KeyFile = None,
    jwks_url: KeyAddress = None,
    scope: Annotated[str, typer.Option(help="SMART v2 scopes it may ask for.")] = "system/*.rs",
    home: Home = Path(),
) -> None:
    """Register a partner's system, with its public keys or the address they are fetched from."""
    from bridge.identity import Registration, register_client
    from bridge.store.database.engine import write

    bridge = open_at(home)
    standing = standing_of(party, organization, role, (tuple(purpose), scope))
    keys = _key_set(jwks) if jwks is not None else None
    registration = Registration(client_id, standing, keys, jwks_url)
    with write(bridge.engine) as connection:
        register_client(connection, registration, bridge.clock)
    print_line(f"client {client_id} may connect as {role} of {organization}")
    if jwks is not None:
        print_line(_REMINDER)


@client_app.command("keys")
def replace(
    client_id: str, jwks: KeyFile = None, jwks_url: KeyAddress = None, home: Home = Path()
) -> None:
    """Replace a partner's public keys, or the address they are fetched from, at once."""
    from bridge.errors import BridgeError
    from bridge.identity import replace_key_address, replace_keys
    from bridge.store.database.engine import write

    if (jwks is None) == (jwks_url is None):
        raise BridgeError("give either --jwks or --jwks-url")
    with write(open_at(home).engine) as connection:
        if jwks is not None:
            replace_keys(connection, client_id, _key_set(jwks))
        else:
            replace_key_address(connection, client_id, str(jwks_url))
    print_line(f"client {client_id} signs with other keys from now on")
    if jwks is not None:
        print_line(_REMINDER)


def _key_set(file: Path) -> dict[str, object]:
    import orjson

    from bridge.errors import BridgeError

    try:
        found: dict[str, object] = orjson.loads(file.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        raise BridgeError(f"{file.name}: no JWK Set can be read from it") from None
    return found


@client_app.command("list")
def list_all(home: Home = Path(), as_json: AsJson = False) -> None:
    """List the registered clients."""
    from bridge.identity import list_clients
    from bridge.store.database.engine import read

    with read(open_at(home).engine) as connection:
        clients = list_clients(connection)
    rows = {
        c.client_id: f"{c.standing.party} {c.standing.organization} {c.standing.role} {c.status}"
        for c in clients
    }
    tell(rows, as_json=as_json)


@client_app.command("disable")
def disable(client_id: str, home: Home = Path()) -> None:
    """Stop a client at once; tokens it holds no longer work."""
    from bridge.identity import disable_client
    from bridge.store.database.engine import write

    with write(open_at(home).engine) as connection:
        disable_client(connection, client_id)
    print_line(f"client {client_id} is disabled")


@client_app.command("enable")
def enable(client_id: str, home: Home = Path()) -> None:
    """Let a client that was disabled in again; it needs new tokens."""
    from bridge.identity import enable_client
    from bridge.store.database.engine import write

    with write(open_at(home).engine) as connection:
        enable_client(connection, client_id)
    print_line(f"client {client_id} may connect again")


def standing_of(
    party: str, organization: str, role: str, more: tuple[tuple[str, ...], str]
) -> "Standing":
    """Return for whom and as what somebody acts, given purposes and scopes too."""
    from bridge.identity import Party, Standing, read_scopes

    purposes, scopes = more
    return Standing(Party(party), organization, "", role, purposes, read_scopes(scopes))
