"""Full validation of what is sent to us, once per shape.

A system that writes sends the same few shapes again and again: other identifiers, references and
times in the same structure with the same codes. What differs inside a shape cannot change the
verdict, so it is not asked for again: to read a session into a model takes 0.3 ms, to recognise its
shape a tenth of that.

A shape is the resource's JSON with these values left out, each only where it is one that R4 allows
at every place its element's name stands:

* ``display``, ``text`` and ``value`` (strings there): short, of plain characters, not blank;
* ``id`` and ``versionId``: an id;
* ``reference``: the id behind a relative reference; the type it names stays;
* times with seconds and a zone.

Everything else, every code, system, address and extension above all, is part of the shape as it is
written. The order of a period's ends is judged each time.
"""

import hashlib
import re
from typing import Final

import orjson

from mappings.fhir.check import check_resource, misordered_periods
from mappings.fhir.elements import Json
from mappings.fhir.issues import Issue

MAX_SHAPES: Final = 20_000
MAX_BYTES: Final = 16 * 1024
"""A resource of so many bytes is within the check's own limit of size whatever it holds."""

_CUT: Final = (
    b"\0"  # orjson never writes U+0000: no value looks like a place where one was left out
)
_DAY: Final = (
    rb"(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)"
    rb"|(?:0[13578]|1[02])-31)"
)
_CLOCK: Final = rb"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+\-](?:0\d|1[0-3]):[0-5]\d)"
_LEFT_OUT: Final = re.compile(
    rb'"(?:'
    rb'(display|text|value)":"[A-Za-z0-9][A-Za-z0-9 ._:/#+()\'&,\-]{0,127}'
    rb'|(id|versionId)":"[A-Za-z0-9.\-]{1,64}'
    rb'|reference":"([A-Z][A-Za-z]{2,40})/[A-Za-z0-9.\-]{1,64}'
    rb'|(start|end|lastUpdated|lastModified|authoredOn)":"(?:19|20)\d\d-'
    + _DAY + rb"T" + _CLOCK
    + rb')"'
)  # fmt: skip


class SentChecker:
    """Remembers the shapes that have passed the whole check.

    INVARIANT: what it says of a resource is what :func:`check_resource` says of it. A shape is
    remembered only after a resource of it has passed in full, and one that fails is checked in full
    each time.
    """

    __slots__ = ("_passed", "checked_in_full")

    def __init__(self) -> None:
        self._passed: set[bytes] = set()
        self.checked_in_full = 0

    def check(self, resource: Json) -> list[Issue]:
        """Return what is wrong with a resource that came from outside; empty when nothing is."""
        shape = _shape_of(resource)
        if shape is not None and shape in self._passed:
            return list(misordered_periods(resource))
        self.checked_in_full += 1
        issues = check_resource(resource)
        if shape is not None and not issues:
            if len(self._passed) >= MAX_SHAPES:
                self._passed.clear()
            self._passed.add(shape)
        return issues


def _shape_of(resource: object) -> bytes | None:
    """Return the digest of a resource's shape; None where it is to be checked in full."""
    try:
        written = orjson.dumps(resource)
    except orjson.JSONEncodeError:
        return None
    # What is contained is of any type, and names there may stand for anything. NaN is written null.
    if len(written) > MAX_BYTES or b'"contained":' in written or b":null" in written:
        return None
    # What is between the values, and in the place of each its element's name, or the type it names
    # (capital, as no such name is); of what else could stand there nothing does. None of them is
    # empty: the parts of an object are never side by side.
    return hashlib.sha256(_CUT.join(filter(None, _LEFT_OUT.split(written)))).digest()
