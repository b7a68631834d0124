"""What lies beside the answers: pseudonyms, logs of libraries, uploads, the ledger, objects' texts.

Each way is shown closed by a judge that is then shown a fault. Every person is made up.
"""

import hashlib
import io
import itertools
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import pytest
from sqlalchemy import Engine, create_engine, select, text
from sqlalchemy.exc import DatabaseError

from bridge.identifiers import Identifiers
from bridge.identity import form_token
from bridge.journeys.files import uploaded_rows
from bridge.ledger import append
from bridge.ledger.tables import ENTRY
from bridge.ledger.verifier import entry_leaf
from bridge.migrations.catalogue import metadata
from bridge.portal import visits
from bridge.portal.visits import Visit
from bridge.settings import MailServer, Settings
from bridge.store.database.engine import read
from tests.bridge.portal.entering import Visitor
from tests.bridge.portal.test_answer_file import PAGE, drop, table
from tests.bridge.portal.test_clinic_pages import Clinic
from tests.support.worlds import HARBOR, World, make_world, referral

CANARY: Final = "Zanzibar-Smith-7731"


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    made = make_world(database_url, tmp_path)
    yield made
    made.bridge.engine.dispose()


@pytest.fixture
def lite(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    made = make_world(sqlite_url, tmp_path)
    yield made
    made.bridge.engine.dispose()


# --- pseudonyms ---------------------------------------------------------------------------------


class PlainHashes(Identifiers):
    """Makes a pseudonym that whoever knows all student numbers can make too."""

    def pseudonym(self, hub: str, identifier: str) -> str:
        return hashlib.sha256(f"{hub}{identifier}".encode()).hexdigest()[:32]


class OneKeyForAll(Identifiers):
    """Makes the same pseudonym for every hub."""

    def pseudonym(self, hub: str, identifier: str) -> str:
        return super().pseudonym("", identifier)


def guesses(hub: str, identifier: str) -> Iterator[str]:
    """Yield what somebody makes of what is known to everybody, without the key."""
    words = ("pseudonym", hub, identifier)
    joined = [
        mark.join(some)
        for size in (1, 2, 3)
        for some in itertools.permutations(words, size)
        for mark in ("", "|", "/", ":", "\0", " ", "\n")
    ]
    for name in ("md5", "sha1", "sha256", "sha512", "blake2b", "sha3_256"):
        for each in joined:
            yield hashlib.new(name, each.encode()).hexdigest()[:32]


def links(kind: type[Identifiers]) -> bool:
    """Return whether a pseudonym can be guessed, or two hubs or deployments can link theirs."""
    ours, others = kind("a secret of forty letters, made for a test"), kind("another secret" * 3)
    made = ours.pseudonym("state-hub", "S-1001")
    elsewhere = (others.pseudonym("state-hub", "S-1001"), ours.pseudonym("other-hub", "S-1001"))
    return made in elsewhere or made in guesses("state-hub", "S-1001")


def test_a_pseudonym_is_one_hubs_and_cannot_be_made_without_the_key() -> None:
    assert not links(Identifiers)


@pytest.mark.parametrize("kind", [PlainHashes, OneKeyForAll])
def test_a_pseudonym_that_can_be_made_again_is_noticed(kind: type[Identifiers]) -> None:
    assert links(kind)


# --- logs of libraries and of the database ------------------------------------------------------


@contextmanager
def loudest() -> Iterator[io.StringIO]:
    """Let the database's toolkit say all it can."""
    heard, logger = io.StringIO(), logging.getLogger("sqlalchemy")
    handler, before = logging.StreamHandler(heard), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield heard
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


def told(engine: Engine) -> str:
    """Return what log and errors say of statements with a value, two of which fail."""
    with loudest() as heard:
        for statement in ("SELECT :value AS said", "SELECT :value FROM nowhere", "SELEKT :value"):
            try:
                with engine.connect() as connection:
                    connection.execute(text(statement), {"value": CANARY}).close()
            except DatabaseError as error:
                heard.write(str(error))
    return heard.getvalue()


def test_neither_log_nor_error_of_the_database_holds_a_value(world: World) -> None:
    said = told(world.bridge.engine)
    assert "nowhere" in said
    assert CANARY not in said


def test_an_engine_that_shows_parameters_is_noticed(tmp_path: Path) -> None:
    assert CANARY in told(create_engine(f"sqlite:///{tmp_path / 'shown.db'}"))


# --- uploads ------------------------------------------------------------------------------------


def left_by_uploads(world: World, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return the temporary files that are there once files good and bad have come by pages."""
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    lead = Visitor.signed_in(world, "lead-1", role="referral_coordinator")
    for content in (f"a,b\n{CANARY},2\n".encode(), b"\x00\xff", CANARY.encode()):
        answers = {"map": "schoolbridge-template", "provider": HARBOR}
        answer = lead.send_file("/portal/import", content, "week.csv", **answers)
        assert answer.status_code in (303, 422)
    desk = Clinic(world)
    for content in (table({}, {"Reason in words": CANARY, "Answer": CANARY}), b"MSH" + b"\xff" * 9):
        assert drop(desk, content).status_code in (200, 422)
    whole = {"page_key": form_token(desk.token)}
    assert desk.send("POST", PAGE, data=whole, files={"file": ("x", b"y" * 3_500_000)}).is_error
    return [path for path in folder.rglob("*") if path.is_file()]


def test_no_file_is_left_of_what_was_uploaded(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.refer([referral(1)])
    assert left_by_uploads(world, tmp_path / "temporary", monkeypatch) == []


def test_an_upload_that_stays_is_noticed(
    lite: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def kept() -> Iterator[str]:
        yield tempfile.mkdtemp()

    monkeypatch.setattr(uploaded_rows, "TemporaryDirectory", kept)
    left = left_by_uploads(lite, tmp_path / "temporary", monkeypatch)
    assert any(CANARY.encode() in path.read_bytes() for path in left)


# --- the ledger ---------------------------------------------------------------------------------


def guessable(world: World) -> int:
    """Return of how many entries whoever knows the text finds the leaf, with salts one may try."""
    world.refer([referral(1), referral(2)])
    assert len(world.web().found("/fhir/Task")) == 2
    with read(world.bridge.engine) as connection:
        rows = connection.execute(select(ENTRY.c.body, ENTRY.c.leaf)).all()
    assert rows
    tried = (b"", bytes(16), bytes(32), b"\x01" * 32)
    return sum(any(entry_leaf(salt, row.body) == row.leaf for salt in tried) for row in rows)


def test_no_leaf_of_the_ledger_is_guessed_by_who_knows_what_it_says(lite: World) -> None:
    assert guessable(lite) == 0


def test_a_ledger_without_secret_salts_is_noticed(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(append.secrets, "token_bytes", bytes)
    assert guessable(lite) > 0


# --- who asked, and who looked ------------------------------------------------------------------


def kept_of_questions(world: World) -> list[str]:
    """Return the tables that hold a value somebody asked for, by every way of asking."""
    world.refer([referral(1)])
    lead = Visitor.signed_in(world, "lead-1", role="referral_coordinator")
    for client in ("harbor-ehr", "state-hub"):
        web = world.web(client)
        for kind in ("Patient", "Task"):
            web.get(f"/fhir/{kind}?identifier=a|{CANARY}")
            form = {"content-type": "application/x-www-form-urlencoded"}
            content = f"identifier=a|{CANARY}".encode()
            web.send("POST", f"/fhir/{kind}/_search", content=content, headers=form)
    for path in ("board", "board.csv", "looked", "refer", "forms", "same"):
        lead.get(f"/portal/{path}?show={CANARY}&q={CANARY}")
        lead.get(f"/portal/{path}?q={CANARY}")
    with read(world.bridge.engine) as connection:
        rows = {
            table.name: repr(connection.execute(select(table)).all())
            for table in metadata.sorted_tables
        }
    assert "staff:lead-1" in rows["page_look"]
    return [name for name, said in rows.items() if CANARY in said]


def test_no_store_keeps_what_somebody_asked_for(world: World) -> None:
    assert kept_of_questions(world) == []


def test_a_look_that_is_kept_with_its_question_is_noticed(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kept_whole(visit: Visit) -> None:
        visits.note_look(visit.bridge, visit.staff, f"{visit.path}?{urlencode(visit.query)}")

    monkeypatch.setattr(Visit, "note_look", kept_whole)
    assert kept_of_questions(lite) == ["page_look"]


# --- what prints --------------------------------------------------------------------------------


class Telling(Settings):
    """Settings that print whatever they hold."""

    def __repr__(self) -> str:
        return repr({each.name: getattr(self, each.name) for each in fields(self)})


def printed(kind: type[Settings]) -> set[str]:
    """Return the secrets that a deployment's settings, and what is made of them, print."""
    secrets = {name: f"{CANARY}-{name}" for name in ("secret", "database", "mail", "metrics")}
    url = f"postgresql+psycopg://app:{secrets['database']}@localhost/x"
    mail = MailServer("localhost", 25, "a@school.example", "a", secrets["mail"])
    settings = kind(
        home=Path("home"),
        database_url=url,
        base_url="http://bridge.test",
        host="127.0.0.1",
        port=8000,
        secret=secrets["secret"],
        mail=mail,
        metrics_token=secrets["metrics"],
    )
    said = f"{settings!r} {settings} {[settings]} {Identifiers(settings.secret)!r}"
    return {name for name, secret in secrets.items() if secret in said}


def test_no_secret_of_a_deployment_is_printed_with_what_holds_it() -> None:
    assert printed(Settings) == set()


def test_settings_that_print_what_they_hold_are_noticed() -> None:
    assert {"secret", "database", "metrics"} <= printed(Telling)


def test_a_whole_bridge_prints_no_secret(lite: World) -> None:
    assert lite.bridge.settings.secret not in f"{lite.bridge!r} {lite.parts!r} {lite.bridge.gate!r}"
