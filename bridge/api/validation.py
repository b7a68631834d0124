"""``$validate``: whether the bridge would accept a resource (R4 resource-operation-validate).

It judges the content alone and looks at no record, so it can tell nothing of any.
"""

from collections.abc import Mapping

from bridge.api.reading import parsed
from bridge.api.replies import Reply, outcome
from bridge.errors import BadRequestError, Finding, NotFoundError
from mappings.fhir.check import check_resource
from mappings.fhir.structure import TYPES


def validate(kind: str, body: bytes) -> Reply:
    """Answer with an OperationOutcome: what is wrong with a resource, or that nothing is.

    Raises:
        NotFoundError: the type is not checked here.
        BadRequestError: the body holds no resource of the type.
    """
    if kind not in TYPES:
        raise NotFoundError
    sent: object = parsed(body)
    if isinstance(sent, Mapping) and sent.get("resourceType") == "Parameters":
        sent = _resource_of(sent)
    if not isinstance(sent, Mapping) or sent.get("resourceType") != kind:
        text = "Send a resource of the type in the address, alone or as the parameter resource."
        raise BadRequestError(Finding("invalid", text))
    issues = check_resource(dict(sent))
    if not issues:
        return Reply(200, outcome([Finding("informational", "Nothing is wrong.")], "information"))
    return Reply(200, outcome([Finding(i.code, i.text, i.path) for i in issues]))


def _resource_of(parameters: Mapping[str, object]) -> object:
    listed = parameters.get("parameter", ())
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, Mapping) and each.get("name") == "resource":
            return each.get("resource")
    return None
