from datetime import date, datetime

import pytest

from mappings.language.formats import date_format, same_text_two_days


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        ("M/D/YYYY", "1/7/2019", date(2019, 1, 7)),
        ("M/D/YYYY", "01/07/2019", date(2019, 1, 7)),
        ("MM/DD/YYYY", "1/7/2019", None),
        ("M/D/YYYY", "17/1/2019", None),
        ("M/D/YYYY", "1/7/19", None),
        ("M/D/YYYY", "1/7/2019 8:00", None),
        ("M/D/YYYY", "1/7/0019", None),
        ("YYYY-MM-DD", "2024-02-29", date(2024, 2, 29)),
        ("YYYY-MM-DD", "2023-02-29", None),
        ("D-MMM-YYYY", "7-Jan-2019", date(2019, 1, 7)),
        ("D-MMM-YYYY", "7-Jnu-2019", None),
        ("M/D/YYYY", "\u0661/\u0667/2019", None),
    ],
)
def test_a_day_is_read_only_as_written(form: str, text: str, expected: date | None) -> None:
    assert date_format(form).read(text) == expected


@pytest.mark.parametrize(
    ("text", "hour"), [("12:05 AM", 0), ("1:05 am", 1), ("12:05 PM", 12), ("11:05 pm", 23)]
)
def test_half_days_are_read(text: str, hour: int) -> None:
    found = date_format("M/D/YYYY h:mm AM").read(f"1/7/2019 {text}")
    assert isinstance(found, datetime)
    assert (found.hour, found.minute) == (hour, 5)


@pytest.mark.parametrize(
    ("text", "offset"),
    [("20210924093000+0215", 8_100), ("202109240930-0400", -14_400), ("20210924093000.12", None)],
)
def test_hl7_timestamps_keep_their_offset(text: str, offset: int | None) -> None:
    found = date_format("hl7-timestamp").read(text)
    assert isinstance(found, datetime)
    assert (found.hour, found.minute) == (9, 30)
    moved = found.utcoffset()
    assert (moved.total_seconds() if moved is not None else None) == offset


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        ("M/D/YYYY", "D/M/YYYY", True),
        ("MM/DD/YYYY", "D/M/YYYY", True),
        ("M/D/YYYY", "YYYY-MM-DD", False),
        ("M/D/YYYY h:mm", "M/D/YYYY", False),
        ("M-D-YYYY", "M/D/YYYY", False),
    ],
)
def test_formats_that_read_one_text_as_two_days_are_found(
    one: str, other: str, clash: bool
) -> None:
    assert (same_text_two_days((date_format(one), date_format(other))) is not None) is clash


@pytest.mark.parametrize("text", ["M/D/YY", "M/D", "M/M/YYYY", "yyyy-mm-dd", "M/D/YYYY h"])
def test_a_format_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        date_format(text)
