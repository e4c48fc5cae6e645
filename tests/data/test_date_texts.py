"""What the dates of a file say of their format, in words that decide nothing by themselves."""

from __future__ import annotations

import pytest

from retention_models.data.refusals import date_advice, rows_that_fit, swapped


def counted(*texts: str) -> dict[str, int]:
    """Each of them once."""
    return dict.fromkeys(texts, 1)


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (("13/01/2024", "05/06/2024"), 'Set date_format = "%d/%m/%Y".'),
        (("01/13/2024", "05/06/2024"), 'Set date_format = "%m/%d/%Y".'),
        (("13.01.2024 09:30", "05.06.2024 10:00"), 'Set date_format = "%d.%m.%Y %H:%M".'),
        (("13-Jan-2024",), 'Set date_format = "%d-%b-%Y".'),
        (("1/13/24 9:30 PM",), 'Set date_format = "%m/%d/%y %I:%M %p".'),
        (("20240113",), 'Set date_format = "%Y%m%d".'),
        (("05/06/2024", "07/08/2024"), '"%d/%m/%Y" and "%m/%d/%Y", so the data cannot say'),
        (("13/01/2024", "01/13/2024"), "no one format fits all"),
        (("31/02/2024",), "No common format fits"),
        (("45304", "45305.5"), "day numbers of a spreadsheet"),
        (("yesterday",), "No common format fits"),
        (("۱۳/۰۱/۲۰۲۴",), "digits 0-9"),
    ],
)
def test_advice_follows_from_the_dates_alone(texts, words):
    """A format is named only where it fits every date, and alone."""
    assert words in date_advice(counted(*texts))


def test_rows_are_counted_not_texts():
    """A date on 1,000 rows counts 1,000 times."""
    counts = {"13/01/2024": 1000, "05/06/2024": 234}
    assert 'All 1,234 of these dates fit "%d/%m/%Y"; 234 of them also fit' in date_advice(counts)
    assert (1234, 234) == (
        rows_that_fit(counts, "%d/%m/%Y"),
        rows_that_fit(counts, "%m/%d/%Y"),
    )


def test_day_and_month_change_places_where_both_are_numbers():
    """The time of day is left out."""
    assert "%m/%d/%Y" == swapped("%d/%m/%Y %H:%M")
    assert swapped("%d %b %Y") is None
