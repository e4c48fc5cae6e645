"""What a measure cannot say, and why, in words; and what its value rests on."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from retention_models.languages import count, phrase
from retention_models.measures.activity import FEWEST_GAPS
from retention_models.measures.definitions import MEASURES
from retention_models.measures.units import Units
from retention_models.transactions import Transactions

_YEAR = 365
_ACTIVITY = {"retention_rate", "churn_rate", "annual_churn_rate"}


def first_day(log: Transactions) -> dt.date:
    """Day of the first transaction of any store."""
    day: dt.date = log.stores["first_day"].min()
    return day


def unsayable(name: str, sums: pd.DataFrame, units: Units, first: dt.date) -> pd.Series:
    """Why a measure has no value in each row, as a sentence; "" where it has one."""
    measure = MEASURES[name]
    said = pd.Series("", index=sums.index, dtype=object)
    if not units.answers(measure.family):
        return _everywhere(said, phrase("No survey answers are given."))
    if measure.kind != "count":
        bottom = sums.get(measure.terms[0][1], 0.0)
        said = said.mask(bottom == 0.0, phrase(measure.nobody))
    if name == "historic_clv":
        short = sums["period"].map(units.periods.length) < _YEAR
        said = said.mask(
            short, phrase("A year's revenue per customer needs a window of at least 365 days.")
        )
    return _activity_unsayable(said, sums, units, first) if name in _ACTIVITY else said


def _activity_unsayable(
    said: pd.Series, sums: pd.DataFrame, units: Units, first: dt.date
) -> pd.Series:
    windows = _windows(sums, units)
    begins = sums["period"].map(units.periods.start)
    for row in sums.index:
        days = windows[row]
        if np.isnan(days):
            said[row] = phrase(
                "Customers came back fewer than {fewest} times, too few to tell after how long one is "
                "lost.",
                fewest=FEWEST_GAPS,
            )
        elif begins[row] - dt.timedelta(days=int(days)) < first:
            said[row] = phrase(
                "The data begin on {first}; who was active on {begin} takes purchases of the {days} "
                "days before.",
                first=first,
                begin=begins[row],
                days=int(days),
            )
    return said


def notes(name: str, table: pd.DataFrame, refused: pd.Series, units: Units) -> pd.Series:
    """The reason that a value or an interval is missing, else what the value rests on."""
    measure = MEASURES[name]
    said = pd.Series("", index=table.index, dtype=object)
    if measure.kind == "count":
        return _everywhere(said, phrase("Counted, not estimated."))
    if name in _ACTIVITY:
        said = _windows(table, units).map(_active)
    if name == "historic_clv":
        said = _everywhere(said, phrase("A rule of thumb: nothing in it looks ahead."))
    if name == "net_promoter_score" and units.surveys is not None and units.surveys.scale == "1-10":
        ten = phrase("Scale from 1 to 10: not to be held against scores from 0 to 10.")
        said = _everywhere(said, ten)
    if measure.family == "contacts" and units.surveys is None and units.events is None:
        said = _everywhere(said, phrase("No contacts but purchases are given."))
    without = table["value"].notna() & table["low"].isna()
    why = no_interval(table["customers"])
    said = said.mask(without & (said == ""), why).mask(without & (said != ""), said + " " + why)
    return said.mask(refused != "", refused)


def _active(days: float) -> str:
    return (
        ""
        if np.isnan(days)
        else phrase("Active: bought within {days} days.", days=count(int(days)))
    )


def no_interval(customers: pd.Series) -> pd.Series:
    """Why there is no interval, by the number of customers."""
    said = _everywhere(customers, phrase("All customers are alike, which gives no interval."))
    return said.mask(customers < 2, phrase("One customer alone gives no interval."))


def _everywhere(said: pd.Series, text: str) -> pd.Series:
    return pd.Series(text, index=said.index, dtype=object)


def _windows(table: pd.DataFrame, units: Units) -> pd.Series:
    """Days of the activity window of each row; NaN where a store has none."""
    if units.window is None and units.by_store:
        return table["store_id"].map(units.found_windows).astype(float)
    return pd.Series(float(units.found_windows.get("", np.nan)), index=table.index)
