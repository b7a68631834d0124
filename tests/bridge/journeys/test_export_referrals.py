"""A district's own referrals come back in its own columns, and nothing of anybody else's."""

import json
from dataclasses import replace
from datetime import date
from importlib.resources import as_file, files
from pathlib import Path

import openpyxl
import pytest

from bridge.errors import BridgeError, GateError
from bridge.gate import OwnReferral, release_own_referrals
from bridge.identity import Caller
from bridge.journeys.files.export_referrals import ExportReport, ReferralExport
from bridge.journeys.files.import_referrals import ReferralImport
from bridge.journeys.files.import_roster import import_roster
from bridge.journeys.files.run_maps import run_of
from bridge.journeys.files.write_columns import write_columns
from mappings.canonical import Coded, Guardian, Referral
from mappings.language import Mapped
from mappings.readers import SourceFormat
from tests.support.worlds import (
    COVE,
    HARBOR,
    LEA,
    World,
    caller,
    encounter,
    form_education,
    form_health,
    post_session,
    put_task,
    referral,
    standings,
)

MAP = "schoolbridge-template"
DATA = files("bridge.demo").joinpath("data")
COORDINATOR = (LEA, "referral_coordinator")


def exported(
    world: World, out: Path, map_id: str = MAP, school: tuple[str, str] = COORDINATOR
) -> ExportReport:
    return ReferralExport(world.bridge, world.parts, school, map_id).run(out)


def followed(world: World, out: Path, map_id: str = MAP) -> ExportReport:
    return ReferralExport(world.bridge, world.parts, COORDINATOR, map_id, follow_up=True).run(out)


def records(path: Path, map_id: str = MAP) -> list[Referral]:
    outcomes = list(run_of(map_id, [path]))
    assert all(isinstance(each, Mapped) for each in outcomes), outcomes
    return [each.record for each in outcomes if isinstance(each.record, Referral)]  # type: ignore[union-attr] # asked just there


def demo(world: World) -> int:
    with as_file(DATA) as folder:
        import_roster(world.parts, LEA, run_of("aspen-students", [folder / "millbrook-roster.csv"]))
        rows = run_of(MAP, [folder / "millbrook-referrals.csv"])
        return ReferralImport(world.parts, LEA, HARBOR).run(rows).stored


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_what_was_imported_and_written_back_is_unchanged_when_imported_again(
    lite: World, tmp_path: Path, ending: str
) -> None:
    stored = demo(lite)
    out = tmp_path / f"own.{ending}"

    report = exported(lite, out)

    assert (report.rows, report.unreadable, report.keyless) == (stored, (), ())
    held = lite.counts()["held_row"]
    again = ReferralImport(lite.parts, LEA, HARBOR).run(run_of(MAP, [out]))
    assert (again.read, again.unchanged, again.held) == (stored, stored, [])
    assert lite.counts()["held_row"] == held
    # That a student signed is said in the map's own word for it: a Consent keeps no other.
    relationships = {f"release.{form}.signer_relationship" for form in ("education", "health")}
    assert {f.unsaid or f.held for f in report.shortfalls} <= {()}
    assert {name for f in report.shortfalls for name in f.respelled} <= relationships


def test_columns_of_what_fhir_does_not_hold_are_named(lite: World, tmp_path: Path) -> None:
    lite.refer([replace(referral(1), referrer_name="Ada Quill")])

    report = exported(lite, tmp_path / "own.csv")

    assert report.never == (
        "Referred by",
        "Education release: relationship",
        "Education release: discloser",
        "Health release: relationship",
        "Health release: discloser",
    )
    assert "Ada Quill" not in (tmp_path / "own.csv").read_text(encoding="utf-8")


def test_a_referral_of_another_map_goes_into_the_columns_of_this_one(
    lite: World, tmp_path: Path
) -> None:
    lite.refer([referral(1, urgency=Coded("stat", "3 - now"), reasons=(Coded("grief", "Loss"),))])
    out = tmp_path / "own.csv"

    report = exported(lite, out)

    (fall,) = report.shortfalls
    assert fall.held == ()
    (again,) = records(out)
    assert (again.urgency.code, again.reasons[0].code) == ("stat", "grief")
    assert {"urgency", "reasons"} <= set(fall.respelled)


def test_the_follow_up_stands_behind_the_districts_own_columns(lite: World, tmp_path: Path) -> None:
    lite.refer([referral(1), referral(2)])
    web = lite.web()
    task = next(t for t in web.found("/fhir/Task") if t["identifier"][0]["value"] == "R-1")
    extension = [{"url": CARE, "valueCode": "guardian"}]
    assert put_task(web, task, "accepted", extension=extension).status_code == 200

    report = followed(lite, tmp_path / "own.xlsx")

    sheet = openpyxl.load_workbook(tmp_path / "own.xlsx").active
    assert sheet is not None
    header, *rows = sheet.iter_rows(values_only=True)
    status = header.index("follow-up: status")
    number = header.index("Referral number")
    assert {(row[number], row[status]) for row in rows} == {("R-1", "accepted"), ("R-2", "sent")}
    assert report.rows == 2


CARE = "https://schoolbridge.example/fhir/StructureDefinition/care-consent"


def test_nothing_a_provider_did_changes_what_the_district_gets_back(world: World) -> None:
    world.refer([referral(1), referral(2, releases=())])
    school = caller("millbrook-sis")
    before = release_own_referrals(world.parts, school)
    web = world.web()
    task = web.found("/fhir/Task")[0]

    assert put_task(web, task, "accepted").status_code == 200
    assert post_session(web, encounter(task, "own-1")).status_code == 201

    assert release_own_referrals(world.parts, school) == before
    kinds = {str(r["resourceType"]) for each in before.referrals for r in each.resources}
    assert kinds == {
        *("ServiceRequest", "Patient", "RelatedPerson", "Consent", "Observation", "Task")
    }
    tasks = [r for o in before.referrals for r in o.resources if r["resourceType"] == "Task"]
    assert {frozenset(each) for each in tasks} <= {frozenset(("resourceType", "id"))}


def test_what_is_given_of_some_students_is_theirs_of_all(lite: World) -> None:
    lite.refer([referral(n) for n in range(3)])
    lite.refer([referral(6, student={"local_id": "1001", "given_name": "Child1"})])
    lite.refer([referral(1), referral(4)], COVE)
    school = caller("millbrook-sis")
    every = release_own_referrals(lite.parts, school).referrals

    def of(*numbers: int) -> set[str]:
        return {lite.bridge.identifiers.issue("student", LEA, str(1000 + n)) for n in numbers}

    def about(*numbers: int) -> list[OwnReferral]:
        keys = {str(1000 + n) for n in numbers}
        return [own for own in every if keys & numbers_in(own)]

    for numbers in ((1,), (0, 4), (9,), ()):
        asked = release_own_referrals(lite.parts, school, of(*numbers)).referrals
        assert list(asked) == about(*numbers)
    assert len(about(1)) == 3


def numbers_in(own: OwnReferral) -> set[str]:
    patient = next(r for r in own.resources if r["resourceType"] == "Patient")
    return {str(each["value"]) for each in patient["identifier"]}


@pytest.mark.parametrize("role", ["teacher", "nurse", "janitor"])
def test_a_role_that_may_not_learn_of_the_status_gets_no_referrals(world: World, role: str) -> None:
    world.refer([referral(1)])
    standing = replace(standings()["millbrook-sis"], role=role)

    released = release_own_referrals(world.parts, Caller("someone", standing))

    assert released.referrals == ()


@pytest.mark.parametrize("client", ["harbor-ehr", "state-hub"])
def test_only_a_district_is_given_its_referrals(world: World, client: str) -> None:
    world.refer([referral(1)])
    with pytest.raises(GateError):
        release_own_referrals(world.parts, caller(client))


def test_another_district_is_given_nothing(world: World) -> None:
    world.refer([referral(1)])
    standing = replace(standings()["millbrook-sis"], organization="elsewhere")
    assert release_own_referrals(world.parts, Caller("other", standing)).referrals == ()


def test_each_provider_has_its_own_row(lite: World, tmp_path: Path) -> None:
    lite.refer([referral(1)])
    lite.refer([referral(2)], COVE)

    followed(lite, tmp_path / "own.csv")

    text = (tmp_path / "own.csv").read_text(encoding="utf-8")
    assert ("Harbor Family Centers" in text, "Cove Counseling" in text) == (True, True)


def test_a_guardian_who_was_renewed_keeps_the_first_place(lite: World) -> None:
    first, second = Guardian("Ann Winter", phone="1"), Guardian("Bo Winter", phone="2")
    row = referral(1, guardian=None, student={"guardians": (first, second)})
    lite.refer([row])
    renewed = replace(first, phone="3")
    lite.refer([referral(1, guardian=None, student={"guardians": (renewed, second)})])

    (own,) = release_own_referrals(lite.parts, caller("millbrook-sis")).referrals

    people = [r for r in own.resources if r["resourceType"] == "RelatedPerson"]
    assert [p["name"][0]["text"] for p in people] == ["Ann Winter", "Bo Winter"]


PATIENT = {
    "resourceType": "Patient",
    "id": "p",
    "identifier": [{"use": "usual", "value": "100234"}],
    "name": [{"family": "Ñandú", "given": ["Zoë"]}],
    "birthDate": "2012-03-04",
    "gender": "female",
}
REQUEST = {
    "resourceType": "ServiceRequest",
    "id": "sr-1",
    "identifier": [{"type": {"coding": [{"code": "PLAC"}]}, "value": "R-0001"}],
    "status": "active",
    "intent": "order",
    "priority": "urgent",
    "authoredOn": "2026-09-14T08:22:18-04:00",
    "reasonCode": [{"text": "Sleep"}],
    "subject": {"reference": "Patient/p"},
}
OFFICE = (
    "ServiceRequest id,Education release,Education release: signed by,Education release: "
    "relationship,Education release: signed on,Health release,Health release: signed by,"
    "Health release: relationship,Health release: signed on\nsr-1,yes,Ada Ñandú,Parent,9/12/2026,"
    "no,,,\n"
)


@pytest.mark.parametrize(
    ("reasons", "unsaid"),
    [([{"text": "Sleep"}], ()), ([{"text": "Sleep"}, {"text": "Cries; at lunch"}], ("reasons",))],
    ids=["all of it", "words no column knows"],
)
def test_what_a_district_sent_in_fhir_comes_back_in_its_columns(
    lite: World, tmp_path: Path, reasons: list[dict[str, str]], unsaid: tuple[str, ...]
) -> None:
    sent, office = tmp_path / "sent.ndjson", tmp_path / "office.csv"
    lines = (PATIENT, REQUEST | {"reasonCode": reasons})
    sent.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    office.write_text(OFFICE, encoding="utf-8")
    ReferralImport(lite.parts, LEA, HARBOR).run(run_of("fhir-referral", [sent, office]))

    report = exported(lite, tmp_path / "own.xlsx")

    told = tuple(name for fall in report.shortfalls for name in fall.unsaid)
    assert (report.rows, told) == (1, ("authored_on", *unsaid))  # the column has no time of day
    (again,) = records(tmp_path / "own.xlsx")
    assert (again.number, again.student.family_name, again.urgency.code) == (
        *("R-0001", "Ñandú"),
        "urgent",
    )
    assert again.authored_on == date(2026, 9, 14)
    assert [each.code for each in again.reasons] == ["sleep"]


# --- files ----------------------------------------------------------------------------------------

HOW = SourceFormat(("csv", "xlsx"))
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
HOSTILE = [f"{start}1+1" for start in FORMULA_STARTS] + ["=cmd|' /C calc'!A0", "ok", "0123"]


def test_no_cell_of_a_file_begins_a_formula(tmp_path: Path) -> None:
    rows = [["a"], *([cell] for cell in HOSTILE)]

    count = write_columns(rows, HOW, tmp_path / "x.csv")

    lines = (tmp_path / "x.csv").read_text(encoding="utf-8").split("\r\n")
    assert not any(line.lstrip('"').startswith(FORMULA_STARTS) for line in lines)
    assert count == len(FORMULA_STARTS) + 1


def test_every_cell_of_a_workbook_is_text_and_unchanged(tmp_path: Path) -> None:
    write_columns([["a"], *([cell] for cell in HOSTILE)], HOW, tmp_path / "x.xlsx")

    sheet = openpyxl.load_workbook(tmp_path / "x.xlsx").active
    assert sheet is not None
    cells = [row[0] for row in sheet.iter_rows(min_row=2)]
    assert [cell.value for cell in cells] == HOSTILE
    assert {cell.data_type for cell in cells} == {"s"}


@pytest.mark.parametrize(
    ("how", "name", "cell", "says"),
    [
        (HOW, "x.pdf", "a", "ending in .csv or .xlsx"),
        (SourceFormat(("csv",)), "x.xlsx", "a", "ending in .csv"),
        (SourceFormat(("csv",), encoding="cp1252"), "x.csv", "Ł", "row 1, column A"),
        (HOW, "x.xlsx", "a\x0b", "row 1, column A"),
    ],
)
def test_what_cannot_be_written_is_refused_with_its_place(
    tmp_path: Path, how: SourceFormat, name: str, cell: str, says: str
) -> None:
    with pytest.raises(BridgeError, match=says):
        write_columns([[cell]], how, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_map_of_messages_is_refused_before_anything_is_asked(lite: World, tmp_path: Path) -> None:
    with pytest.raises(BridgeError, match="messages or records"):
        exported(lite, tmp_path / "own.csv", "fhir-referral")
    assert not (tmp_path / "own.csv").exists()


def test_a_signed_form_comes_back_with_its_parts(lite: World, tmp_path: Path) -> None:
    form = form_education(signed_on=date(2026, 9, 1), signer="Somebody Else")
    lite.refer([referral(1, releases=(form, form_health()))])

    exported(lite, tmp_path / "own.csv")

    (again,) = records(tmp_path / "own.csv")
    (release,) = [r for r in again.releases if r.form == "education"]
    assert (release.signer, release.signed_on, release.elements) == (
        form.signer,
        form.signed_on,
        form.elements,
    )
