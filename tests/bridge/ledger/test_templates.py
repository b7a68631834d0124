"""An entry written from a template is the entry itself, byte for byte."""

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from bridge.ledger.entry import Entry, Kind, Recorded, body_of, read_body, spelled
from bridge.ledger.templates import Template, request_bytes
from tests.bridge.ledger.drawn import anything, instants, texts


@given(entry=anything, index=st.integers(0, 2**50), time=instants)
def test_a_template_gives_the_bytes_of_its_entry(entry: Entry, index: int, time: datetime) -> None:
    template = Template.of(entry)
    written = template.body(index, request_bytes(entry.request), spelled(time))
    assert written == body_of(Recorded(index, time, entry))
    assert read_body(written) == Recorded(index, time, entry)


@given(request=texts | st.text("0123456789abcdef", min_size=1))
def test_a_template_fits_any_request(request: str) -> None:
    entry = Entry("log", Kind.RELEASE, request="another")
    written = Template.of(entry).body(7, request_bytes(request), "2026-10-15T14:00:00.000000Z")
    assert read_body(written).entry.request == request
