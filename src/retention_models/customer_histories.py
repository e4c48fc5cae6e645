"""Days with a purchase → a customer's history, as an expression that stays in the engine."""

from __future__ import annotations

import datetime as dt

import ibis
from ibis.expr.types import Table

from retention_models.purchase_days import SameDay, purchase_days
from retention_models.transactions import Transactions


def customer_histories(
    log: Transactions, store_id: str | None, end: dt.date, same_day: SameDay
) -> Table:
    """The summary as an expression, for what goes on in the engine.

    Parameters
    ----------
    log, store_id, end, same_day
        As for `customer_summary`.

    Returns
    -------
    ibis Table
        A row per customer: customer_id, frequency, recency and age (whole days; T is age in units of
        time, and half a day more unless same_day is "one"), repeat_spend (of the repeat purchases).
        Whoever first bought before the log's first_seen_from is left out.
    """
    days = purchase_days(log.rows(store_id, end), same_day=same_day, returns=log.has_returns)
    sums = {
        "first": days["date"].min(),
        "last": days["date"].max(),
        "purchases": days.count() if same_day == "one" else days["purchases"].sum(),
        "spend": days["spend"].sum(),
        "first_spend": days["spend"].argmin(days["date"]),
    }
    if same_day != "one":
        sums["first_purchases"] = days["purchases"].argmin(days["date"])
    found = days.group_by("customer_id").aggregate(**sums)
    repeat_spend = (found["spend"] - found["first_spend"]).cast("float64")
    if same_day != "one":
        # Which of the first day's n purchases came first is not known, so n − 1 shares of the day's
        # spend are repeats.
        share = 1 - 1 / found["first_purchases"].cast("float64")
        repeat_spend = repeat_spend + share * found["first_spend"].cast("float64")
    histories = found.select(
        "customer_id",
        frequency=(found["purchases"] - 1).cast("int64"),
        recency=found["last"].delta(found["first"], unit="day"),
        age=ibis.literal(end).delta(found["first"], unit="day"),
        repeat_spend=repeat_spend,
    )
    if log.first_seen_from is None:
        return histories
    return histories.filter(histories["age"] <= (end - log.first_seen_from).days)
