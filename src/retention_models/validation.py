"""Does the model hold on purchases it has not seen? Holdout, baselines, tracking, a verdict in words."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from retention_models.customer_summaries import (
    Day,
    as_day,
    calibration_holdout_summary,
    purchase_days,
)
from retention_models.errors import CannotSay
from retention_models.models.fitters import BetaGeoFitter
from retention_models.predictions import Interval, predict_customers, predict_store
from retention_models.time_units import days_in
from retention_models.transactions import Transactions

Verdict = Literal["use", "use with care", "do not use"]

# Within its 90% interval, a total is as close as chance and parameter doubt allow. Outside it, a
# forecast that is off by no more than a fifth still ranks customers and budgets; beyond, it misleads.
TOLERATED_ERROR = 0.20
_GROUPS = 7  # frequency groups 0, 1, …, 6 and 7 or more, as FHL (2005), figure 3


@dataclass(frozen=True)
class HoldoutValidation:
    """A model fitted to the calibration period, held against the holdout.

    Attributes
    ----------
    purchases : BetaGeoFitter
        Fitted to the calibration period.
    customers : DataFrame
        Per customer: the calibration summary, frequency_holdout, and predicted.
    total : Interval
        Predicted purchases of the holdout with their 90% interval.
    actual : int
        Purchases that came.
    errors : Series
        Mean absolute error per customer of the model and of the baselines (always zero, own
        historic rate, store mean).
    by_frequency : DataFrame
        Index frequency group; customers, actual and predicted mean purchases, low and high: the
        interval of the mean, by chance, at the fitted parameters.
    verdict : {"use", "use with care", "do not use"}
        See `reason`.
    reason : str
        Why, in a sentence with its numbers.
    calibration_end, holdout_end : date
        Last days of the two periods.
    """

    purchases: BetaGeoFitter = field(repr=False)
    customers: pd.DataFrame = field(repr=False)
    total: Interval
    actual: int
    errors: pd.Series
    by_frequency: pd.DataFrame = field(repr=False)
    verdict: Verdict
    reason: str
    calibration_end: dt.date
    holdout_end: dt.date

    @property
    def relative_error(self) -> float:
        """Predicted over actual, less one; infinite where nothing came."""
        return self.total.value / self.actual - 1.0 if self.actual else float("inf")


def validate_holdout(
    log: Transactions,
    *,
    store_id: str | None = None,
    calibration_end: Day,
    holdout_end: Day,
    time_unit: str = "W",
) -> HoldoutValidation:
    """Fit to the calibration period and compare with what customers then did.

    Parameters
    ----------
    log : Transactions
        A checked log.
    store_id : str, optional
        One store; all of them together unless given.
    calibration_end, holdout_end : date or str
        Last days of the two periods, both included.
    time_unit : {"D", "W", "M"}
        Scale of time.

    Returns
    -------
    HoldoutValidation

    Raises
    ------
    CannotSay
        If the calibration period has no repeat purchase.

    Notes
    -----
    Verdict. *Use*: the actual total lies in the 90% predictive interval and the model's error per
    customer is no larger than every baseline's. *Use with care*: the total is off by no more than
    20%, or a baseline does as well per customer. *Do not use*: the total is outside its interval
    and off by more than 20%.
    """
    split = calibration_holdout_summary(
        log,
        store_id=store_id,
        calibration_end=calibration_end,
        holdout_end=holdout_end,
        time_unit=time_unit,
    )
    if split.empty:
        raise CannotSay(f"Nobody had bought by {calibration_end}, so there is nothing to validate.")
    purchases = BetaGeoFitter().fit(split["frequency"], split["recency"], split["T"])
    window = float(split["duration_holdout"].iloc[0])
    table = predict_customers(purchases, None, split, horizon=window)
    customers = split.assign(predicted=table["expected_purchases"])
    forecast = predict_store(purchases, None, split, horizon=window, interval=0.90)
    actual = int(split["frequency_holdout"].sum())
    errors = _errors(customers, window)
    verdict, reason = _verdict(forecast.purchases, actual, errors)
    return HoldoutValidation(
        purchases=purchases,
        customers=customers,
        total=forecast.purchases,
        actual=actual,
        errors=errors,
        by_frequency=_by_frequency(customers),
        verdict=verdict,
        reason=reason,
        calibration_end=as_day(calibration_end, "calibration_end"),
        holdout_end=as_day(holdout_end, "holdout_end"),
    )


def _errors(customers: pd.DataFrame, window: float) -> pd.Series:
    actual = customers["frequency_holdout"]
    age = customers["T"].where(customers["T"] > 0, np.nan)
    own_rate = (customers["frequency"] / age * window).fillna(0.0)
    store_mean = customers["frequency"].sum() / customers["T"].sum() * window
    forecasts = {
        "model": customers["predicted"],
        "always zero": 0.0,
        "own historic rate": own_rate,
        "store mean": store_mean,
    }
    return pd.Series({name: float((actual - f).abs().mean()) for name, f in forecasts.items()})


def _by_frequency(customers: pd.DataFrame) -> pd.DataFrame:
    group = customers["frequency"].clip(upper=_GROUPS)
    grouped = customers.groupby(group)
    table = pd.DataFrame(
        {
            "customers": grouped.size(),
            "actual": grouped["frequency_holdout"].mean(),
            "predicted": grouped["predicted"].mean(),
        }
    )
    # The actual mean's own standard error: how far chance moves it in a group of that size.
    error = grouped["frequency_holdout"].std() / np.sqrt(grouped.size())
    half = 1.959963984540054 * error
    table["low"] = (table["actual"] - half).clip(lower=0.0)
    table["high"] = table["actual"] + half
    table.index = [f"{i}" if i < _GROUPS else f"{_GROUPS}+" for i in table.index]
    table.index.name = "frequency"
    return table


def _verdict(total: Interval, actual: int, errors: pd.Series) -> tuple[Verdict, str]:
    inside = total.low <= actual <= total.high
    off = abs(total.value / actual - 1.0) if actual else float("inf")
    best = errors.drop("model").idxmin()
    came = f"{actual:,} purchases came where {total.value:,.0f} were expected"
    if not inside and off > TOLERATED_ERROR:
        why = (
            f"{came} ({total.low:,.0f} to {total.high:,.0f}): the forecast is off by more than "
            f"{TOLERATED_ERROR:.0%}, as happens when a store changes, closes, or has a strong season"
        )
        return "do not use", why
    if not inside:
        why = (
            f"{came}, outside the expected {total.low:,.0f} to {total.high:,.0f} but off by no more "
            f"than {TOLERATED_ERROR:.0%}"
        )
        return "use with care", why
    if errors["model"] > errors[best]:
        why = (
            f"the total holds ({came}), but customer by customer “{best}” errs less "
            f"({errors[best]:.2f} against {errors['model']:.2f} purchases)"
        )
        return "use with care", why
    return "use", f"{came}, inside the expected {total.low:,.0f} to {total.high:,.0f}"


def weekly_tracking(
    log: Transactions, fitted: BetaGeoFitter, *, store_id: str | None = None, end: Day, time_unit: str
) -> pd.DataFrame:
    """Cumulative repeat purchases, week by week, against the model's expectation.

    The expectation for a day is Σ over customers who had begun by then of E[X(days since they
    began)], FHL (2005), figure 4.

    Parameters
    ----------
    log : Transactions
        A checked log.
    fitted : BetaGeoFitter
        Purchase model in `time_unit`.
    store_id : str, optional
        One store; all of them together unless given.
    end : date or str
        Last day.
    time_unit : {"D", "W", "M"}
        Unit that the model was fitted in.

    Returns
    -------
    DataFrame
        Index date, every seventh day back from the end; actual and expected cumulative repeat
        purchases, and customers who had begun.
    """
    last = pd.Timestamp(as_day(end, "end"))
    days = purchase_days(log.rows(store_id, last.date()))
    firsts = days.group_by("customer_id").aggregate(date=days["date"].min())
    began = firsts.group_by("date").aggregate(customers=firsts.count()).order_by("date").execute()
    bought = days.group_by("date").aggregate(purchases=days.count()).order_by("date").execute()
    begin = pd.to_datetime(began["date"]).to_numpy()
    number = began["customers"].to_numpy(dtype=float)
    weeks = pd.date_range(end=last, periods=(last - pd.Timestamp(begin[0])).days // 7 + 1, freq="7D")
    purchase_day = pd.to_datetime(bought["date"]).to_numpy()
    # Ages are whole days, so every expectation that is needed stands in one table.
    ages = np.arange((last - pd.Timestamp(begin[0])).days + 1)
    of_age = fitted.expected_number_of_purchases_up_to_time(ages / days_in(time_unit))
    rows = []
    for week in weeks.to_numpy():
        started = begin <= week
        age = ((week - begin[started]) / np.timedelta64(1, "D")).astype(int)
        expected = of_age[age] @ number[started]
        total = bought["purchases"].to_numpy()[purchase_day <= week].sum()
        rows.append((total - number[started].sum(), expected, number[started].sum()))
    table = pd.DataFrame(rows, index=weeks, columns=["actual", "expected", "customers"])
    table.index.name = "date"
    return table
