"""A duty is carried out by a named function, in a form the gate can give, or nothing leaves."""

import csv
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest

from bridge.errors import GateError
from bridge.gate import Query, release_counts
from bridge.gate.agreements import compiled
from bridge.gate.decisions import ElementDecision, RecordDecision
from bridge.gate.duties.carried import ABLE, CARRIED, QUEUED, REFRAINS
from bridge.gate.duties.riding import codes_of, labelled, riding
from bridge.store.database.engine import read
from bridge.store.directory import agreements
from consent.duties import Extent, able, duty_rules
from consent.model import Decision, Outcome, Slice
from tests.support.amended import amend
from tests.support.worlds import HARBOR, World, caller, referral

ROOT = Path(__file__).parents[3]
F1 = "obligations: [NORDSCLCD, AOD, MINEC]"
PUBLISHED = {"n": "7", "district": "Millbrook"}


@pytest.mark.parametrize("code", sorted(CARRIED))
def test_each_duty_names_a_function_that_exists(code: str) -> None:
    module, _, name = CARRIED[code].partition(":")
    found: Callable[..., object] = getattr(import_module(module), name)
    assert callable(found)
    assert found.__module__ == module


def test_what_the_table_declares_is_what_the_gate_carries_out() -> None:
    assert able() == set(CARRIED) == set(ABLE)
    assert {c for c, rule in duty_rules().items() if not rule.carried_out_by}.isdisjoint(CARRIED)


def test_each_duty_of_the_recipient_is_a_label_and_each_of_a_person_an_item() -> None:
    words = {code: rule.carried_out_by for code, rule in duty_rules().items()}
    assert set(REFRAINS) == {code for code, said in words.items() if said.startswith("recipient:")}
    after = {c for c, said in words.items() if said.startswith("review queue:")} - {"HUAPRV"}
    assert after == QUEUED


@pytest.mark.parametrize("code", REFRAINS)
def test_each_duty_of_the_recipient_labels_what_it_gets(code: str) -> None:
    (label,) = labelled({}, riding(frozenset({code})), ())["security"]
    assert label["code"] == code


def decided(extent: Extent, view: str = "to-provider", code: str = "AOD") -> RecordDecision:
    decision = Decision(Outcome.PERMIT, (), extent=extent, obligations=(code,))
    asked = Slice("lea", "provider", "intake", "refer", "student.name")
    return RecordDecision(None, view, (ElementDecision(asked, frozenset(), decision, ()),))


@pytest.mark.parametrize("extent", list(Extent))
@pytest.mark.parametrize("view", ["to-provider", "to-school", "to-hub"])
def test_a_resource_leaves_only_in_a_form_that_its_view_gives_it(extent: Extent, view: str) -> None:
    given = {Extent.PERMIT, Extent.DUTIES, *({Extent.PSEUDONYM} if view == "to-hub" else ())}
    if extent in given:
        assert codes_of(decided(extent, view)) == {"AOD"}
    else:
        with pytest.raises(GateError):
            codes_of(decided(extent, view))


def test_a_permit_with_a_duty_nobody_carries_out_does_not_leave() -> None:
    for code in ("REDACT", "ENCRYPTT", "NEVERHEARD"):
        with pytest.raises(GateError):
            codes_of(decided(Extent.DUTIES, code=code))


@pytest.mark.parametrize(
    "code", ["REDACT", "MASK", "DEID", "ENCRYPTT", "PRIVMARK", "PSEUD", "ANONY", "HUAPRV"]
)
def test_a_flow_with_a_duty_that_cannot_be_carried_out_passes_nothing(
    world: World, code: str
) -> None:
    world.refer([referral(1)])
    web = world.web()
    path = f"/fhir/ServiceRequest/{world.id_of('ServiceRequest', 'R-1')}"
    assert web.get(path).status_code == 200
    amend(world, template=((F1, F1.replace("AOD", f"AOD, {code}")),))
    answer = web.get(path)
    assert answer.status_code == 404
    assert web.get("/fhir/ServiceRequest").json()["total"] == 0
    with read(world.bridge.engine) as connection:
        used = next(a for a in map(compiled, agreements(connection)) if a.id == world.agreement)
    asked = Slice("lea", "provider", "intake", "refer", "referral.reason")
    facts = ("in_force", "enrolled", "provider_active", "c_ferpa")
    found = used.table.decide(asked, facts)
    held = code == "HUAPRV"
    assert found.extent is (Extent.HOLD if held else Extent.DENY)
    assert found.missing == (("human_reviewed",) if held else ())


def test_counts_leave_only_where_no_cell_is_small() -> None:
    with pytest.raises(GateError):
        release_counts(tuple(PUBLISHED), [PUBLISHED], (), 11)
    assert release_counts(tuple(PUBLISHED), [PUBLISHED], (), 5).rows


def test_pseudonyms_stand_in_every_row_that_a_hub_gets(world: World) -> None:
    world.refer([referral(1)])
    rows = world.bridge.gate.search(caller("state-hub"), Query("ServiceRequest")).matches
    assert rows
    for kind in ("ServiceRequest", "Patient", "Task"):
        known = world.id_of(kind, "1001" if kind == "Patient" else "R-1", HARBOR)
        assert all(known.encode() not in row.body for row in rows)


COPY = """
from consent.duties import Extent, able, duty_rules
from bridge.gate.duties.carried import ABLE
from consent.law import load_law
from consent.model import Slice
from consent.mou import read_agreement, read_template, seal, shipped_document
from consent.table import compile_table
flow = "obligations: [NORDSCLCD, AOD, MINEC]"
asked = Slice("lea", "provider", "intake", "refer", "referral.reason")
facts = ("in_force", "enrolled", "provider_active", "c_ferpa")
for code in ("PRIVMARK", "NOAUTH"):
    carrying = flow.replace("AOD", "AOD, " + code)
    text = shipped_document("xx-smh-template").decode().replace(flow, carrying)
    template = read_template(text.encode(), "t")
    signed = seal(shipped_document("millbrook-harbor-2026"), template)
    agreement = read_agreement(signed, "a", template)
    table = compile_table(template, agreement, load_law("US-XX"), ABLE)
    print(code, code in able(), table.decide(asked, facts).reasons[0])
"""


def test_a_row_added_to_the_table_closes_what_carries_it_until_somebody_does_it(
    tmp_path: Path,
) -> None:
    for package in ("bridge", "consent", "documents", "mappings"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("*.pyc"))
    with (tmp_path / "consent/codes/duties.csv").open("a", encoding="utf-8") as table:
        rows = csv.writer(table, lineterminator="\n")
        rows.writerow(("PRIVMARK", "permit-with-duties", "gate: it is claimed", "", "", ""))
        rows.writerow(("NOAUTH", "somehow-else", "gate: in a form nobody knows", "", "", ""))
    ran = subprocess.run(  # noqa: S603 - a program of ours
        [sys.executable, "-c", COPY], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert ran.stdout.splitlines() == [
        "PRIVMARK True duty:PRIVMARK",
        "NOAUTH False duty:NOAUTH",
    ]


def test_a_duty_counts_for_what_leaves_alone() -> None:
    kept = decided(Extent.DUTIES)
    denied = replace(kept.elements[0], decision=Decision(Outcome.DENY, ("law:HIPAA",)))
    assert codes_of(replace(kept, elements=(denied,))) == frozenset()
