"""Fitted models and a customer summary → what each customer will buy and be worth.

Intervals here are predictive, for one customer at the fitted parameters: the distribution of the count
is known in closed form, and chance dwarfs what the parameters' doubt adds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.errors import SettingsError
from retention_models.models import bg_nbd, gamma_gamma
from retention_models.models.distinct_rows import distinct_rows
from retention_models.models.fitters import BetaGeoFitter, GammaGammaFitter
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit
from retention_models.time_units import DAYS_IN_YEAR, days_in

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with the ends of its interval."""

    value: float
    low: float
    high: float


def mean_purchase_rate(fit: MaximumLikelihoodFit) -> Interval:
    """Mean purchases per unit of time while a customer, r/α, with its 95% interval (delta method)."""
    r, alpha, _, _ = fit.parameters
    c = fit.log_covariance
    return _around(r / alpha, float(np.sqrt(c[0, 0] + c[1, 1] - 2.0 * c[0, 1])))


def mean_dropout(fit: MaximumLikelihoodFit) -> Interval:
    """Mean probability to leave after a purchase, a/(a+b), with its 95% interval (on the odds)."""
    _, _, a, b = fit.parameters
    if a == 0.0:
        return Interval(0.0, 0.0, 0.0)
    c = fit.log_covariance
    odds = _around(a / b, float(np.sqrt(c[2, 2] + c[3, 3] - 2.0 * c[2, 3])))
    return Interval(*(value / (1.0 + value) for value in (odds.value, odds.low, odds.high)))


def _around(value: float, log_error: float) -> Interval:
    spread = float(np.exp(1.959963984540054 * log_error))
    return Interval(float(value), float(value / spread), float(value * spread))


def predict_customers(
    purchases: BetaGeoFitter,
    spend: GammaGammaFitter | None,
    summary: pd.DataFrame,
    *,
    horizon: float = 52,
    annual_discount_rate: float = 0.10,
    margin: float = 1.0,
    interval: float = 0.90,
    time_unit: str | None = None,
) -> pd.DataFrame:
    """Predict every customer's purchases and value over a horizon.

    Parameters
    ----------
    purchases : BetaGeoFitter
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
    interval : float
        Level of the predictive intervals, equal-tailed.
    time_unit : {"D", "W", "M"}, optional
        Unit of the summary; read from ``summary.attrs`` unless given.

    Returns
    -------
    DataFrame
        Index as the summary. probability_alive; expected_purchases with purchases_low and
        purchases_high (predictive, whole numbers); expected_spend per purchase; clv, the discounted
        margin of the horizon: margin · expected_spend · ∫ e^(−δs) dE(s), with clv_low and clv_high
        (predictive). Money is NaN where mean repeat spend is not above 0 although the customer
        came back: such spend (all returned, or free) tells nothing about the next purchase.

    Raises
    ------
    SettingsError
        If a parameter is out of range or the unit is not known.
    CannotSay
        If the spend model has no finite mean.

    Notes
    -----
    Purchases: Fader, Hardie & Lee (2005), (8) and (10), at (r + x, α + T, a, b + x). The interval of
    clv is that of the window's total spend, Σ_n P(n) · I(p·n, q + p·x), times margin and the
    customer's mean discount factor, which takes the timing of purchases at its expectation.
    """
    check_parameters(summary, horizon, annual_discount_rate, margin, interval)
    rate = rate_per_unit(annual_discount_rate, unit_of(summary, time_unit))
    base = expectations(purchases, spend, summary, horizon, rate, margin)
    rows = base.history
    chances = bg_nbd.conditional_count_probabilities(horizon, *rows, *purchases.fit_.parameters)
    tails = (1.0 - interval) / 2.0, (1.0 + interval) / 2.0
    low, high = (count_quantile(chances, tail)[base.row] for tail in tails)
    ends = np.full((2, len(summary)), np.nan)
    if spend is not None:
        told = np.flatnonzero(np.isfinite(base.spend))
        known = base.row[told], base.x[told], base.m[told]
        for i, tail in enumerate(tails):
            total = gamma_gamma.value_quantile(tail, chances, *known, *spend.fit_.parameters)
            ends[i, told] = base.factor[told] * total
    table = pd.DataFrame(
        {
            "probability_alive": base.alive,
            "expected_purchases": base.expected,
            "purchases_low": low,
            "purchases_high": high,
            "expected_spend": base.spend,
            "clv": base.factor * base.spend * base.expected,
            "clv_low": ends[0],
            "clv_high": ends[1],
        },
        index=summary.index,
    )
    table.attrs = {**summary.attrs, "horizon": horizon, "interval": interval}
    return table


@dataclass(frozen=True, slots=True)
class Expectations:
    """Expectations per customer, and the distinct histories that they were computed on.

    history: (x, t_x, T) of the distinct rows. row: each customer's row in them. spend: expected
    spend per purchase, NaN where unknown. factor: margin times the customer's mean discount factor,
    discounted over plain expected purchases.
    """

    history: tuple[Array, Array, Array]
    row: NDArray[np.intp]
    x: Array
    m: Array
    alive: Array
    expected: Array
    spend: Array
    factor: Array


def expectations(
    purchases: BetaGeoFitter,
    spend: GammaGammaFitter | None,
    summary: pd.DataFrame,
    horizon: float,
    rate: float,
    margin: float,
) -> Expectations:
    """Compute every customer's expectations, on distinct histories; `rate` is per unit of time."""
    if not isinstance(purchases, BetaGeoFitter) or not hasattr(purchases, "fit_"):
        raise SettingsError(
            f"purchases: expected a fitted retention_models.BetaGeoFitter; got {purchases!r}."
        )
    parameters = purchases.fit_.parameters
    columns = summary[["frequency", "recency", "T"]].to_numpy(dtype=float)
    (level_x, level_t_x, level_T), row = distinct_rows(*columns.T)
    history = level_x, level_t_x, level_T
    expected = bg_nbd.conditional_expected_purchases(horizon, *history, *parameters)
    discounted = bg_nbd.discounted_expected_purchases(horizon, rate, *history, *parameters)
    x, m = columns[:, 0], summary["monetary_value"].to_numpy(dtype=float)
    each = np.full(len(summary), np.nan)
    if spend is not None:
        told = (x == 0) | (m > 0)
        each[told] = gamma_gamma.expected_spend(x[told], m[told], *spend.fit_.parameters)
    return Expectations(
        history=history,
        row=row,
        x=x,
        m=m,
        alive=bg_nbd.probability_alive(*history, *parameters)[row],
        expected=expected[row],
        spend=each,
        factor=margin * (discounted / np.where(expected > 0, expected, 1.0))[row],
    )


def count_quantile(chances: Array, probability: float) -> Array:
    """Smallest count whose distribution function reaches a probability, per row of chances."""
    reached = np.cumsum(chances, axis=1) >= probability - 1e-12
    return np.asarray(np.argmax(reached, axis=1), dtype=np.int64)


def unit_of(summary: pd.DataFrame, time_unit: str | None) -> str:
    """Tell the unit of time of a summary, as given or as the summary carries it."""
    unit = time_unit or summary.attrs.get("time_unit")
    if unit is None:
        raise SettingsError(
            'time_unit: the summary does not carry its unit; pass time_unit="D", "W" or "M", the '
            "unit of recency and T."
        )
    return str(unit)


def rate_per_unit(annual_discount_rate: float, unit: str) -> float:
    """Convert a yearly discount rate to a continuous rate per unit of time."""
    return float(np.log1p(annual_discount_rate) * days_in(unit) / DAYS_IN_YEAR)


def check_parameters(
    summary: pd.DataFrame, horizon: float, rate: float, margin: float, interval: float
) -> None:
    """Refuse parameters out of range, by name."""
    missing = {"frequency", "recency", "T", "monetary_value"} - set(summary.columns)
    if missing:
        raise SettingsError(f"summary: columns are missing: {', '.join(sorted(missing))}.")
    if not 0 < horizon < np.inf:
        raise SettingsError(f"horizon: expected a finite length above 0; got {horizon!r}.")
    if not 0 <= rate < 1:
        raise SettingsError(
            f"annual_discount_rate: expected a rate from 0 to below 1; got {rate!r}."
        )
    if not 0 < margin <= 1:
        raise SettingsError(f"margin: expected a share above 0 and up to 1; got {margin!r}.")
    if not 0 < interval < 1:
        raise SettingsError(f"interval: expected a level between 0 and 1; got {interval!r}.")
