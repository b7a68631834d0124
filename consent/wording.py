"""What the words of a form cover: groups of elements, derived from the template's own flows."""

import csv
import io
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

from consent.mou.template import Template
from consent.mou.terms.flows import Flow

_NOTES = "psychotherapy_note"


@dataclass(frozen=True, slots=True)
class Covered:
    """The elements a form's words cover; ``complete`` unless a word is unknown or none is there."""

    elements: frozenset[str]
    complete: bool


@cache
def release_groups() -> dict[str, str]:
    """Return the flow whose elements each group of a release form stands for."""
    text = files("consent").joinpath("release-groups.csv").read_text(encoding="utf-8")
    return {row["group"]: row["flow"] for row in csv.DictReader(io.StringIO(text))}


def covered_by(words: tuple[str, ...], template: Template) -> Covered:
    """Return what a form's words cover: groups of ``release-groups.csv`` or element ids."""
    flows = {str(flow.id): flow.elements for flow in template.flows}
    groups = {group: flows[flow] for group, flow in release_groups().items() if flow in flows}
    elements: set[str] = set()
    complete = bool(words)
    for word in words:
        if word in groups:
            elements.update(groups[word])
        elif word in template.elements:
            elements.add(word)
        else:
            complete = False
    return Covered(frozenset(elements), complete)


def names_only_notes(words: tuple[str, ...], template: Template) -> bool:
    """Whether a form speaks of session notes and of nothing else."""
    covered = covered_by(words, template)
    return covered.complete and all(
        template.elements[element].kind == _NOTES for element in covered.elements
    )


def flow_cells(template: Template) -> tuple[tuple[str, str, str], ...]:
    """Return every (element, purpose, recipient) some flow of a template names, sorted."""
    return _flow_cells(template.digest, template.flows)


@lru_cache(maxsize=16)
def _flow_cells(_digest: str, flows: tuple[Flow, ...]) -> tuple[tuple[str, str, str], ...]:
    cells = {
        (element, purpose, recipient)
        for flow in flows
        for element in flow.elements
        for purpose in flow.purposes
        for recipient in flow.to
    }
    return tuple(sorted(cells))
