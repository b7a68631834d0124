"""A link by one way, a code by another, one signature. All people made up."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from bridge.errors import BridgeError
from bridge.journeys.families.ask_family import (
    FamilyMember,
    Link,
    ask_to_sign,
)
from bridge.journeys.families.check_signatures import check_signatures
from bridge.journeys.families.sign_online import is_open, prove, proved, sign_online
from bridge.journeys.families.sign_release import Asked
from bridge.store.database.engine import read
from bridge.store.facts.signatures import signatures
from consent.forms import FormKind
from tests.support.signing import BOTH, PARTIES
from tests.support.worlds import NOW, World, caller, referral

FATHER = FamilyMember(
    name="Max Winterbourne",
    relationship="FTH",
    channel="mail",
    lang="es",
    student_name="Child1 Winterbourne",
    code_by="staff:counselor-1",
    code_via="phone",
    address="max@family.example",
)


def asked(world: World, **changes: Any) -> Link:  # noqa: ANN401 - fields of the member
    member = replace(FATHER, **changes)
    return ask_to_sign(world.parts, PARTIES, "1001", (member, Asked(FormKind.SHARE, member.lang)))


def sees(world: World) -> bool:
    request = world.id_of("ServiceRequest", "R-1")
    return world.bridge.gate.read(caller(), "ServiceRequest", request) is not None


@pytest.fixture
def waiting(lite: World) -> World:
    lite.refer([referral(1, releases=())])
    return lite


def test_who_has_link_and_code_signs_online_once(world: World) -> None:
    world.refer([referral(1, releases=())])
    link = asked(world)
    proof = prove(world.parts, link.token, link.code.lower().replace("-", " "))
    assert proof is not None
    opened = proved(world.parts, proof)
    assert opened is not None
    assert (opened.member.name, opened.member.student_name) == (FATHER.name, FATHER.student_name)
    filed = sign_online(world.parts, proof, BOTH, approved=True)
    assert sees(world)
    with read(world.bridge.engine) as connection:
        kept = signatures(connection)[filed[0].id]
    body = json.loads(kept.body)
    assert (kept.method, body["lang"]) == ("online", "es")
    assert body["authenticated"] == {
        "how": "link-and-code",
        "by": "bridge",
        "via": "link mail; code phone by staff:counselor-1",
    }
    assert check_signatures(world.parts) == []
    with pytest.raises(BridgeError, match="answered already"):
        sign_online(world.parts, proof, BOTH, approved=True)


def test_a_no_is_taken_as_such(waiting: World) -> None:
    link = asked(waiting)
    proof = prove(waiting.parts, link.token, link.code) or ""
    sign_online(waiting.parts, proof, {"lea": False, "provider": False}, approved=True)
    assert not sees(waiting)


def test_without_approval_nothing_is_signed(waiting: World) -> None:
    link = asked(waiting)
    proof = prove(waiting.parts, link.token, link.code) or ""
    with pytest.raises(BridgeError, match="agree to this text"):
        sign_online(waiting.parts, proof, BOTH, approved=False)
    assert waiting.counts()["signed_release"] == 0


def test_a_link_alone_opens_nothing_and_wrong_codes_kill_it(world: World) -> None:
    world.refer([referral(1, releases=())])
    link, other = asked(world), asked(world, name="Ann Winterbourne", relationship="MTH")
    assert is_open(world.parts, link.token)
    assert not is_open(world.parts, link.token[:-1] + "x")
    assert prove(world.parts, link.token, other.code) is None
    for _ in range(4):
        assert prove(world.parts, link.token, "0000-0000") is None
    assert prove(world.parts, link.token, link.code) is None
    assert not is_open(world.parts, link.token)
    assert prove(world.parts, other.token, other.code)


@pytest.mark.parametrize("proof", ["", "x", "x" * 5000])
def test_a_proof_that_is_none_opens_nothing(waiting: World, proof: str) -> None:
    asked(waiting)
    assert proved(waiting.parts, proof) is None


def test_a_proof_ends_after_half_an_hour_and_a_link_after_thirty_days(waiting: World) -> None:
    link = asked(waiting)
    proof = prove(waiting.parts, link.token, link.code) or ""
    waiting.clock.advance(timedelta(minutes=30))
    assert proved(waiting.parts, proof) is None
    with pytest.raises(BridgeError, match="time to sign is over"):
        sign_online(waiting.parts, proof, BOTH, approved=True)
    assert prove(waiting.parts, link.token, link.code)
    waiting.clock.advance(timedelta(days=30))
    assert prove(waiting.parts, link.token, link.code) is None


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"channel": "none"}, "on paper instead"),
        ({"channel": "phone"}, "on paper instead"),
        ({"channel": "sms"}, "no number"),
        ({"channel": "sms", "address": "203-555-0142"}, "no number"),
        ({"channel": "sms", "address": "+12035550142"}, "not to a telephone"),
        ({"address": "nowhere"}, "no address"),
        ({"code_via": "mail"}, "told in person"),
        ({"code_via": "letter"}, "told in person"),
        ({"name": " "}, "who is asked"),
        ({"relationship": "OTHER"}, "the right to sign"),
    ],
)
def test_link_and_code_never_go_the_same_way(
    waiting: World, changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(BridgeError, match=told):
        asked(waiting, **changes)
    assert waiting.counts()["signing_request"] == 0


def test_nothing_of_it_can_be_read_in_the_database(waiting: World) -> None:
    link = asked(waiting)
    with read(waiting.bridge.engine) as connection:
        rows = [
            str(connection.execute(text(f"SELECT * FROM {name}")).all())  # noqa: S608 - names of ours
            for name in ("signing_request", "family_contact", "form_text")
        ]
    for word in ("Winterbourne", "max@", link.code, link.code.replace("-", ""), link.token):
        assert word not in "".join(rows)


def test_on_the_eighteenth_birthday_a_guardians_view_ends_and_the_student_is_asked(
    lite: World,
) -> None:
    """34 CFR 99.5: from that day on the right is the student's."""
    young = {"birth_date": date(2008, 11, 1)}
    lite.refer([referral(1, releases=(), student=young)])
    link = asked(lite)
    proof = prove(lite.parts, link.token, link.code)
    assert proof
    lite.clock.advance(datetime(2026, 11, 1, 4, tzinfo=UTC) - lite.clock.now())  # midnight there
    lite.clock.real = NOW + timedelta(minutes=5)
    assert not is_open(lite.parts, link.token)
    assert proved(lite.parts, proof) is None
    assert prove(lite.parts, link.token, link.code) is None
    with pytest.raises(BridgeError, match="the time to sign is over"):
        sign_online(lite.parts, proof, BOTH, approved=True)
    with pytest.raises(BridgeError, match="ask the student"):
        asked(lite)
    own = asked(lite, name="Child1 Winterbourne", relationship="ONESELF")
    proof = prove(lite.parts, own.token, own.code)
    assert proof
    sign_online(lite.parts, proof, BOTH, approved=True)
    assert sees(lite)
