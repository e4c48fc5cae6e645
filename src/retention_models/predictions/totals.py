"""Intervals of sums over many customers: normal on the log scale, with moments in closed form.

Given the parameters customers are independent, so the variance of a sum by chance is the sum of their
own. What the parameters' doubt adds is found by moving them (`mean_intervals`); both variances add up
on the scale of the sum's logarithm.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.levels import Interval
from retention_models.models.fitters import GammaGammaFitter, PurchaseFitter
from retention_models.models.histories import KnownCustomers
from retention_models.models.intervals import count_moments, log_standard_error, mean_interval
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit
from retention_models.predictions.customers import Expectations

Array = NDArray[np.float64]


def expected_purchases(purchases: PurchaseFitter, known: KnownCustomers, ends: Array) -> Array:
    """Expected purchases of all customers together, up to each of several ends."""
    model, parameters = purchases.model, purchases.fit_.parameters
    alive, expected = known.alive_and_expected(model, parameters, ends[:, None])
    return np.asarray((alive * expected) @ known.customers_by_row)


def expected_totals(
    purchases: PurchaseFitter,
    spend: GammaGammaFitter | None,
    base: Expectations,
    horizon: float,
    top: NDArray[np.bool_],
) -> list[float]:
    """Expectations of what `total_intervals` gives, in its order."""
    quantities = _quantities(purchases, spend, base, horizon, top)
    return [float(np.exp(of(purchases.fit_.parameters))) for of in quantities]


def path_intervals(
    purchases: PurchaseFitter, known: KnownCustomers, ends: Array, interval: float
) -> pd.DataFrame:
    """Purchases of all customers from T up to each of several `ends`: forecast, low, high."""
    found = []
    for end in ends:
        moments = _Chances(purchases, known, end)
        found.append(
            _interval(
                _log_purchases(purchases, known, end),
                purchases.fit_,
                moments.sum(moments.variance),
                interval,
                at_once=known.many_at_once(purchases.model),
            )
        )
    columns = {"forecast": "value", "low": "low", "high": "high"}
    return pd.DataFrame(
        {name: [getattr(each, field) for each in found] for name, field in columns.items()},
        index=ends,
    )


def finite_variance(spend: GammaGammaFitter, base: Expectations) -> bool:
    """Whether every customer's value has a variance: q + p·x > 2."""
    p, q, _ = spend.fit_.parameters
    return bool(q + p * base.known.x.min() > 2.0)


def total_intervals(
    purchases: PurchaseFitter,
    spend: GammaGammaFitter | None,
    base: Expectations,
    horizon: float,
    top: NDArray[np.bool_],
    interval: float,
) -> list[Interval]:
    """Totals of a store of many customers, with intervals; spend has a variance (`finite_variance`).

    Customers alive today, purchases, customers with a purchase; with a spend model also the value,
    and the share of it that the customers in `top`, (customers,), bring.
    """
    chances = _Chances(purchases, base.known, horizon)
    active = chances.alive * (1.0 - chances.none)
    variances = [
        chances.sum(chances.alive * (1.0 - chances.alive)),
        chances.sum(chances.variance),
        chances.sum(active * (1.0 - active)),
    ]
    doubt = [0.0] * 3
    if spend is not None:
        of_value = _value_variance(spend, base, chances)
        value = np.nan_to_num(base.factor[base.known.row] * base.spend)
        value *= base.expected[base.known.row]
        total, first = value.sum(), value[top].sum()
        rest = np.maximum(total - first, 1e-300)
        # d ln(first/total) = (1 − share)(d ln first − d ln rest).
        of_share = of_value[top].sum() / first**2 + of_value[~top].sum() / rest**2
        share = first / total
        variances += [float(of_value.sum()), float(of_share * (1.0 - share) ** 2 * share**2)]
        by_spend = _log_value_by_spend(base, top)
        doubt += (log_standard_error(by_spend, spend.fit_) ** 2).tolist()
    quantities = _quantities(purchases, spend, base, horizon, top)
    # No more customers than there are, and no share above the whole.
    customers = float(chances.customers.sum())
    limits = [customers, np.inf, customers, np.inf, 1.0][: len(quantities)]
    return [
        _interval(quantity, purchases.fit_, variance, interval, extra, limit)
        for quantity, variance, extra, limit in zip(
            quantities, variances, doubt, limits, strict=True
        )
    ]


class _Chances:
    """P(alive), and moments of the count, by row."""

    def __init__(self, purchases: PurchaseFitter, known: KnownCustomers, horizon: float) -> None:
        parameters = purchases.fit_.parameters
        none, mean, second = count_moments(purchases.model, parameters, known, horizon)
        self.customers = known.customers_by_row
        self.alive = known.alive(purchases.model, parameters)
        self.none, mean = none[known.cell], mean[known.cell]
        self.second = self.alive * second[known.cell]
        self.mean = self.alive * mean
        self.variance = self.second - self.mean**2

    def sum(self, by_row: Array) -> float:
        """Sum over customers of what each row's have."""
        return float(self.customers @ by_row)


def _value_variance(spend: GammaGammaFitter, base: Expectations, chances: _Chances) -> Array:
    """Variance of each customer's value, 0 where spend is unknown.

    The total S of n purchases has mean n·p/ν and second moment (p·n)(p·n + 1)/ν², where
    E ν⁻² = V²/((B−1)(B−2)), B = q + p·x, V = v + x·m.
    """
    p, q, _ = spend.fit_.parameters
    row = base.known.row
    shape = q + p * base.x
    squared = (p**2 * chances.second + p * chances.mean)[row] * base.scale**2
    squared /= (shape - 1.0) * (shape - 2.0)
    mean = base.spend * chances.mean[row]
    return np.nan_to_num(base.factor[row] ** 2 * np.maximum(squared - mean**2, 0.0))


def _interval(
    log_quantity: Callable[[Array], Array],
    fit: MaximumLikelihoodFit,
    variance: float,
    interval: float,
    doubt: float = 0.0,
    limit: float = np.inf,
    at_once: bool = False,
) -> Interval:
    """Interval by chance (`variance`), the fit's doubt, and further `doubt` on the log scale."""
    value = float(np.exp(log_quantity(fit.parameters)))
    by_chance = variance / value**2 if value > 0.0 else 0.0
    found = mean_interval(log_quantity, fit, interval, by_chance + doubt, at_once=at_once)
    return Interval(*(min(float(end), limit) for end in found))


def _log_purchases(
    purchases: PurchaseFitter, known: KnownCustomers, horizon: float
) -> Callable[[Array], Array]:
    customers, model = known.customers_by_row, purchases.model

    def log_total(parameters: Array) -> Array:
        alive, expected = known.alive_and_expected(model, parameters, horizon)
        return np.asarray(np.log(np.maximum((alive * expected) @ customers, 1e-300)))

    return log_total


def _quantities(
    purchases: PurchaseFitter,
    spend: GammaGammaFitter | None,
    base: Expectations,
    horizon: float,
    top: NDArray[np.bool_],
) -> list[Callable[[Array], Array]]:
    """Logs of the totals, as functions of the purchase model's parameters."""
    known, model, customers = base.known, purchases.model, base.known.customers_by_row

    def alive(parameters: Array) -> Array:
        return np.asarray(np.log(customers @ known.alive(model, parameters)))

    def active(parameters: Array) -> Array:
        none = known.of_alive(
            model, parameters, partial(model.alive.purchase_count_probability, 0, horizon)
        )
        each = known.alive(model, parameters) * (1.0 - none)[known.cell]
        return np.asarray(np.log(customers @ each))

    found = [alive, _log_purchases(purchases, known, horizon), active]
    if spend is None:
        return found
    worth = np.nan_to_num(base.factor[known.row] * base.spend)
    of_top, of_rest = (np.bincount(known.row, worth * part, known.x.size) for part in (top, ~top))

    def log_value(parameters: Array, weights: Any) -> Array:
        alive, expected = known.alive_and_expected(model, parameters, horizon)
        return np.asarray(np.log(np.maximum((alive * expected) @ weights, 1e-300)))

    def value(parameters: Array) -> Array:
        return log_value(parameters, of_top + of_rest)

    def share(parameters: Array) -> Array:
        return np.asarray(log_value(parameters, of_top) - value(parameters))

    return [*found, value, share]


def _log_value_by_spend(base: Expectations, top: NDArray[np.bool_]) -> Callable[[Array], Array]:
    """Logs (2,) of the value, and of the top's share, as functions of the spend model's parameters."""
    told = np.isfinite(base.spend)
    x, m = base.x[told], np.where(base.x[told] > 0, base.m[told], 0.0)
    weights = (base.factor * base.expected)[base.known.row][told]
    first = top[told]

    def logs(parameters: Array) -> Array:
        p, q, v = parameters
        # Near q = 1 a mean is not finite any more; what is left of the interval's end is its limit.
        each = weights * p * (v + x * m) / np.maximum(p * x + q - 1.0, 1e-6)
        return np.log([each.sum(), each[first].sum() / each.sum()])

    return logs
