"""Which duties this bridge carries out, and the function that does each.

INVARIANT: a duty nobody carries out is a denial. ``consent/codes/duties.csv`` declares; agreements
are compiled with :data:`ABLE`, so a code that is only declared closes every flow that carries it.
A test looks up each function named here and runs each duty end to end.
"""

from typing import Final

from consent.duties import able

_LEDGER: Final = "bridge.ledger.append:append"
_LABEL: Final = "bridge.gate.duties.riding:riding"
_QUEUE: Final = "bridge.gate.duties.owing:owe"

CARRIED: Final[dict[str, str]] = {
    "ANONY": "bridge.gate.counts:release_counts",
    "PSEUD": "bridge.gate.projection:coded",
    "HUAPRV": "bridge.gate.duties.waiting:waiting_texts",
    "AOD": _LEDGER,
    "AUDIT": _LEDGER,
    "AUDTR": _LEDGER,
    "MINEC": "consent.minimise:minimise",
    "NORDSCLCD": _LABEL,
    "NORDSCLCDS": _LABEL,
    "NORDSCLW": _LABEL,
    "NORELINK": _LABEL,
    "NOREUSE": _LABEL,
    "NOPERSISTP": _LABEL,
    "NOINTEGRATE": _LABEL,
    "DELAU": _LABEL,
    "REVIEW72H": _QUEUE,
    "NOTIFYGUARDIAN": _QUEUE,
    "p2.notice": _LABEL,
    "ferpa.9933": _LABEL,
    "p2.copy_or_scope": "bridge.gate.duties.consent_scopes:scopes_of",
}

ABLE: Final = frozenset(CARRIED) & able()
"""Codes that are both declared and carried out here."""

REFRAINS: Final = tuple(
    code for code, place in CARRIED.items() if place == _LABEL and "." not in code
)
"""What a recipient has signed not to do (HL7 v3-ActCode), with which resources are labelled."""

QUEUED: Final = frozenset(code for code, place in CARRIED.items() if place == _QUEUE)
"""Duties a person carries out after the release; it opens an item of the review queue."""
