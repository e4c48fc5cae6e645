"""What a holdout needs of a store's log: its customers before and after, its days, its silence."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from ibis.expr.types import Table

from retention_models.data.engines import to_frame
from retention_models.data.transactions import Transactions
from retention_models.errors import CannotSay
from retention_models.summaries.customers import (
    Day,
    as_day,
    calibration_holdout_summary,
    customer_summary,
    purchase_days,
)
from retention_models.time_units import days_in

# A store that is shut for a holiday or two is not closed.
SILENCE = dt.timedelta(days=14)


@dataclass(frozen=True, slots=True)
class StoreDays:
    """Days from a store's first purchase to the end of the data, and between customers' first and last.

    `inner` counts by day the purchases that are neither their customer's first nor last; `expected`
    is how many it would be if every customer's lay evenly between the two (see `store_changes`).
    `spans` has the distinct days between which they lie: first, last, inner; without it all are taken
    for one span, in which they lie as expected. `pace` is of each day, where not all are alike.
    """

    inner: pd.Series = field(repr=False)
    expected: pd.Series = field(repr=False)
    last_purchase: dt.date
    spans: pd.DataFrame | None = field(repr=False, default=None)
    pace: pd.Series | None = field(repr=False, default=None)

    def under(self, pace: pd.Series) -> StoreDays:
        """With `expected` in proportion to a day's pace, index the days, instead of evenly."""
        assert self.spans is not None, "read with the log"
        days = self.inner.index
        each = pace.reindex(days).fillna(1.0).to_numpy(dtype=float)
        until = np.concatenate([[0.0], np.cumsum(each)])
        first, last = (
            (pd.DatetimeIndex(self.spans[name]) - days[0]).days.to_numpy()
            for name in ("first", "last")
        )
        between = until[last] - until[first + 1]
        some = between > 0.0
        rate = self.spans["inner"].to_numpy(dtype=float)[some] / between[some]
        begun = np.bincount(first[some] + 1, rate, days.size)
        ended = np.bincount(last[some], rate, days.size)
        expected = np.maximum(np.cumsum(begun - ended), 0.0) * each
        return replace(self, expected=pd.Series(expected, days), pace=pd.Series(each, days))


@dataclass(frozen=True)
class HoldoutData:
    """What the models are fitted to and held against.

    `customers` is `calibration_holdout_summary` with last_period (see `read_holdout`); `days` are of
    the whole data; `before_silence` is the summary on the day of the last purchase, where nothing was
    bought for 14 days or more at the end of the data.
    """

    customers: pd.DataFrame = field(repr=False)
    days: StoreDays
    before_silence: pd.DataFrame | None = field(repr=False)
    calibration_end: dt.date
    holdout_end: dt.date

    @property
    def window(self) -> float:
        """Length of the holdout in the customers' unit of time."""
        return float(self.customers["duration_holdout"].iloc[0])


def read_holdout(
    log: Transactions,
    *,
    store_id: str | None = None,
    calibration_end: Day,
    holdout_end: Day,
    time_unit: str = "W",
) -> HoldoutData:
    """Cut a log into calibration and holdout.

    last_period: with a holdout of h days, a customer's purchase days (the first included) among the
    last h days up to calibration_end. Where the calibration period, from the store's first purchase
    to calibration_end, is only c < h days long, all of them times h / c.
    """
    split, end = as_day(calibration_end, "calibration_end"), as_day(holdout_end, "holdout_end")
    customers = calibration_holdout_summary(
        log, store_id=store_id, calibration_end=split, holdout_end=end, time_unit=time_unit
    )
    if customers.empty:
        raise CannotSay(
            "Nobody had bought by {day}, so there is nothing to validate.", day=calibration_end
        )
    attributes = customers.attrs
    purchases = purchase_days(log.rows(store_id, end), returns=log.has_returns)
    recent = _last_period(purchases, split, end).reindex(customers.index, fill_value=0)
    days = _store_days(purchases, end)
    observed = round(float(customers["T"].max()) * days_in(time_unit)) + 1
    customers["last_period"] = recent * max(1.0, (end - split).days / observed)
    customers.attrs = attributes
    return HoldoutData(
        customers=customers,
        days=days,
        before_silence=(
            customer_summary(
                log, store_id=store_id, observation_end=days.last_purchase, time_unit=time_unit
            )
            if end - days.last_purchase >= SILENCE
            else None
        ),
        calibration_end=split,
        holdout_end=end,
    )


def _last_period(days: Table, split: dt.date, end: dt.date) -> pd.Series:
    days = days.filter((days["date"] <= split) & (days["date"] > split - (end - split)))
    counts = to_frame(days.group_by("customer_id").aggregate(purchases=days.count()))
    return counts.set_index("customer_id")["purchases"]


def _store_days(days: Table, end: dt.date) -> StoreDays:
    own = days.mutate(
        first=days["date"].min().over(group_by="customer_id"),
        last=days["date"].max().over(group_by="customer_id"),
        purchases=days["date"].count().over(group_by="customer_id"),
    )
    begins, ends = own["date"] == own["first"], own["date"] == own["last"]
    length = own["last"].delta(own["first"], unit="day")
    # Inner purchases per day between first and last; of none where there is no day between.
    rate = ((own["purchases"] - 2) / (length - 1).nullif(0)).fill_null(0.0)
    rate = (own["purchases"] > 2).ifelse(rate, 0.0)
    by_day = to_frame(
        own.group_by("date").aggregate(
            inner=(~begins & ~ends).sum(),
            begun=begins.ifelse(rate, 0.0).sum(),
            ended=ends.ifelse(rate, 0.0).sum(),
        )
    )
    several = own.filter(begins & (own["purchases"] > 2))
    spans = to_frame(
        several.group_by("first", "last").aggregate(inner=(several["purchases"] - 2).sum())
    )
    table = by_day.set_index(pd.DatetimeIndex(by_day.pop("date")))
    last_purchase = table.index.max().date()
    table = table.reindex(pd.date_range(table.index.min(), end), fill_value=0)
    # A span begins on the day after its first purchase. What is added and taken away again leaves
    # rounding errors behind.
    expected = (table["begun"].shift(1, fill_value=0.0) - table["ended"]).cumsum().clip(lower=0.0)
    return StoreDays(
        inner=table["inner"].astype("int64"),
        expected=expected,
        last_purchase=last_purchase,
        spans=spans,
    )
