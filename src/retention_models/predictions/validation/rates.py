"""How the rates of the same customers changed over time, whatever the customers: a conditional estimate.

Given a customer's first and last purchase and the number n between, a common change e^f(day) of all
rates makes those n independent, each on a day between with probability e^f(day) / Σ e^f over the days
between: rates, dropout and who began when fall out. With f = Zβ, the log-likelihood is

    Σ_days n(day) f(day) − Σ_customers n ln Σ_{first < day < last} e^f(day).

A regression of the days' counts on what even purchases would give does not do the same: each customer's
own rate takes up most of the change, the more the shorter it was seen, and of a fall by 25% a year it
says 15%.

Source: Andersen (1970), "Asymptotic properties of conditional maximum-likelihood estimators", Journal of
the Royal Statistical Society B 32(2), 283–301; for Poisson counts it is the fixed-effects regression of
Hausman, Hall & Griliches (1984), Econometrica 52(4), 909–938.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import fdtrc, stdtrit

from retention_models.summaries.holdout import StoreDays

Array = NDArray[np.float64]

_STEPS = 60
_LEVEL = 0.90
# Customers on either side of a change say too little of it below so many purchases.
_FEWEST = 30.0


@dataclass(frozen=True, slots=True)
class RateChange:
    """A relative change of the same customers' rates, with its 90% interval and P value of none."""

    change: float
    low: float
    high: float
    pvalue: float


class _Conditional:
    """Maximum of the conditional likelihood of days' counts by f = Zβ; Z has shape (days, k)."""

    def __init__(self, days: StoreDays, design: Array) -> None:
        inner = days.inner.to_numpy(dtype=float)
        first, last, counts = _spans(days)
        even = np.ones(inner.size)
        if days.spans is None:
            even = days.expected.to_numpy(dtype=float)
        elif days.pace is not None:
            even = days.pace.to_numpy(dtype=float)[: inner.size]
        k = design.shape[1]
        beta = np.zeros(k)
        self.log_likelihood = -np.inf
        step = np.zeros(k)
        for _ in range(_STEPS):
            weight = even * np.exp(design @ beta)
            total = _between(weight, first, last)
            value = float(inner @ (design @ beta) - counts @ np.log(total))
            if value < self.log_likelihood - 1e-9:
                step = step / 2.0
                beta = beta - step
                continue
            self.log_likelihood = value
            mean = _between(weight[:, None] * design, first, last) / total[:, None]
            square = weight[:, None, None] * design[:, :, None] * design[:, None, :]
            second = _between(square, first, last) / total[:, None, None]
            information = np.einsum("i,ijk->jk", counts, second) - (counts[:, None] * mean).T @ mean
            score = inner @ design - counts @ mean
            step = np.linalg.solve(information, score)
            step = step / max(1.0, float(np.abs(step).max()))
            beta = beta + step
            if np.abs(step).max() < 1e-8:
                break
        self.coefficients, self.covariance = beta, np.linalg.inv(information)
        self.expected = _by_day(counts / total, first, last, inner.size) * weight

    def dispersion(self, inner: Array) -> tuple[float, int]:
        """Pearson's, of whole weeks, and its degrees of freedom."""
        weeks = inner.size // 7
        came, expected = (
            each[inner.size - 7 * weeks :].reshape(weeks, 7).sum(axis=1)
            for each in (inner, self.expected)
        )
        some = expected >= 1.0
        free = max(int(some.sum()) - 1 - self.coefficients.size, 1)
        pearson = ((came[some] - expected[some]) ** 2 / expected[some]).sum()
        return float(pearson / free), free


def change_of(days: StoreDays, columns: Array) -> RateChange | None:
    """Change by one unit of the first column, the others allowed for; None where nothing tells it.

    The rest of the weeks' scatter beyond chance widens the interval.
    """
    inner = days.inner.to_numpy(dtype=float)
    if inner.sum() < _FEWEST:
        return None
    try:
        full = _Conditional(days, columns)
    except np.linalg.LinAlgError:
        return None
    scale, free = full.dispersion(inner)
    scale = max(1.0, scale)
    error = float(np.sqrt(scale * full.covariance[0, 0]))
    at = float(full.coefficients[0])
    half = float(stdtrit(free, (1.0 + _LEVEL) / 2.0)) * error
    pvalue = float(fdtrc(1.0, free, (at / error) ** 2))
    low, middle, high = (float(np.expm1(each)) for each in (at - half, at, at + half))
    return RateChange(middle, low, high, pvalue)


def _spans(days: StoreDays) -> tuple[NDArray[np.intp], NDArray[np.intp], Array]:
    """Places of first and last day of spans, and how many lie between; one of all if untold."""
    spans = days.spans
    if spans is None:
        everything = np.array([-1]), np.array([len(days.inner)])
        return *everything, np.array([float(days.inner.sum())])
    begin = days.inner.index[0]
    first, last = (
        (pd.DatetimeIndex(spans[name]) - begin).days.to_numpy(dtype=np.intp)
        for name in ("first", "last")
    )
    return first, last, spans["inner"].to_numpy(dtype=float)


def _between(of_day: Array, first: NDArray[np.intp], last: NDArray[np.intp]) -> Array:
    """Sums over the days after the first and before the last."""
    upto = np.concatenate([np.zeros((1, *of_day.shape[1:])), np.cumsum(of_day, axis=0)])
    return np.asarray(upto[last] - upto[first + 1])


def _by_day(of_span: Array, first: NDArray[np.intp], last: NDArray[np.intp], days: int) -> Array:
    """By day the sum over the spans around it."""
    steps = np.bincount(first + 1, of_span, days + 1) - np.bincount(last, of_span, days + 1)
    return np.asarray(np.cumsum(steps)[:days])
