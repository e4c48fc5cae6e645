"""How newcomers arrive, and what they spend: as in the later half of the log.

A Poisson process, φ times as scattered as Poisson's; Wedderburn (1974), Biometrika 61(3), 439–447.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.errors import CannotSay
from retention_models.languages import count, counted
from retention_models.levels import z_of_level
from retention_models.models.fitters import GammaGammaFitter, MidLifeFitter, PurchaseFitter
from retention_models.predictions.customers import unit_of
from retention_models.time_units import days_in

Array = NDArray[np.float64]
# Arrivals are counted in spans of a week, of which fewer than these say nothing of how they scatter.
_FEWEST_WEEKS = 6
# Fewer newcomers do not tell a trend; it is visible at so many standard errors, two-sided 1%.
_FEWEST_NEWCOMERS, _VISIBLE, _STEPS = 20.0, z_of_level(0.01), 12
# What a shop's arrivals usually change by in a year, a standard deviation of their log; and weeks after
# which a change that goes on has lost all but 1/e of its pace.
_USUAL_CHANGE, _LASTS = 0.3, 104.0
_YEAR = 365.25 / 7.0
# What newcomers usually spend on a purchase over what all customers do, a standard deviation of its log.
_USUAL_SPEND = 0.3


@dataclass(frozen=True, slots=True)
class Arrivals:
    """How often newcomers come: per unit of (operational) time today, and φ.

    `trend` is that of the log of the rate today, per unit of time; it dies away by e in `lasts`.
    `covariance` (2, 2) is that of both, on the log scale.
    """

    rate: float
    dispersion: float
    trend: float = 0.0
    covariance: tuple[tuple[float, float], tuple[float, float]] = ((0.0, 0.0), (0.0, 0.0))
    lasts: float = np.inf

    def rates(self, ahead: Array) -> Array:
        """Newcomers per unit of time, so far ahead."""
        return np.asarray(self.rate * np.exp(self.trend * self._reach(ahead)))

    def _reach(self, ahead: Array) -> Array:
        """∫ e^(−s/lasts) ds up to each time ahead."""
        if np.isinf(self.lasts):
            return ahead
        return np.asarray(-self.lasts * np.expm1(-ahead / self.lasts))

    def times(self, ratio: float, error: float) -> Arrivals:
        """So many times as often, with a standard error of the ratio's log."""
        (first, cross), second = self.covariance
        covariance = ((first + error**2, cross), second)
        return replace(self, rate=self.rate * ratio, covariance=covariance)

    def log_error(self, until: float) -> float:
        """Standard error of the log of how many come up to then: that of the rate half-way."""
        half = np.array([1.0, float(self._reach(np.array(until / 2.0)))])
        return float(np.sqrt(half @ np.array(self.covariance) @ half))


def arrivals_of(purchases: PurchaseFitter, summary: pd.DataFrame) -> Arrivals:
    """Newcomers per unit of time, by the later half of the log.

    Customers of before who were seen late are no newcomers: each counts by its chance to be one.
    """
    x, t_x, T = (summary[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T"))
    _, _, (_, _, age), _ = purchases.on_its_clock(x, t_x, T, np.zeros(1))
    week = 7.0 / days_in(unit_of(summary, None))
    span = age.max() / 2.0
    weeks = int(span / week)
    if weeks < _FEWEST_WEEKS:
        raise CannotSay(
            "The data hold {weeks}, too few to say how many newcomers come; at least {fewest} are "
            "needed.",
            weeks=counted(round(age.max() / week), "week"),
            fewest=count(2 * _FEWEST_WEEKS),
        )
    new = np.ones(age.size)
    if isinstance(purchases, MidLifeFitter):
        new = 1.0 - purchases.share_of_before(x, t_x, T)
    # The last day of the log is at age 0, so a week's customers are those of its seven ages.
    by_week = np.bincount(
        np.minimum((age / week).astype(int), weeks), weights=new, minlength=weeks + 1
    )[:weeks]
    mean = float(by_week.mean())
    if mean == 0.0:
        return Arrivals(0.0, 1.0)
    return trended(by_week.astype(float), week)


def spend_of_newcomers(spend: GammaGammaFitter, summary: pd.DataFrame) -> tuple[float, float]:
    """What newcomers spend on a purchase on the average, and the standard error of its log.

    The model's mean p v/(q−1), q above 1, times e^w: w is the log of the mean of what the later half's
    newcomers spend on repeat purchases, each as one, over it, drawn towards 0, as newcomers of most
    shops spend what others do.
    """
    p, q, v = spend.fit_.parameters
    mean = float(p * v / (q - 1.0))
    x, m, T = (summary[name].to_numpy(dtype=float) for name in ("frequency", "monetary_value", "T"))
    each = m[(x > 0.0) & (m > 0.0) & (T.max() >= 2.0 * T)]
    if each.size < 2:  # the usual doubt is all that is known
        return mean, _USUAL_SPEND
    variance = float(each.var(ddof=1) / each.size / each.mean() ** 2)
    weight = _USUAL_SPEND**2 / (_USUAL_SPEND**2 + variance)
    ratio = float(np.exp(weight * np.log(each.mean() / mean)))
    return mean * ratio, float(np.sqrt(weight * variance))


def trended(by_week: Array, week: float) -> Arrivals:
    """The rate of counts by week, the last first, and how it changes.

    Poisson regression of the counts on time, φ times as scattered. A decline beyond chance goes on as
    it is, as where most who will ever come have come. Any other trend is drawn towards none by what
    shops' arrivals usually change by, so that what the data leave open of it is in its doubt; and of a
    growth beyond chance nobody knows how long it goes on: what exceeds a usual one, by all or nothing.
    """
    weeks, usual = by_week.size, _USUAL_CHANGE / (_YEAR * week)
    mean = float(by_week.mean())
    lasts = _LASTS * week
    dispersion = max(1.0, float(((by_week - mean) ** 2).sum() / (weeks - 1) / mean))
    if mean * weeks >= _FEWEST_NEWCOMERS:
        (level, trend), covariance, expected = _regressed(by_week, week, 1.0, 0.0)
        scatter = float(((by_week - expected) ** 2 / expected).sum() / (weeks - 2))
        if np.isfinite(scatter):
            dispersion = max(1.0, scatter)
            covariance *= dispersion
            if abs(trend) >= _VISIBLE * np.sqrt(covariance[1, 1]):
                beyond = max(trend - usual, 0.0)
                covariance[1, 1] += beyond**2 / 12.0  # a uniform distribution's
                lasts = np.inf if trend < 0.0 else lasts
                return _arrivals(level, trend - beyond / 2.0, covariance, dispersion, lasts, week)
    (level, trend), covariance, _ = _regressed(by_week, week, dispersion, usual**-2)
    return _arrivals(level, trend, covariance, dispersion, lasts, week)


def _arrivals(
    level: float, trend: float, covariance: Array, dispersion: float, lasts: float, week: float
) -> Arrivals:
    (first, cross), (_, second) = covariance.tolist()
    told = ((first, cross), (cross, second))
    return Arrivals(float(np.exp(level)) / week, dispersion, float(trend), told, lasts)


def _regressed(
    by_week: Array, week: float, dispersion: float, precision: float
) -> tuple[Array, Array, Array]:
    """Log of a week's count today and its trend, their covariance, and the counts expected.

    `precision` is that of the trend around none beforehand, 0 where nothing is known.
    """
    ago = (np.arange(by_week.size) + 0.5) * week
    design = np.column_stack([np.ones(by_week.size), -ago])
    before = np.diag([0.0, precision])
    beta = np.array([np.log(by_week.mean()), 0.0])
    for _ in range(_STEPS):
        expected = np.exp(design @ beta)
        information = design.T @ (expected[:, None] * design) / dispersion + before
        score = design.T @ (by_week - expected) / dispersion - before @ beta
        beta = beta + np.linalg.solve(information, score)
    expected = np.exp(design @ beta)
    information = design.T @ (expected[:, None] * design) / dispersion + before
    return beta, np.linalg.inv(information), expected
