"""Transaction log → one row per customer: frequency, recency, T, monetary_value.

Every step is one Ibis expression; only the summary leaves the engine.

A log knows days, the models know moments. Counting a day as one purchase (``same_day="one"``, as
lifetimes and the published data do) loses the day's further purchases: at CDNOW's parameters α comes
out 6% too high, at a grocer's (1.5, 4, .3, 6; weeks) 11%. ``same_day="each"`` counts every order and
gives T half a day more, and a million simulated customers show no bias. Why these two suffice: let the
first purchase fall at time of day U, uniform on (0, 1). Then T is the days to the last that counts plus
1 − U, whose mean is ½; and the days from first to last purchase are ⌊U + t_x⌋, whose mean is t_x for
every t_x: recency is right as it is, also 0 for a customer who came back on the first day only. What is
left is of second order in a day ÷ the time between purchases: 0.3% of α at three purchases a week.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import replace

import numpy as np
import pandas as pd
from ibis.expr.types import Table

from retention_models.data.days import SameDay, purchase_days
from retention_models.data.engines import to_frame
from retention_models.data.pairs import of_store_and_customer, parted_in_memory
from retention_models.data.transactions import Transactions
from retention_models.errors import SettingsError, require_kind
from retention_models.summaries.histories import customer_histories, histories_in_order
from retention_models.time_units import days_in

Day = dt.date | str

__all__ = [
    "REST_OF_FIRST_DAY",
    "Day",
    "SameDay",
    "as_day",
    "calibration_holdout_summary",
    "check_same_day",
    "customer_histories",
    "customer_summary",
    "end_of",
    "purchase_days",
    "without_warm_up",
]

# What T gains where purchases are counted rather than days: the rest of the first one's day.
REST_OF_FIRST_DAY: dict[SameDay, float] = {"one": 0.0, "each": 0.5, "each_line": 0.5}


def as_day(value: Day, name: str) -> dt.date:
    """A day given as date or ISO text."""
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    try:
        return dt.date.fromisoformat(value)
    except (TypeError, ValueError):
        raise SettingsError(f"{name}: expected a day such as 2017-12-31; got {value!r}.") from None


def past_day(value: Day, name: str) -> dt.date:
    """A day that has begun somewhere: nobody knows who bought until a later one."""
    day = as_day(value, name)
    if day > dt.datetime.now(tz=dt.UTC).date() + dt.timedelta(days=1):
        raise SettingsError(
            f"{name}: expected a day that is over; got {day}, which is to come: customers would seem to "
            "have bought nothing until then."
        )
    return day


def end_of(log: Transactions, given: Day | None, name: str = "observation_end") -> dt.date:
    """The last day that counts: the one given, or else the log's last, of any store."""
    require_kind("log", log, Transactions, "read_transactions")
    return log.last_day() if given is None else past_day(given, name)


def customer_summary(
    log: Transactions,
    *,
    store_id: str | None = None,
    observation_end: Day | None = None,
    time_unit: str = "W",
    same_day: SameDay = "one",
    first_seen_from: Day | None = None,
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
        Scale of recency and T: days divided by 1, 7, 30.4375; never a bin.
    same_day : {"one", "each", "each_line"}
        What counts on a day with several orders: the day as one purchase, as in lifetimes and on
        the pages; each order (the lines of one order_id on one day that are not all returns); or,
        where every line is an order by itself, each line that is no return. The latter two give T
        half a day more.
    first_seen_from : date or str, optional
        Customers whose first purchase in the log lies before this day are left out: they were
        customers before the log begins. What the log says (`[transactions] first_seen_from`) unless
        given.

    Returns
    -------
    DataFrame
        Index customer_id (text, sorted). frequency: purchases after the first. recency: days from
        the first to the last purchase. T: days from the first purchase to `observation_end`, and
        half a day more unless `same_day` is "one". monetary_value: mean spend per repeat purchase,
        0 where there is none; a day's spend is shared equally by its purchases. ``attrs`` carries
        time_unit, observation_end, same_day, first_seen_from, customers_before (how many were left
        out by it) and first_purchase (the first purchase day of all, theirs too; None if there is
        none).

    Raises
    ------
    SettingsError
        If a parameter is not understood, orders are to be counted and a store has none with an id,
        or first_seen_from lies after observation_end.

    Notes
    -----
    Managers count visits, and tills split baskets, so pages use purchase days ("one"). Parameters that
    are compared between shops, or with the theory, want orders ("each"): see the top of this module.
    A model fitted to orders predicts orders: hold it against a holdout that counts them too.

    Examples
    --------
    >>> import retention_models as rm
    >>> names = {"customer_id": "id", "date": "day", "spend": "paid", "order_id": "order"}
    >>> days = ["2024-01-01", "2024-01-01", "2024-01-04"]
    >>> lines = pd.DataFrame({"id": "a", "day": days, "paid": [9, 3, 6], "order": [1, 2, 3]})
    >>> log = rm.read_transactions(lines, **names)
    >>> customer_summary(log, time_unit="D").to_dict("records")
    [{'frequency': 1, 'recency': 3.0, 'T': 3.0, 'monetary_value': 6.0}]
    >>> customer_summary(log, time_unit="D", same_day="each").to_dict("records")
    [{'frequency': 2, 'recency': 3.0, 'T': 3.5, 'monetary_value': 6.0}]
    """
    days_in(time_unit)
    end = end_of(log, observation_end)
    check_same_day(log.rows(store_id, end), same_day)
    summary = _summary(log, store_id, end, time_unit, same_day)
    return without_warm_up(summary, first_seen_from or log.first_seen_from)


def calibration_holdout_summary(
    log: Transactions,
    *,
    store_id: str | None = None,
    calibration_end: Day,
    holdout_end: Day,
    time_unit: str = "W",
    same_day: SameDay = "one",
    first_seen_from: Day | None = None,
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
    same_day : {"one", "each", "each_line"}
        What counts as a purchase, in both periods; see `customer_summary`.
    first_seen_from : date or str, optional
        Leaves out whoever first bought before this day; see `customer_summary`.

    Returns
    -------
    DataFrame
        The columns of `customer_summary` up to calibration_end, for customers who had bought by
        then, and frequency_holdout: purchases in the holdout; monetary_value_holdout: mean spend
        per purchase in it, 0 where there is none; duration_holdout: its length, whole days
        whatever is counted. ``attrs["customers_new_in_holdout"]`` says how many first bought after
        calibration_end: they are not in the table, and no part of what a model fitted to it can
        foresee.

    Raises
    ------
    SettingsError
        If holdout_end does not lie after calibration_end, or as for `customer_summary`.

    Notes
    -----
    A return in the holdout of something bought before it lowers no spend here: the calibration period
    could not know of it, and the holdout did not earn it.

    Examples
    --------
    >>> import retention_models as rm
    >>> days = ["2024-01-01", "2024-01-15", "2024-02-01", "2024-06-30"]
    >>> lines = pd.DataFrame({"id": ["a", "a", "a", "b"], "day": days, "paid": [9, 3, 6, 1]})
    >>> log = rm.read_transactions(lines, customer_id="id", date="day", spend="paid")
    >>> ends = {"calibration_end": "2024-01-20", "holdout_end": "2024-02-05"}
    >>> summary = calibration_holdout_summary(log, **ends)
    >>> summary.loc["a", ["frequency", "frequency_holdout"]].tolist()
    [1, 1]
    """
    unit = days_in(time_unit)
    split = as_day(calibration_end, "calibration_end")
    end = past_day(holdout_end, "holdout_end")
    if end <= split:
        raise SettingsError(
            f"holdout_end: expected a day after calibration_end = {split}; got {end}."
        )
    rows = log.rows(store_id, end)
    check_same_day(rows, same_day)
    summary = _summary(log, store_id, split, time_unit, same_day)
    # A return may be of a purchase before the split, so its day is looked for among all of them.
    days = purchase_days(
        rows if log.has_returns else rows.filter(rows["date"] > split),
        same_day=same_day,
        returns=log.has_returns,
    )
    days = days.filter(days["date"] > split)
    found = days.group_by("customer_id").aggregate(
        purchases=days["purchases"].sum(), spend=days["spend"].sum().cast("float64")
    )
    later = to_frame(found).set_index("customer_id")
    summary.attrs["customers_new_in_holdout"] = int((~later.index.isin(summary.index)).sum())
    summary = without_warm_up(summary, first_seen_from or log.first_seen_from)
    later = later.reindex(summary.index)
    summary["frequency_holdout"] = later["purchases"].fillna(0).astype("int64")
    summary["monetary_value_holdout"] = (later["spend"] / later["purchases"]).fillna(0.0)
    summary["duration_holdout"] = (end - split).days / unit
    return summary


def without_warm_up(summary: pd.DataFrame, first_seen_from: Day | None) -> pd.DataFrame:
    """A summary without those whose first purchase lies before a day; customers_before counts them."""
    begin = None if first_seen_from is None else as_day(first_seen_from, "first_seen_from")
    end = as_day(summary.attrs["observation_end"], "observation_end")
    unit = days_in(summary.attrs["time_unit"])
    if begin is not None and begin > end:
        raise SettingsError(
            f"first_seen_from: expected a day up to the last one that counts, {end}; got {begin}."
        )
    # T is whole days by the unit, and half a day where orders are counted.
    age = (summary["T"].to_numpy() * unit - REST_OF_FIRST_DAY[summary.attrs["same_day"]]).round()
    first = end - dt.timedelta(days=int(age.max())) if len(age) else None
    kept = summary if begin is None else summary.loc[age <= (end - begin).days]
    kept.attrs = {
        **summary.attrs,
        "first_seen_from": None if begin is None else begin.isoformat(),
        "customers_before": len(summary) - len(kept),
        "first_purchase": None if first is None else first.isoformat(),
    }
    return kept


def check_same_day(rows: Table, same_day: str) -> None:
    """Refuse a way of counting that is unknown, or orders where a store's lines name none."""
    if same_day not in REST_OF_FIRST_DAY:
        known = ", ".join(f'"{name}"' for name in REST_OF_FIRST_DAY)
        raise SettingsError(f"same_day: expected one of {known}; got {same_day!r}.")
    if same_day != "each":
        return
    stores = rows.group_by("store_id").aggregate(ids=rows["order_id"].count())
    without = sorted(to_frame(stores.filter(stores["ids"] == 0))["store_id"])
    if without:
        others = f" (nor of {len(without) - 1} other stores)" if len(without) > 1 else ""
        raise SettingsError(
            f'same_day: "each" counts orders, and no line of store {without[0]!r}{others} has an '
            "order id. Name their column with read_transactions(order_id=...); if every line is an "
            'order, "each_line" counts lines; "one" counts days.'
        )


def _summary(
    log: Transactions, store_id: str | None, end: dt.date, time_unit: str, same_day: SameDay
) -> pd.DataFrame:
    unit = days_in(time_unit)
    # Who is left out is counted, so everybody is asked for.
    # Arrow columns, not a data frame: at a million customers that takes half as long.
    table = histories_in_order(replace(log, first_seen_from=None), store_id, end, same_day)
    frequency = table["frequency"].to_numpy()
    repeats = np.where(frequency > 0, frequency, np.inf)
    summary = pd.DataFrame(
        {
            "frequency": frequency,
            "recency": table["recency"].to_numpy() / unit,
            "T": (table["age"].to_numpy() + REST_OF_FIRST_DAY[same_day]) / unit,
            "monetary_value": table["repeat_spend"].to_numpy() / repeats,
        },
        index=pd.Index(table["customer_id"].to_pandas(), name="customer_id"),
        copy=False,
    )
    # Text, so that the table can be written to Parquet as it is.
    summary.attrs = {
        "time_unit": time_unit,
        "observation_end": end.isoformat(),
        "same_day": same_day,
    }
    return summary


def customer_summary_by_store(
    log: Transactions,
    *,
    store_ids: Collection[str] | None = None,
    observation_end: Day | None = None,
    time_unit: str = "W",
    same_day: SameDay = "one",
    first_seen_from: Day | None = None,
) -> dict[str, pd.DataFrame]:
    """Summarise each customer's purchases at each store.

    Parameters
    ----------
    log : Transactions
        A checked log.
    store_ids : collection of str, optional
        The stores; all in the log unless given.
    observation_end, time_unit, same_day
        As for `customer_summary`.
    first_seen_from : date or str, optional
        As for `customer_summary`: whoever first bought at a store before this day is left out of
        that store's summary.

    Returns
    -------
    dict of str to DataFrame
        By store id, sorted: what `customer_summary` gives for that store. Stores without a purchase
        by then, or with nobody first seen from the day on, are left out. A customer of several
        stores is in the summary of each.

    Raises
    ------
    SettingsError
        If a parameter is not understood.

    Examples
    --------
    >>> import retention_models as rm
    >>> names = {"customer_id": "id", "date": "day", "spend": "paid", "store_id": "till"}
    >>> lines = {"id": "a", "day": ["2024-01-01", "2024-01-08", "2024-01-15"], "paid": [9, 3, 6]}
    >>> log = rm.read_transactions(pd.DataFrame(lines | {"till": ["4", "4", "17"]}), **names)
    >>> tables = customer_summary_by_store(log)
    >>> {store: int(table.loc["a", "frequency"]) for store, table in tables.items()}
    {'17': 0, '4': 1}
    """
    log = log.whole
    table = log.table
    if store_ids is not None:
        table = table.filter(table["store_id"].isin(list(store_ids)))
    # The engine takes a customer at two stores for two.
    table = table.mutate(customer_id=of_store_and_customer(table))
    together = customer_summary(
        replace(log, table=table, first_seen_from=None),
        observation_end=observation_end,
        time_unit=time_unit,
        same_day=same_day,
    )
    parted = [parted_in_memory(name) for name in together.index]
    stores, customers = [store for store, _ in parted], [customer for _, customer in parted]
    summaries = {}
    # A list of one store would be taken for a list of columns, and its name for a tuple.
    for store, place in sorted(
        pd.Series(range(len(stores))).groupby(pd.Series(stores, dtype=object))
    ):
        summary = together.iloc[place.to_numpy()]
        summary.index = pd.Index([customers[i] for i in place], name="customer_id", dtype=object)
        summary.attrs = dict(together.attrs)
        summary = without_warm_up(summary.sort_index(), first_seen_from or log.first_seen_from)
        if len(summary):
            summaries[str(store)] = summary
    return summaries
