"""A provider without an API answers by a file: the moves of the API, each row once. Made up."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from bridge.gate import Gate
from bridge.journeys.files.import_answers import AnswerReport, import_answers, operator_of
from bridge.journeys.referrals.withdraw_referral import OwnNumber, withdraw_referral
from bridge.store.database.engine import read
from bridge.store.directory import held
from mappings.language import MapKind, compile_map, list_maps, load_map
from mappings.language.codes import EVENTS
from mappings.loop import TRANSITIONS
from tests.support.worlds import CARE_CONSENT, COVE, HARBOR, LEA, Json, World, caller, referral

HEADINGS = [word.text for word in load_map("provider-answers").main.headings]
ASKED = OwnNumber(LEA, HARBOR, "R-1")
HEAD = "MSH|^~\\&|E|H|B|M|20260914||{event}|{key}|P|2.5.1"


def row(answer: str, **cells: str) -> dict[str, str]:
    return {"Referral number": "R-1", "Date": "2026-09-14", "Answer": answer, **cells}


def brought(
    world: World, folder: Path, rows: Iterable[dict[str, str]], provider: str = HARBOR
) -> AnswerReport:
    lines = [",".join(one.get(heading, "") for heading in HEADINGS) for one in rows]
    (folder / "week.csv").write_text("\n".join([",".join(HEADINGS), *lines]), encoding="utf-8")
    return of_file(world, folder / "week.csv", "provider-answers", provider)


def of_file(world: World, path: Path, name: str, provider: str = HARBOR) -> AnswerReport:
    run = compile_map(load_map(name)).run([path])
    return import_answers(world.bridge, operator_of(provider), run)


def messages(world: World, folder: Path, *texts: str) -> AnswerReport:
    (folder / "out.hl7").write_text("\r".join(texts), encoding="utf-8")
    return of_file(world, folder / "out.hl7", "x360-answers")


def osu(key: str, status: str, more: str = "", number: str = "R-1") -> str:
    head = HEAD.format(event="OSU^O51^OSU_O51", key=key)
    return f"{head}\rPID|1||77^^^HARBOR\rORC|SC|{number}|F-1||{status}{more}"


def task(world: World, number: str = "R-1") -> Json:
    return world.stored("Task", world.id_of("Task", number))


def state(world: World, number: str = "R-1") -> tuple[str, str]:
    said = task(world, number)
    codes = said.get("businessStatus", {}).get("coding", [{}])
    return said["status"], codes[0].get("code", "")


def told(world: World) -> dict[str, str]:
    rows = world.bridge.gate.follow_up(caller("millbrook-sis")).rows
    return {each.referral: each.status for each in rows}


def test_a_table_tells_a_referrals_whole_way(world: World, tmp_path: Path) -> None:
    world.refer([referral(1), referral(2)])
    accepted = row("Accepted", **{"Whose consent": "A parent or guardian"})
    way = ("First visit arranged", "Visit missed", "First visit arranged", "First visit took place")
    days = [f"2026-09-{day}" for day in (15, 16, 17, 18)]
    visits = [row(answer, Date=day) for answer, day in zip(way, days, strict=True)]
    ends = row("Services ended", Date="2026-10-14")
    parents = {"Whose consent": "A parent or guardian"}
    other = {"Referral number": "R-2", "Reason": "No place is free"}
    declined = row("Declined", **other, **parents)
    report = brought(world, tmp_path, [accepted, *visits, declined, ends])
    assert (report.answered, report.held) == (7, [])
    assert state(world) == ("completed", "discharged")
    assert state(world, "R-2") == ("rejected", "declined-by-provider")
    assert task(world)["extension"] == [{"url": CARE_CONSENT, "valueCode": "guardian"}]
    assert told(world) == {"R-1": "discharged", "R-2": "declined-by-provider"}


def test_messages_of_360x_tell_it_too(world: World, tmp_path: Path) -> None:
    world.refer([referral(1), referral(2)])
    visit = HEAD.format(event="SIU^S12", key="m-2") + f"\rSCH|1|A-1{'|' * 24}R-1\rPID|1||77"
    missed = HEAD.format(event="SIU^S26", key="m-3") + f"\rSCH|1|A-1{'|' * 24}R-1\rPID|1||77"
    why = f"{'|' * 11}not-eligible^Outside our ages"
    parent = f"\rCON|1|100{'|' * 9}A{'|' * 14}2^Parent"
    said = [osu("m-1", "IP") + parent, visit, missed, osu("m-4", "CA", why, "R-2") + parent]
    report = messages(world, tmp_path, *said)
    assert (report.answered, report.held) == (4, [])
    assert state(world) == ("in-progress", "intake-missed")
    assert task(world, "R-2")["statusReason"]["text"] == "Outside our ages"
    assert state(world, "R-2") == ("rejected", "declined-by-provider")
    assert told(world) == {"R-1": "intake-missed", "R-2": "declined-by-provider"}
    messages(world, tmp_path, osu("m-5", "A"), osu("m-6", "CM"))
    assert state(world) == ("completed", "discharged")


def test_a_minors_own_consent_stays_with_the_provider(lite: World, tmp_path: Path) -> None:
    lite.refer([referral(1), referral(2)])
    alone = f"\rCON|1|100{'|' * 9}A{'|' * 14}1^Self"
    messages(lite, tmp_path, osu("m-1", "IP") + alone)
    brought(
        lite,
        tmp_path,
        [row("Accepted", **{"Referral number": "R-2", "Whose consent": "The student alone"})],
    )
    assert (state(lite)[0], state(lite, "R-2")[0]) == ("accepted", "accepted")
    assert told(lite) == {"R-1": "sent", "R-2": "sent"}


@pytest.mark.parametrize("name", ["provider-answers", "x360-answers"])
def test_a_file_that_comes_twice_has_no_second_effect(
    lite: World, tmp_path: Path, name: str
) -> None:
    lite.refer([referral(1)])
    csv = [row("Accepted"), row("First visit arranged"), row("Visit missed")]
    if name == "x360-answers":
        (tmp_path / "week.csv").write_text("\r".join([osu("1", "IP"), osu("2", "SC")]), "utf-8")
        first = of_file(lite, tmp_path / "week.csv", name)
    else:
        first = brought(lite, tmp_path, csv)
    kept = (lite.counts(), task(lite))
    again = of_file(lite, tmp_path / "week.csv", name)
    assert first.answered == again.unchanged == again.read > 1
    assert (again.answered, again.held) == (0, [])
    assert (lite.counts(), task(lite)) == kept


def test_a_row_of_another_file_is_known_again(lite: World, tmp_path: Path) -> None:
    lite.refer([referral(1)])
    brought(lite, tmp_path, [row("Accepted")])
    report = brought(lite, tmp_path, [row("First visit arranged"), row("Accepted")])
    assert (report.answered, report.unchanged, report.held) == (1, 1, [])


def test_a_row_that_came_with_other_words_waits_and_changes_nothing(
    lite: World, tmp_path: Path
) -> None:
    """Above all not on whose consent care is given: a person sees to it."""
    lite.refer([referral(1)])
    brought(lite, tmp_path, [row("Accepted", **{"Whose consent": "A parent or guardian"})])
    alone = row("Accepted", **{"Whose consent": "The student alone"})
    report = brought(lite, tmp_path, [alone])
    assert [each.codes for each in report.held] == [("said-before",)]
    assert task(lite)["extension"] == [{"url": CARE_CONSENT, "valueCode": "guardian"}]


def test_what_cannot_follow_waits_and_names_what_can(lite: World, tmp_path: Path) -> None:
    lite.refer([referral(1), referral(2)])
    fine = row("Accepted", **{"Referral number": "R-2"})
    report = brought(lite, tmp_path, [row("Visit missed"), fine])
    (held_row,) = report.held
    assert (held_row.origin.file, held_row.origin.row) == ("week.csv", 2)
    assert held_row.codes == ("not-now",)
    assert held_row.texts[0].endswith(
        "these can: receive, accept, decline, family-declines, transfer"
    )
    assert report.answered == 1
    assert (state(lite)[0], state(lite, "R-2")[0]) == ("requested", "accepted")


def test_a_decline_says_why_or_waits(lite: World, tmp_path: Path) -> None:
    lite.refer([referral(1)])
    report = brought(lite, tmp_path, [row("Declined")])
    assert [each.codes for each in report.held] == [("not-now",)]
    assert "needs a reason" in report.held[0].texts[0]
    corrected = brought(lite, tmp_path, [row("Declined", Reason="Outside the area")])
    assert (corrected.answered, corrected.held) == (1, [])
    with read(lite.bridge.engine) as connection:
        assert held(connection, HARBOR) == ()


def test_what_is_dated_in_the_future_waits(lite: World, tmp_path: Path) -> None:
    lite.refer([referral(1)])
    report = brought(lite, tmp_path, [row("Accepted", Date="2026-10-17")])
    assert [each.codes for each in report.held] == [("too-early",)]
    assert brought(lite, tmp_path, [row("Accepted", Date="2026-10-16")]).answered == 1


def test_a_reason_for_something_else_waits(lite: World, tmp_path: Path) -> None:
    lite.refer([referral(1)])
    report = brought(lite, tmp_path, [row("Declined", Reason="Paused")])
    assert [each.codes for each in report.held] == [("refused",)]
    assert report.held[0].texts[0].startswith("Task.statusReason.coding: ")
    assert state(lite)[0] == "requested"


def test_a_referral_the_provider_may_not_see_is_none(lite: World, tmp_path: Path) -> None:
    pending = referral(1, releases=())
    lite.refer([pending])
    lite.refer([referral(2)], COVE)
    rows = [row("Accepted", **{"Referral number": number}) for number in ("R-1", "R-2", "R-3")]
    report = brought(lite, tmp_path, rows)
    assert [each.codes for each in report.held] == [("no-match",)] * 3
    assert len({each.texts for each in report.held}) == 1
    before = state(lite)
    assert before[0] == "requested"


def test_an_identifier_of_another_student_is_no_match(lite: World, tmp_path: Path) -> None:
    lite.refer([referral(1), referral(2)])
    other = task(lite, "R-2")["for"]["reference"].removeprefix("Patient/")
    report = brought(lite, tmp_path, [row("Accepted", **{"Student's bridge ID": other})])
    assert [each.codes for each in report.held] == [("no-match",)]


def test_a_cancelled_order_confirms_what_the_school_asked_for(lite: World, tmp_path: Path) -> None:
    lite.refer([referral(1)])
    messages(lite, tmp_path, osu("1", "IP"), osu("2", "SC"))
    withdraw_referral(lite.parts, ASKED)
    report = messages(lite, tmp_path, osu("3", "CA"))
    assert (report.answered, report.held) == (1, [])
    assert state(lite) == ("cancelled", "withdrawn-by-school")
    assert [t["status"] for t in lite.web().found("/fhir/Task?code=abort")] == ["accepted"]


def test_each_answer_is_in_the_ledger_as_over_the_api(lite: World, tmp_path: Path) -> None:
    lite.refer([referral(1)])
    before = lite.counts()["ledger_entry"]
    brought(lite, tmp_path, [row("Accepted")])
    assert lite.counts()["ledger_entry"] == before + 1


def test_a_decision_that_cannot_be_taken_carries_nothing_out(
    lite: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lite.refer([referral(1), referral(2)])
    real, asked = Gate.read_within, []

    def fails(*words: object, **more: object) -> object:
        asked.append(words)
        if len(asked) > 1:
            raise RuntimeError
        return real(*words, **more)  # type: ignore[arg-type] # as they came

    monkeypatch.setattr(Gate, "read_within", fails)
    rows = [row("Accepted"), row("Accepted", **{"Referral number": "R-2"})]
    with pytest.raises(RuntimeError):
        brought(lite, tmp_path, rows)
    assert (state(lite)[0], state(lite, "R-2")[0]) == ("requested", "requested")
    assert lite.counts()["taken_answer"] == 0


def test_every_answer_a_file_can_give_is_a_move_of_the_provider() -> None:
    moves = {move.event for move in TRANSITIONS if move.actor == "target"}
    assert set(EVENTS) <= moves
    # Left out: corrections, what is said while the status stays, and the refusal of a request to
    # stop, which is an answer to that request.
    more = {event for event in moves - set(EVENTS) if not event.startswith("restate-")}
    assert {event for event in more if not event.endswith("-only")} == {"refuse-cancellation"}
    kinds = [each.id for each in list_maps() if each.kind is MapKind.ANSWER]
    assert kinds == ["provider-answers", "x360-answers"]
