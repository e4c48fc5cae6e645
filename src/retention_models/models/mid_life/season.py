"""Estimation of customers of before and newcomers under a season, all parameters together.

Newcomers come by the same season as purchases do: at the rate μ·m(day). Then the whole is itself in
operational time, and every purchase, also the first seen of each customer, carries its day's m:

    Σ ln(N₀ f₀ + μ f) − N₀ (1 − (α₀/(α₀+C))^r₀) − μ C + Σ_days (purchases of the day) · ln m(day),

f₀, f, and the log's length C in operational time. The log-likelihood published is that given the day on
which each customer was first seen, as without a season.

Sources: those of `mid_life.fit` and `seasons.likelihood`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from retention_models.models.history_rows import log_likelihood_by_row
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit, maximise
from retention_models.models.mid_life.fit import (
    NAMES,
    fit_mid_life,
    given_first_seen,
    priors,
    told_of,
)
from retention_models.models.seasons.calendar import Calendar
from retention_models.models.seasons.likelihood import Ages, SeasonalHistories, ages
from retention_models.models.seasons.rows import Times, since_first

Array = NDArray[np.float64]
Derivatives = tuple[float, Array, Array]

_BLOCK = 16384
_NEW, _OLD, _OWN = slice(0, 4), slice(4, 8), len(NAMES)
# Effects whose sizes add up to more are beyond any season.
_FARTHEST = 20.0


@dataclass(frozen=True, slots=True)
class Whole:
    """A log's distinct histories, and what its days are made of.

    `x`, `counts`, `end`, `since`, shape (rows,), the last two places in the histories' times; `bought`,
    shape (terms,), is Σ z(day) over all purchases; `terms` and `open` are those of the days observed.
    """

    seen: SeasonalHistories
    x: Array
    counts: Array
    end: NDArray[np.intp]
    since: NDArray[np.intp]
    bought: Array

    def length(self, found: Ages) -> tuple[Array, Array, Array]:
        """C in operational time, its slopes by β, and its second derivatives."""
        terms, pace = self.seen.terms, found.pace
        return np.array([pace.sum()]), pace @ terms, terms.T @ (pace[:, None] * terms)


def whole_log(seen: SeasonalHistories) -> Whole:
    """All purchases of a log, customers' first ones among them, by history and by day."""
    known = seen.known
    x = known.x.astype(float)
    since = np.where(known.x > 0, known.last, known.end)
    past = seen.terms.shape[0]
    # T goes back to the end of the first purchase's day, or to the middle of it.
    place = past - known.times[known.end] * seen.unit
    first_day = np.clip(np.ceil(place - 1e-6).astype(np.intp) - 1, 0, past - 1)
    firsts = np.bincount(first_day, known.counts, past)
    return Whole(
        seen, x, known.counts, known.end, since.astype(np.intp), seen.bought + firsts @ seen.terms
    )


def log_likelihood_with_derivatives(phi: Array, whole: Whole, first: int) -> Derivatives:
    """The whole's log-likelihood by the logs of `NAMES` and β, its gradient and its Hessian."""
    effects = phi[_OWN:]
    size = phi.size
    if float(np.abs(effects).sum()) > _FARTHEST:
        return -np.inf, np.zeros(size), np.zeros((size, size))
    found = ages(whole.seen, effects)
    length, slope, bend = whole.length(found)
    value, gradient, hessian = _unseen(phi, float(length[0]), slope, bend)
    value += float(whole.bought @ effects)
    gradient[_OWN:] += whole.bought
    by_place, of_length = np.zeros(found.at.size), 0.0
    new, old = (np.r_[part, _OWN:size] for part in (_NEW, _OLD))
    for start in range(0, whole.x.size, _BLOCK):
        rows = slice(start, start + _BLOCK)
        x, n = whole.x[rows], whole.counts[rows]
        end, since = whole.end[rows], whole.since[rows]
        t1 = since_first(found, since, end)
        all_of_it = np.broadcast_to(length, x.shape)
        all_slopes = np.broadcast_to(slope, (x.size, slope.size))
        t0 = Times(
            all_of_it - found.at[since], all_of_it, all_slopes - found.slopes[since], all_slopes
        )
        old_terms = log_likelihood_by_row(phi[_OLD], x + 1.0, t0.t, t0.T, by_times=True, first=0)
        new_terms = log_likelihood_by_row(phi[_NEW], x, t1.t, t1.T, by_times=True, first=first)
        log_old, log_new = phi[8] + old_terms[0], phi[9] + new_terms[0]
        both = np.logaddexp(log_old, log_new)
        value += float(n @ both)
        w0, w1 = n * np.exp(log_old - both), n * np.exp(log_new - both)
        (g0, season0), (g1, season1) = t0.chained(old_terms), t1.chained(new_terms)
        gradient[8:_OWN] += w0.sum(), w1.sum()
        gradient[old] += w0 @ g0
        gradient[new] += w1 @ g1
        hessian[np.ix_(old, old)] += t0.squares(w0, old_terms)
        hessian[np.ix_(new, new)] += t1.squares(w1, new_terms)
        apart = np.zeros((x.size, size))
        apart[:, _NEW], apart[:, _OLD], apart[:, 8], apart[:, 9] = -g1[:, :4], g0[:, :4], 1.0, -1.0
        apart[:, _OWN:] = season0 - season1
        hessian += apart.T @ ((w0 * w1 / n)[:, None] * apart)
        of_t0, of_T0 = w0 * old_terms[1][:, 4], w0 * old_terms[1][:, 5]
        of_t1, of_T1 = w1 * new_terms[1][:, 4], w1 * new_terms[1][:, 5]
        by_place += np.bincount(since, -of_t0 - of_t1, found.at.size)
        by_place += np.bincount(end, of_t1 + of_T1, found.at.size)
        of_length += float((of_t0 + of_T0).sum())
    hessian[_OWN:, _OWN:] += found.bend(by_place) + of_length * bend
    return value, gradient, hessian


def _unseen(phi: Array, length: float, slope: Array, bend: Array) -> Derivatives:
    """−N₀ P(seen) − μ C, with derivatives by the logs and, through C, by β."""
    size = phi.size
    (r, alpha), before, rate = np.exp(phi[4:6]), np.exp(phi[8]), np.exp(phi[9])
    late = 1.0 / (alpha + length)
    waited = np.log1p(length / alpha)
    missed = np.exp(-r * waited)
    # ln(missed) by ln r, ln α and C.
    first = np.array([-r * waited, r * length * late, -r * late])
    second = np.array(
        [
            [-r * waited, r * length * late, -r * late],
            [r * length * late, -r * length * alpha * late**2, r * alpha * late**2],
            [-r * late, r * alpha * late**2, r * late**2],
        ]
    )
    by, bends = missed * first, missed * (np.outer(first, first) + second)
    gradient, hessian = np.zeros(size), np.zeros((size, size))
    seen = before * (1.0 - missed)
    of_length = before * by[2] - rate
    gradient[4:6] = before * by[:2]
    gradient[8], gradient[9] = -seen, -rate * length
    gradient[_OWN:] = of_length * slope
    hessian[4:6, 4:6] = before * bends[:2, :2]
    hessian[4:6, 8] = hessian[8, 4:6] = before * by[:2]
    hessian[8, 8], hessian[9, 9] = -seen, -rate * length
    hessian[4:6, _OWN:] = before * np.outer(bends[:2, 2], slope)
    hessian[8, _OWN:], hessian[9, _OWN:] = before * by[2] * slope, -rate * slope
    hessian[_OWN:, [4, 5, 8, 9]] = hessian[[4, 5, 8, 9], _OWN:].T
    hessian[_OWN:, _OWN:] = before * bends[2, 2] * np.outer(slope, slope) + of_length * bend
    return -seen - rate * length, gradient, hessian


def fit_mid_life_season(
    seen: SeasonalHistories,
    calendar: Calendar,
    effects: Array,
    *,
    first: int,
    penalty: float = 0.0,
) -> MaximumLikelihoodFit:
    """Fit `NAMES` and e^β to a log as long as its calendar; `effects` is where the search for β begins.

    `seen` has the calendar's terms. Refused if no customer bought again.
    """
    known = seen.known
    known.require_repeats()
    whole, prior = whole_log(seen), calendar.prior
    length = calendar.past / seen.unit
    T = known.times[whole.end]
    in_days = whole.x, T - known.times[whole.since], T, whole.counts
    plain = fit_mid_life(*in_days, length, first=first, penalty=penalty)
    centre, weight = priors(known, penalty)

    def posterior(phi: Array) -> Derivatives:
        value, gradient, hessian = log_likelihood_with_derivatives(phi, whole, first)
        away = phi[:_OWN] - centre
        value -= float(weight @ away**2)
        gradient[:_OWN] -= 2.0 * weight * away
        hessian[np.arange(_OWN), np.arange(_OWN)] -= 2.0 * weight
        return value, gradient, hessian

    objective = posterior if prior is None else prior.added_to(posterior, slice(_OWN, None))
    start = np.concatenate([plain.parameters, np.exp(effects)])
    fit = maximise(objective, start, (*NAMES, *calendar.names), known.customers)
    found = ages(seen, np.log(fit.parameters[_OWN:]))
    times = since_first(found, whole.since, whole.end)
    operational = whole.x, times.t, times.T, whole.counts
    total = float(whole.length(found)[0][0])
    chances = given_first_seen(np.log(fit.parameters[:_OWN]), operational, total, first)
    of_days = float(seen.bought @ np.log(fit.parameters[_OWN:]))
    return replace(
        fit,
        log_likelihood=float(whole.counts @ chances) + of_days,
        message=told_of(fit, total),
    )
