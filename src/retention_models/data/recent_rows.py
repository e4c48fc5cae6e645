"""Rows, customers and spend by month, week and day, of a chain and of its stores: what rules look at."""

from __future__ import annotations

import datetime as dt
from typing import Any

import ibis
import pandas as pd
from ibis.expr.types import Table

from retention_models.data.engines import to_frame

# The newest week or day is held against so many before it.
WEEKS, WEEK = 8, 7
NUMBERS = ("rows", "customers", "spend")


def by_month(rows: Table, apart: bool) -> pd.DataFrame:
    """Rows, first and last day and mean log spend by month, of the chain (store_id null), of stores."""
    spend = rows["spend"].cast("float64")
    positive = ibis.ifelse(spend > 0, spend, ibis.null("float64"))
    keys = {"year": rows["date"].year(), "month": rows["date"].month()}
    if apart:
        keys["store_id"] = rows["store_id"]
    table = to_frame(
        rows.mutate(positive=positive)
        .group_by(**keys)
        .aggregate(
            rows=lambda t: t.count(),
            sized=lambda t: t["positive"].count(),
            logs=lambda t: t["positive"].ln().sum(),
            first=lambda t: t["date"].min(),
            last=lambda t: t["date"].max(),
        )
    )
    if table.empty:
        return table
    table["at"] = pd.PeriodIndex.from_fields(
        year=table["year"].astype(int), month=table["month"].astype(int), freq="M"
    )
    for name in ("first", "last"):
        table[name] = pd.to_datetime(table[name])
    how = {"rows": "sum", "sized": "sum", "logs": "sum", "first": "min", "last": "max"}
    chain = table.groupby("at", as_index=False).agg(how).assign(store_id=None)
    parts = [chain, table[[*chain.columns]]] if apart else [chain]
    both = pd.concat([part.astype({"store_id": object}) for part in parts], ignore_index=True)
    return both.sort_values("at", ignore_index=True)


def by_week(rows: Table, newest: dt.date, apart: bool) -> pd.DataFrame:
    """Rows, customers and spend by week before the newest day (0: the newest), chain and stores."""
    since = newest - dt.timedelta(days=WEEK * (WEEKS + 1))
    recent = rows.filter((rows["date"] > since) & (rows["date"] <= newest))
    ago = ibis.literal(newest).delta(recent["date"], unit="day")
    recent = recent.mutate(week=(ago / WEEK).floor().cast("int64"))
    chain = to_frame(numbers_of(recent.group_by("week"))).assign(store_id=None)
    if not apart:
        return chain
    stores = to_frame(numbers_of(recent.group_by("week", "store_id")))
    parts = [part.astype({"store_id": object}) for part in (chain, stores)]
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)


def by_day(rows: Table, newest: dt.date) -> pd.DataFrame:
    """Rows, customers and spend of the chain by day, index date, of so many weeks and the newest day."""
    since = newest - dt.timedelta(days=WEEK * WEEKS)
    recent = rows.filter((rows["date"] >= since) & (rows["date"] <= newest))
    table = to_frame(numbers_of(recent.group_by("date")))
    return table.set_index(pd.DatetimeIndex(table["date"])).drop(columns="date")


def numbers_of(grouped: Any) -> Table:
    """NUMBERS of rows, grouped or not."""
    found: Table = grouped.aggregate(
        rows=lambda t: t.count(),
        customers=lambda t: t["customer_id"].nunique(),
        spend=lambda t: t["spend"].cast("float64").sum(),
    )
    return found
