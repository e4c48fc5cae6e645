"""Purchases week by week against the model: added up, and each week by itself."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.data.engines import to_frame
from retention_models.data.transactions import Transactions
from retention_models.errors import CannotSay
from retention_models.languages import count
from retention_models.levels import z_of_interval
from retention_models.models.fitters import PurchaseFitter
from retention_models.models.interface import PurchaseModel
from retention_models.predictions.stores import predict_path
from retention_models.predictions.validation.holdout import HoldoutValidation
from retention_models.summaries.customers import purchase_days
from retention_models.time_units import days_in

Array = NDArray[np.float64]

_TRACKING = ["actual", "expected", "forecast", "low", "high"]
# Weeks with fewer expected purchases say little about how far weeks scatter; and fewer weeks than the
# second say nothing.
_FEWEST_EXPECTED, _FEWEST_WEEKS = 5.0, 8
# Pairs of a first day and a later one that are worked on at once.
_PAIRS = 1 << 14


def weekly_tracking(
    log: Transactions, validation: HoldoutValidation, *, store_id: str | None = None
) -> pd.DataFrame:
    """Cumulative repeat purchases, week by week, of the customers known at the end of calibration.

    Parameters
    ----------
    log : Transactions
        A checked log.
    validation : HoldoutValidation
        From `validate_holdout`, of the same store.
    store_id : str, optional
        One store; all of them together unless given.

    Returns
    -------
    DataFrame
        Index date, every seventh day before and after calibration_end. actual: what came.
        expected: Σ over customers who had begun of E[X(time since they began)], as in FHL (2005),
        figure 4, up to calibration_end. forecast, low, high: what had come by calibration_end plus
        the conditional expectation given each customer's history, with its 90% interval, from there
        on.

    Examples
    --------
    >>> import datetime as dt
    >>> import retention_models as rm
    >>> shop = rm.SimulatedShop(200, dt.date(2023, 1, 1), joining_days=200, seed=3)
    >>> log = shop.log(until="2023-12-30")
    >>> found = rm.validate_holdout(log, calibration_end="2023-09-30", holdout_end="2023-12-30")
    >>> rm.weekly_tracking(log, found).shape
    (52, 5)
    """
    customers, fitted = validation.customers, validation.purchases
    unit = days_in(str(customers.attrs["time_unit"]))
    split, last = (
        pd.Timestamp(validation.calibration_end),
        pd.Timestamp(validation.holdout_end),
    )
    days = purchase_days(log.rows(store_id, last.date()), returns=log.has_returns)
    firsts = days.group_by("customer_id").aggregate(first=days["date"].min())
    firsts = firsts.filter(firsts["first"] <= split.date())
    warm_up_end = customers.attrs.get("first_seen_from")
    if warm_up_end is not None:
        firsts = firsts.filter(firsts["first"] >= dt.date.fromisoformat(warm_up_end))
    known = days.join(firsts, "customer_id")
    by_day = known.group_by("date").aggregate(
        purchases=known.count(), began=(known["date"] == known["first"]).sum()
    )
    table = to_frame(by_day.order_by("date"))
    table.index = pd.DatetimeIndex(table.pop("date"))
    # Also where nobody who was known came any more: the weeks go on.
    table = table.reindex(pd.date_range(table.index[0], last), fill_value=0)
    expected = _expected(fitted, table.loc[:split, "began"].to_numpy(dtype=float), unit)
    ages = np.arange(expected.size)
    actual = (table["purchases"] - table["began"]).cumsum()
    before = pd.date_range(end=split, periods=ages.size // 7 + 1, freq="7D")
    before = before[before >= table.index[0]]
    after = pd.DatetimeIndex([*pd.date_range(split, last, freq="7D")[1:], last]).unique()
    path = predict_path(fitted, customers, ((after - split).days / unit).to_numpy(dtype=float))
    seen = int(actual[split])
    result = pd.DataFrame(index=before.append(after), columns=_TRACKING, dtype=float)
    result["actual"] = actual.reindex(result.index)
    result.loc[before, "expected"] = expected[(before - table.index[0]).days]
    result.loc[split, ["forecast", "low", "high"]] = seen
    result.loc[after, ["forecast", "low", "high"]] = seen + path.to_numpy()
    result.index.name = "date"
    return result


def _expected(fitted: PurchaseFitter, began: Array, unit: float) -> Array:
    """Σ of E[X(time since the first purchase)] up to each day, of the customers first seen on each."""
    parameters, last, model = fitted.fit_.parameters, began.size - 1, fitted.model
    expected, days = np.zeros(began.size), np.arange(began.size)
    if type(model).expected_since_first is PurchaseModel.expected_since_first:
        # Whoever came when: ages are whole days, so every expectation stands in one table.
        of_age = model.expected_purchases(days / unit, *parameters)
        return np.convolve(began, of_age)[: began.size]
    # Some first days at once: of one alone nearly all the time goes into calls.
    first_days = np.flatnonzero(began)
    for some in np.array_split(first_days, -(-first_days.size * began.size // _PAIRS) or 1):
        first = np.repeat(some, began.size - some)
        day = np.concatenate([days[each:] for each in some]) if some.size else first
        since, left = (day - first) / unit, (last - first) / unit
        each = began[first] * model.expected_since_first(since, left, *parameters)
        expected += np.bincount(day, each, began.size)
    return expected


def weekly_totals(tracking: pd.DataFrame, *, interval: float = 0.90) -> pd.DataFrame:
    """Repeat purchases of each week, with a band as wide as weeks scatter.

    Under the model a week's total varies like a Poisson count. Real weeks vary more: weather, pay
    days, holidays move all customers at once. How much more is measured in the weeks up to
    calibration_end, and the band of the weeks after is widened by it (quasi-likelihood).

    Parameters
    ----------
    tracking : DataFrame
        From `weekly_tracking`.
    interval : float
        Level of the band.

    Returns
    -------
    DataFrame
        Index date, the last day of each full week. actual; expected, up to calibration_end;
        forecast, low, high after it. ``attrs["dispersion"]`` is the mean of (actual − expected)² /
        expected over the weeks of calibration, at least 1.

    Raises
    ------
    CannotSay
        If calibration has fewer than 8 weeks with five expected purchases or more.

    Notes
    -----
    Source: Wedderburn (1974), "Quasi-likelihood functions, generalized linear models, and the
    Gauss–Newton method", Biometrika 61(3), 439–447.

    Examples
    --------
    >>> import datetime as dt
    >>> import retention_models as rm
    >>> shop = rm.SimulatedShop(200, dt.date(2023, 1, 1), joining_days=200, seed=3)
    >>> log = shop.log(until="2023-12-30")
    >>> found = rm.validate_holdout(log, calibration_end="2023-09-30", holdout_end="2023-12-30")
    >>> table = rm.weekly_totals(rm.weekly_tracking(log, found))
    >>> sorted(table.columns)
    ['actual', 'expected', 'forecast', 'high', 'low']
    """
    full = tracking.index.to_series().diff() == pd.Timedelta(days=7)
    weeks = tracking[["actual", "expected", "forecast"]].diff()[full]
    fitted = weeks.loc[weeks["expected"] >= _FEWEST_EXPECTED]
    if len(fitted) < _FEWEST_WEEKS:
        raise CannotSay.counting(
            "Only {weeks} week was fitted with five expected purchases or more, too few to tell how "
            "far weeks scatter.",
            "Only {weeks} weeks were fitted with five expected purchases or more, too few to tell "
            "how far weeks scatter.",
            len(fitted),
            weeks=count(len(fitted)),
        )
    scatter = float(((fitted["actual"] - fitted["expected"]) ** 2 / fitted["expected"]).mean())
    dispersion = max(1.0, scatter)
    half = z_of_interval(interval) * np.sqrt(dispersion * weeks["forecast"])
    weeks["low"] = (weeks["forecast"] - half).clip(lower=0.0)
    weeks["high"] = weeks["forecast"] + half
    weeks.attrs = {"dispersion": dispersion, "interval": interval}
    return weeks
