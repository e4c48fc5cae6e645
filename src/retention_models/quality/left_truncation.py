"""Whether customers of before the log began are taken for new ones."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd
from ibis.expr.types import Table

from retention_models.sources import to_frame

# Of the gaps between a customer's purchase days, this share is no longer than the warm-up.
_COVERED = 0.90
_DAYS_IN_WEEK = 7
# A start this many times as crowded as the time after it, and this far beyond chance, is no accident.
_CROWDED, _STANDARD_ERRORS = 2.0, 4.0


@dataclass(frozen=True, slots=True)
class LeftTruncation:
    """New customers at the start of a log, held against the time after it.

    Attributes
    ----------
    customers : int
        Customers in the log.
    warm_up : int
        Days of the start: whole weeks that cover 90% of the gaps between two purchase days of a
        customer. By then most customers of before have been seen again.
    early : int
        Customers first seen in those days.
    expected : float
        How many it would have been at the rate of the days after; NaN where less time is left than
        the warm-up took, so that there is nothing to compare with.
    first_seen_from : date
        The day after the warm-up.
    """

    customers: int
    warm_up: int
    early: int
    expected: float
    first_seen_from: dt.date

    @property
    def is_suspected(self) -> bool:
        """Whether the start is far more crowded with new customers than the time after it.

        Not where nobody is new after it: such a log was cut to those who began at its start.
        """
        if not np.isfinite(self.expected) or self.early == self.customers:
            return False
        excess = self.early - _CROWDED * self.expected
        return excess > _STANDARD_ERRORS * float(np.sqrt(max(self.expected, 1.0)))


def left_truncation(days: Table, last_day: dt.date) -> LeftTruncation | None:
    """Compare the rate of new customers at the start of a log with the time after it.

    Parameters
    ----------
    days : ibis Table
        From `purchase_days`: customer_id, date.
    last_day : date
        The log's last day.

    Returns
    -------
    LeftTruncation or None
        None where there is no purchase.

    Notes
    -----
    In a shop that has been open for long, customers of before come back, and are taken for new, at a
    rate that falls as their gaps run out, while truly new ones come at a rate of their own. A shop that
    opens with the log, or a log that was cut to those who began in its first weeks, looks alike: the
    data cannot tell which it is.
    """
    joined = days.group_by("customer_id").aggregate(date=days["date"].min())
    new = to_frame(joined.group_by("date").aggregate(n=joined.count()))
    if new.empty:
        return None
    new = new.set_index(pd.DatetimeIndex(new["date"]))["n"].sort_index()
    begin, end = new.index[0], pd.Timestamp(last_day)
    warm_up = min(_covering(_gaps(days)), (end - begin).days + 1)
    after = begin + pd.Timedelta(days=warm_up)
    left = (end - after).days + 1
    early = int(new[new.index < after].sum())
    enough = left >= warm_up
    return LeftTruncation(
        customers=int(new.sum()),
        warm_up=warm_up,
        early=early,
        expected=float(new.sum() - early) / left * warm_up if enough else float("nan"),
        first_seen_from=after.date(),
    )


def _gaps(days: Table) -> pd.Series:
    """Days between consecutive purchase days of a customer (index), and how many such gaps."""
    before = days["date"].lag().over(group_by="customer_id", order_by="date")
    pairs = days.select("date", before=before)
    pairs = pairs.filter(pairs["before"].notnull())
    gaps = pairs.select(gap=pairs["date"].delta(pairs["before"], unit="day"))
    counts = to_frame(gaps.group_by("gap").aggregate(n=gaps.count()).order_by("gap"))
    return counts.set_index("gap")["n"]


def _covering(gaps: pd.Series) -> int:
    """Whole weeks, in days, that are no shorter than 90% of the gaps; one week if there are none."""
    if gaps.empty:
        return _DAYS_IN_WEEK
    covered = gaps.cumsum() >= _COVERED * gaps.sum()
    return int(np.ceil(float(covered.idxmax()) / _DAYS_IN_WEEK)) * _DAYS_IN_WEEK
