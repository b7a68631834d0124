"""A district's Ed-Fi ODS is told who is in services, as far as its agreement lets one role know."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.information_systems import InformationSystem
from bridge.journeys.families.record_releases import revoke_release
from bridge.journeys.families.register_release import forms_of
from bridge.journeys.files.import_roster import import_roster
from bridge.journeys.partners.push_program import Push, plan_push, push_program
from bridge.outbound import OutboundError
from bridge.outbound.ods import ATTEMPTS, OdsClient
from bridge.settings import SettingsError, read_settings
from mappings.language import Mapped
from tests.leaks.every_answer import MARKS, Cell, answered, every_cell, tells_on_no_consent
from tests.support.command_line import said
from tests.support.ods_server import PATH, Ods, serving_ods
from tests.support.worlds import CARE_CONSENT, LEA, Json, World, put_task, referral

FOLLOW_UP = "https://schoolbridge.example/fhir/CodeSystem/follow-up"
PROGRAM = "Community services"
KIND = "uri://ed-fi.org/ProgramTypeDescriptor#Counseling Services"
# As the Data Management Service's own tests send one (Apache-2.0).
BILINGUAL: Json = {
    "educationOrganizationReference": {"educationOrganizationId": 255901001},
    "programReference": {
        "educationOrganizationId": 255901001,
        "programName": "Bilingual",
        "programTypeDescriptor": "uri://ed-fi.org/ProgramTypeDescriptor#Bilingual",
    },
    "studentReference": {"studentUniqueId": "1000"},
    "beginDate": "2021-08-30",
    "servedOutsideOfRegularSession": True,
}


@pytest.fixture
def ods() -> Iterator[Ods]:
    with serving_ods() as made:
        made.students = {str(1000 + number) for number in range(400)}
        made.put(BILINGUAL)
        yield made


def system(ods: Ods, role: str = "counselor") -> InformationSystem:
    return InformationSystem(
        name=LEA,
        resources=f"{ods.url}{PATH.rpartition('/')[0]}",
        token=f"{ods.url}/oauth/token",
        client_id="populated",
        client_secret="a secret",
        role=role,
        student_id="local",
        education_organization=255901,
        program=PROGRAM,
        program_type=KIND,
    )


def pushed(world: World, ods: Ods, role: str = "counselor") -> Push:
    client = OdsClient(system(ods, role), pause=lambda _: None)
    planned = plan_push(world.bridge, system(ods, role), client.associations())
    push_program(client, planned)
    return planned


def answer(world: World, status: str, code: str, consent: str = "guardian", n: int = 0) -> None:
    world.clock.advance(timedelta(days=1))
    task = world.web().get(f"/fhir/Task/{world.id_of('Task', f'R-{n}')}").json()
    coded = {"coding": [{"system": FOLLOW_UP, "code": code}]}
    care = [{"url": CARE_CONSENT, "valueCode": consent}]
    sent = put_task(world.web(), task, status, businessStatus=coded, extension=care)
    assert sent.status_code == 200, sent.text


def begun(world: World, consent: str = "guardian") -> None:
    world.refer([referral(0)])
    answer(world, "accepted", "accepted", consent)
    answer(world, "in-progress", "services-started", consent)


def ours(ods: Ods) -> list[Json]:
    return [a for a in ods.kept.values() if a["programReference"]["programName"] == PROGRAM]


def test_who_is_in_services_gets_an_association_and_nothing_else(world: World, ods: Ods) -> None:
    world.refer([referral(1)])
    begun(world)
    assert pushed(world, ods).counts()["kept"] == 1
    place = {"educationOrganizationId": 255901}
    assert (
        ours(ods)
        == ods.sent
        == [
            {
                "beginDate": "2026-10-17",
                "educationOrganizationReference": place,
                "programReference": {
                    **place,
                    "programName": PROGRAM,
                    "programTypeDescriptor": KIND,
                },
                "studentReference": {"studentUniqueId": "1000"},
            }
        ]
    )


def test_a_push_done_again_changes_nothing_and_leaves_other_programs(lite: World, ods: Ods) -> None:
    begun(lite)
    pushed(lite, ods)
    before = dict(ods.kept)
    again = pushed(lite, ods)
    assert again.counts() == {"kept": 0, "taken_out": 0, "unchanged": 1, "foreign": 0}
    assert ods.kept == before
    assert BILINGUAL in ods.kept.values()


def test_it_begins_on_the_first_day_and_ends_when_services_do(lite: World, ods: Ods) -> None:
    begun(lite)
    pushed(lite, ods)
    answer(lite, "on-hold", "services-paused")
    pushed(lite, ods)
    assert [a["beginDate"] for a in ours(ods)] == ["2026-10-17"]
    answer(lite, "completed", "discharged")
    pushed(lite, ods)
    (ended,) = ours(ods)
    assert (ended["beginDate"], ended["endDate"]) == ("2026-10-17", "2026-10-19")
    assert pushed(lite, ods).counts()["unchanged"] == 1


def test_services_that_ended_before_anything_was_written_leave_nothing(
    lite: World, ods: Ods
) -> None:
    begun(lite)
    answer(lite, "completed", "discharged")
    pushed(lite, ods)
    assert ours(ods) == []


def test_a_minor_treated_alone_is_as_who_was_never_referred(lite: World, ods: Ods) -> None:
    begun(lite, "minor")
    assert pushed(lite, ods) == Push()
    assert ods.sent == []


def test_what_was_written_is_taken_out_when_it_may_not_be_known_any_more(
    lite: World, ods: Ods
) -> None:
    begun(lite)
    pushed(lite, ods)
    (form,) = [f for f in forms_of(lite.parts, LEA, "1000") if f.form.form == "health"]
    revoke_release(lite.parts, form.id)
    assert pushed(lite, ods).counts()["taken_out"] == 1
    assert ours(ods) == []
    assert BILINGUAL in ods.kept.values()


def test_who_turns_out_to_be_treated_alone_or_has_left_is_taken_out(lite: World, ods: Ods) -> None:
    begun(lite)
    pushed(lite, ods)
    answer(lite, "in-progress", "services-started", "minor")
    pushed(lite, ods)
    assert ours(ods) == []
    answer(lite, "in-progress", "services-started", "guardian")
    pushed(lite, ods)
    assert len(ours(ods)) == 1
    gone = referral(0, student={"enrolled": False})
    import_roster(lite.parts, LEA, [Mapped(gone.student, 2)])
    pushed(lite, ods)
    assert ours(ods) == []


def test_a_role_the_agreement_tells_nothing_writes_nothing(lite: World, ods: Ods) -> None:
    begun(lite)
    assert pushed(lite, ods, "administrator").counts()["kept"] == 0
    assert ours(ods) == []


def test_of_every_answer_only_who_is_in_services_is_written(lite: World, ods: Ods) -> None:
    cells = [c for c in every_cell(whole=False) if c.visits or not c.number % 5 or _served(c)]
    answered(lite, cells)
    pushed(lite, ods)
    told = {str(1000 + cell.number) for cell in cells if cell.consent == "told" and _served(cell)}
    assert {a["studentReference"]["studentUniqueId"] for a in ours(ods)} == told
    assert not any(mark in str(ods.sent) for mark in MARKS.values())


def _served(cell: Cell) -> bool:
    return cell.told in ("services-started", "services-paused")


def test_students_this_bridge_does_not_know_are_left_alone(lite: World, ods: Ods) -> None:
    begun(lite)
    pushed(lite, ods)
    theirs = {**ours(ods)[0], "studentReference": {"studentUniqueId": "1300"}}
    ods.put(theirs)
    assert pushed(lite, ods).counts()["foreign"] == 1
    assert theirs in ods.kept.values()


def test_many_associations_are_read_page_by_page(lite: World, ods: Ods) -> None:
    begun(lite)
    pushed(lite, ods)
    for number in range(600):
        ods.put({**ours(ods)[0], "studentReference": {"studentUniqueId": f"9{number}"}})
    assert pushed(lite, ods).counts() == {
        "kept": 0,
        "taken_out": 0,
        "unchanged": 1,
        "foreign": 600,
    }


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 401])
def test_an_ods_that_is_busy_is_asked_again_later_each_time(
    lite: World, ods: Ods, status: int
) -> None:
    begun(lite)
    ods.fails = [status] * 3
    waited: list[float] = []
    client = OdsClient(system(ods), pause=waited.append)
    push_program(client, plan_push(lite.bridge, system(ods), client.associations()))
    assert len(ours(ods)) == 1
    assert waited == [0.5, 1.0, 2.0]


def test_an_ods_that_stays_away_is_an_error_that_names_nobody(lite: World, ods: Ods) -> None:
    begun(lite)
    ods.fails = [503] * ATTEMPTS
    with pytest.raises(OutboundError, match="status 503") as caught:
        pushed(lite, ods)
    assert "1000" not in str(caught.value)
    assert pushed(lite, ods).counts()["kept"] == 1


def test_a_student_the_ods_does_not_have_is_an_error_and_not_tried_again(
    lite: World, ods: Ods
) -> None:
    begun(lite)
    ods.students = set()
    with pytest.raises(OutboundError, match="status 409"):
        pushed(lite, ods)
    assert len(ods.sent) == 1


def test_a_wrong_secret_is_said_and_not_shown(lite: World, ods: Ods) -> None:
    begun(lite)
    ods.login = "populated:another"
    with pytest.raises(OutboundError, match="no token of the information system: status 401"):
        pushed(lite, ods)
    assert "a secret" not in repr(system(ods))


def test_a_push_that_writes_what_was_withheld_is_noticed(
    lite: World, ods: Ods, monkeypatch: pytest.MonkeyPatch
) -> None:
    tells_on_no_consent(monkeypatch)
    with pytest.raises(AssertionError):
        test_a_minor_treated_alone_is_as_who_was_never_referred(lite, ods)


def settings(folder: Path, ods: Ods, **changes: Any) -> None:  # noqa: ANN401 - a value of TOML
    made = system(ods)
    table = {name: getattr(made, name) for name in made.__slots__ if name != "name"} | changes
    rows = [f"{name} = {value!r}".replace("'", '"') for name, value in table.items()]
    with (folder / "schoolbridge.toml").open("a") as file:
        file.write("\n".join(["", f"[ods.{LEA}]", *rows, ""]))


def test_the_command_shows_first_and_then_does(tmp_path: Path, ods: Ods) -> None:
    assert said(tmp_path, "init", ".").returncode == 0
    settings(tmp_path, ods)
    shown = said(tmp_path, "edfi", "push", "--lea", LEA, "--dry-run")
    assert (shown.returncode, '"keep": []' in shown.stdout) == (0, True), shown.stderr
    done = said(tmp_path, "edfi", "push", "--lea", LEA)
    assert "kept: 0" in done.stdout
    assert said(tmp_path, "edfi", "push", "--lea", "elsewhere").returncode == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"resources": "http://ods.example/data"},
        {"token": "ftp://ods.example"},
        {"student_id": "name"},
        {"education_organization": "255901"},
        {"program": ""},
        {"sends": "everything"},
    ],
)
def test_settings_that_are_wrong_are_named(
    tmp_path: Path, ods: Ods, changes: dict[str, object]
) -> None:
    (tmp_path / "schoolbridge.toml").write_text("")
    settings(tmp_path, ods, **changes)
    with pytest.raises(SettingsError, match=rf"ods\.{LEA}"):
        read_settings(tmp_path)
