"""Strict reading of the documents people write: MOU documents and maps.

A leaf that both :mod:`consent` and :mod:`mappings` may import; it knows nothing of either.
"""

from documents.errors import DocumentError, Problem
from documents.strict_yaml import Located, Position, read_yaml
from documents.suggestions import did_you_mean

__all__ = ["DocumentError", "Located", "Position", "Problem", "did_you_mean", "read_yaml"]
