"""Entries of any content, drawn for properties of the ledger."""

from datetime import UTC, datetime

from hypothesis import strategies as st

from bridge.ledger.entry import Entry, Kind, Resource, Ruling, Terms

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
lists = st.lists(texts, max_size=3).map(tuple)
instants = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is drawn beside it
anything = st.builds(
    Entry,
    log=texts,
    kind=st.sampled_from(Kind),
    releasing=texts,
    receiving=texts,
    role=texts,
    purpose=texts,
    request=texts,
    subject=st.none() | texts,
    resource=st.none() | st.builds(Resource, texts, texts, texts),
    elements=lists,
    terms=st.none() | st.builds(Terms, texts, texts, texts),
    ruling=st.none() | st.builds(Ruling, lists, texts, texts, lists, lists, texts, texts),
    evidence=lists,
    asked_at=st.none() | instants,
    refers=st.lists(st.integers(0, 2**53 - 1), max_size=3).map(tuple),
)
