"""Σ ln gap between the purchases of a log's customers: what a model of regular buyers needs besides."""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace

import ibis
from ibis.expr.types import Table

from retention_models.data.days import purchase_days
from retention_models.data.engines import to_frame
from retention_models.data.pairs import of_store_and_customer, store_and_customer
from retention_models.data.transactions import Transactions
from retention_models.summaries.customers import Day, as_day, end_of
from retention_models.summaries.histories import parts_of
from retention_models.time_units import days_in


def sum_log_gaps(
    log: Transactions,
    *,
    store_id: str | None = None,
    observation_end: Day | None = None,
    time_unit: str = "W",
    first_seen_from: Day | None = None,
) -> float:
    """Sum the logs of the gaps between all customers' purchases, in the engine.

    Parameters
    ----------
    log, store_id, observation_end, time_unit, first_seen_from
        As for `customer_summary`, with which it goes where that counts a day as one purchase
        (``same_day="one"``).

    Returns
    -------
    float
        Σ ln gap over every customer's gaps from one purchase day to the next, gaps in the unit of
        time; a gap of a day is 1/7 where that is "W". For ``BetaGeoCNBDFitter().fit(…, log_gaps=…)``
        and `regularity_test`.

    Raises
    ------
    SettingsError
        If a parameter is not understood.

    Examples
    --------
    >>> import pandas as pd
    >>> import retention_models as rm
    >>> days = ["2024-01-01", "2024-01-08", "2024-01-09", "2024-01-10"]
    >>> lines = pd.DataFrame({"id": ["a", "a", "a", "b"], "day": days, "paid": [9, 3, 6, 1]})
    >>> log = rm.read_transactions(lines, customer_id="id", date="day", spend="paid")
    >>> round(sum_log_gaps(log, time_unit="D"), 6)  # ln 7 + ln 1
    1.94591
    """
    unit = days_in(time_unit)
    end = end_of(log, observation_end)
    given = first_seen_from or log.first_seen_from
    begin = None if given is None else as_day(given, "first_seen_from")
    number, total = 0, 0.0
    for part in parts_of(replace(log, first_seen_from=None), store_id):
        gaps, logs = _of_part(part, store_id, end, begin)
        number += gaps
        total += logs
    return total - number * math.log(unit)


def _of_part(
    log: Transactions, store_id: str | None, end: dt.date, begin: dt.date | None
) -> tuple[int, float]:
    """Number of gaps and the sum of their logs, in days; only of those first seen from `begin` on."""
    again = _gaps(log.rows(store_id, end), log.has_returns)
    if begin is not None:
        again = again.filter(again["first"] >= ibis.literal(begin))
    found = to_frame(again.aggregate(gaps=again.count(), logs=again["log_gap"].sum()))
    logs = found["logs"].iloc[0]
    return int(found["gaps"].iloc[0]), 0.0 if found["gaps"].iloc[0] == 0 else float(logs)


def _gaps(rows: Table, returns: bool) -> Table:
    """A row a gap: customer_id, date of its end, first purchase of the customer, log_gap in days."""
    days = purchase_days(rows, returns=returns)
    of_customer = ibis.window(group_by="customer_id", order_by="date")
    days = days.select(
        "customer_id",
        "date",
        before=days["date"].lag().over(of_customer),
        first=days["date"].min().over(ibis.window(group_by="customer_id")),
    )
    again = days.filter(days["before"].notnull())
    gap = again["date"].delta(again["before"], unit="day").cast("float64")
    return again.select("customer_id", "date", "first", log_gap=gap.ln())


def log_gaps_by_store(
    log: Transactions,
    ends: Collection[dt.date],
    *,
    store_ids: Collection[str] | None = None,
    time_unit: str = "W",
) -> dict[dt.date, dict[str, float]]:
    """`sum_log_gaps` of each store as of several days, in one query; 0 for stores without a gap."""
    log, days = log.whole, sorted(ends)
    table = log.table.filter(log.table["date"] <= ibis.literal(days[-1]))
    if store_ids is not None:
        table = table.filter(table["store_id"].isin(list(store_ids)))
    again = _gaps(table.mutate(customer_id=of_store_and_customer(table)), log.has_returns)
    if log.first_seen_from is not None:
        again = again.filter(again["first"] >= ibis.literal(log.first_seen_from))
    known = sum((again["date"] > ibis.literal(day)).cast("int64") for day in days)
    again = again.mutate(store=store_and_customer(again["customer_id"])[0], since=known)
    found = to_frame(
        again.group_by("store", "since").aggregate(gaps=again.count(), logs=again["log_gap"].sum())
    )
    result: dict[dt.date, dict[str, float]] = {}
    for place, day in enumerate(days):
        until = found.loc[found["since"] <= place].groupby("store")[["gaps", "logs"]].sum()
        logs = until["logs"] - until["gaps"] * math.log(days_in(time_unit))
        result[day] = defaultdict(float, {str(store): float(v) for store, v in logs.items()})
    return result
