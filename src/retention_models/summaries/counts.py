"""A log of any size as counted rows: what fits need of it fits into memory, however many customers.

A fit of purchases needs the distinct histories (x, t_x, T) and how many customers have each, a fit of
spend how many have bought so often and spent about so much. The engine counts both, and only the counts
leave it.
"""

from __future__ import annotations

import datetime as dt

import pandas as pd
from ibis.expr.types import Table

from retention_models.data.days import purchase_days
from retention_models.data.engines import to_frame
from retention_models.data.transactions import Transactions
from retention_models.errors import DataError
from retention_models.summaries.customers import (
    REST_OF_FIRST_DAY,
    Day,
    SameDay,
    check_same_day,
    customer_histories,
    end_of,
)
from retention_models.time_units import days_in

# Cells of ln(repeat spend) are this wide. The likelihood is a smooth function of it, and the cell's own
# mean stands for its customers, so the error is of second order: (1/500)²/24 of the curvature, 2e-7.
_CELLS_PER_LOG = 500


def count_customers(
    log: Transactions,
    *,
    store_id: str | None = None,
    observation_end: Day | None = None,
    time_unit: str = "W",
    same_day: SameDay = "one",
) -> pd.DataFrame:
    """Count customers by their history, in the engine.

    Parameters
    ----------
    log, store_id, observation_end, time_unit, same_day
        As for `customer_summary`.

    Returns
    -------
    DataFrame
        A row per distinct history, sorted: frequency, recency, T, customers. For
        ``fit(rows["frequency"], rows["recency"], rows["T"], weights=rows["customers"])``, which gives
        what the summary of every customer gives. ``attrs`` as those of the summary.

    Raises
    ------
    SettingsError
        If a parameter is not understood.

    Examples
    --------
    >>> import retention_models as rm
    >>> days = ["2024-01-01", "2024-01-01", "2024-01-08"]
    >>> lines = pd.DataFrame({"id": ["a", "b", "b"], "day": days, "paid": [9, 3, 6]})
    >>> log = rm.read_transactions(lines, customer_id="id", date="day", spend="paid")
    >>> count_customers(log).to_dict("records")[1]
    {'frequency': 1, 'recency': 1.0, 'T': 1.0, 'customers': 1}
    """
    days_in(time_unit)
    end = end_of(log, observation_end)
    check_same_day(log.rows(store_id, end), same_day)
    histories = customer_histories(log, store_id, end, same_day)
    return counted_histories(histories, end, time_unit, same_day)


def count_spend(
    log: Transactions,
    *,
    store_id: str | None = None,
    observation_end: Day | None = None,
    same_day: SameDay = "one",
) -> pd.DataFrame:
    """Count repeat customers by how often they bought and about how much they spent, in the engine.

    Parameters
    ----------
    log, store_id, observation_end, same_day
        As for `customer_summary`.

    Returns
    -------
    DataFrame
        A row per frequency and step of 0.2% of repeat spend: frequency, monetary_value
        (mean of these customers' mean spend per repeat purchase), customers. For
        ``GammaGammaFitter().fit(rows["frequency"], rows["monetary_value"], rows["customers"])``.
        Customers without a repeat purchase, or whose repeat spend is not above 0, are not among them.

    Raises
    ------
    SettingsError
        If a parameter is not understood.

    Examples
    --------
    >>> import retention_models as rm
    >>> days = ["2024-01-01", "2024-01-15", "2024-02-01", "2024-06-30"]
    >>> lines = pd.DataFrame({"id": ["a", "a", "a", "b"], "day": days, "paid": [9, 3, 6, 1]})
    >>> log = rm.read_transactions(lines, customer_id="id", date="day", spend="paid")
    >>> count_spend(log).to_dict("records")
    [{'frequency': 2, 'monetary_value': 4.5, 'customers': 1}]
    """
    end = end_of(log, observation_end)
    check_same_day(log.rows(store_id, end), same_day)
    histories = customer_histories(log, store_id, end, same_day)
    return counted_spend(histories)


def count_purchase_days(
    log: Transactions,
    *,
    store_id: str | None = None,
    observation_end: Day | None = None,
    same_day: SameDay = "one",
) -> pd.DataFrame:
    """Count purchases by day, in the engine: what a season is estimated from.

    Parameters
    ----------
    log, store_id, observation_end, same_day
        As for `customer_summary`.

    Returns
    -------
    DataFrame
        A row for each day from the first purchase to observation_end, also those without one: date;
        purchases; new_customers, whose first purchase is of that day; repeat_purchases, all others.
        Whoever first bought before the log's first_seen_from is left out, as from the summaries, so
        that repeat_purchases add up to the frequencies of `count_customers`. ``attrs`` carries
        observation_end and same_day.

    Raises
    ------
    SettingsError
        If a parameter is not understood.
    DataError
        If there is no purchase up to observation_end.

    See Also
    --------
    retention_models.Calendar.of : takes them.

    Examples
    --------
    >>> import retention_models as rm
    >>> days = ["2024-01-01", "2024-01-01", "2024-01-03"]
    >>> lines = pd.DataFrame({"id": ["a", "b", "b"], "day": days, "paid": [9, 3, 6]})
    >>> log = rm.read_transactions(lines, customer_id="id", date="day", spend="paid")
    >>> count_purchase_days(log)["repeat_purchases"].tolist()
    [0, 0, 1]
    """
    end = end_of(log, observation_end)
    rows = log.rows(store_id, end)
    check_same_day(rows, same_day)
    days = purchase_days(rows, same_day=same_day, returns=log.has_returns)
    own = days.mutate(first=days["date"].min().over(group_by="customer_id"))
    if log.first_seen_from is not None:
        own = own.filter(own["first"] >= log.first_seen_from)
    counted = own.group_by("date").aggregate(
        purchases=own.count() if same_day == "one" else own["purchases"].sum(),
        new_customers=(own["date"] == own["first"]).sum(),
    )
    found = to_frame(counted)
    if found.empty:
        raise DataError(f"There is no purchase up to {end}, so there are no days to count.")
    by_day = found.set_index(pd.DatetimeIndex(found.pop("date"))).sort_index().astype("int64")
    every = pd.date_range(by_day.index[0], end, name="date")
    table = by_day.reindex(every, fill_value=0).reset_index()
    table["repeat_purchases"] = table["purchases"] - table["new_customers"]
    table.attrs = {"observation_end": end.isoformat(), "same_day": same_day}
    return table


def counted_histories(
    histories: Table, end: dt.date, time_unit: str, same_day: SameDay
) -> pd.DataFrame:
    """What `count_customers` gives, of `customer_histories` up to `end`."""
    unit = days_in(time_unit)
    by_history = ["frequency", "recency", "age"]
    counted = histories.group_by(*by_history).aggregate(customers=histories.count())
    found = to_frame(counted.order_by(*by_history))
    rows = pd.DataFrame(
        {
            "frequency": found["frequency"],
            "recency": found["recency"] / unit,
            "T": (found["age"] + REST_OF_FIRST_DAY[same_day]) / unit,
            "customers": found["customers"],
        }
    )
    rows.attrs = {"time_unit": time_unit, "observation_end": end.isoformat(), "same_day": same_day}
    # A fitter learns its unit from the column that it is given.
    rows["T"].attrs = dict(rows.attrs)
    return rows


def counted_spend(histories: Table) -> pd.DataFrame:
    """What `count_spend` gives, of `customer_histories`."""
    told = histories.filter((histories["frequency"] > 0) & (histories["repeat_spend"] > 0))
    told = told.mutate(cell=(told["repeat_spend"].ln() * _CELLS_PER_LOG).floor().cast("int64"))
    counted = told.group_by("frequency", "cell").aggregate(
        spend=told["repeat_spend"].mean(), customers=told.count()
    )
    found = to_frame(counted.order_by("frequency", "cell"))
    return pd.DataFrame(
        {
            "frequency": found["frequency"],
            "monetary_value": found["spend"] / found["frequency"],
            "customers": found["customers"],
        }
    )
