"""The released surface of a document: every cell it opens, locked, compared, proved, shown."""

from consent.surface.comparing import Difference, compare
from consent.surface.locking import locked_text, read_lock
from consent.surface.opening import Opening, conditions_of, openings_of
from consent.surface.proving import Failure, Proof, prove
from consent.surface.released import Surface, surfaces_of
from consent.surface.standing import StandingProof, prove_standing

__all__ = [
    "Difference",
    "Failure",
    "Opening",
    "Proof",
    "StandingProof",
    "Surface",
    "compare",
    "conditions_of",
    "locked_text",
    "openings_of",
    "prove",
    "prove_standing",
    "read_lock",
    "surfaces_of",
]
