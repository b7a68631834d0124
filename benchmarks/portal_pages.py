"""Pages of a school's and a provider's people, with many referrals between them, and with a few.

The district of the loaded deployment has them all, and sent most to one provider: no larger ones
can be meant. A page is decided, entered in the ledger and noted as looked at each time, as for a
person.
"""

import http.client
import re
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial

from benchmarks.frame import Arms, Better, Row, Sample, cpu_milliseconds
from benchmarks.large_server import BACKEND, FEW, MANY, Headers, Large, large_server, measured
from benchmarks.processes import cpu_seconds
from benchmarks.serving import Server, get
from bridge.app import open_bridge
from bridge.context import Bridge
from bridge.demo.run import LEA
from bridge.demo.sample_people import people
from bridge.gate import Wanted
from bridge.gate.people.sent_pages import Sent
from bridge.identity import Party, SignedIn, Standing, open_session, staff_of
from bridge.journeys.answers.answer_by_hand import clinic_caller
from bridge.journeys.referrals.enter_referral import BY_GUARDIAN, KIND
from bridge.journeys.referrals.keep_drafts import keep_draft, new_draft
from bridge.journeys.referrals.work_list import page_of
from bridge.parts import parts_of
from bridge.portal.refer import STEPS
from bridge.settings import read_settings
from bridge.store.database.engine import write

_LEAD = Standing(Party.LEA, LEA, "", "referral_coordinator", ("follow",))
_DESK = Standing(Party.PROVIDER, "harbor", "", "intake", ("refer",))
_OF_WORK = "/portal/work"
_EACH = 10  # sessions for each referral, of those that were answered as many as are needed for it
_SENT = (MANY, FEW)
_TREATED = (MANY // 5, MANY // 50)
Path = str | Callable[[Large, Headers], str]
"""The path of a page, or what finds it out."""


def growth_row(name: str, meaning: str, path: Path, sent: int) -> Row:
    """Return the row that compares a page with itself where there are few referrals."""
    return Row(
        name=name,
        unit="ms of server CPU per page",
        better=Better.LOWER,
        goal=1.5,
        meaning=(
            f"how many times the CPU our server needs {meaning} with {MANY:,} referrals in one"
            f" district than with {FEW:,}; 8 connections, {BACKEND}"
        ),
        value=cpu_milliseconds,
        figure=50,
        open=partial(_open, path, partial(_spent, sent=sent), _SENT),
    )


def waiting_row(name: str, meaning: str, path: Path, sent: int = 100) -> Row:
    """Return the row that compares how long a person waits for a page, likewise."""
    many, few = (f"{each:,} referrals" for each in _SENT)
    return _waiting(
        name, f"{meaning} with {many} in one district than with {few}", path, _SENT, sent
    )


def treated_row(name: str, meaning: str, path: Path, sent: int = 100) -> Row:
    """Return the row of a page where children are in treatment, and were seen many times."""
    many, few = (f"{each:,} referrals and {_EACH * each:,} sessions" for each in _TREATED)
    said = f"{meaning} with {many} in one district than with {few}"
    return _waiting(name, said, path, _TREATED, sent)


def _waiting(name: str, meaning: str, path: Path, compared: tuple[int, int], sent: int) -> Row:
    return Row(
        name=name,
        unit="ms on the wall, 95th percentile",
        better=Better.LOWER,
        goal=1.5,
        meaning=(
            f"how many times as long a person waits {meaning}; one after the other over HTTP,"
            f" {BACKEND}"
        ),
        value=_milliseconds,
        figure=50,
        open=partial(_open, path, partial(_waited, sent=sent), compared),
    )


def first_of(page: str, pattern: str) -> Callable[[Large, Headers], str]:
    """Return what finds the first address on a page that fits a pattern."""

    def found(large: Large, headers: Headers) -> str:
        (body,) = get(large.server, [page], headers)
        address = re.search(pattern.encode(), body)
        if address is None:
            raise RuntimeError(f"{page} shows no address like {pattern}")
        return address[0].decode()

    return found


one_referral = first_of("/portal/board?show=all", r"/portal/referral/[0-9a-f]{32}")
one_sent = first_of(_OF_WORK, r"/portal/work/[0-9a-f]{8}-[0-9a-f-]{27}")


def one_check(large: Large, headers: Headers) -> str:
    """Answer every page of a new referral; return the address of the page that checks it."""
    bridge = open_bridge(read_settings(large.home))
    token = headers["Cookie"].partition("=")[2]
    with write(bridge.engine) as connection:
        caller = staff_of(connection, token, bridge.clock)
    if caller is None:
        raise RuntimeError("nobody is signed in")
    draft = replace(new_draft(KIND), values=_answers())
    keep_draft(parts_of(bridge), caller, draft)
    bridge.engine.dispose()
    return f"/portal/refer/{draft.id}/check"


def _answers() -> dict[str, object]:
    """Return the answers of somebody who has the signed form, about a student of the roster."""
    person = people()[0]
    said: dict[str, object] = {
        "local_id": person.local_id,
        "given_name": person.given,
        "family_name": person.family,
        "birth_date": person.born.isoformat(),
        "school": person.school,
        "guardian": person.guardian,
        "relationship": "GUARD",
        "phone": person.phone,
        "home_language": "es",
        "interpreter": "yes",
        "concerns": ["anxiety", "sleep"],
        "description": "",
        "urgency": "urgent",
        "provider": _DESK.organization,
        "signed": "yes",
        BY_GUARDIAN: ["yes"],
        "signed_on": "2026-09-01",
        "expires_on": "2027-06-30",
        "back": ["yes"],
        "authored_on": "2026-09-14",
    }
    return said | {f"done-{step}": "yes" for step in STEPS}


def _milliseconds(sample: Sample) -> float:
    return 1000 * sample.seconds


def _open(
    path: Path, measuring: Callable[[Server, str, Headers], Sample], compared: tuple[int, int]
) -> Arms:
    with ExitStack() as opened:
        arms = []
        for referrals in compared:
            sessions = _EACH * referrals if compared is _TREATED else 0
            large = large_server(opened, referrals, sessions)
            lead, desk = _signed_in(large)
            headers = desk if path is one_sent or str(path).startswith(_OF_WORK) else lead
            place = path if isinstance(path, str) else path(large, headers)
            arms.append(partial(measuring, large.server, place, headers))
        return Arms(*arms, opened.pop_all().close)


def _spent(server: Server, place: str, headers: Headers, sent: int) -> Sample:
    return measured(server, [("GET", place, b"")] * sent, headers)


def _waited(server: Server, place: str, headers: Headers, sent: int) -> Sample:
    """Return the 95th percentile of the time from asking to the last byte, as the sample's."""
    before, times = cpu_seconds(server.process.pid), list[float]()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    with closing(connection):
        for _ in range(sent):
            began = time.perf_counter()
            connection.request("GET", place, headers=headers)
            response = connection.getresponse()
            response.read()
            times.append(time.perf_counter() - began)
            if response.status != 200:
                raise RuntimeError(f"status {response.status}")
    return Sample(sent, cpu_seconds(server.process.pid) - before, percentile(times, 95))


def percentile(times: Sequence[float], share: int) -> float:
    """Return what so many of a hundred are at most."""
    return sorted(times)[-(-len(times) * share // 100) - 1]


def _signed_in(large: Large) -> tuple[Headers, Headers]:
    """Sign in somebody of the district and of the provider, whose pages were looked at before.

    The first look works out how each referral stands.
    """
    bridge = open_bridge(read_settings(large.home))
    lead, desk = _session(bridge, _LEAD), _session(bridge, _DESK)
    page_of(bridge, bridge.settings.calendars_folder, lead.caller, Wanted())
    bridge.gate.sent_page(clinic_caller(desk.caller), Sent())
    bridge.engine.dispose()
    cookies = (f"schoolbridge_session={each.token}" for each in (lead, desk))
    of_lead, of_desk = ({"Cookie": each} for each in cookies)
    return of_lead, of_desk


def _session(bridge: Bridge, standing: Standing) -> SignedIn:
    with write(bridge.engine) as connection:
        return open_session(connection, "benchmark", standing, bridge.clock)
