"""A hub's exports of coded rows against orders that keep the hub out.

No form of one student opens the rows of the state: a designation does, for all. What closes those
of one student is an order, which is raced
(:func:`bridge.journeys.families.guardian_blocks.record_order`).
"""

import time
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select

from bridge.context import Bridge
from bridge.gate.disclosures import subject_of
from bridge.identity import Registration, register_client
from bridge.journeys.families.guardian_blocks import FACT, Order, record_order
from bridge.journeys.files.import_referrals import ReferralImport
from bridge.journeys.files.import_roster import import_roster
from bridge.journeys.running.set_up import designate
from bridge.ledger.entry import Kind
from bridge.ledger.tables import ENTRY
from bridge.parts import parts_of
from bridge.store.database.engine import read, write
from bridge.store.directory import agreements
from bridge.store.facts.conditions import EVIDENCE
from mappings.canonical import Referral
from mappings.language import Mapped
from tests.faults.deployment import Deployment, kill, make_deployment
from tests.faults.export_reader import Exporter, exports_raced
from tests.faults.revocation_races import READERS, Races
from tests.support.listed_rows import every_row
from tests.support.worlds import HARBOR, HUB, LEA, client_key, referral, standings

HUB_CLIENT = "state-hub"
ROWS = ("ServiceRequest",)
EACH = 2
"""So many referrals each student has: they stand in different parts of the file."""


def make_hub_deployment(home: Path, url: str, students: int) -> Deployment:
    """Make a deployment whose hub may be told of all referrals of so many students."""
    made = make_deployment(home, url)
    bridge = made.open()
    parts = parts_of(bridge)
    registration = Registration(
        HUB_CLIENT, standings()[HUB_CLIENT], jwks=client_key().public_jwks()
    )
    with write(bridge.engine) as connection:
        register_client(connection, registration, bridge.clock)
        (agreement,) = [each.id for each in agreements(connection)]
    designate(parts, agreement, "audit_eval_agreement")
    rows = [_referral(n, again, students) for again in range(EACH) for n in range(students)]
    import_roster(parts, LEA, [Mapped(r.student, r.origin.row) for r in rows[:students]])
    stored = ReferralImport(parts, LEA, HARBOR).run([Mapped(r, r.origin.row) for r in rows]).stored
    assert stored == EACH * students
    bridge.engine.dispose()
    return made


def _referral(number: int, again: int, students: int) -> Referral:
    whose = {"local_id": str(1000 + number), "given_name": f"Child{number}"}
    return referral(number + again * students, student=whose, releases=(), screenings=())


@dataclass
class Orders:
    """Which students the hub was kept from, and when that was acknowledged (monotonic seconds).

    Attributes:
        acknowledged: by the hub's name for a referral.
        subjects: by the register's name for a student, the ledger's.
    """

    acknowledged: dict[str, float] = field(default_factory=dict)
    subjects: dict[str, str] = field(default_factory=dict)

    def record(self, bridge: Bridge, number: int, students: int) -> None:
        """Keep the hub from one student."""
        issue = bridge.identifiers.issue
        student = issue("student", LEA, str(1000 + number))
        record_order(parts_of(bridge), student, Order(party="hub", source="safety-flag"))
        now = time.monotonic()
        self.subjects[student] = subject_of(bridge.identifiers, student)
        for again in range(EACH):
            named = issue(LEA, HARBOR, "ServiceRequest", f"R-{number + again * students}")
            self.acknowledged[bridge.identifiers.pseudonym(HUB, named)] = now

    def committed(self, bridge: Bridge) -> tuple[int, int]:
        """Count releases that the ledger took before the order on their student, and after it.

        An order's time is taken under the lock that each release holds from before its own time
        until its commit, so the times tell the order of the commits.
        """
        began = select(EVIDENCE.c.student_id, EVIDENCE.c.recorded_at)
        began = began.where(EVIDENCE.c.fact == FACT, EVIDENCE.c.recipient == "hub")
        entries = select(ENTRY.c.log, ENTRY.c.position, ENTRY.c.subject, ENTRY.c.recorded_at)
        kinds = (Kind.RELEASE.value, Kind.RELEASES.value)
        counts, listed = [0, 0], dict[tuple[str, int], list[str | None]]()
        with read(bridge.engine) as connection:
            closed = {self.subjects[s]: at for s, at in connection.execute(began)}
            for log, position, row in every_row(connection):
                listed.setdefault((log, position), []).append(row.subject)
            for log, position, alone, at in connection.execute(
                entries.where(ENTRY.c.kind.in_(kinds))
            ):
                for subject in listed.get((log, position), [alone]):
                    if subject in closed:
                        counts[at >= closed[subject]] += 1
        return counts[0], counts[1]


def run_races(
    bridge: Bridge, base_url: str, students: int, seed: int
) -> tuple[Races, tuple[int, int]]:
    """Keep the hub from so many students in an order of chance while it exports.

    Returns what came of it, and how many releases were committed before an order and after it.
    """
    orders = Orders()
    hubs = [Exporter(base_url, HUB_CLIENT, ROWS) for _ in range(READERS)]
    came = exports_raced(
        hubs,
        range(students),
        seed,
        lambda number: orders.record(bridge, number, students),
        orders.acknowledged,
    )
    return came, orders.committed(bridge)


def raced(made: Deployment, students: int, seed: int) -> tuple[Races, tuple[int, int]]:
    """Do :func:`run_races` with a server of the deployment."""
    server = made.start()
    made.wait(server)
    bridge = made.open()
    try:
        return run_races(bridge, made.base_url, students, seed)
    finally:
        bridge.engine.dispose()
        kill(server)
