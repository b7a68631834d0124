"""Sessions sent together: each is answered as if it had come alone, and all are kept or none."""

from bridge.identity import Party, Registration, Standing, read_scopes, register_client
from bridge.store.database.engine import write
from tests.bridge.api.test_writes import NOBODY, bundle, entry
from tests.support.worlds import Json, World, client_key, encounter, post_session, referral


def appointment(task: Json, key: str) -> Json:
    shared = ("meta", "identifier", "basedOn")
    made = {name: value for name, value in encounter(task, key).items() if name in shared}
    actor = {"actor": task["for"], "status": "accepted"}
    times = {"start": "2026-11-30T15:00:00Z", "end": "2026-11-30T15:45:00Z"}
    more = {"resourceType": "Appointment", "status": "booked", "participant": [actor]}
    return {**made, **more, **times}


def test_sessions_sent_together_are_answered_as_each_would_be_alone(world: World) -> None:
    world.refer([referral(1), referral(2)])
    web = world.web()
    one, two = web.found("/fhir/Task")
    repeat = {"ifNoneExist": "identifier=https://harbor.example/sessions|s1"}
    entries = [
        entry("POST", "Encounter", encounter(one, "s1")),
        entry("POST", "Appointment", appointment(two, "a1")),
        entry("POST", "Encounter", encounter(two, "s2")),
        entry("POST", "Encounter", encounter(one, "s1"), request=repeat),
        entry("POST", "Encounter", encounter(one, "s3")),
    ]
    kept = web.send("POST", "/fhir", json=bundle("transaction", *entries))

    assert kept.status_code == 200, kept.text
    answers = kept.json()["entry"]
    assert [e["response"]["status"] for e in answers] == ["201", "201", "201", "200", "201"]
    for sent, answered in zip(entries, answers, strict=True):
        made = answered["resource"]
        alone = web.get(f"/fhir/{made['resourceType']}/{made['id']}")
        assert answered["resource"] == alone.json()
        assert answered["response"]["etag"] == alone.headers["etag"]
        assert answered["resource"]["identifier"] == sent["resource"]["identifier"]
    again = [
        {**each, "request": {**each["request"], "ifNoneExist": f"identifier={_key_of(each)}"}}
        for each in entries
    ]
    repeated = web.send("POST", "/fhir", json=bundle("transaction", *again)).json()["entry"]
    assert [e["response"]["status"] for e in repeated] == ["200"] * 5
    assert [e["resource"] for e in repeated] == [e["resource"] for e in answers]
    with world.bridge.engine.connect() as connection:
        counted, spread, behind = connection.exec_driver_sql(
            "SELECT count(*), max(change) - min(change),"
            " (SELECT last FROM change_counter) - max(change)"
            " FROM record WHERE type IN ('Encounter', 'Appointment')"
        ).one()
    assert (counted, spread, behind) == (4, 3, 0)


def _key_of(sent: Json) -> str:
    (identifier,) = sent["resource"]["identifier"]
    return f"{identifier['system']}|{identifier['value']}"


def test_a_provider_nobody_works_with_learns_that_its_referral_is_not_here(world: World) -> None:
    world.refer([referral(1)])
    (task,) = world.web().found("/fhir/Task")
    standing = Standing(
        Party.PROVIDER, "nowhere", "", "intake", ("refer",), read_scopes("system/*.cruds")
    )
    asked = Registration("nowhere-ehr", standing, jwks=client_key().public_jwks())
    with write(world.bridge.engine) as connection:
        register_client(connection, asked, world.clock)

    for said in (task, {**task, "focus": {"reference": f"ServiceRequest/{NOBODY}"}}):
        refused = post_session(world.web("nowhere-ehr"), encounter(said, "s1"))
        assert refused.status_code == 422, refused.text


def test_of_sessions_sent_together_the_first_that_is_refused_is_named_and_none_is_kept(
    lite: World,
) -> None:
    lite.refer([referral(1), referral(2)])
    web = lite.web()
    one, two = web.found("/fhir/Task")
    nothing = {"reference": f"ServiceRequest/{NOBODY}"}
    third = encounter(one, "s3")
    cases = [
        (encounter(one, "s1"), 409, "Bundle.entry[2]"),
        (encounter(one, "s4", subject=two["for"]), 422, "Bundle.entry[2].Encounter.subject"),
        (encounter(one, "s4", basedOn=[nothing]), 422, "Bundle.entry[2].Encounter.basedOn"),
        (encounter(one, "s4", status="banana"), 422, "Bundle.entry[2].Encounter.status"),
        (encounter(one, "s4", identifier=[]), 422, "Bundle.entry[2].Encounter.identifier"),
        ({**third, "resourceType": "Appointment"}, 400, "Bundle.entry[2].Encounter"),
    ]
    before = lite.counts()
    for wrong, status, place in cases:
        sent = [encounter(one, "s1"), encounter(two, "s2"), wrong, third]
        entries = (entry("POST", "Encounter", each) for each in sent)
        refused = web.send("POST", "/fhir", json=bundle("transaction", *entries))

        assert refused.status_code == status, refused.text
        assert refused.json()["issue"][0]["expression"] == [place]
        assert lite.counts() == before
