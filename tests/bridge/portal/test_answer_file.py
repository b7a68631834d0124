"""A provider without an API drops a file of answers on a page. Made up."""

import re

import httpx
import pytest

from bridge.identity import Party, form_token
from bridge.journeys.answers.answer_by_file import columns
from bridge.journeys.files.uploaded_rows import MOST_BYTES, MOST_ROWS
from bridge.portal.answer_file import WAITS
from tests.bridge.portal.entering import words
from tests.bridge.portal.test_clinic_pages import Clinic
from tests.support.worlds import COVE, World, referral

PAGE = "/portal/work/file"


def table(*rows: dict[str, str]) -> bytes:
    known = {"Referral number": "R-1", "Date": "2026-09-14", "Answer": "Accepted"}
    lines = [",".join({**known, **row}.get(name, "") for name in columns()) for row in rows]
    return "\n".join([",".join(columns()), *lines]).encode()


def drop(desk: Clinic, content: bytes, name: str = "week.csv") -> httpx.Response:
    page_key = form_token(desk.token)
    return desk.send("POST", PAGE, data={"page_key": page_key}, files={"file": (name, content)})


def counted(answer: httpx.Response) -> list[int]:
    found = re.search(r'id="counts">(.*?)</ul>', answer.text, re.DOTALL)
    assert found, words(answer)
    return [int(number) for number in re.findall(r": (\d+)</li>", found[1])]


def statuses(world: World) -> list[str]:
    tasks = [world.stored("Task", world.id_of("Task", f"R-{n}")) for n in (1, 2)]
    return [task["status"] for task in tasks]


@pytest.fixture
def made(lite: World) -> World:
    lite.refer([referral(1), referral(2)])
    return lite


def test_good_rows_go_through_and_what_waits_is_named_by_row_and_column(made: World) -> None:
    rows = ({}, {"Referral number": "R-2", "Answer": "Perhaps Winterbourne"})
    answer = drop(Clinic(made), table(*rows))
    assert counted(answer) == [1, 0, 1]
    assert statuses(made) == ["accepted", "requested"]
    assert "<h3>Row 3</h3>" in answer.text
    assert "column &#34;Answer&#34;" in answer.text
    assert "Winterbourne" not in answer.text
    again = drop(Clinic(made), table(*rows))
    assert counted(again) == [0, 1, 1]


def test_messages_are_known_by_what_stands_in_them_whatever_the_file_is_called(made: World) -> None:
    head = "MSH|^~\\&|E|H|B|M|20260914||OSU^O51|{}|P|2.5.1\rPID|1||77^^^HARBOR\r"
    text = f"\ufeff{head.format(1)}ORC|SC|R-1|F-1||IP\r{head.format(2)}ORC|SC|R-2|F-1||QQ\r"
    answer = drop(Clinic(made), text.encode(), "answers.csv")
    assert counted(answer) == [1, 0, 1]
    assert statuses(made) == ["accepted", "requested"]
    assert "ORC-5" in answer.text


def test_a_hidden_referral_and_none_are_told_alike(made: World) -> None:
    made.refer([referral(3, releases=())])
    hidden, absent = (
        drop(Clinic(made), table({"Referral number": number})) for number in ("R-3", "R-9")
    )
    secret = re.compile("[0-9a-f]{64}")
    assert secret.sub("", hidden.text) == secret.sub("", absent.text)
    other = drop(Clinic(made, of=COVE), table({}))
    assert counted(other) == [0, 0, 1]
    assert statuses(made)[0] == "requested"


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [
        (b"", 422, "The file is empty."),
        (b"x" * (MOST_BYTES + 1), 422, "larger than 3 megabytes"),
        (
            table(
                *({"Date": f"9/14/2026 {n // 60 + 1}:{n % 60:02} PM"} for n in range(MOST_ROWS + 1))
            ),
            422,
            "more than 200",
        ),
        (b"one,two\n1,2\n", 422, "cannot be used as it is"),
        (b"MSH|^~\\&|E||||||OSU^O51|K", 200, "Wait for you: 1"),
        (b"\x00\xff\xfe", 422, "cannot be used as it is"),
    ],
)
def test_a_file_that_is_none_says_what_to_do(
    made: World, content: bytes, status: int, said: str
) -> None:
    answer = drop(Clinic(made), content)
    assert (answer.status_code, said in words(answer)) == (status, True), words(answer)
    assert statuses(made) == ["requested", "requested"]


def test_a_school_has_no_such_page_and_another_site_cannot_send_one(made: World) -> None:
    school = Clinic(made, Party.LEA)
    assert "Columns of a table" not in school.get(PAGE).text
    assert drop(school, table({})).status_code in (303, 401, 403, 404)
    desk = Clinic(made)
    foreign = desk.send("POST", PAGE, data={"page_key": "x"}, files={"file": ("a", table({}))})
    assert foreign.status_code in (400, 403)
    assert statuses(made) == ["requested", "requested"]


def test_the_list_of_referrals_leads_to_it_in_both_languages(made: World) -> None:
    assert f'href="{PAGE}"' in Clinic(made).get("/portal/work").text
    spanish = drop(Clinic(made, lang="es"), table({"Referral number": "R-9"}))
    assert "Qué pasó con las filas" in spanish.text
    assert "Ninguna derivación" in spanish.text
    assert not any(text in spanish.text for text in WAITS.values())
