"""Transaction log → one row per customer: frequency, recency, T, monetary_value.

Every step is one Ibis expression; only the summary leaves the engine.
"""

from __future__ import annotations

import datetime as dt

import ibis
import pandas as pd
from ibis.expr.types import Table

from retention_models.errors import SettingsError
from retention_models.time_units import days_in
from retention_models.transactions import Transactions

Day = dt.date | str


def as_day(value: Day, name: str) -> dt.date:
    """A day given as date or ISO text.

    Raises
    ------
    SettingsError
        If the text is not an ISO date; ambiguous forms are never guessed.
    """
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    try:
        return dt.date.fromisoformat(value)
    except (TypeError, ValueError):
        raise SettingsError(f"{name}: expected a day such as 2017-12-31; got {value!r}.") from None


def purchase_days(rows: Table) -> Table:
    """One row per customer and day with a purchase: customer_id, date, spend.

    A day is a purchase day if at least one line on it is not a return (spend ≥ 0); its spend is the
    sum of its lines, returns included. Returns on a day without a purchase belong to the customer's
    last purchase day before them; returns before any purchase are left out.
    """
    days = rows.group_by("customer_id", "date").aggregate(
        spend=rows["spend"].sum(), bought=(rows["spend"] >= 0).any()
    )
    upto_now = ibis.window(group_by="customer_id", order_by="date", preceding=None, following=0)
    purchase = ibis.ifelse(days["bought"], days["date"], ibis.null("date"))
    days = days.mutate(purchase_date=purchase.max().over(upto_now))
    days = days.filter(days["purchase_date"].notnull())
    return days.group_by("customer_id", date=days["purchase_date"]).aggregate(
        spend=days["spend"].sum()
    )


def customer_summary(
    log: Transactions,
    *,
    store_id: str | None = None,
    observation_end: Day | None = None,
    time_unit: str = "W",
) -> pd.DataFrame:
    """Summarise each customer's purchases up to the end of observation.

    Parameters
    ----------
    log : Transactions
        A checked log.
    store_id : str, optional
        One store; all of them together unless given.
    observation_end : date or str, optional
        Last day that counts, included. The log's last day, of any store, unless given.
    time_unit : {"D", "W", "M"}
        Scale of recency and T: days divided by 1, 7, 30.4375. Purchases of one day are one purchase
        whatever the unit.

    Returns
    -------
    DataFrame
        Index customer_id (text, sorted). frequency: days with a purchase after the first.
        recency: first to last purchase. T: first purchase to `observation_end`. monetary_value:
        mean spend per repeat purchase day, 0 where there is none. ``attrs`` carries time_unit.

    Raises
    ------
    SettingsError
        If a parameter is not understood.
    """
    days_in(time_unit)
    end = log.last_day() if observation_end is None else as_day(observation_end, "observation_end")
    return _summary(log.rows(store_id, end), end, time_unit)


def calibration_holdout_summary(
    log: Transactions,
    *,
    store_id: str | None = None,
    calibration_end: Day,
    holdout_end: Day,
    time_unit: str = "W",
) -> pd.DataFrame:
    """Summarise customers up to `calibration_end`, and what they did up to `holdout_end`.

    Parameters
    ----------
    log : Transactions
        A checked log.
    store_id : str, optional
        One store; all of them together unless given.
    calibration_end, holdout_end : date or str
        Last days of the two periods, both included; the holdout begins on the day after
        `calibration_end`.
    time_unit : {"D", "W", "M"}
        Scale of recency, T and duration_holdout.

    Returns
    -------
    DataFrame
        The columns of `customer_summary` up to calibration_end, for customers who had bought by
        then, and frequency_holdout: purchase days in the holdout; monetary_value_holdout: mean
        spend per purchase day in it, 0 where there is none; duration_holdout: its length.

    Raises
    ------
    SettingsError
        If holdout_end does not lie after calibration_end.
    """
    unit = days_in(time_unit)
    split = as_day(calibration_end, "calibration_end")
    end = as_day(holdout_end, "holdout_end")
    if end <= split:
        raise SettingsError(
            f"holdout_end: expected a day after calibration_end = {split}; got {end}."
        )
    summary = _summary(log.rows(store_id, split), split, time_unit)
    days = purchase_days(log.rows(store_id, end))
    days = days.filter(days["date"] > split)
    later = (
        days.group_by("customer_id")
        .aggregate(
            frequency_holdout=days.count(),
            monetary_value_holdout=days["spend"].sum().cast("float64") / days.count(),
        )
        .execute()
        .set_index("customer_id")
    )
    attributes = summary.attrs
    summary = summary.join(later)
    summary["frequency_holdout"] = summary["frequency_holdout"].fillna(0).astype("int64")
    summary["monetary_value_holdout"] = summary["monetary_value_holdout"].fillna(0.0).astype(float)
    summary["duration_holdout"] = (end - split).days / unit
    summary.attrs = attributes
    return summary


def _summary(rows: Table, end: dt.date, time_unit: str) -> pd.DataFrame:
    unit = days_in(time_unit)
    days = purchase_days(rows)
    firsts = days["date"].min().over(group_by="customer_id")
    days = days.mutate(repeat_spend=ibis.ifelse(days["date"] > firsts, days["spend"], 0))
    found = days.group_by("customer_id").aggregate(
        first=days["date"].min(),
        last=days["date"].max(),
        purchases=days.count(),
        repeat_spend=days["repeat_spend"].sum().cast("float64"),
    )
    table = found.order_by("customer_id").execute().set_index("customer_id")
    first, last = pd.to_datetime(table["first"]), pd.to_datetime(table["last"])
    frequency = table["purchases"].astype("int64") - 1
    summary = pd.DataFrame(
        {
            "frequency": frequency,
            "recency": (last - first).dt.days / unit,
            "T": (pd.Timestamp(end) - first).dt.days / unit,
            "monetary_value": (table["repeat_spend"] / frequency.where(frequency > 0)).fillna(0.0),
        }
    )
    summary.index.name = "customer_id"
    summary.attrs = {"time_unit": time_unit, "observation_end": end}
    return summary
