"""An operator sets a deployment up with the command line alone."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mappings.language import load_map
from tests.support.command_line import said

pytestmark = pytest.mark.turns(2)

DATA = Path(__file__).parents[3] / "bridge" / "demo" / "data"
PARTIES = ("--lea", "millbrook", "--provider", "harbor")


@pytest.fixture(scope="module")
def set_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("by-hand")
    typed = [sys.executable, "-m", "bridge", "init", "bridge"]
    subprocess.run(typed, cwd=folder, check=True, capture_output=True)  # noqa: S603 - ours
    words = ("xx-smh-template", *PARTIES, "--hub", "state-hub", "--jurisdiction", "US-XX")
    added = said(folder, "party", "add", "millbrook-harbor-2026", "--template", *words, *at())
    assert added.returncode == 0, added.stderr
    return folder


@pytest.fixture
def home(set_up: Path, tmp_path: Path) -> Path:
    """A copy of the deployment, for one test to change."""
    shutil.copytree(set_up, tmp_path / "home")
    return tmp_path / "home"


def at() -> tuple[str, str]:
    return ("--home", "bridge")


def test_files_go_in_and_the_follow_up_comes_out(home: Path) -> None:
    roster = str(DATA / "millbrook-roster.csv")
    assert said(home, "import", "roster", roster, "--lea", "millbrook", *at()).returncode == 0
    rows = str(DATA / "millbrook-referrals.csv")
    done = said(home, "import", "referrals", rows, *PARTIES, *at())
    assert "stored: 162" in done.stdout
    assert 'row 14: column "Education release"' in done.stdout
    out = said(home, "export", "follow-up", "--lea", "millbrook", "--out", "out.csv", *at())
    assert out.returncode == 0
    assert len((home / "out.csv").read_text(encoding="utf-8").splitlines()) == 163
    due = said(home, "work-list", "--lea", "millbrook", "--json", *at())
    assert due.returncode == 0, due.stderr
    rules = {row["rule"] for row in json.loads(due.stdout)}
    assert rules <= {"signature", "unanswered-long", "consent-expiring"}
    assert "unanswered-long" in rules
    number = json.loads(due.stdout)[0]["referral"]
    withdrawn = said(home, "referral", "withdraw", number, *PARTIES, *at())
    assert withdrawn.stdout == "withdrawn; a provider that has begun is asked to stop\n"
    again = said(home, "referral", "resubmit", number, *PARTIES, *at())
    assert again.stdout == "sent again, if it was returned\n"
    neither = said(home, "work-list", *at())
    assert (neither.returncode, neither.stderr) == (
        1,
        "schoolbridge: give --lea or --provider, one of them\n",
    )
    theirs = said(home, "work-list", "--provider", "harbor", *at())
    assert theirs.stdout.splitlines()[-1].endswith(" due")


def test_a_providers_answers_are_carried_out_each_once_and_held_rows_written_out(
    home: Path,
) -> None:
    roster, rows = str(DATA / "millbrook-roster.csv"), str(DATA / "millbrook-referrals.csv")
    said(home, "import", "roster", roster, "--lea", "millbrook", *at())
    said(home, "import", "referrals", rows, *PARTIES, *at())
    due = json.loads(said(home, "work-list", "--lea", "millbrook", "--json", *at()).stdout)
    number = next(row["referral"] for row in due if row["rule"] == "unanswered-long")
    table, day = home / "week.csv", "2026-09-14"
    said_of = ((number, "Accepted"), (number, "Perhaps"), ("none", "Accepted"))
    lines = [f"{of},,{day},{answer},,,A parent or guardian" for of, answer in said_of]
    heads = [word.text for word in load_map("provider-answers").main.headings]
    table.write_text("\n".join([",".join(heads), *lines]), encoding="utf-8")
    words = (str(table), "--provider", "harbor", "--held", str(home / "held.xlsx"))

    done = said(home, "import", "answers", *words, "--json", *at())
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["answered"] == 1, told
    assert [row["row"] for row in told["held_rows"]] == [3, 4]
    assert (home / "held.xlsx").is_file()
    again = said(home, "import", "answers", str(table), "--provider", "harbor", *at())
    assert "answered: 0" in again.stdout, again.stdout
    assert "held: week.csv row 3" in again.stdout
    other = said(home, "import", "answers", str(table), "--provider", "nobody", *at())
    assert other.returncode == 1, other.stdout


def test_a_district_gets_its_referrals_in_its_own_columns(home: Path) -> None:
    roster, rows = str(DATA / "millbrook-roster.csv"), str(DATA / "millbrook-referrals.csv")
    said(home, "import", "roster", roster, "--lea", "millbrook", *at())
    said(home, "import", "referrals", rows, *PARTIES, *at())
    words = ("--lea", "millbrook", "--map", "schoolbridge-template")

    own = said(home, "export", "referrals", *words, "--out", "own.csv", *at())
    told = said(home, "export", "follow-up", *words, "--out", "told.xlsx", "--json", *at())

    assert (own.returncode, told.returncode) == (0, 0), own.stderr + told.stderr
    assert "rows: 162" in own.stdout
    assert json.loads(told.stdout)["files"] == ["told.xlsx"]
    again = said(home, "import", "referrals", "own.csv", *PARTIES, *at())
    assert "unchanged: 162" in again.stdout, again.stdout + again.stderr
    refused = said(home, "export", "referrals", *words[:2], "--map", "hl7v2-ref", "--out", "x.csv")
    assert refused.returncode == 1


def test_screenings_go_in_and_those_of_strangers_wait(home: Path) -> None:
    said(home, "import", "roster", str(DATA / "millbrook-roster.csv"), "--lea", "millbrook", *at())
    (home / "scores.csv").write_text(
        "Screening ID,Student ID,Instrument,Date,Answered by,Score,Result\n"
        "S1,200000,PHQ-9,9/14/2026,Student,12,Moderate\n"
        "S2,nobody,PHQ-9,9/14/2026,Student,12,Moderate\n",
        encoding="utf-8",
    )
    words = ("scores.csv", "--lea", "millbrook", "--held", "held.xlsx", *at())

    done = said(home, "import", "screenings", *words)

    assert done.returncode == 0, done.stderr
    assert "stored: 1" in done.stdout
    assert "the district has no student with this identifier" in done.stdout
    waiting = said(home, "held", "list", "--owner", "millbrook", *at()).stdout
    assert "scores.csv row 3" in waiting
    assert (home / "held.xlsx").exists()


def test_a_clients_keys_may_be_hosted_and_replaced_and_it_may_be_let_in_again(home: Path) -> None:
    (home / "jwks.json").write_text(said(home, "hub", "key", "hub").stdout, encoding="utf-8")
    standing = ("--party", "hub", "--organization", "state-hub", "--role", "loader")
    url = ("--jwks-url", "https://hub.example.org/jwks.json")
    words = (*standing, "--purpose", "report", *at())
    assert said(home, "client", "add", "hub1", *url, *words).returncode == 0
    sent = said(home, "client", "keys", "hub1", "--jwks", "jwks.json", *at())
    assert "whenever the keys change" in sent.stdout
    assert said(home, "client", "keys", "hub1", *url, *at()).returncode == 0
    for wrong in ((), (*url, "--jwks", "jwks.json"), ("--jwks-url", "http://hub.example.org/")):
        assert said(home, "client", "keys", "hub1", *wrong, *at()).returncode == 1
    assert said(home, "client", "add", "hub2", *words).returncode == 1
    said(home, "client", "disable", "hub1", *at())
    assert said(home, "client", "enable", "hub1", *at()).returncode == 0
    assert "hub state-hub loader active" in said(home, "client", "list", *at()).stdout


def test_a_client_is_registered_with_its_public_key_and_disabled(home: Path) -> None:
    (home / "jwks.json").write_text(said(home, "hub", "key", "hub").stdout, encoding="utf-8")
    standing = ("--party", "hub", "--organization", "state-hub", "--role", "loader")
    words = (*standing, "--purpose", "report", "--jwks", "jwks.json", *at())
    assert said(home, "client", "add", "hub1", *words).returncode == 0
    assert "hub state-hub loader active" in said(home, "client", "list", *at()).stdout
    said(home, "client", "disable", "hub1", *at())
    assert "disabled" in said(home, "client", "list", *at()).stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("import", "roster", "roster.csv", "--lea", "millbrook"), "cannot be opened"),
        (("import", "roster", str(DATA / "millbrook-roster.csv"), "--lea", "b"), "no district b"),
        (("party", "add", "none", "--template", "xx-smh-template", *PARTIES), "no such file"),
        (("client", "disable", "nobody"), "no client of that name"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(
    home: Path, words: tuple[str, ...], says: str
) -> None:
    done = said(home, *words, *at())
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert says in done.stderr


def test_an_unexpected_error_tells_its_kind_and_never_its_message(home: Path) -> None:
    settings = home / "bridge" / "schoolbridge.toml"
    broken = settings.read_text(encoding="utf-8").replace("sqlite:///bridge.sqlite3", "no url")
    settings.write_text(broken, encoding="utf-8")
    done = said(home, "doctor", *at())
    assert done.returncode == 1
    assert "no url" not in done.stderr
    assert "Traceback" not in done.stderr


def test_settings_are_never_written_over(home: Path) -> None:
    again = said(home, "init", "bridge")
    assert again.returncode == 1
    assert "nothing was changed" in again.stderr
