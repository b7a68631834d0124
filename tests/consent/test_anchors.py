"""Which element must be permitted before a type is known at all, per view."""

import pytest

from consent.minimise import anchor_of


@pytest.mark.parametrize(
    ("view", "kind", "element"),
    [
        ("to-provider", "Task", "referral.reason"),
        ("to-provider", "RelatedPerson", "guardian.contact"),
        ("to-provider", "Observation", None),
        ("to-provider", "Organization", None),
        ("to-school", "Task", "referral.status"),
        ("to-school", "Encounter", "visit.dates"),
        ("to-school", "Patient", None),
        ("to-school", "Binary", None),
    ],
)
def test_the_anchor_of_a_type_is_known_to_whoever_searches(
    view: str, kind: str, element: str | None
) -> None:
    assert anchor_of(view, kind) == element
