"""A signature is a person who was authenticated and a text they approved. All people made up."""

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import text

from bridge.errors import BridgeError
from bridge.journeys.families.check_signatures import check_signatures, invalidate_release
from bridge.journeys.families.recall_releases import all_recalls
from bridge.journeys.families.record_releases import revoke_release
from bridge.journeys.families.sign_release import keep_paper, record_signature
from bridge.journeys.families.signature_record import (
    INTERPRETERS,
    Authenticated,
    Method,
)
from bridge.store.database.engine import read, write
from bridge.store.facts.signatures import invalid, signatures
from tests.support.signing import INTERPRETER, PARTIES, SCAN, TODAY, in_person, issued, on_paper
from tests.support.worlds import World, caller, referral


def sees(world: World, number: str = "R-1") -> bool:
    request = world.id_of("ServiceRequest", number)
    return world.bridge.gate.read(caller(), "ServiceRequest", request) is not None


@pytest.fixture
def waiting(lite: World) -> World:
    """A referral that no form lets out."""
    lite.refer([referral(1, releases=())])
    return lite


@pytest.mark.parametrize("method", [Method.PAPER, Method.IN_PERSON])
def test_a_signed_form_opens_the_referral_and_is_kept_with_how_it_was_signed(
    world: World, method: Method
) -> None:
    world.refer([referral(1, releases=())])
    form = issued(world, "es")
    make = on_paper if method is Method.PAPER else lambda _, form: in_person(form)
    filed = record_signature(world.parts, PARTIES, "1001", make(world, form))
    assert [{"ferpa", "health"} <= set(each.met) for each in filed] == [True, True]
    assert sees(world)
    with read(world.bridge.engine) as connection:
        kept = signatures(connection)[filed[0].id]
    body = json.loads(kept.body)
    assert (kept.method, kept.text_digest, body["lang"]) == (str(method), form.digest, "es")
    assert body["authenticated"]["by"] == "staff:counselor-1"
    assert body["version"] == form.version
    assert check_signatures(world.parts) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"authenticated": None}, "a name alone is no signature"),
        ({"authenticated": Authenticated("typed", "x")}, "a name alone is no signature"),
        ({"authenticated": Authenticated("link-and-code", "x")}, "a name alone is no signature"),
        ({"method": Method.ONLINE}, "by the bridge alone"),
        ({"approved": False}, "agree to this text"),
        ({"signer": "  "}, "say who signed"),
        ({"relationship": "friend"}, "what the signer is"),
        ({"relationship": "OTHER"}, "the right to sign"),
        ({"answers": {}}, "at least one part"),
        ({"answers": {"hub": True}}, "no such part"),
        ({"signed_on": TODAY + timedelta(days=1)}, "lies ahead"),
        ({"signed_on": date(2028, 1, 1)}, "lies ahead"),
        ({"text_digest": "0" * 64}, "no form with that check number"),
        ({"method": Method.PAPER}, "a name alone|kept with its scan"),
        ({"upload": "nothing"}, "no such paper"),
    ],
)
def test_what_is_no_signature_is_refused_and_nothing_is_released(
    waiting: World, changes: dict[str, object], told: str
) -> None:
    act = in_person(issued(waiting), **changes)
    with pytest.raises(BridgeError, match=told) as raised:
        record_signature(waiting.parts, PARTIES, "1001", act)
    assert "Winterbourne" not in str(raised.value)
    assert not sees(waiting)
    assert waiting.counts()["release_signature"] == 0
    assert waiting.counts()["signed_release"] == 0


def test_somebody_with_another_right_says_what_it_is_and_opens_nothing_by_saying_so(
    waiting: World,
) -> None:
    act = in_person(issued(waiting), relationship="OTHER", authority="Lives with me")
    filed = record_signature(waiting.parts, PARTIES, "1001", act)
    assert [each.facts for each in filed] == [0, 0]
    assert not sees(waiting)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE form_text SET text = replace(text, 'You do not have to sign.', 'Sign.')",
        "UPDATE form_text SET passings = replace(passings, 'x', 'x'), text = text || ' '",
        "UPDATE signed_release SET parts = replace(parts, 'refer', 'treat')",
        "UPDATE release_signature SET body = replace(body, 'counselor-1', 'counselor-2')",
        "UPDATE release_signature SET method = 'online'",
        "DELETE FROM form_text",
    ],
)
def test_a_form_changed_after_it_was_signed_is_not_valid_and_ends(
    world: World, change: str
) -> None:
    world.refer([referral(1, releases=())])
    filed = record_signature(world.parts, PARTIES, "1001", in_person(issued(world)))
    assert sees(world)
    with write(world.bridge.engine) as connection:
        connection.execute(text(change))
    found = {fault.release_id for fault in check_signatures(world.parts)}
    assert found
    assert found <= {each.id for each in filed}
    assert check_signatures(world.parts) == []
    assert not sees(world)
    with read(world.bridge.engine) as connection:
        assert set(invalid(connection, found)) == found
    assert {recall.reason for recall in all_recalls(world.parts)} == {"defective"}


def test_a_text_that_was_changed_is_signed_by_nobody(waiting: World) -> None:
    form = issued(waiting)
    with write(waiting.bridge.engine) as connection:
        connection.execute(text("UPDATE form_text SET text = text || 'and my soul'"))
    with pytest.raises(BridgeError, match="was changed"):
        record_signature(waiting.parts, PARTIES, "1001", in_person(form))


def test_withdrawn_is_not_invalid(waiting: World) -> None:
    first, second = record_signature(waiting.parts, PARTIES, "1001", in_person(issued(waiting)))
    assert revoke_release(waiting.parts, first.id)
    assert invalidate_release(waiting.parts, second.id, ("staff:x", "wrong student"))
    assert not invalidate_release(waiting.parts, first.id, ("staff:x", "wrong student"))
    with read(waiting.bridge.engine) as connection:
        assert set(invalid(connection, [first.id, second.id])) == {second.id}


def test_the_latest_answer_of_a_person_counts_and_the_other_parents_stands(waiting: World) -> None:
    form = issued(waiting)
    no = {"lea": False, "provider": False}
    record_signature(waiting.parts, PARTIES, "1001", in_person(form, answers=no))
    assert not sees(waiting)
    record_signature(waiting.parts, PARTIES, "1001", in_person(form, signer="MAX  winterbourne"))
    assert sees(waiting)
    mother = in_person(form, signer="Ann Winterbourne", relationship="MTH", answers=no)
    filed = record_signature(waiting.parts, PARTIES, "1001", mother)
    assert "by the agreement's own choice" in filed[0].notes[0]
    assert not sees(waiting)


def test_recording_the_same_signature_again_changes_nothing(waiting: World) -> None:
    act = in_person(issued(waiting))
    record_signature(waiting.parts, PARTIES, "1001", act)
    before = waiting.counts()
    again = record_signature(waiting.parts, PARTIES, "1001", act)
    assert [each.new for each in again] == [False, False]
    assert waiting.counts() == before


@pytest.mark.parametrize("role", ["student", "sibling", "friend", "parent", ""])
def test_a_student_or_a_child_of_the_family_cannot_be_the_interpreter(
    waiting: World, role: str
) -> None:
    assert not {"student", "sibling", "friend", "parent"} & set(INTERPRETERS)
    act = in_person(issued(waiting), interpreter=replace(INTERPRETER, role=role))
    with pytest.raises(BridgeError, match="a student or a child may not"):
        record_signature(waiting.parts, PARTIES, "1001", act)


def test_who_interpreted_is_kept_with_the_form(waiting: World) -> None:
    act = in_person(issued(waiting), interpreter=INTERPRETER)
    filed = record_signature(waiting.parts, PARTIES, "1001", act)
    with read(waiting.bridge.engine) as connection:
        body = json.loads(signatures(connection, [filed[0].id])[filed[0].id].body)
    assert body["interpreter"]["role"] == "telephone-interpreter"
    assert body["interpreter"]["agency"] == "Line Co"


@pytest.mark.parametrize(
    "scan",
    [
        ("application/pdf", b"<html>"),
        ("text/html", b"%PDF-"),
        ("image/png", b"%PDF-"),
        ("application/pdf", b"%PDF-" + b"0" * 5_000_000),
    ],
    ids=["not-a-pdf", "html", "another-kind", "too-large"],
)
def test_only_a_small_scan_of_a_known_kind_is_kept(lite: World, scan: tuple[str, bytes]) -> None:
    lite.refer([referral(1)])
    with pytest.raises(BridgeError):
        keep_paper(lite.parts, PARTIES, "1001", scan)


def test_a_paper_cannot_be_read_in_the_database_and_is_one_students(waiting: World) -> None:
    waiting.refer([referral(2, releases=())])
    other = keep_paper(waiting.parts, PARTIES, "1002", SCAN)
    assert other != keep_paper(waiting.parts, PARTIES, "1001", SCAN)
    with read(waiting.bridge.engine) as connection:
        rows = str(connection.execute(text("SELECT * FROM form_upload")).all())
    assert "made up" not in rows
    act = on_paper(waiting, issued(waiting), upload=other)
    with pytest.raises(BridgeError, match="another student's"):
        record_signature(waiting.parts, PARTIES, "1001", act)
