"""The days and terms of a calendar: feasts on published days, columns without a mean, refusals."""

from __future__ import annotations

import datetime as dt
import importlib.util
import sys
import types

import numpy as np
import pandas as pd
import pytest
from conftest import skip_or_fail

from retention_models.errors import SettingsError
from retention_models.models.seasons.calendar import Calendar
from retention_models.models.seasons.feasts import feast_days, public_holidays
from retention_models.models.seasons.operational import operational_time

FIRST, LAST = dt.date(2024, 1, 1), dt.date(2025, 12, 31)


@pytest.fixture
def days():
    """Two years with a purchase a day."""
    return pd.DataFrame({"date": pd.date_range(FIRST, LAST), "repeat_purchases": 1})


@pytest.fixture
def library():
    """The package holidays, where it is installed."""
    if importlib.util.find_spec("holidays") is None:
        skip_or_fail("the package holidays is not installed")


# REF: the days as published, by the Gregorian calendar: Western and Orthodox Easter Sunday, Eid al-Fitr
# and Eid al-Adha in Türkiye, Nowruz in Iran, Chinese New Year in Singapore.
PUBLISHED = {
    "Easter": ["2024-03-31", "2025-04-20"],
    "Orthodox Easter": ["2024-05-05", "2025-04-20"],
    "Eid al-Fitr": ["2024-04-10", "2025-03-30"],
    "Eid al-Adha": ["2024-06-16", "2025-06-06"],
    "Nowruz": ["2024-03-20", "2025-03-21"],
    "Chinese New Year": ["2024-02-10", "2025-01-29"],
    "Christmas": ["2024-12-25", "2025-12-25"],
}


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("name", PUBLISHED)
def test_feasts_fall_on_their_published_days(name):
    """Two years of each."""
    found = feast_days(name, (0, 0), None, FIRST, LAST)
    assert [day.isoformat() for day in found] == PUBLISHED[name]


@pytest.mark.usefixtures("library")
def test_feasts_have_their_windows_and_follow_the_country():
    """Ramadan is the 29 days before Eid; Iran's Eid of 2025 was a day after Türkiye's."""
    ramadan = feast_days("Ramadan", None, None, FIRST, dt.date(2024, 12, 31))
    assert (len(ramadan), str(ramadan[0]), str(ramadan[-1])) == (29, "2024-03-12", "2024-04-09")
    easter = feast_days("Easter", (2, 1), "DE", FIRST, dt.date(2024, 12, 31))
    assert [day.day for day in easter] == [29, 30, 31, 1]
    turkey, iran = (feast_days("Eid al-Fitr", (0, 0), c, FIRST, LAST)[1] for c in ("TR", "IR"))
    assert (iran - turkey).days == 1
    late = feast_days("Eid al-Fitr", (0, 0), None, dt.date(2033, 1, 1), dt.date(2033, 12, 31))
    assert len(late) == 2  # the lunar year is shorter


@pytest.mark.usefixtures("library")
def test_public_holidays_are_a_term(days):
    """Germany's nine a year, and the feasts beside it, named in order; five years ahead too."""
    assert len(public_holidays("DE", FIRST, dt.date(2024, 12, 31))) == 9
    calendar = Calendar.of(days, country="DE", feasts=["Easter"], harmonics=0, weekdays=False)
    assert calendar.names == ("public holiday", "Easter")
    holidays = dict(calendar.events)["public holiday"]
    assert dt.date(2030, 1, 1) in holidays
    with pytest.raises(SettingsError, match="such as \"DE\"; got 'XX'"):
        Calendar.of(days, country="XX")


def test_windows_are_laid_around_the_first_of_a_feasts_days(monkeypatch):
    """By a stand-in for the package, so that it is tested where that is not installed."""
    named = {
        dt.date(2024, 4, 10): "Eid al-Fitr (estimated)",
        dt.date(2024, 4, 11): "Other; Eid al-Fitr",
        dt.date(2024, 4, 12): "Eid al-Fitr Holiday",
        dt.date(2024, 9, 1): "Other",
    }
    fake = types.ModuleType("holidays")
    fake.country_holidays = lambda country, years, language: named
    monkeypatch.setitem(sys.modules, "holidays", fake)
    found = feast_days("Eid al-Fitr", (1, 2), "TR", FIRST, LAST)
    assert [str(day) for day in found] == [f"2024-04-{n:02d}" for n in (9, 10, 11, 12)]
    assert len(public_holidays("TR", FIRST, dt.date(2024, 8, 1))) == 3


def test_without_the_package_it_is_named(monkeypatch, days):
    """What to install, and what else can be done."""
    monkeypatch.setitem(sys.modules, "holidays", None)
    with pytest.raises(SettingsError, match=r"retention-models\[calendar\]"):
        Calendar.of(days, country="DE")
    with pytest.raises(SettingsError, match=r"feasts: expected one of Christmas, .* got 'Yule'"):
        Calendar.of(days, feasts=["Yule"])
    with pytest.raises(SettingsError, match="Easter: expected a window of one day or more"):
        Calendar.of(days, feasts={"Easter": (-3, 1)})


def test_columns_add_up_to_nothing(days):
    """Waves over four years, days of the week over weeks, events over the calendar."""
    sale = ["2024-05-01", "2025-05-02", "2026-05-03"]
    calendar = Calendar.of(days, promotions={"sale": sale}, harmonics=3, weekdays=True)
    assert calendar.names[6:] == (
        "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "sale"
    )  # fmt: skip
    assert np.abs(calendar.terms[:1461, :6].mean(axis=0)).max() < 1e-4
    assert not calendar.terms[: 7 * 300, 6:12].sum(axis=0).any()
    assert calendar.terms[:, 12].sum() == pytest.approx(0.0, abs=1e-9)
    at = [(dt.date.fromisoformat(day) - FIRST).days for day in sale]
    assert (np.flatnonzero(calendar.terms[:, 12] > 0.5) == at).all()
    monday = calendar.dates.day_of_week == 0
    assert (calendar.terms[monday, 6] == 1.0).all()


def test_days_of_the_week_leave_out_those_that_are_shut(days):
    """Closed on Sundays and Mondays: four columns, Saturday minus their sum."""
    calendar = Calendar.of(days, harmonics=0, weekdays=True).with_terms(shut=(0, 6))
    assert calendar.names == ("Tuesday", "Wednesday", "Thursday", "Friday")
    saturday = calendar.dates.day_of_week == 5
    assert (calendar.terms[saturday] == -1.0).all()
    assert not calendar.open[calendar.dates.day_of_week == 6].any()


def test_operational_time_is_the_sum_of_days_and_back(days):
    """At ends of days, between them, before the log and after the calendar; and its inverse."""
    calendar = Calendar.of(days, harmonics=1, weekdays=False, closed=["2026-01-02"])
    clock = operational_time(calendar, np.array([0.4, -0.2]), 7.0)
    pace = np.exp(calendar.terms @ [0.4, -0.2]) * calendar.open
    ahead = pace[calendar.past :]
    assert ahead[1] == 0.0
    assert clock.at(0.0) == 0.0
    assert clock.at(5.5 / 7) == pytest.approx((ahead[:5].sum() + ahead[5] / 2) / 7, rel=1e-12)
    assert clock.age(3 / 7) == pytest.approx(pace[calendar.past - 3 : calendar.past].sum() / 7)
    assert clock.at(1 / 7) == clock.at(2 / 7)
    times = np.array([-140.0, -50.3, -1.0, 0.4, 12.7, 260.0, 300.0])
    np.testing.assert_allclose(clock.when(clock.at(times)), times, rtol=1e-9)


def test_calendars_are_checked(days):
    """Harmonics, days that are none, a week that is shut, an end before the first day."""
    for wrong, named in (
        ({"harmonics": -1}, "harmonics"),
        ({"end": "2024-02-30"}, "end: expected a day"),
        ({"closed": ["soon"]}, "closed: expected a day"),
        ({"promotions": {"sale": ["x"]}}, "sale: expected a day"),
    ):
        with pytest.raises(SettingsError, match=named):
            Calendar.of(days, **wrong)
    with pytest.raises(SettingsError, match="shut"):
        Calendar.of(days).with_terms(shut=tuple(range(7)))
    with pytest.raises(SettingsError, match="expected a day from the first one"):
        Calendar(end=FIRST, first=LAST)


def test_a_calendar_can_be_that_of_an_earlier_day(days):
    """As if made then."""
    days["repeat_purchases"] = np.arange(len(days))
    sale = {"sale": ["2024-05-01", "2025-05-02"]}
    then = Calendar.of(days, promotions=sale).until("2024-06-30")
    made = Calendar.of(days[days["date"] <= "2024-06-30"], promotions=sale)
    assert then == made
    assert then.purchases.tolist() == made.purchases.tolist()
    with pytest.raises(SettingsError, match="those observed; got 2026-01-01"):
        then.until("2026-01-01")


def test_a_calendar_comes_back_from_its_dictionary(days):
    """All but the purchases."""
    calendar = Calendar.of(days, promotions={"sale": ["2024-05-01"]}, closed=["2024-12-25"])
    again = Calendar.from_dict(calendar.to_dict())
    assert again == calendar
    assert again.purchases is None
    for key in calendar.to_dict():
        broken = {k: v for k, v in calendar.to_dict().items() if k != key}
        with pytest.raises(SettingsError, match="text: calendar"):
            Calendar.from_dict(broken)
