"""What a person types into the portal is kept step by step, so that a time-out loses nothing.

INVARIANT: a draft is read by who began it alone, cannot be read without the deployment's secret,
and is gone seven days after it was last kept. Of one that was sent only the number it became stays.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from bridge.identity import Caller
from bridge.parts import Parts
from bridge.store.database.engine import read, write
from bridge.store.people.drafts import (
    KeptDraft,
    drafts_of,
    drop_draft,
    drop_drafts_before,
    put_draft,
)

KEPT_FOR: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody has typed so far.

    Attributes:
        id: opaque; it may stand in an address.
        values: JSON values by the names of the questions.
        became: the number of what it was sent as; "" as long as it was not.
    """

    id: str
    kind: str
    values: Mapping[str, Any] = field(repr=False)
    became: str = ""


def new_draft(kind: str) -> Draft:
    """Return an empty draft, which nothing is kept of yet."""
    return Draft(secrets.token_urlsafe(16), kind, {})


def keep_draft(parts: Parts, caller: Caller, draft: Draft) -> None:
    """Keep a draft in place of what was kept of it; one that was sent stays as it was.

    Whatever is older than it may be goes at the same time.
    """
    owner, now = _owner(parts, caller), parts.clock.real_now()
    values = {} if draft.became else dict(draft.values)
    sealed = parts.identifiers.lock(json.dumps(values).encode(), owner, draft.kind, draft.id)
    kept = KeptDraft(draft.id, owner, draft.kind, sealed, draft.became, now + KEPT_FOR)
    with write(parts.engine) as connection:
        drop_drafts_before(connection, now)
        put_draft(connection, kept)


def draft_of(parts: Parts, caller: Caller, kind: str, draft_id: str) -> Draft | None:
    """Return a person's draft, or None: not there, no longer, or somebody else's."""
    return next(iter(_drafts(parts, caller, kind, draft_id)), None)


def open_drafts(parts: Parts, caller: Caller, kind: str) -> list[Draft]:
    """Return what a person has begun and not sent, the last one touched first."""
    return [draft for draft in _drafts(parts, caller, kind) if not draft.became]


def forget_draft(parts: Parts, caller: Caller, draft_id: str) -> None:
    """Throw a draft away."""
    with write(parts.engine) as connection:
        drop_draft(connection, _owner(parts, caller), draft_id)


def _drafts(parts: Parts, caller: Caller, kind: str, draft_id: str = "") -> list[Draft]:
    owner, now = _owner(parts, caller), parts.clock.real_now()
    with read(parts.engine) as connection:
        kept = drafts_of(connection, owner, kind, now, draft_id)
    opened = ((each, parts.identifiers.unlock(each.sealed, owner, kind, each.id)) for each in kept)
    return [Draft(e.id, kind, json.loads(plain), e.became) for e, plain in opened if plain]


def _owner(parts: Parts, caller: Caller) -> str:
    return parts.identifiers.seal("draft", caller.organization, caller.client_id)
