"""Fitted models and a customer summary → what each customer will buy and be worth.

Two kinds of interval: of a customer's mean, by the doubt of the parameters alone, and predictive ones
of the count and the value, whose distributions at the fitted parameters are known in closed form.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.errors import SettingsError
from retention_models.levels import Z95, Interval, check_interval, tails_of
from retention_models.models import gamma_gamma
from retention_models.models.covariates.inputs import matching_covariates
from retention_models.models.covariates.model import CovariateFit
from retention_models.models.fitters import (
    BetaGeoFitter,
    GammaGammaFitter,
    PurchaseFitter,
    settled,
)
from retention_models.models.histories import KnownCustomers, known_customers
from retention_models.models.inputs import checked_money, require_counted, require_unit
from retention_models.models.intervals import future_quantiles, mean_interval
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit
from retention_models.predictions.determined import (
    require_determined,
    require_groups_told,
    told_range,
)
from retention_models.time_units import DAYS_IN_YEAR, days_in

Array = NDArray[np.float64]

_LONGEST_YEARS = 100
_MOST_EXPECTED = 10_000  # tables of counts and values are so wide
_TINY = 1e-300  # a logarithm of zero would make the doubt of nothing infinite


def mean_purchase_rate(fit: MaximumLikelihoodFit, phases: int = 1) -> Interval:
    """Mean purchases per unit of time while a customer, r/(k·α), with its 95% interval (delta method).

    `phases` is k, `k_` of a fitter of regular buyers, and 1 of all others.
    """
    r, alpha = fit.parameters[:2]
    c = fit.log_covariance
    return _around(r / (phases * alpha), float(np.sqrt(c[0, 0] + c[1, 1] - 2.0 * c[0, 1])))


def mean_dropout(fit: MaximumLikelihoodFit) -> Interval:
    """Mean probability to leave after a purchase, a/(a+b), with its 95% interval (on the odds)."""
    a, b = fit.parameters[2:4]
    if a == 0.0:
        # All on one side: what the data allow of it, at the level that leaves 5% above.
        a, b = (0.0, 1.0) if fit.allowed is None else fit.allowed[int(0.95 * len(fit.allowed)), 2:]
        return Interval(0.0, 0.0, float(a / (a + b)))
    c = fit.log_covariance
    odds = _around(a / b, float(np.sqrt(c[2, 2] + c[3, 3] - 2.0 * c[2, 3])))
    return Interval(*(value / (1.0 + value) for value in (odds.value, odds.low, odds.high)))


def _around(value: float, log_error: float) -> Interval:
    spread = float(np.exp(Z95 * log_error))
    return Interval(float(value), float(value / spread), float(value * spread))


def predict_customers(
    purchases: PurchaseFitter,
    spend: GammaGammaFitter | None,
    summary: pd.DataFrame,
    *,
    horizon: float = 52,
    annual_discount_rate: float = 0.10,
    margin: float = 1.0,
    interval: float | None = 0.90,
    time_unit: str | None = None,
    covariates: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Predict every customer's purchases and value over a horizon.

    Parameters
    ----------
    purchases : BetaGeoFitter, ModifiedBetaGeoFitter or ParetoNBDFitter
        Fitted to recency and T in the summary's unit.
    spend : GammaGammaFitter, optional
        Fitted to the repeat customers; without it the money columns are NaN.
    summary : DataFrame
        From `customer_summary`: frequency, recency, T, monetary_value.
    horizon : float
        Time units to look ahead, in the summary's own unit.
    annual_discount_rate : float
        Rate per year; converted to the unit continuously.
    margin : float
        Share of spend that is profit.
    interval : float or None
        Level of the intervals, equal-tailed; with None the table has no intervals, and takes less time.
    time_unit : {"D", "W", "M"}, optional
        Unit of the summary; read from ``summary.attrs`` unless given.
    covariates : DataFrame, shape (n, k), optional
        Of a model that was fitted with covariates: the customers' own, by the summary's index. At most
        200 different rows, such as channels, or the category that was bought first.

    Returns
    -------
    DataFrame
        Index as the summary. probability_alive; expected_purchases with the interval of that mean,
        expected_purchases_low and expected_purchases_high, by the doubt of the parameters; the
        predictive interval of the count itself, purchases_low and purchases_high (whole numbers, at
        the estimated parameters: chance dwarfs their doubt); expected_spend per purchase; clv, the
        discounted margin of the horizon: margin · expected_spend · ∫ e^(−δs) dE(s), with clv_low
        and clv_high (predictive). Money is NaN where mean repeat spend is not above 0 although the
        customer came back: such spend (all returned, or free) tells nothing about the next purchase.

    Raises
    ------
    SettingsError
        If a parameter is out of range or the unit is not known.
    CannotSay
        If the data are too short for the horizon: by the doubt of the parameters alone, the total's 90%
        interval has ends more than a factor of 4 apart. If the spend model has no finite mean.

    Notes
    -----
    Where the data leave parameters open (``fit_.posterior``), as a short history does, expectations are
    at the centre of what they may be, and intervals tell all of it. Purchases: Fader, Hardie & Lee
    (2005), (8) and (10), at (r + x, α + T, a, b + x). The interval of clv is that of the window's total
    spend, Σ_n P(n) · I(p·n, q + p·x), times margin and the customer's mean discount factor, which takes
    the timing of purchases at its expectation.

    Examples
    --------
    >>> import datetime as dt
    >>> import retention_models as rm
    >>> shop = rm.SimulatedShop(500, dt.date(2023, 1, 1), joining_days=200, seed=3)
    >>> log = shop.log(until="2023-12-30")
    >>> summary = rm.customer_summary(log, time_unit="W")
    >>> model = rm.BetaGeoFitter().fit(summary["frequency"], summary["recency"], summary["T"])
    >>> back = summary[summary["frequency"] > 0]
    >>> spend = rm.GammaGammaFitter().fit(back["frequency"], back["monetary_value"])
    >>> table = rm.predict_customers(model, spend, summary, horizon=26, margin=0.3)
    >>> bool((table["purchases_low"] <= table["purchases_high"]).all()), len(table)
    (True, 500)
    """
    level = 0.90 if interval is None else interval
    check_parameters(summary, horizon, annual_discount_rate, margin, level)
    require_customers(summary)
    unit = unit_of(summary, time_unit)
    check_unit(purchases, unit, horizon)
    rate = rate_per_unit(annual_discount_rate, unit)
    if covariates is not None or isinstance(getattr(purchases, "fit_", None), CovariateFit):
        groups = _by_covariates(purchases, covariates, summary)
        return _of_groups(groups, spend, summary, horizon, unit, rate, margin, interval)
    purchases = settled(purchases)
    base = expectations(purchases, spend, summary, horizon, rate, margin)
    require_determined(purchases, base.known, horizon, unit)
    return _predicted(purchases, spend, summary, base, horizon, interval)


def _of_groups(
    groups: list[tuple[PurchaseFitter, NDArray[np.int64]]],
    spend: GammaGammaFitter | None,
    summary: pd.DataFrame,
    horizon: float,
    unit: str,
    rate: float,
    margin: float,
    interval: float | None,
) -> pd.DataFrame:
    """The table of customers each of whose groups has a model of its own, in the summary's order."""
    tables, ends = [], []
    for own, members in groups:
        part = summary.iloc[members]
        base = expectations(own, spend, part, horizon, rate, margin)
        ends.append(told_range(own, base.known, horizon))
        tables.append(_predicted(own, spend, part, base, horizon, interval))
    places = [members for _, members in groups]
    require_groups_told(ends, [place.size for place in places], horizon, unit)
    table = pd.concat(tables).iloc[np.argsort(np.concatenate(places))]
    table.attrs = tables[0].attrs
    return table


# Different covariates of customers beyond which predictions by group are no longer those of groups.
_MOST_GROUPS = 200


def _by_covariates(
    purchases: PurchaseFitter, covariates: pd.DataFrame | None, summary: pd.DataFrame
) -> list[tuple[PurchaseFitter, NDArray[np.int64]]]:
    """The model of each group of customers with the same covariates, and their places in the summary."""
    fit: Any = getattr(purchases, "fit_", None)
    if not isinstance(purchases, BetaGeoFitter) or not isinstance(fit, CovariateFit):
        raise SettingsError("covariates: the model was fitted without; fit it with them.")
    names = fit.names
    Z = matching_covariates(covariates, summary["frequency"], names)
    rows, place = np.unique(Z, axis=0, return_inverse=True)
    if len(rows) > _MOST_GROUPS:
        raise SettingsError(
            f"covariates: expected at most {_MOST_GROUPS} different rows; got {len(rows)}. Put numbers "
            "such as an age into classes, and fit the model with these."
        )
    return [
        (purchases.for_covariates(dict(zip(names, row, strict=True))), np.flatnonzero(place == i))
        for i, row in enumerate(rows)
    ]


def _predicted(
    purchases: PurchaseFitter,
    spend: GammaGammaFitter | None,
    summary: pd.DataFrame,
    base: Expectations,
    horizon: float,
    interval: float | None,
    *,
    of_mean: bool = True,
) -> pd.DataFrame:
    """Points; with an interval also those of count and value, and of the mean unless left out."""
    points = _points(base)
    if interval is None:
        table = pd.DataFrame(points, index=summary.index)
        table.attrs = {**summary.attrs, "horizon": horizon}
        return table
    row, known = base.known.row, base.known
    most = np.max(known.x / (known.T + purchases.fit_.parameters[1]), initial=0.0) * horizon
    if most > _MOST_EXPECTED:
        raise SettingsError(
            f"summary: a customer would buy {most:,.0f} times within the horizon; at most "
            f"{_MOST_EXPECTED:,} are told. Is frequency a number of purchases, and T in its unit?"
        )
    counts, log_values = future_quantiles(
        purchases.model,
        purchases.fit_.parameters,
        known,
        horizon,
        tails_of(interval),
        None if spend is None else spend.fit_.parameters,
    )
    # Quantiles of value are told in units of v + x·m, the customer's own scale.
    clv_low, clv_high = (base.scale * (base.factor * np.exp(values))[row] for values in log_values)
    table = pd.DataFrame(
        {
            "probability_alive": points["probability_alive"],
            "expected_purchases": points["expected_purchases"],
            "purchases_low": counts[0].astype(np.int64)[row],
            "purchases_high": counts[1].astype(np.int64)[row],
            "expected_spend": points["expected_spend"],
            "clv": points["clv"],
            "clv_low": clv_low,
            "clv_high": clv_high,
        },
        index=summary.index,
    )
    table.attrs = {**summary.attrs, "horizon": horizon, "interval": interval}
    return _with_ends_of_mean(table, purchases, base.known) if of_mean else table


def _points(base: Expectations) -> dict[str, Array]:
    """Each customer's expectations, without intervals, each of shape (n,)."""
    row = base.known.row
    expected = base.expected[row]
    return {
        "probability_alive": base.alive[row],
        "expected_purchases": expected,
        "expected_spend": base.spend,
        "clv": base.factor[row] * base.spend * expected,
    }


def some_customers(
    purchases: PurchaseFitter,
    spend: GammaGammaFitter | None,
    summary: pd.DataFrame,
    *,
    horizon: float,
    annual_discount_rate: float = 0.0,
    margin: float = 1.0,
    interval: float = 0.90,
) -> pd.DataFrame:
    """`predict_customers` of some of a store's, or of a holdout, whatever their total's doubt.

    Without the interval of the mean, for which nobody asks there.
    """
    check_parameters(summary, horizon, annual_discount_rate, margin, interval)
    unit = unit_of(summary, None)
    check_unit(purchases, unit, horizon)
    purchases = settled(purchases)
    rate = rate_per_unit(annual_discount_rate, unit)
    base = expectations(purchases, spend, summary, horizon, rate, margin)
    return _predicted(purchases, spend, summary, base, horizon, interval, of_mean=False)


def _with_ends_of_mean(
    table: pd.DataFrame, purchases: PurchaseFitter, known: KnownCustomers
) -> pd.DataFrame:
    """The table with the interval of what each is expected to buy."""
    horizon, interval = table.attrs["horizon"], table.attrs["interval"]

    def log_expected(parameters: Array) -> Array:
        alive, new = known.alive_and_expected(purchases.model, parameters, horizon)
        return np.asarray(np.log(np.maximum(alive, _TINY)) + np.log(np.maximum(new, _TINY)))

    at_once = known.many_at_once(purchases.model)
    _, low, high = mean_interval(log_expected, purchases.fit_, interval, at_once=at_once)
    place = table.columns.get_loc("purchases_low")
    table.insert(place, "expected_purchases_low", low[known.row])
    table.insert(place + 1, "expected_purchases_high", high[known.row])
    return table


@dataclass(frozen=True, slots=True)
class Expectations:
    """Expectations of customers and of their distinct histories."""

    known: KnownCustomers
    alive: Array  # (rows,), P(alive)
    expected: Array  # (rows,), purchases
    factor: Array  # (rows,), margin times discounted over plain expected purchases
    x: Array  # (customers,), frequency
    m: Array  # (customers,), mean repeat spend
    spend: Array  # (customers,), expected per purchase; NaN where unknown
    scale: Array  # (customers,), v + x·m; NaN where unknown


def expectations(
    purchases: PurchaseFitter,
    spend: GammaGammaFitter | None,
    summary: pd.DataFrame,
    horizon: float,
    rate: float,
    margin: float,
) -> Expectations:
    """Compute every customer's expectations, on distinct histories; `rate` is per unit of time."""
    if not isinstance(purchases, PurchaseFitter) or not hasattr(purchases, "fit_"):
        raise SettingsError(
            "purchases: expected a fitted retention_models.BetaGeoFitter, ModifiedBetaGeoFitter or "
            f"ParetoNBDFitter; got {purchases!r}."
        )
    if spend is not None and not (isinstance(spend, GammaGammaFitter) and hasattr(spend, "fit_")):
        raise SettingsError(f"spend: expected a fitted GammaGammaFitter, or None; got {spend!r}.")
    model, parameters = purchases.model, purchases.fit_.parameters
    x, t_x, T = purchases.histories(summary["frequency"], summary["recency"], summary["T"])
    require_counted(summary["frequency"], summary["recency"])
    known = known_customers(x, t_x, T, by_recency=model.recency_counts)
    of_alive = known.expected(model, parameters, horizon)
    kept = np.where(of_alive > 0, 1.0, 0.0)
    if rate != 0.0:
        discounted = known.discounted(model, parameters, horizon, rate)
        kept = discounted / np.where(of_alive > 0, of_alive, 1.0)
    alive = known.alive(model, parameters)
    m = checked_money(summary["frequency"], summary["monetary_value"])
    each, scale = np.full(x.size, np.nan), np.full(x.size, np.nan)
    if spend is not None:
        p, q, v = spend.fit_.parameters
        told = (x == 0) | (m > 0)
        each[told] = gamma_gamma.expected_spend(x[told], m[told], p, q, v)
        scale[told] = v + x[told] * np.where(x[told] > 0, m[told], 0.0)
    return Expectations(
        known=known,
        alive=alive,
        expected=alive * of_alive[known.cell],
        factor=margin * kept[known.cell],
        x=x,
        m=m,
        spend=each,
        scale=scale,
    )


def unit_of(summary: pd.DataFrame, time_unit: str | None) -> str:
    """Tell the unit of time of a summary, as given or as the summary carries it."""
    told = summary.attrs.get("time_unit")
    if time_unit is not None and told is not None and days_in(time_unit) != days_in(told):
        raise SettingsError(
            f"time_unit: the summary says that it is in {told!r}; got {time_unit!r}. Leave time_unit "
            "out, or make the summary in the unit that you want."
        )
    unit = time_unit or told
    if unit is None:
        raise SettingsError(
            'time_unit: the summary does not carry its unit; pass time_unit="D", "W" or "M", the '
            "unit of recency and T."
        )
    return str(unit)


def check_unit(purchases: PurchaseFitter, unit: str, horizon: float) -> None:
    """Refuse a model of another unit of time than the summary's, and a horizon beyond a lifetime."""
    longest = _LONGEST_YEARS * DAYS_IN_YEAR / days_in(unit)
    require_unit(getattr(purchases, "time_unit_", None), unit, "the summary")
    if horizon > longest:
        raise SettingsError(
            f"horizon: expected at most {_LONGEST_YEARS} years, {longest:.0f} in the summary's unit "
            f"{unit!r}; got {horizon:g}."
        )


def rate_per_unit(annual_discount_rate: float, unit: str) -> float:
    """Convert a yearly discount rate to a continuous rate per unit of time."""
    return float(np.log1p(annual_discount_rate) * days_in(unit) / DAYS_IN_YEAR)


def require_customers(summary: pd.DataFrame) -> None:
    """Refuse a summary of nobody, and one with customers that would be counted twice."""
    if summary.empty:
        raise SettingsError("summary: it holds no customers.")
    if not summary.index.is_unique:
        twice = summary.index[summary.index.duplicated()].unique()
        raise SettingsError(
            f"summary: expected a row for each customer; {len(twice):,} stand in several rows, such as "
            f"{twice[0]!r}. Take repeats out, or summarise stores apart with customer_summary_by_store."
        )


def check_parameters(
    summary: pd.DataFrame, horizon: float, rate: float, margin: float, interval: float
) -> None:
    """Refuse parameters out of range, by name."""
    if not isinstance(summary, pd.DataFrame):
        raise SettingsError(
            f"summary: expected a DataFrame as customer_summary gives; got {type(summary).__name__}."
        )
    missing = {"frequency", "recency", "T", "monetary_value"} - set(summary.columns)
    if missing:
        raise SettingsError(f"summary: columns are missing: {', '.join(sorted(missing))}.")
    numbers: dict[str, object] = {
        "horizon": horizon,
        "annual_discount_rate": rate,
        "margin": margin,
    }
    for name, given in numbers.items():
        if isinstance(given, bool) or not isinstance(given, Real):
            raise SettingsError(f"{name}: expected a number; got {given!r}.")
    if not 0 < horizon < np.inf:
        raise SettingsError(f"horizon: expected a finite length above 0; got {horizon!r}.")
    if not 0 <= rate < 1:
        raise SettingsError(
            f"annual_discount_rate: expected a rate from 0 to below 1; got {rate!r}."
        )
    if not 0 < margin <= 1:
        raise SettingsError(f"margin: expected a share above 0 and up to 1; got {margin!r}.")
    check_interval(interval)
