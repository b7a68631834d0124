"""Forms to another consent service and back, and the ledger as audit events. All made up."""

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import BridgeError
from bridge.gate import Query
from bridge.gate.accounts.audit_events import audit_events
from bridge.journeys.families.exchange_consents import export_consents, import_consents
from bridge.journeys.families.record_releases import revoke_release
from bridge.journeys.families.register_release import file_release, forms_of
from bridge.ledger.entry import Kind
from bridge.ledger.lookup import entries
from bridge.store.database.engine import read
from tests.bridge.journeys.test_release_register import FORM, sees
from tests.support.profiles import validate
from tests.support.worlds import HARBOR, LEA, World, caller, make_world, referral

PARTIES = (LEA, HARBOR)


def exported(world: World, tmp_path: Path) -> Path:
    out = tmp_path / "forms.ndjson"
    export_consents(world.parts, LEA, "1001", out)
    return out


def test_a_form_that_was_exported_opens_the_same_referral_elsewhere(
    lite: World, tmp_path: Path
) -> None:
    lite.refer([referral(1, releases=())])
    file_release(lite.parts, PARTIES, "1001", FORM)
    path = exported(lite, tmp_path)
    (tmp_path / "other").mkdir()
    other = make_world(f"sqlite:///{tmp_path / 'other' / 'bridge.db'}", tmp_path / "other")
    other.refer([referral(1, releases=())])
    first, again = (import_consents(other.parts, PARTIES, path) for _ in range(2))
    assert (first.filed, first.held, again.filed, again.unchanged) == (1, [], 0, 1)
    assert sees(other)
    assert [k.form for k in forms_of(other.parts, LEA, "1001")] == [
        k.form for k in forms_of(lite.parts, LEA, "1001")
    ]
    other.bridge.engine.dispose()


def test_an_export_says_what_is_lost_and_stands_in_the_ledger(world: World, tmp_path: Path) -> None:
    world.refer([referral(1)])
    count, missing = export_consents(world.parts, LEA, "1001", tmp_path / "forms.ndjson")
    assert count == 2
    assert {"Consent.policy", "Consent.provision"} <= {each.path for each in missing}
    with read(world.bridge.engine) as connection:
        assert [e.entry.kind for e in entries(connection, world.agreement)] == [Kind.ACCOUNT]
    with pytest.raises(BridgeError):
        export_consents(world.parts, LEA, "9999", tmp_path / "none.ndjson")


def test_a_line_that_is_not_understood_is_held_and_the_rest_is_filed(
    lite: World, tmp_path: Path
) -> None:
    lite.refer([referral(1, releases=()), referral(2, releases=())])
    filed = file_release(lite.parts, PARTIES, "1001", FORM)
    good = exported(lite, tmp_path).read_text(encoding="utf-8").strip()
    assert revoke_release(lite.parts, filed.id)
    revoked = exported(lite, tmp_path).read_text(encoding="utf-8").strip()
    stranger = good.replace(lite.bridge.identifiers.issue("student", LEA, "1001"), "nobody")
    path = tmp_path / "mixed.ndjson"
    lines = ["{", "[]", stranger, revoked, good]
    path.write_text("\n".join(lines), encoding="utf-8")
    report = import_consents(lite.parts, PARTIES, path)
    assert [number for number, _ in report.held] == [1, 2, 3, 4]
    assert (report.read, report.unchanged) == (1, 1)
    assert "inter" not in str(report.held)


def events(world: World) -> list[dict[str, Any]]:
    with read(world.bridge.engine) as connection:
        found = audit_events(connection, world.bridge.identifiers, world.agreement)
        return [json.loads(event.body) for event in found]


@pytest.mark.validator
def test_the_ledger_reads_as_valid_audit_events_without_a_value(world: World) -> None:
    world.refer([referral(1)])
    world.bridge.gate.search(caller(), Query("ServiceRequest"))
    world.bridge.gate.search(caller("state-hub"), Query("ServiceRequest"))
    found = events(world)
    assert [e["subtype"][0]["code"] for e in found] == ["disclose", "AuthZ-Consent", "disclose"]
    assert validate(found) == []
    for secret in ("inter", "Child1", "2012-03-04", "Cries"):
        assert secret not in json.dumps(found).replace("interagency", "")


def test_what_was_withheld_is_named_with_its_objection_and_labelled(lite: World) -> None:
    lite.refer([referral(1)])
    lite.bridge.gate.search(caller(), Query("ServiceRequest"))
    _, refused = events(lite)
    said = {d["type"]: d["valueString"] for e in refused["entity"] for d in e.get("detail", ())}
    assert said["objection:referral.note"] == "prohibition:P3"
    assert refused["outcome"] == "4"
    assert {label["code"] for label in refused["meta"]["security"]} <= {"R", "NOMOU"}
