"""Rows of `forecasts.py`: what a method says of a store's window, and what came.

Scores are taken alike for all methods. A customer's log score is that of the BG/NBD's formula at a
package's own estimates, so that rounding of its own pmf does not count; of "ours", that of the model
chosen. The continuous ranked probability score of a total is that of a normal forecast whose spread is
the same for all (`contest.crps_of_total`), over what came; of money, with the spread of a purchase's
spend as large as its mean.
"""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import lifetimes
import numpy as np
import pandas as pd
from forecasts_shops import Shops
from statsmodels.tsa.exponential_smoothing.ets import ETSModel

import retention_models as rm
from retention_models.data.days import purchase_days
from retention_models.data.engines import to_frame
from retention_models.levels import Interval, z_of_interval
from retention_models.predictions.contest import crps_of_total, hold_contest
from retention_models.predictions.past_forecasts import PastForecasts, Refit
from retention_models.predictions.scatter import Scatter, learn_scatter
from retention_models.predictions.store_models import StoreModels

_LEVEL = 0.90
_Z = z_of_interval(_LEVEL)
_YEAR = 52
Array = np.ndarray


@dataclass
class Origin:
    """A chain as of a day: the rule that its contest chooses, and what past totals scattered by."""

    shops: Shops
    day: dt.date

    @cached_property
    def past(self) -> PastForecasts:
        """What each model would have forecast earlier."""
        shops = self.shops
        return PastForecasts(shops.log, self.day, "W", shops.stores, shops.calendar)

    @cached_property
    def rule(self) -> str:
        """As a run chooses it."""
        return hold_contest(self.past).rule

    @cached_property
    def scatter(self) -> Scatter:
        """As a run learns it."""
        return learn_scatter(self.past.refits, self.rule)


@dataclass
class Store:
    """A store as of a day."""

    origin: Origin
    name: str

    @property
    def shops(self) -> Shops:
        """The set it is of."""
        return self.origin.shops

    @cached_property
    def models(self) -> StoreModels:
        """Those of a run."""
        origin, shops = self.origin, self.shops
        return StoreModels(
            *(shops.log, self.name, origin.day, "W"), declared=shops.calendar, rule=origin.rule
        )

    @property
    def columns(self) -> tuple[pd.Series, pd.Series, pd.Series]:
        """Frequency, recency and T."""
        return self.models.history.columns

    @cached_property
    def by_lifetimes(self) -> tuple[Any, Any]:
        """Purchases and spend as lifetimes fits them, None where it does not converge."""
        summary = self.models.summary
        back = summary[(summary["frequency"] > 0) & (summary["monetary_value"] > 0)]
        told = (
            (lifetimes.BetaGeoFitter, self.columns),
            (lifetimes.GammaGammaFitter, (back["frequency"], back["monetary_value"])),
        )
        found = []
        for fitter, columns in told:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    found.append(fitter().fit(*columns))
            except (lifetimes.utils.ConvergenceError, ValueError, FloatingPointError):
                found.append(None)
        return found[0], found[1]

    @cached_property
    def by_day(self) -> pd.DataFrame:
        """Purchases and spend of every day of the log, of everybody."""
        rows = purchase_days(
            self.shops.log.rows(self.name, None), same_day="one", returns=self.shops.log.has_returns
        )
        found = to_frame(
            rows.group_by("date").aggregate(purchases=rows.count(), spend=rows["spend"].sum())
        )
        days = found.set_index(pd.DatetimeIndex(found.pop("date"))).astype(float).sort_index()
        every = pd.date_range(days.index[0], self.shops.log.last_day())
        return days.reindex(every, fill_value=0.0)


@dataclass
class Window:
    """A store's weeks ahead, and what its customers did in them."""

    store: Store
    weeks: int

    @cached_property
    def held_out(self) -> pd.DataFrame:
        """The customers of the store's summary, in its order, and what they did."""
        day, shops = self.store.origin.day, self.store.shops
        found = rm.calibration_holdout_summary(
            shops.log,
            store_id=self.store.name,
            calibration_end=day,
            holdout_end=day + dt.timedelta(weeks=self.weeks),
        )
        return found.reindex(self.store.models.summary.index)

    @cached_property
    def came(self) -> Array:
        """Purchases by customer."""
        return self.held_out["frequency_holdout"].to_numpy(dtype=float)

    @cached_property
    def spent(self) -> Array:
        """Spend by customer."""
        return np.nan_to_num(self.came * self.held_out["monetary_value_holdout"].to_numpy())

    def row(self, method: str, scope: str = "known", **found: Any) -> dict[str, Any]:
        """A row of the file of results."""
        return {
            "shops": self.store.shops.name,
            "store": self.store.name,
            "origin": self.store.origin.day.isoformat(),
            "weeks": self.weeks,
            "scope": scope,
            "method": method,
            "customers": len(self.store.models.summary),
            **found,
        }

    def of_known(
        self,
        method: str,
        each: Array | None,
        *,
        log_scores: Array | None = None,
        money: Array | None = None,
        total: Interval | None = None,
        value: Interval | None = None,
    ) -> dict[str, Any]:
        """A row of what known customers were expected to do, (customers,); None is no answer."""
        came, spent = float(self.came.sum()), float(self.spent.sum())
        found: dict[str, Any] = {"came": came, "spent": spent}
        if each is not None and np.isfinite(each).all():
            found |= _scored(float(each.sum()), came)
            found["absolute"] = float(np.abs(each - self.came).mean())
            if money is not None:
                worth = np.nan_to_num(money)
                found["value"] = float(worth.sum() if value is None else value.value)
                found["value_absolute"] = float(np.abs(worth - self.spent).mean())
                found["value_crps"] = _crps_of_value(found["value"], float(each.sum()), spent)
        if log_scores is not None:
            found["log_score"] = float(log_scores.mean())
        for name, ends in (("", total), ("value_", value)):
            if ends is not None:
                found |= {f"{name}low": ends.low, f"{name}high": ends.high}
        return self.row(method, **found)


def _scored(expected: float, came: float) -> dict[str, float]:
    told = expected > 0.0 and came > 0.0
    return {"expected": expected, "crps": crps_of_total(expected, came) if told else np.nan}


def _crps_of_value(value: float, expected: float, spent: float) -> float:
    """Of money, in purchases' worth: with n purchases of spends as unequal as their mean is large."""
    if not (value > 0.0 and spent > 0.0):
        return np.nan
    # Doubling the variance by chance is halving the number of purchases.
    return crps_of_total(expected / 2.0, expected / 2.0 * spent / value)


def of_run(window: Window) -> Iterator[dict[str, Any]]:
    """Rows of the models of a run, and of the plain BG/NBD."""
    store, weeks = window.store, float(window.weeks)
    models, history = store.models, store.models.history
    try:
        ours = models.purchases
    except rm.CannotSay as refusal:
        yield window.row("ours", note=str(refusal))
        return
    refit = Refit(store.name, store.origin.day, history, window.came, weeks)
    scatter = store.origin.scatter.ahead(window.weeks * 7)
    for method, fitted, further in (("ours", ours, scatter), ("plain BG/NBD", history.plain, 0.0)):
        ask = {"horizon": weeks, "annual_discount_rate": 0.0}
        try:
            spend = models.spend
        except rm.CannotSay:
            spend = None
        try:
            found = rm.predict_store(
                fitted, spend, models.summary, draws=300, scatter=further, **ask
            )
            each = rm.predict_customers(fitted, spend, models.summary, interval=None, **ask)
        except rm.CannotSay as refusal:
            yield window.row(method, note=str(refusal))
            continue
        yield window.of_known(
            method,
            each["expected_purchases"].to_numpy(dtype=float),
            log_scores=refit.log_scores(fitted),
            money=None if found.value is None else each["clv"].to_numpy(dtype=float),
            total=found.purchases,
            value=found.value,
        )


def of_whole(window: Window) -> Iterator[dict[str, Any]]:
    """A run's forecast of everybody, newcomers included."""
    models, learned = window.store.models, window.store.origin.scatter
    try:
        spend = models.spend
    except rm.CannotSay:
        spend = None
    try:
        found = rm.predict_whole_store(
            *(models.purchases, spend, models.summary),
            horizon=window.weeks,
            scatter=learned.ahead(window.weeks * 7),
            newcomers=learned.newcomers,
            newcomers_error=learned.newcomers_error,
            weekly=False,
        )
    except rm.CannotSay as refusal:
        yield window.row("ours", "whole", note=str(refusal))
        return
    yield _of_whole(window, "ours", found.purchases, found.revenue)


def of_lifetimes(window: Window) -> Iterator[dict[str, Any]]:
    """The BG/NBD and Gamma-Gamma of lifetimes; no answer where they do not converge."""
    store = window.store
    fitted, spend = store.by_lifetimes
    if fitted is None:
        yield window.of_known("lifetimes", None) | {"note": "does not converge"}
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        each = fitted.conditional_expected_number_of_purchases_up_to_time(
            window.weeks, *store.columns
        )
        each, money = np.asarray(each, dtype=float), None
        if spend is not None:
            summary = store.models.summary
            mean = spend.conditional_expected_average_profit(
                summary["frequency"], summary["monetary_value"]
            )
            money = each * np.asarray(mean, dtype=float)
    scores = log_scores_at(window, {name: float(v) for name, v in fitted.params_.items()})
    yield window.of_known("lifetimes", each, log_scores=scores, money=money)


def log_scores_at(window: Window, parameters: dict[str, float]) -> Array:
    """Log of P(what each customer did) by the BG/NBD at a package's estimates."""
    asked = {name: parameters[name] for name in ("r", "alpha", "a", "b")}
    fitted = rm.BetaGeoFitter.from_parameters(asked, time_unit="W")
    store = window.store
    history = store.models.history
    refit = Refit(store.name, store.origin.day, history, window.came, float(window.weeks))
    return np.asarray(refit.log_scores(fitted))


def of_window_before(window: Window) -> Iterator[dict[str, Any]]:
    """Each customer does again what it did in as many weeks before."""
    store, log = window.store, window.store.shops.log
    day = store.origin.day
    rows = purchase_days(log.rows(store.name, day), same_day="one", returns=log.has_returns)
    late = rows.filter(rows["date"] > day - dt.timedelta(weeks=window.weeks))
    found = to_frame(
        late.group_by("customer_id").aggregate(count=late.count(), spend=late["spend"].sum())
    )
    each = found.set_index("customer_id").reindex(store.models.summary.index).fillna(0.0)
    counts, money = (each[name].to_numpy(dtype=float) for name in ("count", "spend"))
    yield window.of_known("the window before", counts, money=money)


def of_series(window: Window) -> Iterator[dict[str, Any]]:
    """Methods that know a whole store's weekly totals alone: ETS, the year before, the weeks before."""
    end = pd.Timestamp(window.store.origin.day)
    known = window.store.by_day.loc[:end]
    weekly = _weekly(known)
    found: dict[str, list[Interval | None]] = {}
    for column in ("purchases", "spend"):
        y = weekly[column].to_numpy(dtype=float)
        found.setdefault("ETS", []).append(_ets(y, window.weeks))
        found.setdefault("seasonal naive", []).append(_year_before(y, window.weeks))
        total = float(y[-window.weeks :].sum()) if y.size >= window.weeks else None
        naive = None if total is None else Interval(total, np.nan, np.nan)
        found.setdefault("the weeks before", []).append(naive)
    for method, (count, money) in found.items():
        if count is not None:
            yield _of_whole(window, method, count, money)


def _weekly(days: pd.DataFrame) -> pd.DataFrame:
    """Whole weeks that end on the last day, the first one last."""
    weeks = len(days) // 7
    kept = days.iloc[len(days) - 7 * weeks :]
    return kept.groupby(np.repeat(np.arange(weeks), 7)).sum()


def _of_whole(
    window: Window, method: str, count: Interval, money: Interval | None
) -> dict[str, Any]:
    end = pd.Timestamp(window.store.origin.day)
    later = window.store.by_day.loc[
        end + pd.Timedelta(days=1) : end + pd.Timedelta(weeks=window.weeks)
    ].sum()
    came, spent = float(later["purchases"]), float(later["spend"])
    found = {"came": came, "spent": spent, "low": count.low, "high": count.high}
    found |= _scored(count.value, came)
    if money is not None:
        found |= {"value": money.value, "value_low": money.low, "value_high": money.high}
        found["value_crps"] = _crps_of_value(money.value, count.value, spent)
    return window.row(method, "whole", **found)


def _year_before(y: Array, weeks: int) -> Interval | None:
    """The same weeks a year before; the interval by how far weeks are from those a year before."""
    if y.size < _YEAR:
        return None
    ahead = y[-_YEAR : -_YEAR + weeks] if weeks < _YEAR else y[-_YEAR:]
    total = float(ahead.sum())
    apart = y[_YEAR:] - y[:-_YEAR]
    if apart.size < 8:
        return Interval(total, np.nan, np.nan)
    half = _Z * float(np.sqrt(weeks * (apart**2).mean()))
    return Interval(total, max(0.0, total - half), total + half)


def _ets(y: Array, weeks: int) -> Interval | None:
    """Exponential smoothing by statsmodels, its form by AICc; the interval by simulation."""
    if y.size < 10:  # too few for its heuristic start
        return None
    fits = []
    seasons = (None, "add") if y.size >= 2 * _YEAR else (None,)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for trend in (None, "add"):
            for season in seasons:
                model = ETSModel(
                    y,
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
            return None
        best = min(fits, key=lambda one: one.aicc)
        total = float(best.forecast(weeks).sum())
        paths = best.simulate(weeks, anchor="end", repetitions=500, rng=1)
    low, high = np.quantile(np.asarray(paths).reshape(weeks, -1).sum(axis=0), (0.05, 0.95))
    return Interval(total, float(low), float(high))
