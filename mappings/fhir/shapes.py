"""Full validation of what we send, once per shape.

A builder fills slots of typed values into fixed structure, so two resources of one shape
(:func:`mappings.fhir.fixed.shape_of`) are both valid or both not.
"""

from typing import Final

from mappings.fhir.check import check_resource
from mappings.fhir.elements import Json
from mappings.fhir.fixed import shape_of
from mappings.fhir.issues import Issue

MAX_SHAPES: Final = 50_000
"""A source that makes ever new shapes must not fill the memory; past this, each is checked."""


class ShapeChecker:
    """Remembers the shapes that fhir.resources and our rules have passed.

    INVARIANT: a shape is remembered only after a resource of it was checked in full.
    """

    __slots__ = ("_passed", "checked_in_full")

    def __init__(self) -> None:
        self._passed: set[object] = set()
        self.checked_in_full = 0

    def check(self, resource: Json) -> list[Issue]:
        """Return what is wrong with an outgoing resource; empty when nothing is."""
        shape = shape_of(resource)
        if shape in self._passed:
            return []
        self.checked_in_full += 1
        issues = check_resource(resource)
        if not issues and len(self._passed) < MAX_SHAPES:
            self._passed.add(shape)
        return issues
