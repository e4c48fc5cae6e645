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
from retention_models.forecasts import predict_path, predict_store
from retention_models.models.fitters import BetaGeoFitter
from retention_models.predictions import Interval, predict_customers
from retention_models.time_units import days_in
from retention_models.transactions import Transactions

Verdict = Literal["use", "use with care", "do not use"]

# Within its 90% interval, a total is as close as chance and parameter doubt allow. Outside it, a
# forecast that is off by no more than a fifth still ranks customers and budgets; beyond, it misleads.
TOLERATED_ERROR = 0.20
# A model whose own expectation for the period it was fitted to is off by more than a tenth describes
# a mixture of customers that it takes for one population.
TOLERATED_MISFIT = 0.10
_TRACKING = ["actual", "expected", "forecast", "low", "high"]
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
    purchases: BetaGeoFitter | None = None,
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
    purchases : BetaGeoFitter, optional
        A model of the calibration period found elsewhere, such as one shrunk towards a chain; fitted
        to the store's calibration period unless given.

    Returns
    -------
    HoldoutValidation

    Raises
    ------
    CannotSay
        If the calibration period has no repeat purchase.

    Notes
    -----
    Verdict. *Do not use*: the actual total of the holdout is outside its 90% predictive interval and
    off by more than 20%. *Use with care*: it is outside but off by less; or a baseline errs less per
    customer; or the model's own expectation for the calibration period is off by more than 10%.
    *Use*: none of these.
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
    if purchases is None:
        purchases = BetaGeoFitter().fit(split["frequency"], split["recency"], split["T"])
    window = float(split["duration_holdout"].iloc[0])
    table = predict_customers(purchases, None, split, horizon=window)
    customers = split.assign(predicted=table["expected_purchases"])
    forecast = predict_store(purchases, None, split, horizon=window, interval=0.90)
    actual = int(split["frequency_holdout"].sum())
    errors = _errors(customers, window)
    misfit = _misfit(purchases, split)
    verdict, reason = _verdict(forecast.purchases, actual, errors, misfit)
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


def _misfit(purchases: BetaGeoFitter, split: pd.DataFrame) -> tuple[float, int]:
    """Repeat purchases of the calibration period: the model's expectation, and what came."""
    ages, customers = np.unique(split["T"].to_numpy(dtype=float), return_counts=True)
    expected = customers @ purchases.expected_number_of_purchases_up_to_time(ages)
    return float(expected), int(split["frequency"].sum())


def _verdict(
    total: Interval, actual: int, errors: pd.Series, misfit: tuple[float, int]
) -> tuple[Verdict, str]:
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
    expected, seen = misfit
    if abs(expected / seen - 1.0) > TOLERATED_MISFIT:
        why = (
            f"the total holds ({came}), but for the weeks before, which it was fitted to, the model "
            f"by itself expects {expected:,.0f} repeat purchases where {seen:,} came: it takes "
            "different kinds of customers for one, such as regulars from before the data began and "
            "newcomers, and is likely wrong about those who came last"
        )
        return "use with care", why
    return "use", f"{came}, inside the expected {total.low:,.0f} to {total.high:,.0f}"


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
    """
    customers, fitted = validation.customers, validation.purchases
    unit = days_in(str(customers.attrs["time_unit"]))
    split, last = (
        pd.Timestamp(validation.calibration_end),
        pd.Timestamp(validation.holdout_end),
    )
    days = purchase_days(log.rows(store_id, last.date()), returns=log.has_returns)
    firsts = days.group_by("customer_id").aggregate(first=days["date"].min())
    known = days.join(firsts.filter(firsts["first"] <= split.date()), "customer_id")
    by_day = known.group_by("date").aggregate(
        purchases=known.count(), began=(known["date"] == known["first"]).sum()
    )
    table = by_day.order_by("date").execute()
    table.index = pd.DatetimeIndex(table.pop("date"))
    table = table.asfreq("D", fill_value=0)
    # Ages are whole days, so every expectation that is needed stands in one table.
    ages = np.arange((split - table.index[0]).days + 1)
    of_age = fitted.expected_number_of_purchases_up_to_time(ages / unit)
    expected = np.convolve(table.loc[:split, "began"].to_numpy(dtype=float), of_age)[: ages.size]
    actual = (
        (table["purchases"] - table["began"])
        .cumsum()
        .reindex(pd.date_range(table.index[0], last), method="ffill")
    )
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
