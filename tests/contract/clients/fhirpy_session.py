"""What a provider's programmer does with fhirpy: BASE KEYS SESSION UNKNOWN_ID HIDDEN_ID."""

import asyncio
import json
import sys

import aiohttp
from fhirpy import AsyncFHIRClient
from fhirpy.base.exceptions import AuthorizationError, OperationOutcome, ResourceNotFound
from signing import assertion

base, keys, session, *absent = sys.argv[1:]
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


async def token() -> str:
    """Exchange an assertion for a token, the address found by discovery."""
    async with aiohttp.ClientSession() as web:
        async with web.get(f"{base}/.well-known/smart-configuration") as answer:
            place = (await answer.json(content_type=None))["token_endpoint"]
        form = {
            "grant_type": "client_credentials",
            "scope": "system/*.rs system/Encounter.c system/Task.u",
            "client_assertion_type": JWT_BEARER,
            "client_assertion": assertion("fhirpy", keys, place),
        }
        async with web.post(place, data=form) as answer:
            return str((await answer.json(content_type=None))["access_token"])


async def told(asked) -> str:  # noqa: ANN001 - any awaitable of the client
    """Return the name of the error a call ends with."""
    try:
        await asked
    except (AuthorizationError, OperationOutcome, ResourceNotFound) as error:
        return f"{type(error).__name__} {error}"
    return "answered"


async def main() -> None:
    """Search, follow references, read, create, and be refused."""
    client = AsyncFHIRClient(base, authorization=f"Bearer {await token()}")
    stranger = AsyncFHIRClient(base, authorization="Bearer nothing")
    tasks = await client.resources("Task").limit(2).fetch_all()
    focus = [await task["focus"].to_resource() for task in tasks]
    found = await client.resources("Encounter").search(status="finished").fetch_all()
    both = await client.resources("Task").include("Task", "patient").fetch_raw()
    made = client.resource("Encounter", **json.loads(session))
    await made.save()
    again = await client.reference("Encounter", made.id).to_resource()
    report = {
        "tasks": [task.serialize() for task in tasks],
        "focus": [each.serialize() for each in focus],
        "sessions": [each.serialize() for each in found],
        "kinds": sorted({entry.resource.resource_type for entry in both.entry}),
        "created": made.serialize(),
        "read_again": again.serialize(),
        "missing": [await told(client.get("ServiceRequest", each)) for each in absent],
        "stranger": await told(stranger.resources("Task").fetch()),
        "strict": await told(client.resources("Task").search(colour="red").fetch()),
    }
    sys.stdout.write(json.dumps(report))


asyncio.run(main())
