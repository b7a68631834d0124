import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from bridge.ledger.entry import (
    Receipt,
    Recorded,
    body_of,
    read_body,
)
from tests.bridge.ledger.conftest import EntryMaker
from tests.bridge.ledger.drawn import anything, instants

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@given(st.builds(Recorded, st.integers(0, 2**53 - 1), instants, anything))
def test_any_entry_is_read_back_as_it_was_spelled(recorded: Recorded) -> None:
    assert read_body(body_of(recorded)) == recorded


@given(st.builds(Recorded, st.integers(0, 2**53 - 1), instants, anything))
def test_the_spelling_is_that_of_rfc_8785(recorded: Recorded) -> None:
    body = body_of(recorded)
    assert body == rfc8785.dumps(json.loads(body))


def test_the_spelling_is_fixed(make_entry: EntryMaker) -> None:
    body = body_of(Recorded(3, NOON, make_entry(subject=None, resource=None, ruling=None)))
    assert body.decode() == (
        '{"asked_at":"2026-03-02T14:59:00.000000Z","elements":["referral.reason","student.name"],'
        '"evidence":["release-9"],"index":3,"kind":"release","log":"mou-1","purpose":"refer",'
        '"receiving":"clinic-2","refers":[],"releasing":"district-7","request":"request-1",'
        '"resource":null,"role":"intake","ruling":null,"subject":null,"terms":{"mou":"mou-1",'
        f'"table":"{"cd" * 32}","version":"2"}},"time":"2026-03-02T12:00:00.000000Z","v":1}}'
    )


def test_the_same_instant_in_another_zone_is_spelled_the_same(make_entry: EntryMaker) -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=-6)))
    assert body_of(Recorded(0, NOON, make_entry())) == body_of(Recorded(0, elsewhere, make_entry()))


def test_an_instant_without_a_zone_is_refused(make_entry: EntryMaker) -> None:
    with pytest.raises(ValueError, match="zone"):
        body_of(Recorded(0, NOON.replace(tzinfo=None), make_entry()))


def test_text_that_is_not_unicode_is_refused(make_entry: EntryMaker) -> None:
    with pytest.raises(ValueError, match="UTF"):
        body_of(Recorded(0, NOON, make_entry(purpose="\ud800")))


@pytest.mark.parametrize(
    "damage",
    [
        {"v": 2},
        {"kind": "unheard-of"},
        {"extra": 1},
        {"time": "yesterday"},
        {"resource": {"type": "Patient"}},
    ],
)
def test_a_body_of_another_shape_is_refused_without_repeating_it(
    make_entry: EntryMaker, damage: dict[str, object]
) -> None:
    fields = json.loads(body_of(Recorded(0, NOON, make_entry())))
    with pytest.raises(ValueError, match="entry") as caught:
        read_body(json.dumps(fields | damage).encode())
    assert "pseudonym" not in str(caught.value)


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"\xff", b"[" * 100_000])
def test_what_is_no_entry_at_all_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="entry"):
        read_body(body)


def test_a_receipt_is_written_and_read_in_one_way() -> None:
    receipt = Receipt("mou#1", 12)
    assert str(receipt) == "mou#1#12"
    assert Receipt.parse("mou#1#12") == receipt


@pytest.mark.parametrize("text", ["", "mou", "mou#", "#1", "mou#-1", "mou#x", "mou#\u0663"])
def test_what_is_no_receipt_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="log#index"):
        Receipt.parse(text)
