"""Fitted models and a customer summary → what each customer, and the store, will buy and be worth.

Two kinds of doubt. For a customer the interval is predictive, at the fitted parameters: the count's
distribution is known in closed form, and chance dwarfs what the parameters add. For the store, chance
averages out over customers and the parameters' doubt does not, so the totals are simulated with both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.errors import SettingsError
from retention_models.models import bg_nbd, gamma_gamma
from retention_models.models.fitters import BetaGeoFitter, GammaGammaFitter
from retention_models.time_units import DAYS_IN_YEAR, days_in

Array = NDArray[np.float64]

_SEED = 20050401  # the month in which FHL (2005) appeared; any fixed number repeats a run exactly


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with the ends of its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class StoreForecast:
    """What the customers known today will do together, each with a predictive interval.

    Attributes
    ----------
    still_customers : Interval
        Customers who have not left for good: the sum of P(alive).
    purchases : Interval
        Purchase days of the window, of all customers together.
    active_customers : Interval
        Customers with at least one purchase in the window.
    value : Interval or None
        Discounted margin of the window; None without a spend model.
    top_tenth_share : Interval or None
        Share of that value which the tenth of customers with the highest CLV brings.
    interval : float
        Level of the intervals.
    """

    still_customers: Interval
    purchases: Interval
    active_customers: Interval
    value: Interval | None
    top_tenth_share: Interval | None
    interval: float


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
    _check(summary, horizon, annual_discount_rate, margin, interval)
    rate = _rate_per_unit(annual_discount_rate, _unit(summary, time_unit))
    parameters = tuple(purchases.params_[list(bg_nbd.NAMES)])
    x, t_x, T = (summary[c].to_numpy(dtype=float) for c in ("frequency", "recency", "T"))
    rows, customer = np.unique(np.stack([x, t_x, T], axis=1), axis=0, return_inverse=True)
    customer = np.ravel(customer)
    history = tuple(rows.T)
    expected = bg_nbd.conditional_expected_purchases(horizon, *history, *parameters)
    discounted = bg_nbd.discounted_expected_purchases(horizon, rate, *history, *parameters)
    chances = bg_nbd.conditional_count_probabilities(horizon, *history, *parameters)
    tails = (1.0 - interval) / 2.0, (1.0 + interval) / 2.0
    low, high = (count_quantile(chances, tail) for tail in tails)
    table = pd.DataFrame(
        {
            "probability_alive": bg_nbd.probability_alive(*history, *parameters)[customer],
            "expected_purchases": expected[customer],
            "purchases_low": low[customer],
            "purchases_high": high[customer],
        },
        index=summary.index,
    )
    money = np.full((4, len(summary)), np.nan)
    if spend is not None:
        p, q, v = spend.params_[list(gamma_gamma.NAMES)]
        m = summary["monetary_value"].to_numpy(dtype=float)
        told = (x == 0) | (m > 0)
        each = gamma_gamma.expected_spend(x[told], m[told], p, q, v)
        factor = margin * (discounted / np.where(expected > 0, expected, 1.0))[customer][told]
        money[0, told] = each
        money[1, told] = margin * each * discounted[customer][told]
        for i, tail in enumerate(tails):
            money[2 + i, told] = factor * gamma_gamma.value_quantile(
                tail, chances, customer[told], x[told], m[told], p, q, v
            )
    table[["expected_spend", "clv", "clv_low", "clv_high"]] = money.T
    table.attrs = {**summary.attrs, "horizon": horizon, "interval": interval}
    return table


def predict_store(
    purchases: BetaGeoFitter,
    spend: GammaGammaFitter | None,
    summary: pd.DataFrame,
    *,
    horizon: float = 52,
    annual_discount_rate: float = 0.10,
    margin: float = 1.0,
    interval: float = 0.90,
    time_unit: str | None = None,
    draws: int = 1000,
) -> StoreForecast:
    """Predict the store's totals over a horizon, with chance and parameter doubt together.

    Each draw takes parameters from their approximate posterior, then a rate, a dropout probability
    and a spend level for every customer from theirs, then a future. Repeatable: the seed is fixed.

    Parameters
    ----------
    purchases, spend, summary, horizon, annual_discount_rate, margin, interval, time_unit
        As for `predict_customers`.
    draws : int
        Futures simulated; the interval's ends are their quantiles.

    Returns
    -------
    StoreForecast
        Values are expectations at the fitted parameters; customers whose spend tells nothing
        (`predict_customers`) are not in the money.
    """
    table = predict_customers(
        purchases,
        spend,
        summary,
        horizon=horizon,
        annual_discount_rate=annual_discount_rate,
        margin=margin,
        interval=interval,
        time_unit=time_unit,
    )
    priced = table["clv"].notna().to_numpy()
    # The money of a draw is spend times the customer's own mean discount factor and the margin.
    factor = (
        (table["clv"] / (table["expected_purchases"] * table["expected_spend"])).fillna(0.0)
    ).to_numpy()
    top = np.zeros(len(table), dtype=bool)
    top[np.argsort(-table["clv"].fillna(-1.0).to_numpy(), kind="stable")[: _tenth(priced)]] = True
    rng = np.random.default_rng(_SEED)
    totals = np.empty((draws, 5))
    count_draws = purchases.fit_.draws(draws, rng)
    spend_draws = spend.fit_.draws(draws, rng) if spend is not None else np.empty((draws, 0))
    x = summary["frequency"].to_numpy(dtype=float)
    t_x, T = summary["recency"].to_numpy(dtype=float), summary["T"].to_numpy(dtype=float)
    m = summary["monetary_value"].to_numpy(dtype=float)
    for i in range(draws):
        alive, counts = simulate_counts(horizon, x, t_x, T, count_draws[i], rng)
        value = np.zeros_like(x)
        if spend is not None:
            value[priced] = factor[priced] * _simulate_spend(
                counts[priced], x[priced], m[priced], spend_draws[i], rng
            )
        total = float(value.sum())
        share = float(value[top].sum()) / total if total > 0 else np.nan
        totals[i] = alive.sum(), counts.sum(), (counts > 0).sum(), total, share
    tails = [(1.0 - interval) / 2.0, (1.0 + interval) / 2.0]
    low, high = np.nanquantile(totals[:, : 3 if spend is None else 5], tails, axis=0)
    low, high = (np.pad(ends, (0, 5 - ends.size), constant_values=np.nan) for ends in (low, high))
    none = bg_nbd.conditional_count_probabilities(
        horizon, x, t_x, T, *purchases.params_[list(bg_nbd.NAMES)]
    )[:, 0]
    expected = (
        float(table["probability_alive"].sum()),
        float(table["expected_purchases"].sum()),
        float((1.0 - none).sum()),
        float(table["clv"].sum()),
        float(table.loc[top, "clv"].sum() / table["clv"].sum()) if priced.any() else np.nan,
    )
    results = [
        Interval(value, float(lower), float(upper))
        for value, lower, upper in zip(expected, low, high, strict=True)
    ]
    value, share = results[3:] if spend is not None else (None, None)
    return StoreForecast(*results[:3], value, share, interval)


def simulate_counts(
    horizon: float, x: Array, t_x: Array, T: Array, parameters: Array, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], Array]:
    """One draw of who is alive and of the purchases in (T, T + horizon] under the BG/NBD model.

    A customer alive buys N ~ Poisson(λ·horizon) times unless the geometric number of purchases up to
    dropout comes first: the count is the smaller of the two.
    """
    r, alpha, a, b = parameters
    alive = rng.random(x.size) < bg_nbd.probability_alive(x, t_x, T, r, alpha, a, b)
    wished = rng.poisson(rng.gamma(r + x, 1.0 / (alpha + T)) * horizon)
    if a == 0.0:
        return alive, np.where(alive, wished, 0).astype(float)
    leaves = np.clip(rng.beta(a, b + x), 1e-12, 1.0)
    return alive, np.where(alive, np.minimum(wished, rng.geometric(leaves)), 0).astype(float)


def _simulate_spend(
    counts: Array, x: Array, m: Array, parameters: Array, rng: np.random.Generator
) -> Array:
    p, q, v = parameters
    level = rng.gamma(q + p * x, 1.0 / (v + x * np.where(x > 0, m, 0.0)))
    return np.where(counts > 0, rng.gamma(np.where(counts > 0, p * counts, 1.0)) / level, 0.0)


def _tenth(priced: NDArray[np.bool_]) -> int:
    return int(np.ceil(priced.sum() / 10))


def count_quantile(chances: Array, probability: float) -> Array:
    """Smallest count whose distribution function reaches a probability, per row of chances."""
    reached = np.cumsum(chances, axis=1) >= probability - 1e-12
    return np.asarray(np.argmax(reached, axis=1), dtype=np.int64)


def _unit(summary: pd.DataFrame, time_unit: str | None) -> str:
    unit = time_unit or summary.attrs.get("time_unit")
    if unit is None:
        raise SettingsError(
            'time_unit: the summary does not carry its unit; pass time_unit="D", "W" or "M", the '
            "unit of recency and T."
        )
    return str(unit)


def _rate_per_unit(annual_discount_rate: float, unit: str) -> float:
    return float(np.log1p(annual_discount_rate) * days_in(unit) / DAYS_IN_YEAR)


def _check(
    summary: pd.DataFrame, horizon: float, rate: float, margin: float, interval: float
) -> None:
    missing = {"frequency", "recency", "T", "monetary_value"} - set(summary.columns)
    if missing:
        raise SettingsError(f"summary: columns are missing: {', '.join(sorted(missing))}.")
    if not horizon > 0:
        raise SettingsError(f"horizon: expected a length above 0; got {horizon!r}.")
    if not 0 <= rate < 1:
        raise SettingsError(
            f"annual_discount_rate: expected a rate from 0 to below 1; got {rate!r}."
        )
    if not 0 < margin <= 1:
        raise SettingsError(f"margin: expected a share above 0 and up to 1; got {margin!r}.")
    if not 0 < interval < 1:
        raise SettingsError(f"interval: expected a level between 0 and 1; got {interval!r}.")
