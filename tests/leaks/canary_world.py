"""A bridge in which every text that can be a canary is one."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import text

from bridge.journeys.families.recall_releases import send_recalls
from bridge.journeys.files.import_roster import import_roster
from bridge.journeys.files.import_screenings import import_screenings
from bridge.store.database.engine import write
from bridge.store.intake import next_changes
from mappings.canonical import (
    Coded,
    Guardian,
    ItemAnswer,
    Referral,
    Release,
    ScaleResult,
    Screening,
    SourceRow,
    Student,
    StudentScreening,
)
from mappings.language import Mapped
from tests.leaks.callers import Opened, open_world
from tests.leaks.canaries import MARK, Canaries
from tests.leaks.screened import minute
from tests.leaks.viewpoints import VISITS, answer, read_task, revoke, send, session
from tests.support.worlds import COVE, HARBOR, LEA, NOW, form_education, form_health

SIGNED = (form_education(), form_health())
# State of a student's consent: number of the referral, forms, provider.
STATES: dict[str, tuple[int, tuple[Release, ...]]] = {
    "signed": (1, SIGNED),
    "visits": (2, (form_education(), VISITS)),
    "unreturned": (3, (form_education(),)),
    "minor": (4, SIGNED),
    "group": (5, SIGNED),
    "part2": (6, SIGNED),
    "pending": (11, (form_education(answer="pending"), form_health(answer="pending"))),
    "refused": (12, (form_education(answer="refused"), form_health(answer="refused"))),
    "revoked": (13, SIGNED),
    "expired": (14, (form_education(expires_on=date(2026, 9, 30)),)),
    "gone": (15, SIGNED),
    "other": (16, SIGNED),
}
RELEASED = ("signed", "visits", "unreturned", "minor", "group", "part2")
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class CanaryWorld:
    """The world and its canaries."""

    opened: Opened
    canaries: Canaries


def make_canary_world(folder: Path) -> CanaryWorld:
    """Fill a bridge with a student in every state, then add canaries to every stored record."""
    made = CanaryWorld(open_world(folder), Canaries())
    for n, state in enumerate(STATES):
        row = _referral(made.canaries, state)
        send(made.opened, n, row, provider=COVE if state == "other" else HARBOR)
    _screen(made)
    _work(made)
    revoke(made.opened, 60, STATES["revoked"][0])
    assert send_recalls(made.opened.world.parts) == 1
    _saturate(made)
    made.opened.at(NOW)
    return made


def _referral(canaries: Canaries, state: str) -> Referral:
    number, forms = STATES[state]

    def new(path: str) -> str:
        return canaries.new(state, f"referral.{path}")

    def coded(code: str, path: str) -> Coded:
        return Coded(code, new(path))

    forms = tuple(replace(form, signer=new(f"release.{form.form}.signer")) for form in forms)
    return Referral(
        number=f"R-{number}",
        authored_on=date(2026, 9, 2),
        student=_student(canaries, state),
        urgency=coded("urgent", "urgency"),
        reasons=(coded("anxiety", "reason"), coded("other", "reason.other")),
        origin=SourceRow(new("source"), new("file"), number, new("key")),
        description=new("description"),
        requested_service=coded("individual", "service"),
        referrer_name=new("referrer.name"),
        referrer_role=coded("counsellor", "referrer.role"),
        interventions_tried=new("interventions"),
        guardian=Guardian(new("guardian.name"), coded("FTH", "guardian.kin"), *_contact(new)),
        screenings=(Screening(coded("phq-9", "instrument"), Decimal(12), date(2026, 9, 1)),),
        releases=forms,
        attendance_percent=Decimal(91),
        plan_504=True,
        iep=True,
        discipline_count=31,
    )


def _screen(made: CanaryWorld) -> None:
    """Import a scored and a called screening of every student, and of one without a referral."""
    local_ids = {
        made.canaries.labels[n].state: f"{MARK}{n:06x}é"
        for n in range(len(made.canaries.labels))
        if made.canaries.labels[n].path == "student.local_id"
    }
    local_ids["alone"] = made.canaries.new("alone", "student.local_id")
    born = Student(local_ids["alone"], "Family", "Given", date(2012, 3, 4), enrolled=True)
    import_roster(made.opened.world.parts, LEA, [Mapped(born, 2)])
    rows = [row for state in local_ids for row in _screenings(made.canaries, state, local_ids)]
    made.opened.at(minute(15))
    report = import_screenings(made.opened.world.parts, LEA, [Mapped(row, 2) for row in rows])
    assert (report.stored, report.alone, report.held) == (len(rows), 2, [])


def _screenings(
    canaries: Canaries, state: str, local_ids: dict[str, str]
) -> tuple[StudentScreening, StudentScreening]:
    def new(path: str) -> str:
        return canaries.new(state, f"screening.{path}")

    def coded(code: str, path: str) -> Coded:
        return Coded(code, new(path))

    scored = StudentScreening(
        key=new("key"),
        student_id=local_ids[state],
        instrument=coded("gad-7", "instrument"),
        screened_on=date(2026, 9, 3),
        origin=SourceRow(new("source"), new("file"), 2, new("row-key")),
        respondent=coded("parent", "respondent"),
        form=new("form"),
        scores=(ScaleResult("gad-7", Decimal(14), coded("moderate", "band")),),
        answers=tuple(ItemAnswer(f"gad-7.{n}", "2") for n in range(1, 8)),
    )
    called = ScaleResult("c-ssrs", None, coded("high", "result"))
    named = coded("c-ssrs", "instrument")
    other = replace(scored, key=new("key"), instrument=named, scores=(called,), answers=())
    return scored, other


def _contact(new: Any) -> tuple[str, str]:  # noqa: ANN401 - a function
    return new("guardian.phone"), new("guardian.email")


def _student(canaries: Canaries, state: str) -> Student:
    def new(path: str) -> str:
        return canaries.new(state, f"student.{path}")

    return Student(
        local_id=new("local_id"),
        family_name=new("family"),
        given_name=new("given"),
        birth_date=date(2012, 3, 4),
        state_id=new("state_id"),
        sex=Coded("female", new("sex")),
        grade=Coded("08", new("grade")),
        school="north-middle",
        home_language=Coded("es", new("language")),
        phone=new("phone"),
        email=new("email"),
        address_line=new("address"),
        city=new("city"),
        state=new("state"),
        postal_code=new("postal_code"),
        enrolled=state != "gone",
    )


def _work(made: CanaryWorld) -> None:
    """Let the providers answer and record sessions, with canaries in all they write."""
    consents = {"signed": "guardian", "visits": "guardian", "minor": "minor"}
    for n, state in enumerate((*RELEASED, "revoked", "other")):
        number = STATES[state][0]
        caller = "cove intake" if state == "other" else "harbor intake"
        told = {
            "statusReason": {"text": made.canaries.new(state, "answer.statusReason")},
            "businessStatus": {"text": made.canaries.new(state, "answer.businessStatus")},
            "consent": consents.get(state, "guardian"),
        }
        answer(made.opened, 20 + 2 * n, number, "accepted", caller=caller, **told)
        label = "42CFRPart2" if state == "part2" else "MH"
        modality = "group" if state == "group" else "individual"
        how = {"caller": caller, "label": label, "modality": modality}
        key = made.canaries.new(state, "session.identifier", plain=True)
        session(made.opened, 21 + 2 * n, number, key, **how, **_session(made.canaries, state))
        assert read_task(made.opened, caller, number)["status"] == "accepted"


def _session(canaries: Canaries, state: str) -> Json:
    def concept(path: str) -> Json:
        return {"text": canaries.new(state, f"session.{path}")}

    who = {"individual": {"display": canaries.new(state, "session.clinician")}}
    return {
        "participant": [who],
        "reasonCode": [concept("reason")],
        "serviceType": concept("serviceType"),
        "text": {"status": "generated", "div": _div(canaries.new(state, "session.div"))},
    }


def _div(inner: str) -> str:
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{inner}</div>'


def _saturate(made: CanaryWorld) -> None:
    """Add canaries to every object of every stored record of a student."""
    states = {f"R-{number}": state for state, (number, _) in STATES.items()}
    with write(made.opened.world.bridge.engine) as connection:
        owner = _owners(connection, states)
        query = text(
            "SELECT type, id, student_id, body FROM record WHERE student_id IS NOT NULL"
            " ORDER BY change"
        )
        rows = connection.execute(query).all()
        first, _ = next_changes(connection, len(rows), made.opened.world.clock.now())
        for number, (kind, record_id, student_id, body) in enumerate(rows, first):
            saturation = Saturation(made.canaries, owner.get(student_id, "alone"))
            more = saturation.resource(orjson.loads(body))
            of = {"kind": kind, "id": record_id, "number": number}
            for table in ("record", "search_value", "search_date"):
                moved = f"UPDATE {table} SET change = :number"  # noqa: S608 - names of ours
                shown = ", body = :body" if table == "record" else ""
                said = {**of, "body": orjson.dumps(more).decode()} if shown else of
                connection.execute(text(f"{moved}{shown} WHERE type = :kind AND id = :id"), said)


def _owners(connection: Any, states: dict[str, str]) -> dict[str, str]:  # noqa: ANN401 - a connection
    query = text(
        "SELECT r.student_id, s.value FROM record r JOIN search_value s"
        " ON s.type = r.type AND s.id = r.id"
        " WHERE r.type = 'ServiceRequest' AND s.param = 'identifier'"
    )
    return {student: states[number] for student, number in connection.execute(query)}


@dataclass(frozen=True, slots=True)
class Saturation:
    """Adds to one record whatever FHIR lets stand in it, and more."""

    canaries: Canaries
    state: str

    def resource(self, resource: Json) -> Json:
        kind = resource["resourceType"]
        whole = self._object(resource, kind, top=True)
        for name, value in self._extra(kind):
            whole.setdefault(name, value)
        whole["meta"] = {**whole.get("meta", {}), "source": self._new(f"{kind}.meta.source")}
        return whole

    def _new(self, path: str) -> str:
        return self.canaries.new(self.state, f"+{path}")

    def _extra(self, kind: str) -> Iterator[tuple[str, object]]:
        inside = {"resourceType": "Basic", "id": "c", "code": {"text": self._new(f"{kind}.inner")}}
        yield "text", {"status": "generated", "div": _div(self._new(f"{kind}.text.div"))}
        yield "contained", [inside]
        yield (
            "note",
            [{"text": self._new(f"{kind}.note"), "authorString": self._new(f"{kind}.note.author")}],
        )
        yield "language", self._new(f"{kind}.language")
        yield "description", self._new(f"{kind}.description")
        yield "comment", self._new(f"{kind}.comment")
        yield "patientInstruction", self._new(f"{kind}.patientInstruction")
        yield "reasonCode", [{"text": self._new(f"{kind}.reasonCode.text")}]
        yield "statusReason", {"text": self._new(f"{kind}.statusReason.text")}
        yield "photo", [{"title": self._new(f"{kind}.photo.title")}]
        yield "_status", {"id": self._new(f"{kind}._status.id")}
        yield "neverHeardOf", {"deep": [{"er": self._new(f"{kind}.neverHeardOf")}]}

    def _object(self, node: Json, path: str, *, top: bool = False) -> Json:
        out = {name: self._value(value, f"{path}.{name}") for name, value in node.items()}
        if top or path.endswith(("extension", ".meta")):
            return out
        out.setdefault("id", self._new(f"{path}.id"))
        url = self._new(f"{path}.extension.url")
        said = {"url": url, "valueString": self._new(f"{path}.extension.valueString")}
        out["extension"] = [*out.get("extension", ()), said]
        if "reference" in out:
            out.setdefault("display", self._new(f"{path}.display"))
            out["identifier"] = {"value": self._new(f"{path}.identifier.value")}
        if "code" in out and "system" in out:
            out.setdefault("display", self._new(f"{path}.display"))
        if "coding" in out:
            out.setdefault("text", self._new(f"{path}.text"))
        return out

    def _value(self, value: Any, path: str) -> Any:  # noqa: ANN401 - JSON
        if isinstance(value, list):
            return [self._value(item, path) for item in value]
        return self._object(value, path) if isinstance(value, dict) else value


LATER = timedelta(days=365)
"""After this the agreements are out of force."""
