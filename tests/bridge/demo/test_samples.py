from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from bridge.demo.make_samples import DATA, sample_texts, write_samples
from bridge.demo.sample_messages import PLACEHOLDERS, TEMPLATES, fill_message
from mappings.canonical import Referral, ServiceSession
from mappings.language import Held, Mapped, RunReport, compile_map, flatten, load_map


def run(map_id: str, *names: str) -> tuple[list[Mapped | Held], RunReport]:
    done = compile_map(load_map(map_id)).run([DATA / name for name in names])
    return list(done), done.report


def referrals() -> list[Referral]:
    found, _ = run("schoolbridge-template", "millbrook-referrals.csv")
    records = [outcome.record for outcome in found if isinstance(outcome, Mapped)]
    return [record for record in records if isinstance(record, Referral)]


@pytest.mark.parametrize("name", sorted(sample_texts()))
def test_the_committed_file_is_what_the_generator_makes(name: str) -> None:
    assert (DATA / name).read_bytes() == sample_texts()[name].encode()


def test_the_committed_workbook_maps_as_a_new_one_does(tmp_path: Path) -> None:
    write_samples(tmp_path)
    template = compile_map(load_map("schoolbridge-template"))
    new, old = (
        [flatten(o.record) if isinstance(o, Mapped) else o.reasons for o in template.run([path])]
        for path in (tmp_path / "millbrook-referrals.xlsx", DATA / "millbrook-referrals.xlsx")
    )
    assert new == old


def test_csv_and_workbook_give_the_same_records() -> None:
    one, _ = run("schoolbridge-template", "millbrook-referrals.csv")
    other, _ = run("schoolbridge-template", "millbrook-referrals.xlsx")
    assert len(one) == len(other) == 192
    for mine, theirs in zip(one, other, strict=True):
        assert isinstance(mine, Mapped) is isinstance(theirs, Mapped)
        if isinstance(mine, Mapped) and isinstance(theirs, Mapped):
            assert flatten(mine.record) == flatten(theirs.record)


def test_two_hundred_rows_show_every_reason() -> None:
    _, report = run("schoolbridge-template", "millbrook-referrals.csv")
    assert (report.read, report.mapped, report.held, report.duplicates) == (200, 162, 30, 8)
    reasons = {"empty", "unmapped", "unreadable", "incomplete", "key-repeated"}
    assert {code.value for code in report.held_by_reason} == reasons


def test_consent_is_signed_refused_and_pending_among_the_records() -> None:
    answers = Counter(release.answer for record in referrals() for release in record.releases)
    assert set(answers) == {"signed", "refused", "pending"}
    assert min(answers.values()) >= 20


def test_the_students_are_of_school_age_and_some_turn_18() -> None:
    first, last = date(2026, 8, 31), date(2026, 10, 30)
    assert {first <= record.authored_on <= last for record in referrals()} == {True}
    born = [record.student.birth_date for record in referrals()]
    ages = Counter((last - day).days // 365.25 for day in born)
    assert set(ages) <= {10, 11, 12, 13, 14, 15, 16, 17, 18}
    assert sum(day <= first.replace(year=2008) for day in born) >= 3
    assert sum(first.replace(year=2008) < day <= date(2008, 12, 31) for day in born) >= 3


def test_the_form_is_joined_to_roster_and_office() -> None:
    names = ("millbrook-mtss-form.csv", "millbrook-roster.csv", "millbrook-office.csv")
    found, report = run("somerville-mtss-form", *names)
    assert (report.read, report.mapped, report.held) == (12, 8, 4)
    codes = [{r.code.value for r in o.reasons} for o in found if isinstance(o, Held)]
    assert codes[0] == {"empty"}
    assert codes[1] == {"join-ambiguous"}
    assert "not-on-form" in codes[3]


def test_the_public_fixtures_are_read_unchanged() -> None:
    _, roster = run("aspen-students", "originals/fake_students_export.csv")
    assert (roster.read, roster.mapped) == (5, 5)


def test_the_public_messages_are_held_because_the_patient_is_not_ours() -> None:
    found, _ = run("harbor-hl7v2", "harbor-messages.template.hl7")
    for outcome in found[:3]:
        assert isinstance(outcome, Held)
        assert "no SCHOOLBRIDGE identifier" in outcome.reasons[0].text


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("booked", "booked"),
        ("attended", "attended"),
        ("no-show", "no-show"),
        ("cancelled", "cancelled"),
        ("arrived", "booked"),
        ("visit closed", "attended"),
    ],
)
def test_a_template_filled_in_becomes_a_session(tmp_path: Path, name: str, expected: str) -> None:
    values = {
        **dict.fromkeys(PLACEHOLDERS, "X1"),
        "start": "20260914093000-0400",
        "end": "20260914102000-0400",
        "service": "Group",
    }
    (tmp_path / "m.hl7").write_text(fill_message(name, values), encoding="utf-8")
    (found,) = compile_map(load_map("harbor-hl7v2")).run([tmp_path / "m.hl7"])
    assert isinstance(found, Mapped), found
    assert isinstance(found.record, ServiceSession)
    assert (found.record.attendance, found.record.referral_number) == (expected, "X1")
    assert name in TEMPLATES
