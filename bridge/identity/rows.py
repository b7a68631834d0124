"""Between identity's rows and its words; and the digests secrets are kept as."""

import hashlib
from typing import Any

from sqlalchemy import Row

from bridge.identity.model import Party, Standing
from bridge.identity.scopes import read_scopes, spelled


def digest_of(*parts: str) -> str:
    """Return the SHA-256 of texts, in hexadecimal; the parts cannot run into each other."""
    written = [part.encode() for part in parts]
    joined = b"".join([len(part).to_bytes(4, "big") + part for part in written])
    return hashlib.sha256(joined).hexdigest()


def standing_columns(standing: Standing) -> dict[str, str]:
    """Return a standing as the columns that keep it.

    Raises:
        ValueError: if a purpose is empty or has a space.
    """
    if any(not purpose or " " in purpose for purpose in standing.purposes):
        raise ValueError("a purpose is one word")
    return {
        "party": Party(standing.party).value,
        "organization": standing.organization,
        "agreement": standing.agreement,
        "role": standing.role,
        "purposes": " ".join(standing.purposes),
        "scopes": spelled(standing.scopes),
    }


def standing_of(row: Row[Any]) -> Standing:
    """Read :func:`standing_columns` back."""
    return Standing(
        party=Party(row.party),
        organization=row.organization,
        agreement=row.agreement,
        role=row.role,
        purposes=tuple(row.purposes.split()),
        scopes=read_scopes(row.scopes),
    )
