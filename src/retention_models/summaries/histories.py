"""Days with a purchase → a customer's history, as an expression that stays in the engine."""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import replace
from itertools import pairwise

import ibis
import pyarrow as pa
from ibis.expr.types import Table

from retention_models.data.days import SameDay, purchase_days
from retention_models.data.engines import to_arrow
from retention_models.data.transactions import LINES_AT_ONCE, Transactions

_MILLION = 1e6

logger = logging.getLogger(__name__)


def customer_histories(
    log: Transactions, store_id: str | None, end: dt.date, same_day: SameDay
) -> Table:
    """The summary as an expression: customer_id, frequency, recency, age, repeat_spend.

    Recency and age are whole days (T is age in units of time, and half a day more unless same_day is
    "one"); repeat_spend is that of the repeat purchases. Whoever first bought before the log's
    first_seen_from is left out.
    """
    rows = log.rows(store_id, end)
    in_millionths = "spend_millionths" in rows.columns
    if in_millionths:
        rows = rows.mutate(spend=rows["spend_millionths"])
    days = purchase_days(rows, same_day=same_day, returns=log.has_returns)
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
    if in_millionths:
        repeat_spend = repeat_spend / _MILLION
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


def histories_in_order(
    log: Transactions, store_id: str | None, end: dt.date, same_day: SameDay
) -> pa.Table:
    """`customer_histories` in memory, by customer_id; a large log's a range of customers at a time."""
    parts = parts_of(log, store_id)
    found = []
    for number, part in enumerate(parts, 1):
        histories = customer_histories(part, store_id, end, same_day)
        found.append(to_arrow(histories.order_by("customer_id")))
        if len(parts) > 1:
            logger.info("summarised part %d of %d of the customers", number, len(parts))
    return pa.concat_tables(found)


def parts_of(log: Transactions, store_id: str | None) -> list[Transactions]:
    """The log by ranges of customers with about as many lines each, in the order of their ids."""
    rows = log.stores["rows"] if store_id is None else log.stores["rows"].get(store_id, 0)
    lines = int(rows if store_id is not None else rows.sum())
    number = -(-lines // LINES_AT_ONCE)
    drawn = log.drawn_customers
    # Python and DuckDB agree on the order of texts: that of their code points.
    ends = sorted({drawn[len(drawn) * k // number] for k in range(1, number)} if drawn else ())
    table = log.table
    within = []
    for low, high in pairwise([None, *ends, None]):
        part = table if low is None else table.filter(table["customer_id"] >= low)
        part = part if high is None else part.filter(part["customer_id"] < high)
        within.append(replace(log, table=part))
    return within
