"""Which of a calendar's terms a log can carry, told by tests that hold where day totals are restless.

What a plain model expects on each day is compared with what was bought. Day totals of shops vary by
more than chance alone (weather, paydays), so that a likelihood ratio finds seasons where there are none.

Years: the score test of the likelihood under a season, in which every customer's own rate and dropout
are accounted for, over the dispersion of weekly totals around a level, a trend and the waves, widened by
their correlation from week to week: a quasi-likelihood F. Not with less than a year and a half: before a
second year begins a season cannot be told from customers leaving.
The same restlessness widens the doubt about the effects: a likelihood takes days as independent.
Weeks: each week's deviations of its days from their expected shares, Hotelling's T² over weeks.

Sources: McCullagh & Nelder (1989), Generalized linear models, 2nd ed., chapter 9 (quasi-likelihood);
Hotelling (1931), "The generalization of Student's ratio", Annals of Mathematical Statistics 2(3).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtrc

from retention_models.models.interface import PurchaseModel
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit, ascend
from retention_models.models.seasons.calendar import WEEKDAYS, Calendar
from retention_models.models.seasons.fit import first_of, fit_histories
from retention_models.models.seasons.likelihood import (
    SeasonalHistories,
    gradient_of_log_likelihood,
    log_likelihood_with_derivatives,
    without_dropout,
)

Array = NDArray[np.float64]

# Shorter logs carry no yearly waves, and no days of the week.
FEWEST_DAYS, FEWEST_WEEKS = 547, 8
_MOST = 3
# Chances to find waves, and days of the week, where there are none: 5% in all, with a margin for weeks
# that are correlated.
_LEVEL_OF_WAVES, _LEVEL_OF_WEEKDAYS = 0.015, 0.025
# Rows from which a plain model is fitted, and the place and the curvature are found where the next wave
# is tested: a test needs the slopes of all rows, but not that its place or curvature be exact.
_FEW = 16384
# An event is estimated from so many expected purchases on its days, in so many stretches of days.
_FEWEST_PURCHASES, _FEWEST_TIMES, _APART = 20.0, 2, 7
# A day of the week on which so many purchases were expected and none made is one that is shut.
_SHUT = 10.0


@dataclass(frozen=True, slots=True)
class CarriedTerms:
    """A calendar with its terms decided, and what was found on the way.

    `plain`, shape (4,), is about the plain model's parameters; `of_weeks` and `of_days` are by how much
    totals of weeks, and of the days within them, vary more than by chance, at least 1.
    """

    calendar: Calendar
    plain: Array
    of_weeks: float
    of_days: float

    def widened(self, fit: MaximumLikelihoodFit) -> MaximumLikelihoodFit:
        """A fit of the calendar's season, its effects as doubtful as restless days make them."""
        terms = self.calendar.names
        spread = [self.of_days if name in WEEKDAYS else self.of_weeks for name in terms]
        scale = np.sqrt(np.concatenate([np.ones(len(fit.names) - len(terms)), spread]))
        return replace(fit, log_covariance=fit.log_covariance * np.outer(scale, scale))


def carried_terms(
    calendar: Calendar,
    base: PurchaseModel,
    seen: SeasonalHistories,
    T: Array,
    counts: Array | None,
) -> CarriedTerms:
    """What was left to the data decided, and events left out that they cannot tell.

    `seen` has the histories of a calendar of the same days; T and counts are those of the rows that it
    was made of.
    """
    assert calendar.purchases is not None, "checked before"
    bought = calendar.purchases
    plain = calendar.with_terms(harmonics=0, weekdays=False, events=())
    some = seen.under(plain).thinned(max(1, seen.x.size // _FEW))
    parameters = fit_histories(some, (), first=first_of(base)).parameters
    expected = expected_by_day(base, parameters, T, counts, calendar, seen.unit)
    expected = expected * calendar.open[: calendar.past]
    if calendar.weekdays is not False:
        shut = shut_weekdays(bought, expected, calendar.end)
        calendar = calendar.with_terms(shut=tuple(sorted({*calendar.shut, *shut})))
        expected = expected * calendar.open[: calendar.past]
    p_value, of_days = days_of_the_week(bought, expected, calendar.end)
    if calendar.weekdays is None:
        calendar = calendar.with_terms(weekdays=p_value < _LEVEL_OF_WEEKDAYS)
    of_weeks, free = restlessness(bought, expected)
    if calendar.harmonics is None:
        found = 0
        if bought.size >= FEWEST_DAYS:
            waves = calendar.with_terms(harmonics=_MOST, weekdays=False, events=())
            seen = seen.under(waves)
            found = told_harmonics(seen, parameters, first_of(base), of_weeks, free)
        calendar = calendar.with_terms(harmonics=found)
    events = [event for event in calendar.events if _told(event[1], calendar, expected)]
    calendar = calendar.with_terms(events=tuple(events))
    return CarriedTerms(calendar, parameters, of_weeks, of_days)


def expected_by_day(
    base: PurchaseModel,
    parameters: Array,
    T: Array,
    counts: Array | None,
    calendar: Calendar,
    unit: float,
) -> Array:
    """Repeat purchases that a plain model expects on each day, of customers who began on theirs."""
    begin = calendar.past - T * unit
    day = np.minimum(np.floor(begin + 1e-6).astype(int), calendar.past)
    begun = np.bincount(day, counts, calendar.past + 1)[: calendar.past]
    part = float(np.clip(np.average(begin - day, weights=counts), 0.0, 1.0))
    ages = np.maximum(np.arange(calendar.past + 1.0) - part, 0.0) / unit
    by_age = np.diff(base.expected_purchases(ages, *parameters))
    size = 1 << int(np.ceil(np.log2(2 * calendar.past)))
    product = np.fft.rfft(begun, size) * np.fft.rfft(by_age, size)
    return np.maximum(np.fft.irfft(product, size)[: calendar.past], 0.0)


def told_harmonics(
    seen: SeasonalHistories, start: Array, first: int, restlessness: float, free: int
) -> int:
    """How many yearly waves are told, each beside those before it.

    `seen` has the waves as its terms, `start` are about the plain model's parameters, `restlessness` is
    the dispersion of weekly totals and `free` its degrees of freedom. The test is the likelihood's score
    test of two further terms, over the dispersion.
    """
    within = start[2] > 0.0
    phi = np.log(start if within else start[:2])
    few = seen.thinned(max(1, seen.x.size // _FEW))
    most = seen.terms.shape[1] // 2
    for k in range(most):
        phi = np.concatenate([phi, np.zeros(2)])
        _, _, hessian = _log_likelihood(phi, _with_waves(few, k + 1), first, within)
        gradient = _gradient(phi, _with_waves(seen, k + 1), first, within)
        ratio = (_gain(gradient, hessian) - _gain(gradient[:-2], hessian[:-2, :-2])) / restlessness
        if not fdtrc(2.0, free, max(ratio, 0.0)) < _LEVEL_OF_WAVES:
            return k
        if k + 1 < most:
            roughly = _with_waves(few, k + 1)
            phi = ascend(
                partial(_log_likelihood, seen=roughly, first=first, within=within), phi
            ).phi
    return most


def _gain(gradient: Array, hessian: Array) -> float:
    """Log-likelihood that one step to the maximum wins."""
    return float(gradient @ np.linalg.pinv(-hessian, hermitian=True) @ gradient) / 2.0


def _with_waves(seen: SeasonalHistories, k: int) -> SeasonalHistories:
    """With the first k waves only."""
    return replace(seen, terms=seen.terms[:, : 2 * k], bought=seen.bought[: 2 * k])


def _log_likelihood(
    phi: Array, seen: SeasonalHistories, first: int, within: bool
) -> tuple[float, Array, Array]:
    """The model's log-likelihood, or within its limit that of the NBD."""
    if within:
        return log_likelihood_with_derivatives(phi, seen, first=first)
    return without_dropout(phi, seen)


def _gradient(phi: Array, seen: SeasonalHistories, first: int, within: bool) -> Array:
    """The gradient of `_log_likelihood`."""
    if within:
        return gradient_of_log_likelihood(phi, seen, first=first)
    return without_dropout(phi, seen)[1]


def restlessness(bought: Array, expected: Array, most: int = _MOST) -> tuple[float, int]:
    """By how much weekly totals vary more than by chance, at least 1, and its degrees of freedom.

    From the residuals beside a level, a trend and all waves, so that what a wave would tell does not
    count; wider by their correlation from week to week.
    """
    weeks = bought.size // 7
    y, mu = (v[v.size - 7 * weeks :].reshape(weeks, 7).sum(axis=1) for v in (bought, expected))
    some = mu > 1e-9 * mu.max()
    y, mu, week = y[some], mu[some], np.arange(weeks)[some] - weeks / 2.0
    turn = 2.0 * np.pi * 7.0 * week / 365.2425
    waves = [wave(k * turn) for k in range(1, most + 1) for wave in (np.sin, np.cos)]
    design = np.stack([np.ones(week.size), week / weeks, *waves], axis=1)
    free = y.size - design.shape[1]
    if free < 10:
        return 1.0, 1
    residuals = _residuals(y, mu, design)
    dispersion = float(residuals @ residuals) / free * _persistence(residuals)
    return max(dispersion, 1.0), free


def _residuals(y: Array, mu: Array, design: Array) -> Array:
    """Pearson residuals of Poisson means mu·e^(Xγ), by iterated weighted least squares."""
    gamma = np.zeros(design.shape[1])
    gamma[0] = np.log(max(y.sum(), 0.5) / mu.sum())
    for _ in range(25):
        fitted = mu * np.exp(np.clip(design @ gamma, -30.0, 30.0))
        information = design.T @ (fitted[:, None] * design)
        step, *_ = np.linalg.lstsq(information, design.T @ (y - fitted), rcond=1e-12)
        gamma = gamma + np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < 1e-8:
            break
    fitted = mu * np.exp(np.clip(design @ gamma, -30.0, 30.0))
    return np.asarray((y - fitted) / np.sqrt(fitted))


def _persistence(residuals: Array) -> float:
    """By how much slow waves vary more than residuals that are independent, which these may not be."""
    rho = float(residuals[1:] @ residuals[:-1]) / max(float(residuals @ residuals), 1e-300)
    # A correlation is underestimated where level, trend and waves were fitted.
    rho = float(np.clip(rho + 4.0 / residuals.size, 0.0, 0.9))
    return (1.0 + rho) / (1.0 - rho)


def days_of_the_week(bought: Array, expected: Array, end: dt.date) -> tuple[float, float]:
    """P-value of days of the week that differ, 1 with less than 8 weeks; and the days' restlessness.

    That is the variance of days around their shares of the week's total over what it is by chance.
    """
    y, mu, _ = _by_week(bought, expected, end)
    keep = (mu.sum(axis=1) > 0) & (y.sum(axis=1) > 0)
    y, mu = y[keep], mu[keep]
    open_days = mu.sum(axis=0) > 0
    y, mu = y[:, open_days], mu[:, open_days]
    weeks, parts = y.shape[0], int(open_days.sum()) - 1
    if weeks < max(FEWEST_WEEKS, parts + 2) or parts < 1:
        return 1.0, 1.0
    share, total = mu / mu.sum(axis=1, keepdims=True), y.sum(axis=1, keepdims=True)
    away = y - total * share
    by_chance = (total * share * (1.0 - share)).sum() / weeks
    restless = max(float(away.var(axis=0, ddof=1).sum() / by_chance), 1.0)
    mean, scatter = away[:, :-1].mean(axis=0), np.cov(away[:, :-1].T, ddof=1).reshape(parts, parts)
    try:
        distance = weeks * float(mean @ np.linalg.solve(scatter, mean))
    except np.linalg.LinAlgError:
        return 1.0, restless
    ratio = (weeks - parts) / (parts * (weeks - 1.0)) * max(distance, 0.0)
    return float(fdtrc(parts, weeks - parts, ratio)), restless


def shut_weekdays(bought: Array, expected: Array, end: dt.date) -> list[int]:
    """Days of the week on which purchases would be expected and none was ever made; 0 is Monday."""
    y, mu, days = _by_week(bought, expected, end)
    share = mu.sum(axis=0) * y.sum() / max(mu.sum(), 1e-300)
    return [int(days[j]) for j in range(7) if y[:, j].sum() == 0 and share[j] > _SHUT]


def _by_week(bought: Array, expected: Array, end: dt.date) -> tuple[Array, Array, NDArray[np.intp]]:
    """Whole weeks that end on the last day, shape (weeks, 7), and which day each column is."""
    weeks = bought.size // 7
    y, mu = (v[v.size - 7 * weeks :].reshape(weeks, 7) for v in (bought, expected))
    return y, mu, (end.weekday() + 1 + np.arange(7)) % 7


def _told(days: tuple[dt.date, ...], calendar: Calendar, expected: Array) -> bool:
    """Whether an event was in force often enough, and while enough was bought."""
    on = calendar.flags(days)[: calendar.past] > 0
    places = np.flatnonzero(on & (expected > 0))
    times = 1 + int((np.diff(places) > _APART).sum()) if places.size else 0
    always = not (~on & (expected > 0)).any()
    return times >= _FEWEST_TIMES and float(expected[on].sum()) >= _FEWEST_PURCHASES and not always
