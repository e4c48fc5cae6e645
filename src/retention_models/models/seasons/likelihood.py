"""Log-likelihood of BG/NBD and MBG/NBD under a season, with exact derivatives by all parameters.

A rate λ·m(day) leaves these models unchanged in operational time M(u) = ∫m, because customers leave
after purchases and not with the calendar. With A(t) = M(0) − M(−t) the operational time from t before
the end of observation to the end, a customer's τ_T is A(T) and τ_x is A(T) − A(T − t_x), and

    log-likelihood = Σ ℓ(x, τ_x, τ_T; r, α, a, b) + Σ_days n(day) · log m(day),

n(day) the repeat purchases on a day. The odds of having left depend on the pair (T, T − t_x) and on x:
rows are summed by pair first, and all derivatives by β follow from these sums by pairs, places and days.

Sources: those of `bg_nbd` and `mbg_nbd`; the change of time is that of a Poisson process with a common
factor of its rate: Çinlar (1975), Introduction to stochastic processes, chapter 4.7.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from retention_models.models import nbd
from retention_models.models.beta_dropout_likelihood import of_having_stayed
from retention_models.models.histories import Histories, count_histories
from retention_models.models.seasons.calendar import Calendar

Array = NDArray[np.float64]
Places = NDArray[np.intp]
Derivatives = tuple[float, Array, Array]

# Rows at a time: they stay in a processor's cache.
_BLOCK = 8192
# Effects whose sizes add up to more than this are beyond any season (e^20 is half a thousand million);
# data that do not tell a term lead there.
_FARTHEST = 20.0


@dataclass(frozen=True, slots=True)
class SeasonalHistories:
    """Distinct histories sorted by their pair of T and time since the last purchase, and the days.

    `known` holds the time since the last purchase in the place of recency. `x`, `counts`, shape (rows,),
    are sorted by pair; `starts`, `end`, `since`, shape (pairs,), are a pair's first row and places in
    `known.times`. `terms` and `open` are those of the days observed; `bought`, shape (terms,), is
    Σ n(day) z(day). `day` and `part`, shape (times,), tell the day in which a time before the end
    begins, and how much of that day lies after it. `unit` is the days in a unit of time.
    """

    known: Histories
    x: Places
    counts: Array
    starts: Places
    end: Places
    since: Places
    terms: Array
    open: Array
    bought: Array
    day: Places
    part: Array
    unit: float

    def under(self, calendar: Calendar) -> SeasonalHistories:
        """The same histories under a calendar of the same days with other terms."""
        terms = calendar.terms[: calendar.past]
        bought = np.zeros(calendar.past) if calendar.purchases is None else calendar.purchases
        return replace(
            self, terms=terms, open=calendar.open[: calendar.past], bought=bought @ terms
        )

    def thinned(self, every: int) -> SeasonalHistories:
        """Every so many rows only, for so many times their customers: enough for a start."""
        rows = np.arange(0, self.x.size, every)
        pair = np.searchsorted(self.starts, rows, side="right") - 1
        first = np.flatnonzero(np.diff(pair, prepend=-1))
        pairs = pair[first]
        return replace(
            self,
            x=self.x[rows],
            counts=every * self.counts[rows],
            starts=first,
            end=self.end[pairs],
            since=self.since[pairs],
        )


def seasonal_histories(
    x: Array, t_x: Array, T: Array, counts: Array | None, calendar: Calendar, unit: float
) -> SeasonalHistories:
    """Count customers by history, and bring the calendar's days into the order of a fit."""
    known = count_histories(x, T - t_x, T, counts)
    # Whoever never came back has been silent since the first purchase; a count of rows drops that.
    silent = np.where(known.x > 0, known.last, known.end)
    key = (known.end.astype(np.int64) * known.times.size + silent) << 20
    order = np.argsort(key + np.minimum(known.x, (1 << 20) - 1))
    end, since = known.end[order], silent[order]
    starts = np.flatnonzero(
        np.concatenate([[True], (np.diff(end) != 0) | (np.diff(since) != 0)])[: end.size]
    )
    past = calendar.past
    # Rounding must not put the end of a day into the next one.
    place = np.maximum(past - known.times * unit, 0.0)
    whole = np.rint(place)
    place = np.where(np.abs(place - whole) < 1e-6, whole, place)
    day = np.minimum(np.floor(place).astype(np.intp), past - 1)
    terms = calendar.terms[:past]
    return SeasonalHistories(
        known=known,
        x=known.x[order],
        counts=known.counts[order],
        starts=starts,
        end=end[starts],
        since=since[starts],
        terms=terms,
        open=calendar.open[:past],
        bought=(np.zeros(past) if calendar.purchases is None else calendar.purchases) @ terms,
        day=day,
        part=1.0 - (place - day),
        unit=unit,
    )


@dataclass(frozen=True, slots=True)
class Ages:
    """A(t) at the times of the histories, shape (times,), its derivatives by β, and the way back."""

    at: Array
    slopes: Array
    seen: SeasonalHistories
    pace: Array

    def bend(self, by_place: Array) -> Array:
        """Σ over places of a number there times the second derivatives of A, shape (terms, terms)."""
        seen = self.seen
        whole = np.bincount(seen.day + 1, by_place, self.pace.size + 1)[: self.pace.size]
        days = np.cumsum(whole) + np.bincount(seen.day, by_place * seen.part, self.pace.size)
        return np.asarray(seen.terms.T @ ((days * self.pace)[:, None] * seen.terms))


def ages(seen: SeasonalHistories, effects: Array) -> Ages:
    """Operational time from each of the histories' times before the end to the end."""
    pace = np.exp(seen.terms @ effects) * seen.open / seen.unit

    def until_the_end(by_day: Array) -> Array:
        after = np.concatenate([np.cumsum(by_day[::-1], axis=0)[::-1], np.zeros_like(by_day[:1])])
        part = seen.part if by_day.ndim == 1 else seen.part[:, None]
        return np.asarray(after[seen.day + 1] + part * by_day[seen.day])

    return Ages(
        until_the_end(pace), until_the_end(pace[:, None] * seen.terms), seen=seen, pace=pace
    )


def _out_of_reach(effects: Array) -> bool:
    """Whether a search is to turn back."""
    return float(np.abs(effects).sum()) > _FARTHEST


def without_dropout(phi: Array, seen: SeasonalHistories, known: Ages | None = None) -> Derivatives:
    """Log-likelihood of (ln r, ln α, β) where nobody leaves, its gradient and its Hessian."""
    if _out_of_reach(phi[2:]):
        return -np.inf, np.zeros(phi.size), np.zeros((phi.size, phi.size))
    found = ages(seen, phi[2:]) if known is None else known
    (r, alpha), histories = np.exp(phi[:2]), replace(seen.known, times=found.at)
    value, first, second = nbd.log_likelihood_with_derivatives(phi[:2], histories)
    k = seen.terms.shape[1]
    late = 1.0 / (alpha + found.at)
    # −(r + x) ln(α + A) summed by T.
    weight = r * histories.customers_by_end + histories.purchases_by_end
    by_place = -weight * late
    gradient = np.concatenate([first, by_place @ found.slopes + seen.bought])
    hessian = np.zeros((2 + k, 2 + k))
    hessian[:2, :2] = second
    hessian[0, 2:] = hessian[2:, 0] = -r * (histories.customers_by_end * late) @ found.slopes
    hessian[1, 2:] = hessian[2:, 1] = alpha * (weight * late**2) @ found.slopes
    squares = found.slopes.T @ ((weight * late**2)[:, None] * found.slopes)
    hessian[2:, 2:] = squares + found.bend(by_place)
    return value + float(seen.bought @ phi[2:]), gradient, hessian


def gradient_of_log_likelihood(phi: Array, seen: SeasonalHistories, *, first: int) -> Array:
    """The gradient alone of `log_likelihood_with_derivatives`, in half the time."""
    theta, found, known = np.exp(phi[:4]), ages(seen, phi[4:]), seen.known
    gradient = _slopes_of_having_left(theta, seen, found, first)
    gradient[2:4] += of_having_stayed(known, theta[2], theta[3], first)[1]
    gradient[:4] *= theta
    rates = np.delete(np.arange(phi.size), [2, 3])
    gradient[rates] += without_dropout(np.delete(phi, [2, 3]), seen, found)[1]
    return gradient


def log_likelihood_with_derivatives(
    phi: Array, seen: SeasonalHistories, *, first: int
) -> Derivatives:
    """Log-likelihood of (ln r, ln α, ln a, ln b, β), its gradient and its Hessian.

    `first` is m of `beta_dropout_likelihood`: 0 for the BG/NBD, 1 for the MBG/NBD.
    """
    if _out_of_reach(phi[4:]):
        return -np.inf, np.zeros(phi.size), np.zeros((phi.size, phi.size))
    theta, found, known = np.exp(phi[:4]), ages(seen, phi[4:]), seen.known
    value, gradient, hessian = _odds_of_having_left(theta, seen, found, first)
    _, _, a, b = theta
    stayed, slope, bend_of_stayed = of_having_stayed(known, a, b, first)
    value += stayed
    gradient[2:4] += slope
    hessian[2:4, 2:4] += bend_of_stayed

    scale = np.concatenate([theta, np.ones(phi.size - 4)])
    gradient = gradient * scale
    hessian = hessian * np.outer(scale, scale)
    hessian[np.diag_indices(4)] += gradient[:4]
    stays, by_rate, bend = without_dropout(np.delete(phi, [2, 3]), seen, found)
    rates = np.delete(np.arange(phi.size), [2, 3])
    gradient[rates] += by_rate
    hessian[np.ix_(rates, rates)] += bend
    return value + stays, gradient, hessian


def _odds_of_having_left(
    theta: Array, seen: SeasonalHistories, found: Ages, first: int
) -> Derivatives:
    """Σ counts · ln(1 + O) with its derivatives by r, α, a, b, β; see `beta_dropout_likelihood`.

    With g = ln O and i_T = 1/(α+τ_T), i_x = 1/(α+τ_x), ∂g/∂β = (r+x)(i_T τ_T′ − i_x τ_x′), that is
    (r+x)((i_T − i_x) A′(T) + i_x A′(T − t_x)).
    """
    _, alpha, a, _ = theta
    tau_T, silent = found.at[seen.end], found.at[seen.since]
    late, early = 1.0 / (alpha + tau_T), 1.0 / (alpha + tau_T - silent)
    waited = np.log1p(tau_T / alpha) - np.log1p((tau_T - silent) / alpha)
    gap = -silent * late * early  # i_T − i_x
    value, of_b, (s0, s1, u0, u1, u2, ub, ub1) = _sums_by_pair(theta, seen, waited, first)
    s0_sum, s0_b, ub_b = of_b

    def on(at_end: Array, at_since: Array) -> Array:
        """Numbers of pairs by place: those that belong to T and those to the time since."""
        size = found.at.size
        of_end, of_since = (
            np.bincount(place, values, size).astype(float)
            for place, values in ((seen.end, at_end), (seen.since, at_since))
        )
        return np.asarray(of_end + of_since)

    by_place = on(s1 * gap, s1 * early)
    k = seen.terms.shape[1]
    gradient = np.concatenate([[s0 @ waited, s1 @ gap, s0_sum / a, s0_b], by_place @ found.slopes])
    hessian = np.zeros((4 + k, 4 + k))
    hessian[0, :4] = u0 @ waited**2, (u1 * waited + s0) @ gap, u0 @ waited / a, ub @ waited
    hessian[1, 1:4] = u2 @ gap**2 - (s1 * gap) @ (late + early), u1 @ gap / a, ub1 @ gap
    hessian[2, 2:4] = (u0.sum() - s0_sum) / a**2, ub.sum() / a
    hessian[3, 3] = ub_b
    end_alpha, since_alpha = (
        u2 * gap**2 - s1 * gap * (late + early),
        (u2 * gap - s1 * early) * early,
    )
    with_effects = (
        on((u1 * waited + s0) * gap, (u1 * waited + s0) * early),
        on(end_alpha, since_alpha),
        on(u1 * gap, u1 * early) / a,
        on(ub1 * gap, ub1 * early),
    )
    hessian[:4, 4:] = np.stack(with_effects) @ found.slopes
    twice = on(end_alpha, (u2 + s1) * early**2)
    # Pairs are sorted by their places: they are the rows of a sparse matrix as they stand.
    begins = np.searchsorted(seen.end, np.arange(found.at.size + 1))
    across = csr_array((since_alpha, seen.since, begins), shape=(found.at.size,) * 2)
    cross = found.slopes.T @ (across @ found.slopes)
    squares = found.slopes.T @ (twice[:, None] * found.slopes) + cross + cross.T
    hessian[4:, 4:] = squares + found.bend(by_place)
    upper = np.triu_indices(4 + k, 1)
    hessian.T[upper] = hessian[upper]
    return value, gradient, hessian


def _slopes_of_having_left(theta: Array, seen: SeasonalHistories, found: Ages, first: int) -> Array:
    """The gradient of `_odds_of_having_left`."""
    _, alpha, a, _ = theta
    tau_T, silent = found.at[seen.end], found.at[seen.since]
    late, early = 1.0 / (alpha + tau_T), 1.0 / (alpha + tau_T - silent)
    waited = np.log1p(tau_T / alpha) - np.log1p((tau_T - silent) / alpha)
    gap = -silent * late * early
    _, (s0_sum, s0_b, _), (s0, s1) = _sums_by_pair(theta, seen, waited, first, bend=False)
    size = found.at.size
    by_place = np.bincount(seen.end, s1 * gap, size) + np.bincount(seen.since, s1 * early, size)
    return np.concatenate([[s0 @ waited, s1 @ gap, s0_sum / a, s0_b], by_place @ found.slopes])


def _sums_by_pair(
    theta: Array, seen: SeasonalHistories, waited: Array, first: int, *, bend: bool = True
) -> tuple[float, tuple[float, float, float], list[Array]]:
    """Over the rows of each pair: what the derivatives of the odds of having left are made of.

    With s the chance to have left times the customers, u = s · P(alive), R = r + x and B = ∂g/∂b, the
    sums of s, sR, u, uR, uR², uB, uBR by pair; and in all of s, sB, (u + s)B². Without `bend` those of
    s and sR only, and in all of s, sB.
    """
    r, _, a, b = theta
    level = np.arange(seen.known.reached.size + 1)
    possible = level + first > 0  # a customer of the BG/NBD cannot leave before coming back
    before = np.where(possible, b + level - 1.0 + first, 1.0)
    shapes = r + level
    log_level = np.where(possible, np.log(a / before), -np.inf)
    slopes = np.where(possible, -1.0 / before, 0.0)
    found, total = np.empty((7 if bend else 2, seen.starts.size)), np.zeros(4)
    ends = np.append(seen.starts, seen.x.size)
    edges = np.unique(
        np.append(np.searchsorted(ends, np.arange(0, ends[-1], _BLOCK)), ends.size - 1)
    )
    for low, high in pairwise(edges):
        block = slice(int(ends[low]), int(ends[high]))
        sizes = np.diff(ends[low : high + 1])
        x, counts = seen.x[block], seen.counts[block]
        shape = shapes.take(x)
        log_odds = shape * np.repeat(waited[low:high], sizes)
        log_odds += log_level.take(x)
        small = np.exp(-np.abs(log_odds))
        left = counts * (np.where(log_odds >= 0.0, 1.0, small) / (1.0 + small))
        by_b = slopes.take(x)
        firsts = ends[low:high] - block.start
        if not bend:
            total[1:3] += left.sum(), left @ by_b
            np.add.reduceat(left, firsts, out=found[0, low:high])
            np.add.reduceat(left * shape, firsts, out=found[1, low:high])
            continue
        unsure = left * (1.0 - left / counts)
        total += (
            counts @ (np.maximum(log_odds, 0.0) + np.log1p(small)),
            left.sum(),
            left @ by_b,
            (unsure + left) @ by_b**2,
        )
        with_b, with_shape = unsure * by_b, unsure * shape
        rows = left, left * shape, unsure, with_shape, with_shape * shape, with_b, with_b * shape
        for column, values in zip(found, rows, strict=True):
            np.add.reduceat(values, firsts, out=column[low:high])
    value, s0, s0_b, ub_b = (float(v) for v in total)
    return value, (s0, s0_b, ub_b), list(found)
