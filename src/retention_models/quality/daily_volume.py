"""Days without any sale, and days with far more or far fewer lines than their neighbours."""

from __future__ import annotations

import numpy as np
import pandas as pd

_WEEKS_AROUND = 4
# A weekday on which less than this share of the weeks has a sale is one on which the shop is closed.
_OPEN = 0.5
# Both must hold: chance alone moves a small shop's day by half, and a large shop's by nothing.
_RATIO, _ROBUST_DEVIATIONS = 1.6, 4.0
_FEWEST_LINES = 5.0
_SIGMA_PER_MAD = 1.482602218505602


def days_without_sale(lines: pd.Series) -> pd.DatetimeIndex:
    """Days without any line between the first and the last, on weekdays that usually have one.

    Parameters
    ----------
    lines : Series
        Number of lines by day (index DatetimeIndex, sorted; days without any may be missing).
    """
    every = _every_day(lines)
    open_share = (every > 0).groupby(every.index.day_of_week).mean()
    usual = open_share.reindex(every.index.day_of_week).to_numpy() >= _OPEN
    return every.index[(every == 0).to_numpy() & usual]


def longest_gap(days: pd.DatetimeIndex) -> tuple[pd.Timestamp, pd.Timestamp] | None:
    """First and last day of the longest run of consecutive days; the earliest of equals; or None."""
    if days.empty:
        return None
    series = days.to_series()
    runs = (series.diff() != pd.Timedelta(days=1)).cumsum()
    longest = series[runs == runs.value_counts(sort=False).idxmax()]
    return longest.iloc[0], longest.iloc[-1]


def unusual_days(lines: pd.Series) -> pd.DataFrame:
    """Days with sales whose number of lines is far from that of the same weekdays around.

    Parameters
    ----------
    lines : Series
        As for `days_without_sale`.

    Returns
    -------
    DataFrame
        Index date; lines, usual (median of the same weekday in the four weeks before and the four
        after, days without sales apart). A day is listed if it has 1.6 times the usual or more, or
        less than 1 / 1.6 of it, and the logarithm of that ratio lies four robust standard deviations
        (1.4826 · median |log ratio|) from 0. Days with fewer than five usual lines are left out.
    """
    every = _every_day(lines).astype(float).replace(0.0, np.nan)
    around = pd.DataFrame(
        {k: every.shift(7 * k) for k in range(-_WEEKS_AROUND, _WEEKS_AROUND + 1) if k}
    )
    usual = around.median(axis=1)
    table = pd.DataFrame({"lines": every, "usual": usual}).dropna()
    table = table[table["usual"] >= _FEWEST_LINES]
    deviation = np.log(table["lines"] / table["usual"]).abs()
    scale = _SIGMA_PER_MAD * deviation.median()
    far = (deviation >= np.log(_RATIO)) & (deviation > _ROBUST_DEVIATIONS * scale)
    return table[far].astype({"lines": "int64"})


def _every_day(lines: pd.Series) -> pd.Series:
    return lines.reindex(pd.date_range(lines.index[0], lines.index[-1]), fill_value=0)
