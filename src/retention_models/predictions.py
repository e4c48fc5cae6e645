"""Fitted models and a customer summary → what each customer, and the store, will buy and be worth.

Two kinds of doubt. For a customer the interval is predictive, at the fitted parameters: the count's
distribution is known in closed form, and chance dwarfs what the parameters add. For the store, chance
averages out over customers and the parameters' doubt does not, so the totals are simulated with both.
"""

from __future__ import annotations

from collections.abc import Iterator
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

_SEED = 20050401  # the month in which FHL (2005) appeared; any fixed number repeats a run exactly


_CELLS = 500_000  # customers times draws held in memory at once


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
    _check(summary, horizon, annual_discount_rate, margin, interval)
    rate = _rate_per_unit(annual_discount_rate, _unit(summary, time_unit))
    base = _base(purchases, spend, summary, horizon, rate, margin)
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
class _Base:
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


def _base(
    purchases: BetaGeoFitter,
    spend: GammaGammaFitter | None,
    summary: pd.DataFrame,
    horizon: float,
    rate: float,
    margin: float,
) -> _Base:
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
    return _Base(
        history=history,
        row=row,
        x=x,
        m=m,
        alive=bg_nbd.probability_alive(*history, *parameters)[row],
        expected=expected[row],
        spend=each,
        factor=margin * (discounted / np.where(expected > 0, expected, 1.0))[row],
    )


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
    _check(summary, horizon, annual_discount_rate, margin, interval)
    rate = _rate_per_unit(annual_discount_rate, _unit(summary, time_unit))
    base = _base(purchases, spend, summary, horizon, rate, margin)
    t_x, T = (summary[column].to_numpy(dtype=float) for column in ("recency", "T"))
    clv = np.nan_to_num(base.factor * base.spend * base.expected)
    priced = np.isfinite(base.spend)
    top = np.zeros(clv.size, dtype=bool)
    top[np.argsort(-clv, kind="stable")[: int(np.ceil(priced.sum() / 10))]] = True
    rng = np.random.default_rng(_SEED)
    count_draws = purchases.fit_.draws(draws, rng)
    spend_draws = spend.fit_.draws(draws, rng) if spend is not None else None
    blocks = []
    for block in np.array_split(np.arange(draws), max(1, draws * clv.size // _CELLS)):
        ends_of_windows = np.array([horizon])
        futures = simulate_futures(ends_of_windows, base.x, t_x, T, count_draws[block], rng)
        alive, counts = next(futures)
        sums = [alive.sum(axis=1), counts.sum(axis=1), (counts > 0).sum(axis=1)]
        if spend_draws is not None:
            told = np.where(priced, base.m, 1.0)
            paid = _simulate_spend(counts, base.x, told, spend_draws[block], rng)
            value = np.where(priced, base.factor * paid, 0.0)
            total = value.sum(axis=1)
            share = value[:, top].sum(axis=1) / np.where(total > 0, total, np.nan)
            sums += [total, share]
        blocks.append(np.stack(sums, axis=1))
    totals = np.concatenate(blocks)
    tails = [(1.0 - interval) / 2.0, (1.0 + interval) / 2.0]
    ends = np.nanquantile(totals, tails, axis=0)
    none = bg_nbd.conditional_count_probabilities(
        horizon, *base.history, *purchases.fit_.parameters
    )[base.row, 0]
    expected = [base.alive.sum(), base.expected.sum(), (1.0 - none).sum()]
    if spend is not None:
        expected += [clv.sum(), clv[top].sum() / clv.sum()]
    results = [
        Interval(float(value), float(low), float(high))
        for value, low, high in zip(expected, *ends, strict=True)
    ]
    money = results[3:] if spend is not None else [None, None]
    return StoreForecast(results[0], results[1], results[2], money[0], money[1], interval)


def simulate_futures(
    ends: Array,
    x: Array,
    t_x: Array,
    T: Array,
    parameters: Array,
    rng: np.random.Generator,
) -> Iterator[tuple[NDArray[np.bool_], Array]]:
    """Draws of who is alive today and of the purchases up to each of several days to come.

    A customer alive buys N(t) ~ Poisson(λ·t) times unless the geometric number of purchases up to
    dropout comes first: the count is the smaller of the two.

    Parameters
    ----------
    ends : ndarray, shape (n,)
        Ends of windows that all begin at T, increasing.
    x, t_x, T : ndarray, shape (k,)
        The customers' histories.
    parameters : ndarray, shape (draws, 4)
        r, α, a, b of each draw.
    rng : numpy.random.Generator
        Source of randomness.

    Yields
    ------
    alive : ndarray of bool, shape (draws, k)
        The same at every end.
    counts : ndarray, shape (draws, k)
        Purchases up to that end, of one path per draw and customer.
    """
    r, alpha, a, b = (parameters[:, [i]] for i in range(4))
    shape = (len(parameters), x.size)
    probability = np.stack([bg_nbd.probability_alive(x, t_x, T, *draw) for draw in parameters])
    alive = rng.random(shape) < probability
    rates = rng.gamma(r + x, 1.0 / (alpha + T))
    most = np.where(alive, np.inf, 0.0)
    if np.any(a > 0.0):
        leaves = np.clip(rng.beta(np.broadcast_to(a, shape), b + x), 1e-12, 1.0)
        most = np.where(alive, rng.geometric(leaves), 0.0)
    wished = np.zeros(shape)
    for step in np.diff(ends, prepend=0.0):
        wished += rng.poisson(rates * step)
        yield alive, np.minimum(wished, most)


def _simulate_spend(
    counts: Array, x: Array, m: Array, parameters: Array, rng: np.random.Generator
) -> Array:
    """Total spend of each draw's counts, given spend levels drawn from their posteriors."""
    p, q, v = (parameters[:, [i]] for i in range(3))
    level = rng.gamma(q + p * x, 1.0 / (v + x * np.where(x > 0, m, 0.0)))
    return np.where(counts > 0, rng.gamma(np.where(counts > 0, p * counts, 1.0)) / level, 0.0)


def predict_path(
    purchases: BetaGeoFitter,
    summary: pd.DataFrame,
    ends: Array,
    *,
    interval: float = 0.90,
    draws: int = 300,
) -> pd.DataFrame:
    """Total purchases of the customers up to each of several days to come, with an interval.

    Parameters
    ----------
    purchases : BetaGeoFitter
        Fitted in the summary's unit.
    summary : DataFrame
        From `customer_summary`.
    ends : ndarray, shape (n,)
        Ends of the windows, in time units from today, increasing.
    interval : float
        Level of the predictive intervals; chance and parameter doubt are both in them.
    draws : int
        Futures simulated.

    Returns
    -------
    DataFrame
        Index ends; forecast (expectation at the fitted parameters), low, high.
    """
    columns = summary[["frequency", "recency", "T"]].to_numpy(dtype=float)
    (level_x, level_t_x, level_T), row = distinct_rows(*columns.T)
    levels, counts = (level_x, level_t_x, level_T), np.bincount(row)
    parameters = purchases.fit_.parameters
    forecast = [
        float(counts @ bg_nbd.conditional_expected_purchases(end, *levels, *parameters))
        for end in ends
    ]
    x, t_x, T = columns.T
    rng = np.random.default_rng(_SEED)
    parameter_draws = purchases.fit_.draws(draws, rng)
    blocks = [
        [future.sum(axis=1) for _, future in simulate_futures(ends, x, t_x, T, block, rng)]
        for block in np.array_split(parameter_draws, max(1, draws * len(summary) // _CELLS))
    ]
    totals = np.concatenate(blocks, axis=1)
    low, high = np.quantile(totals, [(1.0 - interval) / 2.0, (1.0 + interval) / 2.0], axis=1)
    return pd.DataFrame({"forecast": forecast, "low": low, "high": high}, index=ends)


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
