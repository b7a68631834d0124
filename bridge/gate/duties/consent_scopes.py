"""What the consent used covers rides with a release under 42 CFR Part 2 (42 CFR 2.32).

It says the form, the basis it met, the elements and purposes of *this* release and the last day;
never what else the family signed. A hub is told no day: with one, rows could be matched to forms.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from sqlalchemy import Connection

from bridge.errors import GateError
from bridge.gate.authorise import Viewer
from bridge.gate.decisions import ElementDecision, RecordDecision
from bridge.store.facts.releases import KeptRelease, releases
from consent.duties import ConsentScope as Used
from consent.releases import forms_met
from mappings.fhir.handling import ConsentScope

Scopes = tuple[ConsentScope, ...]


def scopes_of(
    connection: Connection, viewer: Viewer, decided: Sequence[RecordDecision]
) -> list[Scopes]:
    """Return, for each record, the consents whose scope rides with it; in most cases none.

    Raises:
        GateError: a consent that was used is not on file, so its scope cannot be told.
    """
    used = [tuple(_used(each)) for each in decided]
    ids = {source for uses in used for _, each in uses for source in each.sources}
    kept = releases(connection, ids) if ids else {}
    return [_scopes(viewer, record, uses, kept) for record, uses in zip(decided, used, strict=True)]


def _used(decided: RecordDecision) -> Iterator[tuple[Used, ElementDecision]]:
    for each in decided.permitted:
        for duty in each.decision.duties:
            if isinstance(duty.payload, Used):
                yield duty.payload, each


def _scopes(
    viewer: Viewer,
    decided: RecordDecision,
    uses: Sequence[tuple[Used, ElementDecision]],
    kept: dict[str, KeptRelease],
) -> Scopes:
    return tuple(
        ConsentScope(
            form=used.form,
            basis=used.basis,
            elements=tuple(sorted(e.slice.element for u, e in uses if u == used)),
            purposes=tuple(sorted({e.slice.purpose for u, e in uses if u == used})),
            until=None if viewer.party == "hub" else _until(decided, used, uses, kept),
        )
        for used in dict.fromkeys(used for used, _ in uses)
    )


def _until(
    decided: RecordDecision,
    used: Used,
    uses: Sequence[tuple[Used, ElementDecision]],
    kept: dict[str, KeptRelease],
) -> date:
    """Return the last day of the form used; of several, the last that ends."""
    sources = {source for u, e in uses if u == used for source in e.sources}
    days = [_last_day(decided, used, kept[source]) for source in sources & kept.keys()]
    found = [day for day in days if day is not None]
    if not found:
        raise GateError("a consent that was used is not on file; nothing was released")
    return max(found)


def _last_day(decided: RecordDecision, used: Used, release: KeptRelease) -> date | None:
    """Return the last day of a form; None where it is not the form used."""
    form, agreement = release.form, decided.agreement
    if agreement is None or form.signed_on is None:
        return None
    # What a form calls itself never counts: it is asked again which laws' forms it meets.
    if used.form not in forms_met(form, agreement.template):
        return None
    most = agreement.template.settings.consents[used.form].max_days
    ends = form.signed_on + timedelta(days=most - 1)
    return min(ends, form.expires_on) if form.expires_on else ends
