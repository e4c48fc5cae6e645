"""What a store's customers will do together: simulated futures with chance and parameter doubt.

For one customer chance dwarfs what the parameters add (`predictions`). Summed over a store chance
averages out and the parameters' doubt does not, so every simulated future draws both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.errors import SettingsError
from retention_models.models import bg_nbd
from retention_models.models.distinct_rows import distinct_rows
from retention_models.models.fitters import BetaGeoFitter, GammaGammaFitter
from retention_models.predictions import (
    Interval,
    check_parameters,
    expectations,
    rate_per_unit,
    unit_of,
)

Array = NDArray[np.float64]

_SEED = 20050401  # the month in which FHL (2005) appeared; any fixed number repeats a run exactly


_CELLS = 500_000  # customers times draws held in memory at once


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
        Discounted margin of the window; None without a spend model, or where no customer's spend
        tells anything.
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
    check_parameters(summary, horizon, annual_discount_rate, margin, interval)
    _check_draws(draws)
    rate = rate_per_unit(annual_discount_rate, unit_of(summary, time_unit))
    base = expectations(purchases, spend, summary, horizon, rate, margin)
    t_x, T = (summary[column].to_numpy(dtype=float) for column in ("recency", "T"))
    clv = np.nan_to_num(base.factor * base.spend * base.expected)
    priced = np.isfinite(base.spend)
    # Where nobody's spend is known there is nothing to add up, and no share of it.
    money = spend if clv.sum() > 0 else None
    top = np.zeros(clv.size, dtype=bool)
    top[np.argsort(-clv, kind="stable")[: int(np.ceil(priced.sum() / 10))]] = True
    rng = np.random.default_rng(_SEED)
    count_draws = purchases.fit_.draws(draws, rng)
    spend_draws = money.fit_.draws(draws, rng) if money is not None else None
    blocks = []
    for block in np.array_split(np.arange(draws), max(1, draws * clv.size // _CELLS)):
        ends_of_windows = np.array([horizon])
        futures = simulate_futures(ends_of_windows, base.x, t_x, T, count_draws[block], rng)
        alive, counts = next(futures)
        sums = [alive.sum(axis=1), counts.sum(axis=1), (counts > 0).sum(axis=1)]
        if spend_draws is not None:
            told = np.where(priced, base.m, 1.0)
            paid = _simulate_spend(counts, base.x, told, spend_draws[block], rng)
            values = np.where(priced, base.factor * paid, 0.0)
            total = values.sum(axis=1)
            sums += [total, values[:, top].sum(axis=1) / np.where(total > 0, total, np.nan)]
        blocks.append(np.stack(sums, axis=1))
    totals = np.concatenate(blocks)
    tails = [(1.0 - interval) / 2.0, (1.0 + interval) / 2.0]
    ends = np.nanquantile(totals, tails, axis=0)
    none = bg_nbd.conditional_count_probabilities(
        horizon, *base.history, *purchases.fit_.parameters
    )[base.row, 0]
    expected = [base.alive.sum(), base.expected.sum(), (1.0 - none).sum()]
    if money is not None:
        expected += [clv.sum(), clv[top].sum() / clv.sum()]
    results = [
        Interval(float(value), float(low), float(high))
        for value, low, high in zip(expected, *ends, strict=True)
    ]
    value, share = results[3:] if money is not None else (None, None)
    return StoreForecast(results[0], results[1], results[2], value, share, interval)


def _check_draws(draws: int) -> None:
    if draws < 1:
        raise SettingsError(f"draws: expected at least 1 simulated future; got {draws!r}.")


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
    _check_draws(draws)
    if not 0 < interval < 1:
        raise SettingsError(f"interval: expected a level between 0 and 1; got {interval!r}.")
    if not (np.all(np.diff(ends, prepend=0.0) > 0) and np.all(np.isfinite(ends))):
        raise SettingsError("ends: expected finite times above 0 that increase.")
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
