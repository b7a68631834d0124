"""What a provider's programmer does with fhirclient: BASE KEYS SESSION UNKNOWN_ID HIDDEN_ID."""

import json
import sys

from fhirclient.client import FHIRClient
from fhirclient.models.encounter import Encounter
from fhirclient.models.servicerequest import ServiceRequest
from fhirclient.models.task import Task
from fhirclient.server import FHIRNotFoundException, FHIRUnauthorizedException
from signing import assertion

base, keys, session, *absent = sys.argv[1:]
server_root = base.removesuffix("/fhir")
settings = {
    "app_id": "fhirclient",
    "api_base": base,
    "scope": "system/*.rs system/Encounter.c",
    "jwt_token": assertion("fhirclient", keys, f"{server_root}/auth/token"),
}
smart = FHIRClient(settings=settings)
smart.wants_patient = False
before = smart.prepare()
try:
    ServiceRequest.read("any", smart.server)
    unauthorized = "nothing"
except FHIRUnauthorizedException as error:
    unauthorized = type(error).__name__
smart.authorize()

search = Task.where({"_count": "2", "status": "requested,accepted"})
pages = [[e.resource.as_json() for e in b.entry or []] for b in search.perform_iter(smart.server)]
requests = ServiceRequest.where({"status": "active"}).include("requester")
included = [each.as_json() for each in requests.perform_resources_iter(smart.server)]


def missing(record_id: str) -> str:
    """Return the name of the error for what is not there."""
    try:
        ServiceRequest.read(record_id, smart.server)
    except FHIRNotFoundException as error:
        return f"{type(error).__name__} {error.response.text}"
    return "found"


made = Encounter(json.loads(session)).create(smart.server)
report = {
    "ready": [before, smart.ready],
    "unauthorized": unauthorized,
    "pages": pages,
    "included": included,
    "missing": [missing(each) for each in absent],
    "created": made,
}
sys.stdout.write(json.dumps(report))
