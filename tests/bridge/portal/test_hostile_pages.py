"""Whatever stands in a name, a reason or a file is shown as text, and turns no page round."""

import re
from dataclasses import replace
from html.parser import HTMLParser

from sqlalchemy import text

from bridge.journeys.partners.keep_service import keep_service
from bridge.store.database.engine import write
from mappings.fhir.healthcare_service import Service
from tests.bridge.portal.entering import Visitor
from tests.bridge.portal.test_import_page import begun, lead
from tests.faults.seeds import told_seed
from tests.support.hostile_texts import TURNING, scripts
from tests.support.worlds import HARBOR, LEA, World, referral


class Marks(HTMLParser):
    """Notes what a page has beside its texts that a browser would run or follow."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.texts += [value or "" for value in named.values()]
        if tag in ("iframe", "svg", "math", "img", "style", "object", "embed", "base"):
            self.found.append(tag)
        if tag == "script" and not str(named.get("src", "")).startswith("/portal/static/"):
            self.found.append(tag)
        self.found += [name for name in named if name.startswith("on")]
        self.found += [
            v for v in named.values() if v and re.match(r"\s*javascript:", v, re.IGNORECASE)
        ]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def judged(html: str) -> tuple[list[str], list[str]]:
    """Return what a page has to run, and its texts that turn something round."""
    marks = Marks()
    marks.feed(html)
    turned = [text for text in marks.texts if any(one in text for one in TURNING)]
    return marks.found, turned


def test_the_judge_sees_what_is_not_escaped_and_what_turns_a_text_round() -> None:
    found, turned = judged("<p onclick=x>a\u202eb</p><script>x</script><a href=javascript:x>y</a>")
    assert (found, len(turned)) == (["onclick", "script", "javascript:x"], 1)


def hostile_pages(
    world: World, texts: list[str], count: int, first: int = 0
) -> tuple[list[str], list[str]]:
    """Put texts into all that people fill in; return the pages of a counsellor and of a lead.

    ``first`` is the first student of whom nothing is known yet.
    """
    rows = []
    for n in range(count):
        said = [texts[(n * 5 + k) % len(texts)] for k in range(5)]
        student = {"given_name": said[0], "family_name": said[1]}
        made = referral(first + n, student=student, description=said[2])
        assert made.guardian
        rows.append(replace(made, guardian=replace(made.guardian, name=said[3])))
    world.refer(rows)
    counselor, leading = Visitor.signed_in(world, "counselor-1"), lead(world, "lead")
    board = counselor.get("/portal/board").text
    keys = re.findall(r"/portal/referral/([0-9a-f]{32})", board)[:count]
    drafts = []
    for n in range(min(count, 5)):
        typed = {"given_name": texts[n], "family_name": texts[-n], "school": ""}
        place = counselor.begun()
        counselor.post(f"{place}/find", local_id=f"{1000 + first}" if n else texts[n][:40])
        counselor.post(f"{place}/student", **typed)
        counselor.post(f"{place}/why", description=texts[n + 1], concerns=["sleep"])
        drafts += [f"{place}/{step}" for step in ("find", "student", "family", "why")]
    ids = [world.bridge.identifiers.issue("student", LEA, str(1000 + first + n)) for n in (0, 1)]
    waiting = tuple(
        {"Referral number": f"H-{n}", "Urgency": "", "Description": text, "Last name": text}
        for n, text in enumerate(texts[:count])
    )
    review = begun(leading, waiting)
    heading = leading.send_file(
        "/portal/import",
        b"Referral number,x\n1,2\n",
        texts[0],
        map="schoolbridge-template",
        provider="harbor",
    )
    assert heading.status_code == 422
    mine = ["/portal/board", "/portal/meeting", "/portal/refer", *drafts]
    mine += [f"/portal/referral/{key}{end}" for key in keys for end in ("", "/withdraw")]
    mine += [f"/portal/forms/{one}/harbor{end}" for one in ids for end in ("", "/paper")]
    theirs = [review, f"/portal/same/{ids[0]}/{ids[1]}", "/portal/looked", "/portal/same"]
    theirs += [f"{review}/row/{n + 2}" for n in range(min(count, 10))]
    return mine, theirs


def test_no_text_of_people_is_run_or_turns_a_page_round(lite: World) -> None:
    chosen = told_seed()
    texts = scripts(chosen)

    mine, theirs = hostile_pages(lite, texts, 12)

    counselor, leading = Visitor.signed_in(lite, "counselor-1"), lead(lite, "lead")
    for visitor, pages in ((counselor, mine), (leading, theirs)):
        for page in pages:
            answer = visitor.get(page)
            assert answer.status_code == 200, page
            assert judged(answer.text) == ([], []), page
            assert "zq" * 5 not in answer.text, page  # a template made of a name


def test_what_a_provider_calls_its_service_is_text_for_who_chooses_one(lite: World) -> None:
    name = "<img src=x onerror=alert(1)> 50% off, 100%"
    keep_service(lite.parts, HARBOR, "first", Service(name, "capacity"))
    visitor = Visitor.signed_in(lite, "counselor-1")
    page = visitor.get(f"{visitor.answered()}/provider")
    assert page.status_code == 200
    assert judged(page.text) == ([], [])
    assert "&lt;img src=x onerror=alert(1)&gt; 50% off, 100%" in page.text


def test_a_sign_that_stands_for_a_place_elsewhere_is_itself_in_a_name_and_a_heading(
    lite: World,
) -> None:
    with write(lite.bridge.engine) as connection:
        named = text("UPDATE organization SET name = '100% Youth' WHERE key = :key")
        connection.execute(named, {"key": HARBOR})
    lite.refer([referral(1)])
    leading = lead(lite, "lead")
    begun_at = leading.answered()
    review = begun(leading, ({"Referral number": "H-1", "Urgency": ""},))

    for place in ("/portal/import", "/portal/forms", f"{begun_at}/provider", "/portal/board"):
        page = leading.get(place).text
        assert "100% Youth" in page, place
        assert "100%%" not in page, place
    assert "%%" not in leading.get(f"{review}/row/2").text
