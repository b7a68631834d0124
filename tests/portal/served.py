"""A portal that is served on this machine, with referrals in every state a school may see."""

import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import uvicorn

from bridge.app import create_app
from bridge.identity import Party, Standing, open_session
from bridge.journeys.families.ask_family import FamilyMember, ask_to_sign
from bridge.journeys.families.record_releases import revoke_release
from bridge.journeys.families.record_verbal import VerbalPermission, record_verbal
from bridge.journeys.families.sign_online import prove
from bridge.journeys.families.sign_release import Asked, record_signature
from bridge.journeys.families.signing import who_of
from bridge.store.database.engine import write
from consent.forms import FormKind
from tests.bridge.portal.entering import PENDING, Visitor
from tests.bridge.portal.test_clinic_looked import Person
from tests.bridge.portal.test_import_page import ON_FILE, WEEK, begun, brought_in
from tests.support.signing import INTERPRETER, PARTIES, TODAY, in_person, issued
from tests.support.worlds import CARE_CONSENT, HARBOR, LEA, World, make_world, put_task, referral

GUARDIAN = [{"url": CARE_CONSENT, "valueCode": "guardian"}]
CLINIC = Standing(Party.PROVIDER, HARBOR, "", "intake", ("refer",))
LEAD = Standing(Party.LEA, LEA, "", "referral_coordinator", ("follow",))
STANDINGS = {"clinic": CLINIC, "lead": LEAD, "clinic-lead": replace(CLINIC, role="supervisor")}
COUNSELOR = Standing(Party.LEA, LEA, "", "counselor", ("follow",))


@dataclass
class Served:
    """A running portal: where it is, what is behind it, and what its pages' addresses hold."""

    world: World
    base: str
    made: dict[str, str] = field(default_factory=dict)

    def session(self, handle: str = "counselor-1", standing: Standing = COUNSELOR) -> str:
        """Return the token of a new session."""
        with write(self.world.bridge.engine) as connection:
            return open_session(connection, handle, standing, self.world.clock).token


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """Serve a portal for as long as the block lasts."""
    # A browser that is driven from this thread has an event loop in it; a world has its own.
    with ThreadPoolExecutor(1) as elsewhere:
        world = elsewhere.submit(_world, folder).result()
        made = elsewhere.submit(lambda: _family(world) | _made(world)).result()
    server = uvicorn.Server(
        uvicorn.Config(world.app, host="127.0.0.1", port=0, log_level="error", lifespan="off")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Served(world, f"http://127.0.0.1:{port}", made)
    server.should_exit = True
    thread.join(10)
    world.bridge.engine.dispose()


def _world(folder: Path) -> World:
    made = make_world(f"sqlite:///{folder / 'bridge.db'}", folder)
    settings = replace(made.bridge.settings, base_url="http://127.0.0.1")
    made.bridge = replace(made.bridge, settings=settings)
    made.refer([referral(n) for n in range(6)])
    web = made.web()
    for n, status in enumerate(("accepted", "on-hold", "rejected", "cancelled")):
        task = web.get(f"/fhir/Task/{made.id_of('Task', f'R-{n}')}").json()
        first = put_task(
            web, task, "accepted" if status == "on-hold" else status, extension=GUARDIAN
        )
        assert first.status_code == 200, first.text
        if status == "on-hold":
            put_task(web, first.json(), status, extension=GUARDIAN)
    made.app = create_app(made.bridge)
    return made


def _family(world: World) -> dict[str, str]:
    """Ask a father for a signature who signed one form already; return what his pages need."""
    member = FamilyMember(
        name="Max Winterbourne",
        relationship="FTH",
        channel="mail",
        lang="en",
        student_name="Child1 Winterbourne",
        code_by="staff:counselor-1",
        code_via="phone",
        address="max@family.example",
    )
    first = record_signature(world.parts, PARTIES, "1001", in_person(issued(world)))
    link = ask_to_sign(world.parts, PARTIES, "1001", (member, Asked(FormKind.SHARE, "en")))
    proof = prove(world.parts, link.token, link.code)
    assert proof
    student = world.bridge.identifiers.issue("student", LEA, "1001")
    made = {"token": link.token, "proof": proof, "release": first[0].id, "student": student}
    made |= {"task": world.id_of("Task", "R-5")}
    Person(world, "desk-1", "intake").get(f"/portal/work/{made['task']}")
    who = who_of(world.bridge.identifiers, student, member.name)
    made["contact"] = world.bridge.identifiers.issue("family contact", student, who)
    made["other"] = world.bridge.identifiers.issue("student", LEA, "1002")
    no = in_person(
        issued(world), signer="Ann Winterbourne", relationship="MTH", answers={"lea": False}
    )
    ended = record_signature(world.parts, PARTIES, "1001", no)
    said = VerbalPermission("Ann Winterbourne", "MTH", "phone", "staff:x", "pt", TODAY)
    record_verbal(world.parts, PARTIES, "1001", replace(said, interpreter=INTERPRETER))
    assert revoke_release(world.parts, ended[0].id)
    return made


def _reviews(world: World) -> dict[str, str]:
    """Return the addresses of a file under review and of one that was brought in."""
    visitor = Visitor.signed_in(world, "lead", role="referral_coordinator")
    brought_in(world, ON_FILE)
    done = begun(visitor, WEEK[:1])
    visitor.post(f"{done}/approve")
    return {"review": begun(visitor, WEEK), "brought-in": done}


def _made(world: World) -> dict[str, str]:
    """Return what stands in addresses: of drafts, sent and not, and of a referral."""
    world.refer([referral(7)], "cove")  # so the student of the answers is on the roster
    visitor = Visitor.signed_in(world, "counselor-1")
    pages = {"draft": visitor.answered(), "waiting": visitor.answered(**PENDING)}
    sent = visitor.answered()
    assert visitor.send(sent).status_code == 303
    keys = re.findall(
        r"/portal/referral/([0-9a-f]{32})", visitor.get("/portal/board?show=all").text
    )
    declined = re.search(
        r'href="/portal/referral/([0-9a-f]{32})">Choose another',
        visitor.get("/portal/board?show=all").text,
    )
    assert declined
    more = {"referral": keys[0], "declined": declined[1], **_reviews(world)}
    return {**pages, **more, "fresh": visitor.begun(), "sent": sent}
