"""The nearest valid name, and nothing far-fetched."""

import pytest

from documents import DocumentError, Problem, did_you_mean


@pytest.mark.parametrize(
    ("written", "valid", "advice"),
    [
        (
            "referal.reason",
            ("referral.reason", "referral.note"),
            '; did you mean "referral.reason"?',
        ),
        ("STATUS", ("status", "stage"), '; did you mean "status"?'),
        ("bnaana", ("status",), ""),
        ("x", (), ""),
    ],
)
def test_only_a_near_name_is_suggested(written: str, valid: tuple[str, ...], advice: str) -> None:
    assert did_you_mean(written, valid) == advice


def test_problems_are_told_in_the_order_of_the_document() -> None:
    late, early = Problem("d", 9, 1, "late"), Problem("d", 2, 7, "early")

    error = DocumentError([late, early])

    assert error.problems == (early, late)
    assert str(error) == "d:2:7: early\nd:9:1: late"
