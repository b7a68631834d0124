"""Why, in codes: every reason there and back in everybody's words, and what is refused."""

from typing import Any

import pytest

from mappings.fhir.canonicals import SDOHCC_CODES
from mappings.fhir.status_reasons import (
    DECLINES,
    REASONS,
    WITHDRAWN,
    judged_reason,
    outcome_of,
    reason,
    reason_code,
)
from mappings.fhir.task_moves import moved_task
from mappings.fhir.task_states import FOLLOW_UP, NEEDS_REASON, follow_up_code
from mappings.fhir.terminology import table
from mappings.loop import STATES, State
from mappings.loop.words import VOCABULARIES, Outcome, Word

Json = dict[str, Any]
SYSTEMS = {name: table(f"{name}-statuses") for name in VOCABULARIES}
FINDHELP = SYSTEMS["findhelp"]


def theirs(system: str, concept: Json) -> str:
    """The word of one system in a reason; "" where it has none."""
    return next((c["code"] for c in concept["coding"] if c["system"] == system), "")


def words(*said: str) -> Json:
    """A reason in findhelp's words alone."""
    return {"coding": [{"system": FINDHELP.system, "code": word} for word in said], "text": "x"}


@pytest.mark.parametrize("code", REASONS.rows)
def test_every_reason_comes_back_as_it_was(code: str) -> None:
    assert reason_code(reason(code)) == code
    assert reason(code)["text"] == REASONS.rows[code]["display"]
    assert reason(code, "Full")["text"] == "Full"


@pytest.mark.parametrize("code", REASONS.rows)
@pytest.mark.parametrize("system", SYSTEMS)
def test_every_reason_has_the_word_of_the_table_and_is_found_by_it(system: str, code: str) -> None:
    outcome, vocabulary = outcome_of(code), VOCABULARIES[system]
    word = theirs(SYSTEMS[system].system, reason(code))
    assert word == vocabulary.words[outcome].word
    if vocabulary.reads.get(word) == outcome:
        alone = {"coding": [{"system": SYSTEMS[system].system, "code": word}]}
        assert reason_code(alone) == code
    ours = {"system": REASONS.system, "code": code}
    if word:
        beside = {"coding": [ours, {"system": SYSTEMS[system].system, "code": word}]}
        assert reason_code(beside) == code


def test_every_why_of_every_ending_has_a_reason() -> None:
    """None is lost: each outcome that needs a reason, and its whys, has one code and no two."""
    wanted = {row.follow_up for state, row in STATES.items() if state.status in NEEDS_REASON}
    some = next(iter(VOCABULARIES.values())).words
    outcomes = {each for each in some if each.business in wanted - {"sent"}}
    assert {outcome_of(code) for code in REASONS.rows} == outcomes
    assert len(outcomes) == len(REASONS.rows)
    assert {outcome_of(code).why for code in DECLINES} == {
        *("", "capacity", "eligibility", "area", "fit"),
    }


def test_the_words_of_others_are_published_as_the_table_has_them() -> None:
    for system, known in SYSTEMS.items():
        used = {word.word for word in VOCABULARIES[system].words.values()} - {""}
        assert set(known.rows) == used


def test_a_word_alone_is_read_as_what_it_says_at_least() -> None:
    assert reason_code(words("couldn't get help")) == "declined"
    assert reason_code(words("no capacity")) == "no-place"
    assert reason_code(words("couldn't get help", "no capacity")) == "no-place"
    assert reason_code(words("pending")) == ""
    full = {"coding": [{"system": SDOHCC_CODES, "code": "no-capacity"}]}
    assert outcome_of(reason_code(full)) == Outcome("declined-by-provider", "capacity")
    assert VOCABULARIES["findhelp"].outcome(Word("no capacity")) == outcome_of("no-place")


def test_words_that_contradict_each_other_are_refused() -> None:
    ours = {"system": REASONS.system, "code": "no-place"}
    for wrong in (
        words("no capacity", "no longer interested"),
        {"coding": [ours, {"system": REASONS.system, "code": "declined"}]},
        {"coding": [{**ours, "code": "luck"}]},
        {"coding": [ours, {"system": FINDHELP.system, "code": "got help"}]},
    ):
        with pytest.raises(ValueError, match="reason"):
            reason_code(wrong)


@pytest.mark.parametrize("code", REASONS.rows)
def test_a_reason_goes_with_the_states_of_its_follow_up_and_no_other(code: str) -> None:
    for state in (each for each in STATES if each.status in NEEDS_REASON):
        _, issues = judged_reason({"coding": [{"system": REASONS.system, "code": code}]}, state)
        assert (not issues) is (state.business == outcome_of(code).business), state


def sent(said: Json, **more: object) -> Json:
    return {"resourceType": "Task", "status": "rejected", "statusReason": said, **more}


BEFORE: Json = {
    "resourceType": "Task",
    "status": "requested",
    "businessStatus": {"coding": [FOLLOW_UP.codings["sent"]]},
}


def test_our_code_is_put_beside_the_word_of_another() -> None:
    moved = moved_task(BEFORE, sent(words("no capacity")), "target")
    assert moved.issues == ()
    assert moved.reason is not None
    assert moved.reason["coding"][0]["code"] == "no capacity"
    assert reason_code(moved.reason) == "no-place"
    assert moved.reason["text"] == "x"


def test_a_reason_in_words_alone_is_kept_as_it_is() -> None:
    assert moved_task(BEFORE, sent({"text": "Full"}), "target").reason is None
    other = {"coding": [{"system": "urn:x", "code": "77"}], "text": "Full"}
    assert moved_task(BEFORE, sent(other), "target").reason is None


def test_a_reason_that_does_not_go_with_the_answer_is_refused() -> None:
    (issue,) = moved_task(BEFORE, sent(reason("family-declined")), "target").issues
    assert issue.path == "Task.statusReason.coding"
    assert "no-place" in issue.text
    assert "family" not in issue.text


def test_a_reason_left_behind_is_not_judged() -> None:
    held = {"status": "on-hold", "statusReason": reason("wait-list")}
    waits = {**BEFORE, **held, "businessStatus": {"coding": [FOLLOW_UP.codings["waitlisted"]]}}
    on = {**waits, "status": "in-progress", "businessStatus": None}
    assert moved_task(waits, on, "target").issues == ()


@pytest.mark.parametrize("code", REASONS.rows)
def test_no_follow_up_is_made_from_a_reason(code: str) -> None:
    """A school may be told a status and not why: the same status whatever the reason says."""
    for status in NEEDS_REASON:
        told = follow_up_code({"status": status, "statusReason": reason(code)})
        assert told == follow_up_code({"status": status})


def test_a_school_that_ends_a_referral_is_named_in_a_code() -> None:
    assert reason_code(dict(WITHDRAWN)) == "school-withdrew"
    assert outcome_of("school-withdrew") == Outcome("withdrawn-by-school")
    assert State("cancelled", "withdrawn-by-school") in STATES
