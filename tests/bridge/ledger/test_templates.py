"""An entry written from a template is the entry itself, byte for byte."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from bridge.ledger.entry import (
    Entry,
    Kind,
    Recorded,
    Resource,
    Ruling,
    Terms,
    body_of,
    read_body,
    spelled,
)
from bridge.ledger.templates import Template, request_bytes

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
TEXTS = st.lists(TEXT, max_size=3).map(tuple)
INSTANTS = st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ENTRIES = st.builds(
    Entry,
    log=TEXT,
    kind=st.sampled_from(Kind),
    releasing=TEXT,
    receiving=TEXT,
    role=TEXT,
    purpose=TEXT,
    request=TEXT,
    subject=st.none() | TEXT,
    resource=st.none() | st.builds(Resource, TEXT, TEXT, TEXT),
    elements=TEXTS,
    terms=st.none() | st.builds(Terms, TEXT, TEXT, TEXT),
    ruling=st.none() | st.builds(Ruling, TEXTS, TEXT, TEXT, TEXTS, TEXTS, TEXT, TEXT),
    evidence=TEXTS,
    asked_at=st.none() | INSTANTS,
    refers=st.lists(st.integers(0, 2**40), max_size=3).map(tuple),
)


@given(entry=ENTRIES, index=st.integers(0, 2**50), time=INSTANTS)
def test_a_template_gives_the_bytes_of_its_entry(entry: Entry, index: int, time: datetime) -> None:
    template = Template.of(entry)
    written = template.body(index, request_bytes(entry.request), spelled(time))
    assert written == body_of(Recorded(index, time, entry))
    assert read_body(written) == Recorded(index, time, entry)


@given(request=TEXT | st.text("0123456789abcdef", min_size=1))
def test_a_template_fits_any_request(request: str) -> None:
    entry = Entry("log", Kind.RELEASE, request="another")
    written = Template.of(entry).body(7, request_bytes(request), "2026-10-15T14:00:00.000000Z")
    assert read_body(written).entry.request == request
