"""A whole store's forecast held against weeks not seen, beside rules that know its weekly totals alone.

Exponential smoothing (ETS) is that of statsmodels: a level, or a level and a damped trend, from two
years on each with a yearly season as well; the form of least AICc.

Source: Hyndman & Athanasopoulos (2021), "Forecasting: principles and practice", 3rd ed., sections 5.2
(naive and seasonal naive) and 8.6 (choice of the form).
"""

from __future__ import annotations

import datetime as dt
import itertools
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.data.engines import to_frame
from retention_models.data.transactions import Transactions
from retention_models.errors import CannotSay
from retention_models.languages import marked
from retention_models.levels import Interval
from retention_models.predictions.whole_store import WholeStore
from retention_models.summaries.customers import purchase_days

Array = NDArray[np.float64]

BEFORE = marked("The time before, repeated")
YEAR_BEFORE = marked("The same weeks a year before")
ETS = marked("Exponential smoothing (ETS)")
_TOTALS = ["purchases", "revenue"]
# Weeks of a year, so that days of the week meet; and the fewest weeks that smoothing starts from.
_YEAR, _FEWEST_WEEKS = 52, 10


@dataclass(frozen=True, slots=True)
class WholeStoreCheck:
    """What everybody bought in the weeks of the check, and what each rule would have expected.

    `beside` has a row by rule, BEFORE, YEAR_BEFORE, ETS, where the data reach back so far; purchases and
    revenue.
    """

    begin: dt.date
    end: dt.date
    purchases: Interval
    revenue: Interval | None
    came: float
    paid: float
    beside: pd.DataFrame


def check_whole_store(
    log: Transactions,
    store_id: str | None,
    split: dt.date,
    until: dt.date,
    ahead: WholeStore,
) -> WholeStoreCheck:
    """Hold a forecast made at the end of a day against the days up to `until`."""
    days = _daily(log, store_id, until)
    begin, last = pd.Timestamp(split) + pd.Timedelta(days=1), pd.Timestamp(until)
    came = days.loc[begin:last].sum()
    if came["purchases"] == 0:
        raise CannotSay("Nobody bought in the weeks of the check.")
    found = others(days.loc[: pd.Timestamp(split)], len(days.loc[begin:last]))
    return WholeStoreCheck(
        begin.date(),
        until,
        ahead.purchases,
        ahead.revenue,
        float(came["purchases"]),
        float(came["revenue"]),
        found,
    )


def _daily(log: Transactions, store_id: str | None, until: dt.date) -> pd.DataFrame:
    """Purchases and revenue of everybody by day, from the first purchase on."""
    days = purchase_days(log.rows(store_id, until), returns=log.has_returns)
    by_day = days.group_by("date").aggregate(
        purchases=days.count(), revenue=days["spend"].cast("float64").sum()
    )
    table = to_frame(by_day.order_by("date"))
    table.index = pd.DatetimeIndex(table.pop("date"))
    every = pd.date_range(table.index[0], pd.Timestamp(until))
    return table.astype(float).reindex(every, fill_value=0.0)


def others(known: pd.DataFrame, window: int) -> pd.DataFrame:
    """What rules that know daily totals alone expect of so many days after the last one known."""
    found: dict[str, pd.Series] = {}
    if len(known) >= window:
        found[BEFORE] = known.iloc[-window:].sum()
    year = 7 * _YEAR
    if window <= year <= len(known):
        start = len(known) - year
        found[YEAR_BEFORE] = known.iloc[start : start + window].sum()
    weeks = len(known) // 7
    if weeks >= _FEWEST_WEEKS:
        whole = known.to_numpy(dtype=float)[len(known) - 7 * weeks :]
        by_week = whole.reshape(weeks, 7, len(_TOTALS)).sum(axis=1)
        smoothed = [_smoothed(by_week[:, i], window / 7.0) for i in range(len(_TOTALS))]
        if not any(np.isnan(smoothed)):
            found[ETS] = pd.Series(smoothed, index=_TOTALS)
    return pd.DataFrame(found.values(), index=list(found), columns=_TOTALS)


def _smoothed(by_week: Array, weeks: float) -> float:
    """Total of so many weeks ahead of those known, (weeks,); NaN where no form can be fitted."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel  # slow to import

    fits = []
    seasons = (None, "add") if by_week.size >= 2 * _YEAR else (None,)
    with warnings.catch_warnings():
        # A search that ends early is one form of several.
        warnings.simplefilter("ignore")
        for trend, season in itertools.product((None, "add"), seasons):
            model = ETSModel(
                by_week,
                trend=trend,
                damped_trend=trend is not None,
                seasonal=season,
                seasonal_periods=None if season is None else _YEAR,
                initialization_method="heuristic",
            )
            try:
                fits.append(model.fit(disp=False, maxiter=200))
            except (ValueError, np.linalg.LinAlgError):
                continue
        if not fits:
            return float("nan")
        path = np.asarray(min(fits, key=lambda one: one.aicc).forecast(int(np.ceil(weeks))))
    # Of a week that is not whole its share.
    path[-1] *= weeks - (path.size - 1)
    return float(max(path.sum(), 0.0))
