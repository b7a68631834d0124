"""The words of identity: a party's standing, a registered client, a caller."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bridge.identity.scopes import Interaction, Limits, Scope


class Party(StrEnum):
    """What kind of party someone acts for (the party roles of the agreements)."""

    LEA = "lea"
    PROVIDER = "provider"
    HUB = "hub"


class Status(StrEnum):
    """Whether a client is let in."""

    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Standing:
    """For whom, under which agreement and for what someone may act. The operator decides it.

    Attributes:
        organization: id of the party.
        agreement: id of the agreement acted under.
        role: staff role of the recipient, as the agreement names it.
        purposes: purposes of use that may be named; one is chosen per request, none added.
        scopes: FHIR types and interactions.
    """

    party: Party
    organization: str
    agreement: str
    role: str
    purposes: tuple[str, ...]
    scopes: tuple[Scope, ...] = ()


@dataclass(frozen=True, slots=True)
class Registration:
    """What the operator registers: a client has a key set, or the address of one."""

    client_id: str
    standing: Standing
    jwks: Mapping[str, object] | None = None
    jwks_url: str | None = None


@dataclass(frozen=True, slots=True)
class Client:
    """A registered client, as the operator sees it."""

    client_id: str
    standing: Standing
    status: Status
    registered_at: datetime
    jwks_url: str | None


@dataclass(frozen=True, slots=True, repr=False)
class Proof:
    """What a caller came in with: the digest of a token, and the identity version it held at."""

    digest: str
    version: int

    def __repr__(self) -> str:
        return f"Proof(version={self.version})"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking, now. Only :mod:`callers` and :mod:`staff` of this package make one.

    Attributes:
        proof: None for who did not come with a token: staff, and the operator's own commands.
        doing: type and interaction of the write under way; everything else is read for it.
    """

    client_id: str
    standing: Standing
    proof: Proof | None = field(default=None, compare=False)
    doing: tuple[str, str] | None = field(default=None, compare=False)

    @property
    def party(self) -> Party:
        """The kind of party."""
        return self.standing.party

    @property
    def organization(self) -> str:
        """Id of the party."""
        return self.standing.organization

    @property
    def agreement(self) -> str:
        """Id of the agreement acted under."""
        return self.standing.agreement

    @property
    def role(self) -> str:
        """Staff role, as the agreement names it."""
        return self.standing.role

    @property
    def purposes(self) -> tuple[str, ...]:
        """The purposes that may be named."""
        return self.standing.purposes

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """What the token reaches."""
        return self.standing.scopes

    def does(self, resource_type: str) -> str:
        """Return the interaction a resource of a type is looked up for: the write, or ``read``."""
        kind, interaction = self.doing or ("", "")
        return interaction if kind == resource_type else "read"

    def allows(self, resource_type: str, interaction: Interaction | str) -> bool:
        """Tell whether an interaction with a type is allowed without limits.

        A scope with limits (``?category=...``) counts only where the limits are applied, which is
        in the gate: see :meth:`limits`. So who does not know of them reaches less, never more.
        """
        return () in self.limits(resource_type, interaction)

    def limits(self, resource_type: str, interaction: Interaction | str) -> tuple[Limits, ...]:
        """Return the alternatives under which an interaction is allowed; none: not at all.

        A resource is reached if it matches every search parameter of any one alternative.
        """
        try:
            letter = Interaction(interaction).letter
        except ValueError:
            return ()
        return tuple(
            scope.limits
            for scope in self.scopes
            if scope.type in ("*", resource_type) and letter in scope.acts
        )
