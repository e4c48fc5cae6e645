"""The rates that every report carries, each with numerator, denominator, window and interval."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from retention_models.customer_summaries import Day, as_day, purchase_days
from retention_models.errors import CannotSay, SettingsError
from retention_models.sources import to_frame
from retention_models.transactions import Transactions

# Groups smaller than this are on no page: their numbers would tell of single persons.
SMALLEST_GROUP = 5

_NORMAL_95 = 1.959963984540054


def store_measures(
    log: Transactions,
    *,
    store_id: str | None = None,
    start: Day | None = None,
    end: Day | None = None,
) -> pd.DataFrame:
    """Orders, customers, repeat rate, frequency and spend of a store in a window.

    Parameters
    ----------
    log : Transactions
        A checked log.
    store_id : str, optional
        One store; all of them together unless given.
    start, end : date or str, optional
        First and last day of the window, both included: the year up to the log's last day unless
        given.

    Returns
    -------
    DataFrame
        Index measure; columns value, low, high (95%; NaN where the value is a plain count, which
        has no sampling error), numerator, denominator, start, end.

        orders: distinct order ids of a customer's day with a line of spend ≥ 0; lines without an
        order id are one order a day. customers: customers with a purchase. revenue: spend less returns.
        repeat_customer_rate: customers with ≥ 2 purchase days ÷ customers (Wilson's interval).
        purchase_frequency: orders ÷ customers. spend_per_order: revenue ÷ orders.
        sales_per_customer: revenue ÷ customers. The three ratios have the interval of a ratio of
        sums over customers, who are the independent units.

    Raises
    ------
    CannotSay
        If nobody bought in the window.
    SettingsError
        If the window is empty.
    """
    last = log.last_day() if end is None else as_day(end, "end")
    first = last - dt.timedelta(days=364) if start is None else as_day(start, "start")
    if first > last:
        raise SettingsError(f"start: expected a day up to end = {last}; got {first}.")
    customers = _per_customer(log, store_id, first, last)
    if customers.empty:
        raise CannotSay(
            f"Nobody bought between {first} and {last}, so there is nothing to measure."
        )
    n = len(customers)
    orders, revenue = customers["orders"].sum(), customers["spend"].sum()
    repeaters = int((customers["purchases"] >= 2).sum())
    low, high = proportion_confint(repeaters, n, alpha=0.05, method="wilson")
    one = pd.Series(1.0, index=customers.index)
    rows = {
        "customers": (n, np.nan, np.nan, n, 1),
        "orders": (orders, np.nan, np.nan, orders, 1),
        "revenue": (revenue, np.nan, np.nan, revenue, 1),
        "repeat_customer_rate": (repeaters / n, low, high, repeaters, n),
        "purchase_frequency": _ratio(customers["orders"], one),
        "spend_per_order": _ratio(customers["spend"], customers["orders"]),
        "sales_per_customer": _ratio(customers["spend"], one),
    }
    columns = ["value", "low", "high", "numerator", "denominator"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns).astype(float)
    table.index.name = "measure"
    return table.assign(start=first, end=last)


def _per_customer(
    log: Transactions, store_id: str | None, first: dt.date, last: dt.date
) -> pd.DataFrame:
    """Purchase days, orders and net spend in the window, of customers with a purchase in it."""
    # Lines without an order id are one order of their day: nothing goes uncounted.
    days = purchase_days(log.rows(store_id, last), same_day="each", returns=log.has_returns)
    days = days.filter(days["date"] >= first)
    found = days.group_by("customer_id").aggregate(
        purchases=days.count(),
        spend=days["spend"].sum().cast("float64"),
        orders=days["purchases"].sum().cast("int64"),
    )
    return to_frame(found.order_by("customer_id")).set_index("customer_id")


def _ratio(numerator: pd.Series, denominator: pd.Series) -> tuple[float, ...]:
    """Σy/Σx with its 95% interval: the variance of a ratio of means over independent customers."""
    top, bottom, n = float(numerator.sum()), float(denominator.sum()), len(numerator)
    value = top / bottom
    if n < 2:
        return value, np.nan, np.nan, top, bottom
    residual = (numerator - value * denominator).to_numpy(dtype=float)
    half = _NORMAL_95 * float(np.sqrt(n / (n - 1) * (residual @ residual))) / bottom
    return value, value - half, value + half, top, bottom
