"""A world whose agreement reads otherwise in a place or two, for what no shipped document does."""

from datetime import date

from bridge.identity import Party, Registration, Standing, read_scopes, register_client
from bridge.journeys.families.register_release import Filed, file_release
from bridge.journeys.running.amend_agreement import amend_agreement
from bridge.journeys.running.set_up import AgreementDocuments
from bridge.store.database.engine import write
from consent.mou import read_template, seal, shipped_document
from consent.signed_release import SignedRelease
from tests.support.worlds import (
    CARE_CONSENT,
    HARBOR,
    HUB,
    LEA,
    NOW,
    Web,
    World,
    client_key,
    encounter,
    post_session,
    put_task,
    referral,
)

Edit = tuple[str, str]
STATUS = "elements: [referral.status, clinician.contact, close.reason]"
PART2_TO_SCHOOL = (
    STATUS,
    "elements: [referral.status, clinician.contact, close.reason, sud.record]",
)
PART2_TO_HUB = ("elements: [sud.row], unless: []", "elements: [claim.core], unless: []")
BY_GUARDIAN = [{"url": CARE_CONSENT, "valueCode": "guardian"}]


def amend(world: World, template: tuple[Edit, ...] = (), agreement: tuple[Edit, ...] = ()) -> None:
    """Put edited documents in the place of the agreement with the first provider."""
    model = _edited(shipped_document("xx-smh-template").decode(), template).encode()
    signed = _edited(shipped_document("millbrook-harbor-2026").decode(), agreement).encode()
    sealed = seal(signed, read_template(model, "template"))
    amend_agreement(world.parts, AgreementDocuments(model, sealed, "US-XX", LEA, HARBOR, HUB))


def _edited(text: str, edits: tuple[Edit, ...]) -> str:
    for old, new in edits:
        assert text.count(old) == 1, "an edit must say exactly where"
        text = text.replace(old, new)
    return text


def school(world: World, role: str, *purposes: str) -> Web:
    """Return the web as a school's system with wide scopes sees it."""
    return _client(world, Standing(Party.LEA, LEA, "", role, purposes, read_scopes("system/*.rs")))


def provider(world: World, role: str, *purposes: str) -> Web:
    """Return the web as a system of the first provider sees it."""
    scopes = read_scopes("system/*.rs")
    return _client(world, Standing(Party.PROVIDER, HARBOR, "", role, purposes, scopes))


def _client(world: World, standing: Standing) -> Web:
    name = f"{standing.party}-{standing.role}-{'-'.join(standing.purposes)}"
    with write(world.bridge.engine) as connection:
        registered = Registration(name, standing, client_key().public_jwks())
        register_client(connection, registered, world.clock)
    return world.web(name)


def part2_consent(world: World, number: int, to: tuple[str, str, str]) -> Filed:
    """File a consent under 42 CFR Part 2 for (element, purpose, recipient), signed by both."""
    element, purpose, recipient = to
    form = signed_form((element,), (purpose,), recipient)
    return file_release(world.parts, (LEA, HARBOR), str(1000 + number), form)


def signed_form(
    elements: tuple[str, ...], purposes: tuple[str, ...], recipient: str
) -> SignedRelease:
    """Return a form with every part any law asks for, signed by guardian and student."""
    return SignedRelease(
        form="part2",
        answer="signed",
        recorded_at=NOW,
        birth_date=NOW.date(),
        signer="Max Winterbourne",
        signer_relationship="FTH",
        cosigner_relationship="ONESELF",
        signed_on=date(2026, 9, 1),
        expires_on=date(2027, 3, 31),
        elements=elements,
        purposes=purposes,
        recipient=recipient,
        discloser="provider",
        statements=("condition", "redisclosure", "revoke"),
    )


def part2_session(world: World, number: int, key: str = "p2-1") -> None:
    """Refer a student, accept with a guardian's consent and record a Part 2 session."""
    world.refer([referral(number)])
    web = world.web()
    task = web.get(f"/fhir/Task/{world.id_of('Task', f'R-{number}')}").json()
    assert put_task(web, task, "accepted", extension=BY_GUARDIAN).status_code == 200
    made = encounter(task, key)
    made["meta"]["security"][0]["code"] = "42CFRPart2"
    assert post_session(web, made).status_code == 201
