"""The released surface of a document: what it opens, and on which of its settings facts rest."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from hashlib import sha256

from consent.conditions import Conditions
from consent.model import Slice
from consent.mou.agreement import Agreement
from consent.mou.digest import canonical
from consent.mou.library import Bound, Kind
from consent.mou.template import Template
from consent.mou.use_licence import UseLicence
from consent.surface.opening import Opening, conditions_of, openings_of

# Blocks that open nothing themselves and yet decide when a fact is true, or what an element is.
_OF_TEMPLATE = ("status", "withdrawal", "effective", "purposes", "roles")
_OF_SETTINGS = (
    "consents", "consent_conflict", "minor_consent", "people", "redisclosure", "research",
    "billing",
)  # fmt: skip
_OF_AGREEMENT = ("status", "effective", "signed", "emergency", "small_cell", "term")
_OF_PARTY = ("acts_for_lea", "part2_program")


@dataclass(frozen=True, slots=True)
class Surface:
    """What a document releases.

    Attributes:
        name: the document's id, and ``.DISTRICT`` where several share it.
        openings: the slices that some facts open.
        rests_on: settings by their path, as text.
    """

    name: str
    openings: Mapping[Slice, Opening]
    rests_on: Mapping[str, str]

    @property
    def digest(self) -> str:
        """``sha256:<hex>`` of openings and settings, the same on every machine."""
        opened = [
            [[s.sender, s.recipient, s.role, s.purpose, s.element], o.permits, o.duties]
            for s, o in sorted(self.openings.items())
        ]
        return "sha256:" + sha256(canonical([opened, dict(self.rests_on)])).hexdigest()


def surfaces_of(bound: Bound) -> tuple[Surface, ...]:
    """Return the surface of a document: one for each district that shares it."""
    return tuple(
        surface_of(bound, agreement, conditions_of(bound.template, agreement, bound.law))
        for agreement in bound.agreements
    )


def name_of(bound: Bound, agreement: Agreement) -> str:
    """Return the name of a surface."""
    return f"{bound.id}.{agreement.district}" if agreement.district else bound.id


def surface_of(
    bound: Bound, agreement: Agreement, conditions: Mapping[Slice, Conditions]
) -> Surface:
    """Return the surface of one agreement of a document, from its compiled conditions."""
    template = bound.template
    openings = openings_of(conditions)
    elements = {asked.element for asked in openings}
    rests_on = dict(_settings(template, agreement, elements))
    if bound.kind in (Kind.AMENDMENT, Kind.USE_LICENCE):
        rests_on |= _own(bound)
    return Surface(name_of(bound, agreement), openings, dict(sorted(rests_on.items())))


def _settings(
    template: Template, agreement: Agreement, elements: set[str]
) -> Iterator[tuple[str, str]]:
    for name in _OF_TEMPLATE:
        yield from _flat(f"template.{name}", getattr(template, name))
    for name in _OF_SETTINGS:
        yield from _flat(name, getattr(template.settings, name))
    for name in _OF_AGREEMENT:
        yield from _flat(name, getattr(agreement, name))
    for name in sorted(elements):
        yield from _flat(f"elements.{name}", template.elements[name])
    for role, party in agreement.parties.items():
        for name in _OF_PARTY:
            yield from _flat(f"parties.{role}.{name}", getattr(party, name))


def _own(bound: Bound) -> dict[str, str]:
    """Return when an amendment or a licence itself holds."""
    found: dict[str, str] = {}
    for own in bound.own:
        for name in ("status", "effective", "signed"):
            found |= dict(_flat(f"{bound.kind}.{name}", getattr(own, name, "")))
        if isinstance(own, UseLicence):
            found |= dict(_flat("use", own.use))
    return found


def _flat(path: str, value: object) -> Iterator[tuple[str, str]]:
    """Yield the leaves of a value with their paths."""
    parts = _parts(value)
    if parts is None:
        yield path, " ".join(map(_word, value)) if isinstance(value, tuple) else _word(value)
        return
    for name, child in parts.items():
        yield from _flat(f"{path}.{name}", child)


def _parts(value: object) -> dict[str, object] | None:
    """Return the named parts of a value; None for a leaf, or a list of leaves."""
    if is_dataclass(value):
        return {part.name: getattr(value, part.name) for part in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): child for name, child in value.items()}
    if isinstance(value, tuple) and value and is_dataclass(value[0]):
        return {str(index): child for index, child in enumerate(value, 1)}
    return None


def _word(value: object) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case date():
            return value.isoformat()
        case _:
            return str(value)
