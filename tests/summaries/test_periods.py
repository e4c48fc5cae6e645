"""Periods: numbers, ends, and which are complete."""

import datetime as dt

import ibis
import pandas as pd
import pytest

from retention_models.errors import SettingsError
from retention_models.summaries.periods import Periods, periods_of

D = dt.date


@pytest.mark.parametrize("period", ["W", "M", "Q", "Y", 1, 28, 365])
def test_the_engine_numbers_days_as_python_does(period):
    """Over two years around a leap day; every day lies in its period and the ends meet."""
    days = [D(2023, 6, 1) + dt.timedelta(days=i) for i in range(730)]
    periods = periods_of(period, D(2024, 11, 17))
    table = ibis.memtable(pd.DataFrame({"date": days}), schema={"date": "date"})
    numbers = table.mutate(n=periods.number_of(table["date"])).order_by("date").execute()["n"]
    assert [periods.number(day) for day in days] == list(numbers)
    for day, number in zip(days, numbers, strict=True):
        assert periods.start(number) <= day <= periods.end(number)
        assert periods.end(number) + dt.timedelta(days=1) == periods.start(number + 1)


@pytest.mark.parametrize(
    ("period", "first", "last", "starts"),
    [
        ("M", D(2024, 1, 1), D(2024, 3, 30), [D(2024, 1, 1), D(2024, 2, 1)]),
        ("M", D(2024, 1, 2), D(2024, 2, 29), [D(2024, 2, 1)]),
        ("W", D(2024, 1, 1), D(2024, 1, 14), [D(2024, 1, 1), D(2024, 1, 8)]),
        ("W", D(2024, 1, 2), D(2024, 1, 13), []),
        ("Q", D(2023, 12, 31), D(2024, 6, 30), [D(2024, 1, 1), D(2024, 4, 1)]),
        ("Y", D(2023, 1, 1), D(2024, 12, 30), [D(2023, 1, 1)]),
        (10, D(2024, 1, 1), D(2024, 1, 25), [D(2024, 1, 6), D(2024, 1, 16)]),
    ],
)
def test_only_complete_periods_count(period, first, last, starts):
    """A period that begins before the first day or ends after the last is none."""
    periods = periods_of(period, last)
    assert starts == [periods.start(number) for number in periods.complete(first, last)]


def test_a_year_is_a_whole_number_of_periods_or_none():
    """52 weeks and 13 times 28 days are a year; no number of 30 days is."""
    found = [periods_of(p, D(2024, 1, 1)).in_a_year for p in ("W", "M", "Q", "Y", 28, 365, 30, 400)]
    assert [52, 12, 4, 1, 13, 1, None, None] == found


@pytest.mark.parametrize("period", ["D", "month", 0, -7, 2.5, True])
def test_other_periods_are_refused(period):
    """The message names what there is."""
    with pytest.raises(SettingsError, match="period: expected"):
        periods_of(period, D(2024, 1, 1))


def test_a_leap_year_has_366_days():
    """Length in days, for rates a year."""
    year = Periods(months=12)
    assert [365, 366] == [year.length(2023), year.length(2024)]
