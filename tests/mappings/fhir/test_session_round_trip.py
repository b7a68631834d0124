"""Whatever a session says comes back from the resource it was built as."""

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from mappings.canonical import Attendance, Coded, Modality, Place, ServiceSession
from mappings.fhir import session_resources
from mappings.fhir.check import check_resource
from mappings.fhir.sessions_in import parse_appointment, parse_encounter
from mappings.fhir.terminology import table
from tests.support.fhir_records import ORIGIN, SESSION_CONTEXT


def opaque(kind: str, key: str) -> str:
    return hashlib.sha256(f"{kind}/{key}".encode()).hexdigest()[:20]


CONTEXT = replace(SESSION_CONTEXT, id_for=opaque)
SITES = {f"Location/{SESSION_CONTEXT.school_location_id}"}
TEXT = st.text("abcXYZ ñ'<&\"\\漢", min_size=1, max_size=20).map(str.strip).filter(bool)
INSTANT = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is drawn beside it
LICENCE = st.builds(Coded, st.sampled_from([*table("licences").rows, ""]), TEXT)


@st.composite
def sessions(draw: st.DrawFn) -> ServiceSession:
    attendance = draw(st.sampled_from(Attendance))
    over = attendance is Attendance.ATTENDED
    starts = draw(INSTANT | st.dates(date(2020, 1, 1), date(2029, 1, 1)) if over else INSTANT)
    later = isinstance(starts, datetime) and draw(st.booleans())
    return ServiceSession(
        key=draw(TEXT),
        attendance=attendance,
        origin=ORIGIN,
        patient_id=SESSION_CONTEXT.patient_id,
        starts=starts,
        ends=max(starts, draw(INSTANT)) if later and isinstance(starts, datetime) else None,
        modality=draw(st.none() | st.sampled_from(Modality)),
        place=draw(st.none() | st.sampled_from(Place if over else [Place.SCHOOL])),
        clinician=draw(st.none() | TEXT),
        licence=draw(st.none() | LICENCE) if over else None,
    )


@given(sessions())
def test_a_session_comes_back_as_it_went_and_its_resource_is_sound(session: ServiceSession) -> None:
    resource = session_resources(session, CONTEXT)[0]
    assert check_resource(resource) == []
    parse = parse_encounter if resource["resourceType"] == "Encounter" else parse_appointment
    assert parse(resource, ORIGIN, SITES) == session


@given(sessions())
def test_building_again_from_what_came_back_gives_the_same_resource(
    session: ServiceSession,
) -> None:
    resource = session_resources(session, CONTEXT)[0]
    parse = parse_encounter if resource["resourceType"] == "Encounter" else parse_appointment
    back = replace(parse(resource, ORIGIN, SITES), origin=session.origin)
    assert session_resources(back, CONTEXT)[0] == resource
