"""Notices and the scope of a consent ride with each release, over HTTP, and with nothing else."""

import csv
import io
import json
from typing import Any

import pytest

from bridge.gate import projection, replay
from bridge.gate.duties.riding import Riding
from bridge.identity import Party, Standing, mint_staff_code
from bridge.ledger.entry import Kind, Receipt
from bridge.ledger.lookup import entries
from bridge.store.database.engine import read, write
from tests.support.amended import (
    PART2_TO_HUB,
    PART2_TO_SCHOOL,
    amend,
    part2_consent,
    part2_session,
    school,
)
from tests.support.worlds import (
    ACT_CODE,
    FHIR,
    LEA,
    Json,
    Web,
    World,
    encounter,
    post_session,
    put_task,
    referral,
)

DS4P = "http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-"
MARK = "NORDSCLCD"
FERPA_LINK = f'<{FHIR}/notices/ferpa.9933>; rel="license"'
TO_SCHOOL = ("sud.record", "follow", "lea")
TO_HUB = ("sud.row", "report", "hub")


def shown(resource: Json) -> list[str]:
    """Return the texts a reader must be shown with a resource."""
    extensions = resource.get("meta", {}).get("extension", [])
    return [e["valueAnnotation"]["text"] for e in extensions if e["url"] == f"{DS4P}display"]


def labels(resource: Json) -> list[str]:
    return [label["code"] for label in resource.get("meta", {}).get("security", [])]


def outcomes(bundle: Json) -> list[Json]:
    """Return the notices told beside the matches of a search: id and texts."""
    found = [e["resource"] for e in bundle.get("entry", []) if e["search"]["mode"] == "outcome"]
    return [issue for each in found for issue in each["issue"]]


def place(world: World, kind: str = "ServiceRequest", number: int = 1) -> str:
    return f"/fhir/{kind}/{world.id_of(kind, f'R-{number}')}"


def test_a_read_says_the_notice_in_the_resource_and_links_the_whole_text(world: World) -> None:
    world.refer([referral(1)])
    answer = world.web().get(place(world))
    assert "34 CFR 99.33" in " ".join(shown(answer.json()))
    assert MARK in labels(answer.json())
    assert answer.headers["link"] == FERPA_LINK
    text = world.anonymous.get("/fhir/notices/ferpa.9933")
    assert (text.status_code, text.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert "education record" in text.text
    assert "expediente educativo" in text.text
    assert world.anonymous.get("/fhir/notices/ferpa.0").status_code == 404


def test_the_mark_names_the_law_it_rests_on(lite: World) -> None:
    lite.refer([referral(1)])
    found = lite.web().get(place(lite)).json()["meta"]["security"]
    (mark,) = (label for label in found if label["code"] == MARK and "extension" in label)
    (basis,) = mark["extension"]
    assert basis["url"] == f"{DS4P}sec-label-basis"
    assert basis["valueCoding"]["code"] == "ferpa.9933"


def test_a_search_tells_each_notice_once_whole_and_counts_it_nowhere(world: World) -> None:
    world.refer(referral(n) for n in range(3))
    bundle = world.web().get("/fhir/ServiceRequest?_include=ServiceRequest:patient").json()
    assert bundle["total"] == 3
    (issue,) = outcomes(bundle)
    assert (issue["severity"], issue["code"]) == ("information", "informational")
    assert issue["details"]["coding"][0]["code"] == "ferpa.9933"
    assert "education record" in issue["details"]["text"]
    assert "expediente educativo" in json.dumps(issue, ensure_ascii=False)
    resources = [e["resource"] for e in bundle["entry"] if e["search"]["mode"] != "outcome"]
    assert all(shown(each) for each in resources if each["resourceType"] != "Organization")


def test_a_search_that_finds_nothing_tells_no_notice(world: World) -> None:
    world.refer([referral(1, releases=())])
    assert "entry" not in world.web().get("/fhir/ServiceRequest").json()


def test_an_entry_of_a_batch_and_a_changed_task_bring_their_notice(world: World) -> None:
    world.refer([referral(1)])
    web = world.web()
    url = place(world).removeprefix("/fhir/")
    batch = {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [{"request": {"method": "GET", "url": url}}],
    }
    (entry,) = web.send("POST", "/fhir", json=batch).json()["entry"]
    (issue,) = entry["response"]["outcome"]["issue"]
    assert issue["details"]["coding"][0]["code"] == "ferpa.9933"
    task = web.get(place(world, "Task")).json()
    assert put_task(web, task, "accepted").headers["link"] == FERPA_LINK


def test_what_is_the_callers_own_or_public_brings_no_notice(world: World) -> None:
    world.refer([referral(1)])
    web = world.web()
    made = post_session(web, encounter(web.get(place(world, "Task")).json(), "s-1"))
    assert made.status_code == 201
    assert "link" not in made.headers
    organizations = web.get("/fhir/Organization").json()
    assert outcomes(organizations) == []
    assert all(not shown(e["resource"]) for e in organizations["entry"])


def exported(web: Web) -> tuple[Json, dict[str, list[Json]]]:
    """Return manifest and rows of an export, messages included."""
    ready = {"Prefer": "respond-async"}
    where = web.get("/fhir/$export", headers=ready).headers["Content-Location"]
    manifest = web.get(where).json()
    files = [*manifest["output"], *manifest["error"]]
    rows = {f["type"]: [json.loads(x) for x in web.get(f["url"]).text.splitlines()] for f in files}
    return manifest, rows


def test_an_export_brings_its_notices_as_messages_and_labels_every_row(world: World) -> None:
    world.refer([referral(1)])
    manifest, rows = exported(world.web("state-hub"))
    assert [file["type"] for file in manifest["error"]] == ["OperationOutcome"]
    (outcome,) = rows["OperationOutcome"]
    assert [i["details"]["coding"][0]["code"] for i in outcome["issue"]] == ["ferpa.9933"]
    (row,) = rows["ServiceRequest"]
    assert {"NORELINK", MARK} <= set(labels(row))
    assert "versionId" not in row["meta"]


def scope_of(resource: Json) -> dict[str, Any]:
    """Return the scope of the consent that a Part 2 label is justified by."""
    (label,) = (
        s for s in resource["meta"]["security"] if s["code"] == "42CFRPart2" and "extension" in s
    )
    (justified,) = label["extension"]
    artifact = justified["valueRelatedArtifact"]
    assert justified["url"] == f"{DS4P}sec-label-related-artifact"
    parts = artifact["extension"][0]["extension"]
    told = {p["url"]: next(v for k, v in p.items() if k != "url") for p in parts}
    return told | {"type": artifact["type"], "display": artifact["display"]}


def part2_to_school(world: World) -> Web:
    amend(world, template=(PART2_TO_SCHOOL,))
    part2_session(world, 1)
    filed = part2_consent(world, 1, TO_SCHOOL)
    assert "part2" in filed.met
    return school(world, "referral_coordinator", "follow")


def test_a_part_2_record_leaves_with_its_notice_and_the_scope_of_the_consent(world: World) -> None:
    web = part2_to_school(world)
    (found,) = web.found("/fhir/Encounter")
    assert "42 CFR part 2 prohibits unauthorized use or disclosure of these records." in shown(
        found
    )
    assert scope_of(found) == {
        "type": "justification",
        "form": "part2",
        "basis": "p2.consent",
        "element": "sud.record",
        "purpose": "follow",
        "until": "2027-03-31",
        "display": "Signed consent (part2, p2.consent): sud.record for follow, until 2027-03-31.",
    }
    assert "Winterbourne" not in json.dumps(found)
    notices = [
        i["details"]["coding"][0]["code"] for i in outcomes(web.get("/fhir/Encounter").json())
    ]
    assert notices == ["p2.notice"]


def test_the_ledger_keeps_the_scope_and_the_decision_replays(world: World) -> None:
    web = part2_to_school(world)
    web.found("/fhir/Encounter")
    with read(world.bridge.engine) as connection:
        found = list(entries(connection, world.agreement))[-1]
        again = replay(connection, Receipt(world.agreement, found.index))
    assert found.entry.kind is Kind.RELEASE
    assert found.entry.ruling is not None
    assert "p2.copy_or_scope part2 p2.consent" in found.entry.ruling.obligations
    assert "p2.notice" in found.entry.ruling.obligations
    assert again.differences == ()


def test_a_follow_up_that_speaks_of_part_2_care_says_so_everywhere(world: World) -> None:
    web = part2_to_school(world)
    told = web.get("/school/follow-up").json()
    (row,) = told["referrals"]
    assert row["status"] == "services-started"
    assert row["notices"] == ["p2.notice"]
    assert "part2, p2.consent" in row["terms"]
    assert told["notices"][0]["cite"] == "42 CFR 2.32"
    assert set(told["notices"][0]["text"]) == {"en", "es"}
    table = list(csv.DictReader(io.StringIO(web.get("/school/follow-up.csv").text)))
    assert table[0]["terms"] == row["terms"]
    standing = Standing(Party.LEA, LEA, "", "referral_coordinator", ("follow",))
    with write(world.bridge.engine) as connection:
        code = mint_staff_code(connection, standing, world.clock)
    signed_in = world.anonymous.send("POST", "/portal/sign-in", content=f"code={code}")
    cookie = {"Cookie": signed_in.headers["set-cookie"].partition(";")[0]}
    board = world.anonymous.get("/portal/board", headers=cookie).text
    assert "42 CFR 2.32" in board
    assert "until 2027-03-31" in board
    with read(world.bridge.engine) as connection:
        entry = list(entries(connection, world.agreement))[-1].entry
    assert "sud.record" in entry.elements


def test_where_the_part_2_record_is_withheld_nothing_tells_of_its_notice(world: World) -> None:
    amend(world, template=(PART2_TO_SCHOOL,))
    part2_session(world, 1)  # a session, and no consent to tell of it
    web = school(world, "referral_coordinator", "follow")
    answers = [
        web.get(path)
        for path in ("/fhir/Encounter", "/fhir/Task", "/school/follow-up", "/school/follow-up.csv")
    ]
    said = " ".join(answer.text + str(answer.headers) for answer in answers)
    assert "p2.notice" not in said
    assert "42CFRPart2" not in said
    assert "42 CFR" not in said


def test_a_hub_is_told_the_scope_without_a_day(world: World) -> None:
    amend(world, agreement=(PART2_TO_HUB,))
    part2_session(world, 1)
    part2_consent(world, 1, TO_HUB)
    _, rows = exported(world.web("state-hub"))
    (row,) = rows["Encounter"]
    told = scope_of(row)
    assert told["display"] == "Signed consent (part2, p2.consent): sud.row for report."
    assert "until" not in told
    codes = [i["details"]["coding"][0]["code"] for i in rows["OperationOutcome"][0]["issue"]]
    assert codes == ["ferpa.9933", "p2.notice"]


@pytest.mark.parametrize("there", [True, False])
def test_the_messages_of_an_export_do_not_depend_on_what_is_there(lite: World, there: bool) -> None:
    amend(lite, agreement=(PART2_TO_HUB,))
    if there:
        part2_session(lite, 1)
        part2_consent(lite, 1, TO_HUB)
    _, rows = exported(lite.web("state-hub"))
    codes = [i["details"]["coding"][0]["code"] for i in rows["OperationOutcome"][0]["issue"]]
    assert codes == ["ferpa.9933", "p2.notice"]


def test_the_label_is_of_the_code_system_the_guide_names(lite: World) -> None:
    lite.refer([referral(1)])
    found = lite.web().get(place(lite)).json()["meta"]["security"]
    assert {label["system"] for label in found if label["code"] == MARK} == {ACT_CODE}


def test_a_record_that_leaves_without_its_notice_is_noticed(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projection, "riding", lambda _: Riding())
    with pytest.raises(AssertionError):
        test_a_read_says_the_notice_in_the_resource_and_links_the_whole_text(lite)
