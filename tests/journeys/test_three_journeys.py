"""The product's three stories, told over real sockets with real files."""

import csv
import io
import json

import pytest

from tests.journeys.conftest import Told
from tests.support.profiles import validate

pytestmark = pytest.mark.one_database

PROVIDER_TYPES = (
    "Encounter",
    "Location",
    "Observation",
    "Organization",
    "Patient",
    "RelatedPerson",
    "ServiceRequest",
    "Task",
)
HUB_TYPES = ("Encounter", "Organization", "ServiceRequest")
PLAN = "https://schoolbridge.example/fhir"


def test_every_row_of_every_file_is_accounted_for(told: Told) -> None:
    for part in told.report["imports"]:
        held = len(part["held_rows"])
        assert part["read"] == part["mapped"] + held + part["duplicates"], part["file"]
        assert all(reason for row in part["held_rows"] for reason in row["reasons"])


def test_the_same_rows_as_csv_and_as_excel_are_the_same_referrals(told: Told) -> None:
    by_file = {part["file"]: part for part in told.report["imports"]}
    as_csv, as_excel = by_file["millbrook-referrals.csv"], by_file["millbrook-referrals.xlsx"]
    assert as_csv["stored"] == as_csv["mapped"] > 150
    assert (as_excel["stored"], as_excel["unchanged"]) == (0, as_csv["stored"])


def test_the_form_is_joined_by_name_with_its_match_rate_stated(told: Told) -> None:
    form = next(p for p in told.report["imports"] if p["file"] == "millbrook-mtss-form.csv")
    matched, looked_up = form["match_rates"]["roster"]
    assert 0 < matched < looked_up == form["read"]


def test_a_referral_arrives_as_a_service_request_with_its_task_and_student(told: Told) -> None:
    requests = {r["id"]: r for r in told.received("provider", "ServiceRequest")}
    patients = {p["id"] for p in told.received("provider", "Patient")}
    tasks = told.received("provider", "Task")
    assert len(tasks) == len(requests) > 100
    for task in tasks:
        request = requests[task["focus"]["reference"].removeprefix("ServiceRequest/")]
        assert request["subject"] == task["for"]
        assert task["for"]["reference"].removeprefix("Patient/") in patients


def test_what_the_agreement_dropped_never_reaches_the_provider(told: Told) -> None:
    everything = told.everything("provider")
    for system in ("local-student", "state-student"):
        assert f"{PLAN}/NamingSystem/{system}" not in everything
    assert "discipline-count" not in everything
    assert '"note"' not in everything
    assert {p["gender"] for p in told.received("provider", "Patient")} == {"unknown"}


def test_only_referrals_with_a_signed_release_reach_the_provider(told: Told) -> None:
    seen = {r["identifier"][0]["value"] for r in told.received("provider", "ServiceRequest")}
    withheld = [row for row in told.report["provider"]["withheld"] if row["clause"]]
    stored = sum(p.get("stored", 0) for p in told.report["imports"] if "unchanged" in p)
    of_reason = sum(r["count"] for r in withheld if r["element"] == "referral.reason")
    sessions = next(p for p in told.report["imports"] if p["file"] == "messages.hl7")["stored"]
    assert len(seen) + of_reason == stored - sessions
    assert {"law:FERPA", "prohibition:P6"} <= {row["reason"] for row in withheld}


def test_the_school_learns_status_and_nothing_more(told: Told) -> None:
    text = (told.out / "school" / "follow-up.json").read_text(encoding="utf-8")
    rows = json.loads(text)["referrals"]
    columns = {"referral", "student", "school", "sent_on", "status", "status_on", "provider"}
    columns |= {"notices", "terms"}
    assert all(set(row) == columns for row in rows)
    statuses = {row["status"] for row in rows}
    assert {"sent", "intake-missed", "services-started", "declined-by-provider"} <= statuses
    for sensitive in ("18512000", "108313002", "No place free", "Encounter", "SUD"):
        assert sensitive not in told.everything("school")


def test_the_csv_says_what_the_json_says(told: Told) -> None:
    table = (told.out / "school" / "follow-up.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(table)))
    found = json.loads((told.out / "school" / "follow-up.json").read_text(encoding="utf-8"))
    assert [row["status"] for row in rows] == [row["status"] for row in found["referrals"]]


def test_a_no_show_from_the_hl7_file_reads_as_a_missed_intake(told: Told) -> None:
    messages = next(p for p in told.report["imports"] if p["file"] == "messages.hl7")
    assert messages["by_attendance"]["no-show"] > 0
    assert len(messages["held_rows"]) == 3  # the real samples speak of somebody else's patients
    assert told.report["school"]["statuses"]["intake-missed"] > 0


def test_a_student_treated_on_their_own_consent_reads_as_not_answered(told: Told) -> None:
    withheld = {row["reason"]: row for row in told.report["school"]["withheld"]}
    assert withheld["prohibition:P1"]["clause"] == "5"
    told_statuses = sum(row["count"] for row in told.report["school"]["may_see"])
    answered = sum(n for s, n in told.report["school"]["statuses"].items() if s != "sent")
    assert answered <= told_statuses


def test_the_hub_gets_pseudonyms_and_no_name(told: Told) -> None:
    names = {p["name"][0]["family"] for p in told.received("provider", "Patient")}
    ids = {p["id"] for p in told.received("provider", "Patient")}
    everything = told.everything("hub")
    assert not [name for name in names if f'"{name}"' in everything]
    assert not [i for i in ids if i in everything]
    assert told.report["hub"]["received"]["ServiceRequest"] > 150


def test_what_the_hub_keeps_is_for_its_owner_alone(told: Told) -> None:
    rows = told.home.parent / "hub" / "rows"
    assert rows.stat().st_mode & 0o077 == 0
    others = {path.name for path in rows.iterdir() if path.suffix != ".ndjson"}
    assert others == {".lease", "collected.json"}  # who collects now, and as of when
    assert [path.name for path in rows.iterdir() if path.stat().st_mode & 0o077] == []


def test_the_hub_counts_and_hides_small_cells(told: Told) -> None:
    rows = told.report["hub"]["table"]
    whole = next(row for row in rows if row["modality"] == "all")
    assert int(whole["referrals"]) == len(told.received("hub", "ServiceRequest"))
    sessions = [int(row["sessions"]) for row in rows if row is not whole]
    assert sessions
    # The total stands beside all of its parts, or what is hidden of them would follow from it.
    total = len(told.received("hub", "Encounter"))
    assert whole["sessions"] == (str(total) if sum(sessions) == total else "not shown")
    shown = [row[c] for row in rows for c in ("referrals", "served", "sessions")]
    assert not [cell for cell in shown if cell.isdecimal() and 0 < int(cell) < 15]
    assert any("totals it is part of" in note for note in told.report["hub"]["notes"])


def test_no_row_about_substance_use_care_reaches_the_hub(told: Told) -> None:
    withheld = [r for r in told.report["hub"]["withheld"] if r["element"] == "sud.row"]
    assert [row["reason"] for row in withheld] == ["prohibition:A1"]
    assert withheld[0]["count"] > 0
    assert "SUD" not in told.everything("hub").replace("summary", "")


def test_the_ledger_verifies_and_holds_every_release(told: Told) -> None:
    (log,) = told.report["ledger"].values()
    assert log["verified"]
    received = sum(told.report["provider"]["received"].values())
    assert log["entries"] >= received


@pytest.mark.validator
@pytest.mark.parametrize("kind", PROVIDER_TYPES)
def test_what_the_provider_receives_is_valid(told: Told, kind: str) -> None:
    resources = told.received("provider", kind)
    assert resources
    assert validate(resources) == []


@pytest.mark.validator
@pytest.mark.parametrize("kind", HUB_TYPES)
def test_what_the_hub_receives_is_valid(told: Told, kind: str) -> None:
    resources = told.received("hub", kind)
    assert resources
    assert validate(resources) == []
