"""What an export was asked for: parameters of the address, or of a Parameters resource (POST).

Source: HL7 Bulk Data Access 2.0, *Export*, "Query Parameters". Strict, as searches are: a parameter
that is not understood would drop a filter and send more than was asked for.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl

from bridge.api.offered import DIRECTORY
from bridge.api.search import SearchReader
from bridge.context import Call
from bridge.errors import BadRequestError, Finding
from bridge.gate import Match, Query
from bridge.store.partners.export_jobs import ExportJob
from bridge.store.search.index import PARAMETERS
from bridge.store.search.query import AnyOf

FORMATS: Final = ("application/fhir+ndjson", "application/ndjson", "ndjson")
MOST_FILTERS: Final = 20
_FILTERS: Final = re.compile(r",(?=[A-Z][A-Za-z]*\?)")
"""What divides filters: values of a search have commas too."""
_RESULT: Final = ("_count", "_elements", "_format", "_page", "_sort", "_summary", "_total")
_VALUES: Final = ("valueString", "valueCode", "valueInstant", "valueUri")


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """Types to export, each with no or some filters, and when they last changed."""

    types: tuple[str, ...]
    since: datetime | None = None
    until: datetime | None = None
    filters: tuple[str, ...] = ()


def read_parameters(
    call: Call, given: Iterable[tuple[str, str]], *, people: bool = False
) -> ExportRequest:
    """Understand what an export was asked for.

    Args:
        call: who asks; its scopes say which types there are.
        given: names and values of the parameters.
        people: whether only what belongs to a person is meant (``Patient`` and ``Group``).

    Raises:
        BadRequestError: a parameter or a value is not understood.
    """
    types: list[str] = []
    filters: list[str] = []
    instants: dict[str, datetime] = {}
    for name, value in given:
        match name:
            case "_type":
                types.extend(value.split(","))
            case "_typeFilter":
                filters.extend(_FILTERS.split(value))
            case "_since" | "_until" if name not in instants:
                instants[name] = _bound(call, name, value)
            case "_outputFormat" if value in FORMATS:
                continue
            case _:
                text = "An export takes _type, _typeFilter and, once each, _since and _until."
                raise BadRequestError(Finding("not-supported", text))
    request = ExportRequest(
        _types(call, types, people=people),
        instants.get("_since"),
        instants.get("_until"),
        tuple(filters),
    )
    _check_filters(call, request)
    return request


def parameters_in(resource: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return names and values of a Parameters resource.

    Raises:
        BadRequestError: it is none, or one of its parameters is of another form.
    """
    given = resource.get("parameter", [])
    if resource.get("resourceType") != "Parameters" or not isinstance(given, list):
        raise BadRequestError(Finding("structure", "The body is not a Parameters resource."))
    return [_pair(each, place) for place, each in enumerate(given)]


def query_of(call: Call, job: ExportJob, kind: str) -> Query:
    """Return what one file of an export looks for."""
    bounds = [("ge", job.since), ("lt", job.until)]
    updated = tuple((word, at) for word, at in bounds if at is not None)
    filters = tuple(job.filters.split("\n")) if job.filters else ()
    query = _filtered(call, kind, filters)
    return replace(
        query,
        updated=(*query.updated, *updated),
        upto_change=job.upto_change,
        agreement_id=job.agreement_id,
        interaction="read",
    )


def _types(call: Call, asked: Sequence[str], *, people: bool) -> tuple[str, ...]:
    if unknown := [kind for kind in asked if kind not in PARAMETERS]:
        text = f"_type has {len(unknown)} type(s) that are not exported here."
        raise BadRequestError(Finding("not-supported", text, "_type"))
    ours = [kind for kind in sorted(PARAMETERS) if call.caller.limits(kind, "read")]
    if people:
        ours = [kind for kind in ours if kind not in (*DIRECTORY, "Organization")]
    return tuple(kind for kind in ours if not asked or kind in asked)


def _check_filters(call: Call, request: ExportRequest) -> None:
    if len(request.filters) > MOST_FILTERS:
        raise _refused(f"takes at most {MOST_FILTERS} filters")
    kinds = [each.partition("?")[0] for each in request.filters]
    if not all(kind in PARAMETERS for kind in kinds):
        raise _refused("names a type that is not exported here")
    for kind in request.types:
        _filtered(call, kind, request.filters)


def _filtered(call: Call, kind: str, filters: Sequence[str]) -> Query:
    """Return a query that finds what meets any of a type's filters."""
    own = [each for each in filters if each.partition("?")[0] == kind]
    found = [_search(call, kind, each.partition("?")[2]) for each in own]
    if len(found) < 2:
        return found[0] if found else Query(kind)
    every = tuple(_plain(query) for query in found)
    return Query(kind, matches=(AnyOf(every),))


def _plain(query: Query) -> tuple[Match, ...]:
    """Return the criteria of one of several filters: such as can be alternatives."""
    plain = tuple(m for m in query.matches if isinstance(m, Match) and not m.negated)
    if replace(query, matches=()) != Query(query.type) or len(plain) < len(query.matches):
        raise _refused("takes one filter a type where it has dates, ids, :not or :missing")
    return plain


def _search(call: Call, kind: str, search: str) -> Query:
    given = parse_qsl(search, keep_blank_values=True)
    if not given or any(name.partition(":")[0] in _RESULT for name, _ in given):
        raise _refused("takes search criteria, and no parameter of the result")
    client = (call.caller.client_id, call.bridge.settings.fhir_base, call.bridge.identifiers)
    reader = SearchReader(kind, *client, call.caller.party, call.bridge.clock.now())
    request = reader.read(given)
    if request.includes or request.query.reverse or reader.types_reached(request):
        raise _refused("reaches no other type")
    return request.query


def _bound(call: Call, name: str, value: str) -> datetime:
    """Read an instant; for a hub its day: a coded row tells no time, so no search may find it."""
    try:
        instant = datetime.fromisoformat(value)
        utc = instant.astimezone(UTC) if instant.tzinfo else None
    except (ValueError, OverflowError):
        utc = None
    if utc is None:
        text = f"{name} needs an instant with seconds and zone."
        raise BadRequestError(Finding("invalid", text, name))
    if call.caller.party != "hub":
        return utc
    return utc.replace(hour=0, minute=0, second=0, microsecond=0)


def _pair(given: object, place: int) -> tuple[str, str]:
    if isinstance(given, dict) and isinstance(given.get("name"), str):
        values = [given[key] for key in given if key in _VALUES]
        if len(values) == 1 and len(given) == 2 and isinstance(values[0], str):
            return given["name"], values[0]
    text = f"Give it a name and one of {', '.join(_VALUES)}."
    raise BadRequestError(Finding("invalid", text, f"Parameters.parameter[{place}]"))


def _refused(text: str) -> BadRequestError:
    return BadRequestError(Finding("not-supported", f"_typeFilter {text}.", "_typeFilter"))
