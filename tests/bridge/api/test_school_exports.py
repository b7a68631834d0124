"""No role of a school finds anything about a person by a bulk export: it has pages and lists."""

import json

import pytest

from bridge.api.offered import DIRECTORY
from bridge.identity import Party, Registration, Standing, read_scopes, register_client
from bridge.store.database.engine import write
from consent.mou import read_template, shipped_document
from tests.support.exports import ASYNC, kicked_off, rows_of, served
from tests.support.worlds import LEA, World, client_key

TEMPLATE = read_template(shipped_document("xx-smh-template"), "template")
ROLES = tuple(TEMPLATE.roles["lea"].staff)
PURPOSES = tuple(TEMPLATE.purposes)
WHOSE = ("Winterbourne", "Child", "R-0", "1000", "Cries", "s-0")
"""Words of the people of a served world, and of their records."""


def registered(world: World, role: str) -> str:
    """Register a system of the school with all scopes and purposes there are; returns its id."""
    standing = Standing(Party.LEA, LEA, "", role, PURPOSES, read_scopes("system/*.cruds"))
    with write(world.bridge.engine) as connection:
        keys = client_key().public_jwks()
        register_client(connection, Registration(f"sis-{role}", standing, keys), world.bridge.clock)
    return f"sis-{role}"


@pytest.mark.parametrize("role", ROLES)
def test_no_role_of_a_school_finds_anybody_by_an_export(world: World, role: str) -> None:
    served(world, 2)
    web = world.web(registered(world, role))
    before = world.counts()["ledger_entry"]
    for path in ("/fhir/$export", "/fhir/Patient/$export"):
        answer = web.get(path, headers=ASYNC)
        assert answer.status_code == 202
        rows = rows_of(web, answer.headers["Content-Location"])
        assert rows.keys() <= {*DIRECTORY, "Organization"}
        assert not [word for word in WHOSE if word in json.dumps(rows)]
    assert world.counts()["ledger_entry"] == before
    assert ROLES


def test_a_provider_finds_by_it_what_the_school_does_not(world: World) -> None:
    served(world, 2)
    web = world.web()
    said = json.dumps(rows_of(web, kicked_off(web)))
    assert all(word in said for word in ("Winterbourne", "R-0"))
