"""Entries, a clock and keys for the tests of the ledger. Everything is synthetic."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from bridge.clock import FixedClock
from bridge.ledger.entry import Entry, Kind, Resource, Ruling, Terms

EntryMaker = Callable[..., Entry]


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 3, 2, 15, 0, tzinfo=UTC))


@pytest.fixture
def make_entry() -> EntryMaker:
    """Make a release; any field can be given."""

    def make(**fields: object) -> Entry:
        defaults: dict[str, object] = {
            "log": "mou-1",
            "kind": Kind.RELEASE,
            "releasing": "district-7",
            "receiving": "clinic-2",
            "role": "intake",
            "purpose": "refer",
            "request": "request-1",
            "subject": "pseudonym-1",
            "resource": Resource("ServiceRequest", "sr-1", "ab" * 32),
            "elements": ("referral.reason", "student.name"),
            "terms": Terms("mou-1", "2", "cd" * 32),
            "ruling": Ruling(("flow:F1",), "F1", "4.1", ("ferpa.consent",), ("notice",), "ef", "3"),
            "evidence": ("release-9",),
            "asked_at": datetime(2026, 3, 2, 14, 59, tzinfo=UTC),
        }
        return Entry(**(defaults | fields))  # type: ignore[arg-type] # fields as a case changes them

    return make
