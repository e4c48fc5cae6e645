"""Σ ln gap between the purchases of a log's customers: what a model of regular buyers needs besides."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace

import ibis

from retention_models.data.days import purchase_days
from retention_models.data.engines import to_frame
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
    >>> import tempfile
    >>> import pandas as pd
    >>> from retention_models.data.transactions import read_transactions
    >>> days = ["2024-01-01", "2024-01-08", "2024-01-09", "2024-01-10"]
    >>> lines = pd.DataFrame({"id": ["a", "a", "a", "b"], "day": days, "paid": [9, 3, 6, 1]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     lines.to_csv(f"{folder}/log.csv")
    ...     log = read_transactions(f"{folder}/log.csv", customer_id="id", date="day", spend="paid")
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
    days = purchase_days(log.rows(store_id, end), returns=log.has_returns)
    of_customer = ibis.window(group_by="customer_id", order_by="date")
    days = days.select(
        "date",
        before=days["date"].lag().over(of_customer),
        first=days["date"].min().over(ibis.window(group_by="customer_id")),
    )
    if begin is not None:
        days = days.filter(days["first"] >= ibis.literal(begin))
    again = days.filter(days["before"].notnull())
    gap = again["date"].delta(again["before"], unit="day").cast("float64")
    found = to_frame(again.aggregate(gaps=again.count(), logs=gap.ln().sum()))
    logs = found["logs"].iloc[0]
    return int(found["gaps"].iloc[0]), 0.0 if found["gaps"].iloc[0] == 0 else float(logs)
