"""Text messages go to the operator's gateway as it wants them, and nowhere else. All made up."""

import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bridge.outbound.calls import Outgoing
from bridge.outbound.texts import TextRefusedError, number_of, send_text
from tests.support.text_gateway import Texts, text_gateway

NUMBER = "+12035550142"


@pytest.fixture
def texts() -> Iterator[Texts]:
    with text_gateway() as made:
        yield made


def test_a_form_under_a_name_and_a_password(texts: Texts) -> None:
    send_text(texts.by_form(), NUMBER, "A form: ñ & more = less")
    assert texts.came == [{"From": "+12035550100", "To": NUMBER, "Body": "A form: ñ & more = less"}]


def test_json_under_a_token(texts: Texts) -> None:
    send_text(texts.by_json(), NUMBER, "Una hoja")
    assert texts.came == [{"recipient": NUMBER, "message": "Una hoja"}]
    assert texts.kinds == ["application/json"]


@pytest.mark.parametrize(
    ("status", "final"),
    [
        *((400, True), (422, True)),
        *((status, False) for status in (302, 401, 403, 404, 429, 500, 503)),
    ],
)
def test_a_refusal_says_whether_it_is_about_the_message(
    texts: Texts, status: int, *, final: bool
) -> None:
    texts.status = status
    with pytest.raises(TextRefusedError) as refused:
        send_text(texts.by_form(), NUMBER, "words")
    assert (refused.value.code, refused.value.final) == (status, final)
    for word in (NUMBER, "words", texts.url, "127.0.0.1"):
        assert word not in str(refused.value)


def test_a_wrong_password_takes_nothing(texts: Texts) -> None:
    with pytest.raises(TextRefusedError, match="401"):
        send_text(replace(texts.by_form(), password="another"), NUMBER, "words")
    assert texts.came == []


def test_a_gateway_that_is_away_gave_no_answer() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
        with pytest.raises(TextRefusedError) as refused:
            send_text(replace(Texts(url).by_form(), url=url), NUMBER, "words")
    assert (refused.value.code, refused.value.final) == (0, False)


def test_a_gateway_that_leads_inside_is_not_called(texts: Texts) -> None:
    inner = Outgoing(loopback=False, resolver=lambda *_: ["10.0.0.1"])
    elsewhere = replace(texts.by_form(), url="https://texts.millbrook.example/")
    with pytest.raises(TextRefusedError, match="no answer"):
        send_text(elsewhere, NUMBER, "words", inner)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("(203) 555-0142", NUMBER),
        ("203.555.0142", NUMBER),
        ("1-203-555-0142", NUMBER),
        (" +1 203 555 0142 ", NUMBER),
        ("+52 55 1234 5678", "+525512345678"),
        ("555-0142", None),
        ("103-555-0142", None),
        ("203-055-0142", None),
        ("+1 203 555 01421", None),
        ("+0 203 555 0142", None),
        ("max@family.example", None),
        ("", None),
        ("٢٠٣٥٥٥٠١٤٢", None),
        ("+1203555014" + "2" * 9, None),
    ],
)
def test_a_number_is_read_as_every_network_reads_it(written: str, read: str | None) -> None:
    assert number_of(written) == read
