"""The canonical data dictionary as a page, generated from the tables every check of a map reads.

CEDS numbers are those of the Common Education Data Standards (version 12); the six elements of its
table PersonReferral are 001481 to 001486.
"""

from collections.abc import Iterator
from typing import Final

from mappings.fhir.terminology import table
from mappings.language import DICTIONARY, CanonicalField, MapKind
from mappings.lineage import elements_of

_TITLES: Final = {
    MapKind.REFERRAL: "Referral: one referral for one service",
    MapKind.ROSTER: "Student: one row of a roster",
    MapKind.SESSION: "ServiceSession: one session or appointment",
    MapKind.SCREENING: "StudentScreening: one screening of one student",
    MapKind.ANSWER: "ReferralAnswer: what a provider says of one referral",
}
# Table PersonReferral of CEDS: our field, or where else it is said.
_CEDS: Final = (
    ("001481", "Referral Date", "`authored_on`"),
    ("001482", "Referral Outcome", "the follow-up codes below"),
    ("001483", "Reason for Referral", "`reasons`, and `description` for the free text"),
    ("001484", "Source of Referral", "`referrer_name`, `referrer_role`"),
    ("001485", "Type of Referral Received", "`requested_service`"),
    ("001486", "Referred To", "the provider the referrals are imported for"),
)


def dictionary_page() -> str:
    """Return the page as Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# Data dictionary"
    yield ""
    yield "What a map may fill. `schoolbridge map dictionary` writes this page; a test fails when"
    yield "it is stale. Types are told in [mappings/README.md](../mappings/README.md). *Needed*: a"
    yield "record cannot be without it. *Person*: only a person's answer on a form fills it, and no"
    yield "constant. A code always stands beside the words it was made from. A field without FHIR"
    yield "elements is evidence, or stays with the bridge."
    for kind, title in _TITLES.items():
        yield from ("", f"## {title}", "", f"`kind: {kind}`", "")
        yield "| field | meaning | type | needed | CEDS | codes | FHIR elements |"
        yield "|---|---|---|---|---|---|---|"
        paths = elements_of(kind)
        yield from (_row(e, paths.get(e.name, ())) for e in DICTIONARY[kind].values())
    yield from _follow_up()
    yield from ("", "## CEDS PersonReferral", "", "| number | element | here |", "|---|---|---|")
    yield from (f"| {number} | {name} | {here} |" for number, name, here in _CEDS)


def _row(entry: CanonicalField, elements: tuple[str, ...]) -> str:
    needed = " ".join(
        word for word, so in (("needed", entry.required), ("person", entry.never_assumed)) if so
    )
    cells = (
        f"`{entry.name}`",
        entry.about,
        entry.kind.value,
        needed,
        entry.ceds,
        ", ".join(entry.codes),
        "<br>".join(elements),
    )
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _follow_up() -> Iterator[str]:
    yield from ("", "## Follow-up: what a school may learn back", "")
    yield "| code | meaning | Task.status | ServiceRequest.status |"
    yield "|---|---|---|---|"
    for code, row in table("follow-up").rows.items():
        yield f"| `{code}` | {row['display']} | {row['task_status']} | {row['request_status']} |"
