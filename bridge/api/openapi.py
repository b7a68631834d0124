"""The API in OpenAPI 3.0, made from the CapabilityStatement: for tools that read no FHIR.

It says what a request must look like to be understood and which statuses may come back, not the
shape of every resource: that is FHIR's, and ``$validate`` checks it.
Source: OpenAPI 3.0.3; FHIR R4 http.html.
"""

from collections.abc import Sequence
from typing import Any, Final

from bridge.api.metadata import capability_statement
from bridge.settings import Settings

Json = dict[str, Any]

_FHIR: Final = "application/fhir+json"
_FORM: Final = "application/x-www-form-urlencoded"
_PATCH: Final = "application/json-patch+json"
# Each says what the server takes at most: the calendar and the escapes of R4 narrow it further.
# No character is U+0000, and of the alternatives between commas one at least is not empty.
_ANY: Final = r"^[^\u0000]*[^,\u0000][^\u0000]*$"
_ID: Final = r"^[A-Za-z0-9.\-]{1,64}$"
_IDS: Final = r"^[A-Za-z0-9.\-]{1,64}(,[A-Za-z0-9.\-]{1,64}){0,199}$"
_TIME: Final = r"T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2})?"
_DATE: Final = rf"(eq|ne|gt|lt|ge|le|sa|eb|ap)?[0-9]{{4}}(-[0-9]{{2}}(-[0-9]{{2}}({_TIME})?)?)?"
_DATES: Final = rf"^,*{_DATE}(,+{_DATE})*,*$"
_ETAG: Final = r'^W/"[0-9a-f]{1,64}"$'
_ERRORS: Final = {
    "400": "The request is not understood.",
    "401": "There is no good token.",
    "403": "No scope of the token allows it.",
    "404": "There is no such thing, or none for this caller.",
    "405": "The method is not offered here.",
    "406": "Only JSON is offered.",
    "409": "Another change came first.",
    "412": "The version is not the current one.",
    "413": "The body is too large.",
    "415": "The body is of another media type.",
    "422": "The resource is not valid, or the change is not allowed.",
    "428": "The version it was made from was not said.",
}
_READ_ERRORS: Final = ("400", "401", "403", "404", "405", "406")
_WRITE_ERRORS: Final = (*_READ_ERRORS, "409", "412", "413", "415", "422", "428")
_RESULT: Final[tuple[tuple[str, Json], ...]] = (
    ("_count", {"type": "integer", "minimum": 0, "maximum": 999_999}),
    ("_total", {"type": "string", "enum": ["none", "accurate", "estimate"]}),
    ("_summary", {"type": "string", "enum": ["true", "text", "data", "count", "false"]}),
    ("_sort", {"type": "string", "enum": ["_lastUpdated", "-_lastUpdated"]}),
)
"""Parameters of the result that every search takes; ``_sort`` by dates besides."""


def description(settings: Settings) -> Json:
    """Return the OpenAPI description, the same for every caller."""
    (rest,) = capability_statement(settings)["rest"]
    said = {**_operation("Say what the server can do", _documents()), "security": []}
    paths: Json = {"/metadata": {"get": said}}
    for resource in rest["resource"]:
        if resource["type"] != "Subscription":  # whoever subscribes reads FHIR
            paths |= _paths(resource)
    paths["/"] = {"post": _bundle()}
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "schoolbridge",
            "version": "0.1.0",
            "description": "Referrals between schools and providers: FHIR R4, SMART scopes.",
        },
        "servers": [{"url": settings.fhir_base}],
        "security": [{"backend": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"backend": {"type": "http", "scheme": "bearer"}},
            "schemas": {"OperationOutcome": _resource_of("OperationOutcome")},
        },
    }


def _paths(resource: Json) -> Json:
    kind = resource["type"]
    said = {i["code"]: i.get("documentation", "") for i in resource.get("interaction", ())}
    codes = set(said)
    found: Json = {}
    if "search-type" in codes:
        bundle = _answers("200", "Bundle")
        asked = _search_parameters(resource)
        found[f"/{kind}"] = {"get": {**_operation(f"Search {kind}", bundle), "parameters": asked}}
        found[f"/{kind}/_search"] = {"post": _search_by_post(kind, asked)}
    if "create" in codes:
        described = {"description": said["create"]} if said["create"] else {}
        post = {**_write(kind, "201", "Create", ()), **described}
        found.setdefault(f"/{kind}", {})["post"] = post
    one = _one(kind, codes)
    if one:
        found[f"/{kind}/{{id}}"] = {"parameters": [_id("id")], **one}
    return found | _history(kind, codes)


def _one(kind: str, codes: set[str]) -> Json:
    """Return the operations on one resource."""
    found: Json = {}
    if "read" in codes:
        answers = _answers("200", kind) | _no_body("304", "It has not changed.")
        found["get"] = _operation(f"Read a {kind}", answers)
        if "search-type" not in codes:  # tables of codes are for everybody
            found["get"]["security"] = []
    needed = (_header("If-Match", _ETAG, required=True),)
    if "update" in codes:
        found["put"] = _write(kind, "200", "Update", needed)
    if "patch" in codes:
        found["patch"] = {
            **_operation(f"Patch a {kind}", _answers("200", kind, _WRITE_ERRORS)),
            "parameters": list(needed),
            "requestBody": _body(_PATCH, {"type": "array", "items": _PATCH_STEP, "minItems": 1}),
        }
    return found


_PATCH_STEP: Final = {
    "type": "object",
    "required": ["op", "path"],
    "properties": {
        "op": {"enum": ["add", "remove", "replace", "move", "copy", "test"]},
        "path": {"type": "string"},
        "from": {"type": "string"},
        "value": {},
    },
}


def _history(kind: str, codes: set[str]) -> Json:
    found: Json = {}
    if "history-instance" in codes:
        place = f"/{kind}/{{id}}/_history"
        operation = _operation(f"List the versions of a {kind}", _answers("200", "Bundle"))
        found[place] = {"parameters": [_id("id")], "get": operation}
    if "vread" in codes:
        place = f"/{kind}/{{id}}/_history/{{version}}"
        operation = _operation(f"Read a version of a {kind}", _answers("200", kind))
        found[place] = {"parameters": [_id("id"), _id("version")], "get": operation}
    return found


def _search_parameters(resource: Json) -> list[Json]:
    """Return the parameters of a search; the server refuses any other."""
    given = [_query(each["name"], each["type"]) for each in resource["searchParam"]]
    given += [_listed(name, schema) for name, schema in _RESULT]
    for name, key in (("_include", "searchInclude"), ("_revinclude", "searchRevInclude")):
        if resource.get(key):
            given.append(_listed(name, {"type": "string", "enum": resource[key]}))
    return given


def _query(name: str, kind: str) -> Json:
    if name == "_id":
        pattern = _IDS
    elif name == "_lastUpdated":
        pattern = f"^{_DATE}$"
    else:
        pattern = _DATES if kind == "date" else _ANY
    return _listed(name, {"type": "string", "pattern": pattern})


def _listed(name: str, schema: Json) -> Json:
    return {"name": name, "in": "query", "schema": schema}


def _search_by_post(kind: str, asked: Sequence[Json]) -> Json:
    properties = {each["name"]: each["schema"] for each in asked}
    form = {"type": "object", "properties": properties, "additionalProperties": False}
    answers = _answers("200", "Bundle", (*_READ_ERRORS, "413", "415"))
    operation = _operation(f"Search {kind} with the parameters in the body", answers)
    return {**operation, "requestBody": {"required": False, "content": {_FORM: {"schema": form}}}}


def _write(kind: str, status: str, verb: str, headers: Sequence[Json]) -> Json:
    answers = _answers(status, kind, _WRITE_ERRORS)
    if status == "201":
        answers["200"] = {**answers["201"], "description": "It was there already."}
    return {
        **_operation(f"{verb} a {kind}", answers),
        "parameters": list(headers),
        "requestBody": _body(_FHIR, _resource_of(kind)),
    }


def _bundle() -> Json:
    entries = {"type": "array", "maxItems": 100, "items": {}}
    shape = _resource_of("Bundle")
    shape["properties"] |= {"type": {"enum": ["batch", "transaction"]}, "entry": entries}
    shape["required"].append("type")
    answers = _answers("200", "Bundle", _WRITE_ERRORS)
    return {**_operation("Carry out a batch", answers), "requestBody": _body(_FHIR, shape)}


def _operation(summary: str, responses: Json) -> Json:
    return {"summary": summary, "responses": responses}


def _documents() -> Json:
    errors = {code: text for code, text in _ERRORS.items() if code in ("405", "406")}
    told = {code: _outcome(text) for code, text in errors.items()}
    return {"200": _content("CapabilityStatement"), **told}


def _answers(status: str, kind: str, errors: Sequence[str] = _READ_ERRORS) -> Json:
    return {status: _content(kind), **{code: _outcome(_ERRORS[code]) for code in errors}}


def _content(kind: str) -> Json:
    return {"description": kind, "content": {_FHIR: {"schema": _resource_of(kind)}}}


def _outcome(text: str) -> Json:
    schema = {"$ref": "#/components/schemas/OperationOutcome"}
    return {"description": text, "content": {_FHIR: {"schema": schema}}}


def _no_body(status: str, text: str) -> Json:
    return {status: {"description": text}}


def _resource_of(kind: str) -> Json:
    return {
        "type": "object",
        "required": ["resourceType"],
        "properties": {"resourceType": {"enum": [kind]}},
    }


def _body(media_type: str, schema: Json) -> Json:
    return {"required": True, "content": {media_type: {"schema": schema}}}


def _id(name: str) -> Json:
    schema = {"type": "string", "pattern": _ID}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _header(name: str, pattern: str, *, required: bool = False) -> Json:
    schema = {"type": "string", "pattern": pattern}
    return {"name": name, "in": "header", "required": required, "schema": schema}
