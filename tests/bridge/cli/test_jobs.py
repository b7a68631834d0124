"""The operator sees and ends the exports that partners have begun."""

import json
from datetime import timedelta

from tests.bridge.cli.test_accounts import run
from tests.support.exports import kicked_off, rows_of
from tests.support.worlds import World, referral


def test_jobs_are_listed_shown_and_cancelled(lite: World) -> None:
    lite.refer([referral(0)])
    web, hub = lite.web(), lite.web("state-hub")
    person = f"Task?patient=Patient/{lite.id_of('Patient', '1000')}".replace("?", "%3F", 1)
    places = [kicked_off(web, f"?_type=Task&_typeFilter={person}"), kicked_off(hub)]
    ids = [place.rpartition("/")[2] for place in places]

    rows = json.loads(run(lite, "jobs", "list", "--json").output)
    assert {row["job"]: row["client"] for row in rows} == dict(
        zip(ids, ("harbor-ehr", "state-hub"), strict=True)
    )
    shown = json.loads(run(lite, "jobs", "show", ids[0], "--json").output)
    assert (shown["types"], shown["filters"]) == (["Task"], 1)
    plain = run(lite, "jobs", "list").output + run(lite, "jobs", "show", ids[0]).output
    assert lite.id_of("Patient", "1000") not in plain

    assert run(lite, "jobs", "cancel", ids[0]).exit_code == 0
    assert web.get(places[0]).status_code == 404
    assert rows_of(hub, places[1])
    for command in ("show", "cancel"):
        assert run(lite, "jobs", command, ids[0]).exit_code == 1


def test_a_job_that_has_expired_is_not_listed(lite: World) -> None:
    kicked_off(lite.web())
    lite.clock.advance(timedelta(hours=1))
    assert json.loads(run(lite, "jobs", "list", "--json").output) == []
