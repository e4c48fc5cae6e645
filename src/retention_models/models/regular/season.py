"""Estimation of regular buyers under a season: phases pass by the season's clock.

The log-likelihood is that of `regular.likelihood` in operational time, with the gaps from purchase to
purchase in operational time too, and Σ n(day) ln m(day) of all repeat purchases:

    Σ ℓ(x, τ_x, τ_T; r, α, a, b, k) + (k−1) Σ ln(M(day) − M(day before)) − Σ x ln Γ(k)
    + Σ n(day) ln m(day).

The sum of logs is no longer one number of the log: purchases are counted by the day of the purchase
before and their own.

Sources: those of `regular.likelihood` and `seasons.likelihood`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import gammaln

from retention_models.errors import SettingsError
from retention_models.models.beta_dropout_likelihood import NAMES
from retention_models.models.histories import count_histories
from retention_models.models.history_rows import log_likelihood_by_row
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit, maximise
from retention_models.models.regular.fit import fit_phases, fit_regular
from retention_models.models.seasons.calendar import Calendar
from retention_models.models.seasons.fit import fit_histories
from retention_models.models.seasons.likelihood import Ages, SeasonalHistories, ages
from retention_models.models.seasons.rows import since_first

Array = NDArray[np.float64]
Places = NDArray[np.intp]
Derivatives = tuple[float, Array, Array]

_BLOCK, _TURNS = 16384, 4
_FARTHEST = 20.0


@dataclass(frozen=True, slots=True)
class GapDays:
    """Purchases by the day of the one before and their own, shape (pairs,), as places in a calendar."""

    before: Places
    day: Places
    purchases: Array

    def lengths(self, found: Ages) -> Array:
        """Operational length of each gap, in units of time."""
        until = np.concatenate([[0.0], np.cumsum(found.pace)])
        return np.asarray(until[self.day + 1] - until[self.before + 1])

    def logs(self, found: Ages) -> float:
        """Σ ln gap."""
        return float(self.purchases @ np.log(self.lengths(found)))

    def logs_with_derivatives(self, found: Ages) -> Derivatives:
        """Σ ln gap, with its gradient and its Hessian by β."""
        terms, pace, past = found.seen.terms, found.pace, found.pace.size
        length = self.lengths(found)
        until = np.concatenate(
            [np.zeros((1, terms.shape[1])), np.cumsum(pace[:, None] * terms, axis=0)]
        )
        slopes = (until[self.day + 1] - until[self.before + 1]) / length[:, None]
        share = self.purchases / length
        begun = np.bincount(self.before + 1, share, past + 1)
        ended = np.bincount(self.day + 1, share, past + 1)
        by_day = np.cumsum(begun - ended)[:past] * pace
        bend = terms.T @ (by_day[:, None] * terms)
        bend -= slopes.T @ (self.purchases[:, None] * slopes)
        return float(self.purchases @ np.log(length)), self.purchases @ slopes, bend


def gap_days(table: Any, calendar: Calendar) -> GapDays:
    """A table of before, date and purchases as places in a calendar, whose purchases it must have."""
    if not (isinstance(table, pd.DataFrame) and {"before", "date", "purchases"} <= {*table}):
        raise SettingsError(
            "log_gaps: with a calendar expected the table of count_purchase_gaps, as gaps run by its "
            "clock; or set k=1 to go without."
        )
    first = pd.Timestamp(calendar.first)
    before, day = (
        (pd.to_datetime(table[name]) - first).dt.days.to_numpy() for name in ("before", "date")
    )
    purchases = table["purchases"].to_numpy(dtype=float)
    outside = (before < 0) | (day >= calendar.past) | (before >= day)
    if outside.any():
        at = int(np.flatnonzero(outside)[0])
        raise SettingsError(
            f"log_gaps: expected gaps between two of the days from {calendar.first} to {calendar.end}; "
            f"row {at} goes from {table['before'].iloc[at]} to {table['date'].iloc[at]}."
        )
    by_day = np.bincount(day, purchases, calendar.past)
    if calendar.purchases is not None and np.abs(by_day - calendar.purchases).max() > 1e-6:
        at = int(np.argmax(np.abs(by_day - calendar.purchases)))
        raise SettingsError(
            f"log_gaps: {by_day[at]:,.0f} purchases on {calendar.dates[at].date()}, where the calendar "
            f"has {calendar.purchases[at]:,.0f}; count both of the same log, a day as one purchase."
        )
    return GapDays(before.astype(np.intp), day.astype(np.intp), purchases)


def log_gaps_of(table: pd.DataFrame, unit: float) -> float:
    """Σ ln gap of a table as `gap_days` takes it, in units of so many days."""
    days = (pd.to_datetime(table["date"]) - pd.to_datetime(table["before"])).dt.days
    return float(table["purchases"].to_numpy(dtype=float) @ np.log(days / unit))


def log_likelihood_with_derivatives(
    phi: Array, seen: SeasonalHistories, gaps: GapDays, *, k: int, first: int
) -> Derivatives:
    """Log-likelihood of (ln r, ln α, ln a, ln b, β) at k phases, its gradient and its Hessian."""
    effects, size = phi[4:], phi.size
    if float(np.abs(effects).sum()) > _FARTHEST:
        return -np.inf, np.zeros(size), np.zeros((size, size))
    found, known = ages(seen, effects), seen.known
    value, gradient, hessian = float(seen.bought @ effects), np.zeros(size), np.zeros((size, size))
    gradient[4:] += seen.bought
    silent = np.where(known.x > 0, known.last, known.end)
    by_place = np.zeros(found.at.size)
    for start in range(0, known.x.size, _BLOCK):
        rows = slice(start, start + _BLOCK)
        n, end, since = known.counts[rows], known.end[rows], silent[rows]
        times, x = since_first(found, since, end), known.x[rows].astype(float)
        each = log_likelihood_by_row(phi[:4], x, times.t, times.T, by_times=True, first=first, k=k)
        value += float(n @ each[0])
        gradient += n @ times.chained(each)[0]
        hessian += times.squares(n, each)
        of_t, of_T = n * each[1][:, 4], n * each[1][:, 5]
        by_place += np.bincount(since, -of_t, found.at.size)
        by_place += np.bincount(end, of_t + of_T, found.at.size)
    hessian[4:, 4:] += found.bend(by_place)
    if k > 1:
        logs, slope, bend = gaps.logs_with_derivatives(found)
        value += (k - 1.0) * logs
        gradient[4:] += (k - 1.0) * slope
        hessian[4:, 4:] += (k - 1.0) * bend
    return value, gradient, hessian


def fit_regular_season(
    seen: SeasonalHistories,
    calendar: Calendar,
    gaps: GapDays | None,
    *,
    first: int,
    k: int | None,
    penalty: float = 0.0,
    added: Callable[[int], float] = lambda k: 0.0,
) -> tuple[int, MaximumLikelihoodFit]:
    """Fit k, unless given, and r, α, a, b and e^β; `added` is what days have added to Σ ln gap.

    k is that of the highest likelihood at the season, and the season that at k, in turn until both
    stay. `seen` has the calendar's terms.
    """
    plain = fit_histories(seen, calendar.names, first=first, penalty=penalty, prior=calendar.prior)
    if k == 1 or gaps is None:
        return 1, plain
    effects, found = np.log(plain.parameters[4:]), plain
    chosen = 1
    for _ in range(_TURNS):
        best, own = _at_season(seen, gaps, effects, first, penalty, k, added)
        if best == chosen:
            break
        chosen = best
        if best == 1:
            return 1, plain
        found = _together(seen, calendar, gaps, best, first, penalty, own, effects)
        effects = np.log(found.parameters[4:])
    purchases = float(seen.known.x @ seen.known.counts)
    # What days have added to the gaps is a constant at given k.
    constant = purchases * float(gammaln(chosen)) + (chosen - 1.0) * added(chosen)
    free = found.free_parameters + (k is None)
    likelihood = found.log_likelihood - constant
    return chosen, replace(found, log_likelihood=likelihood, free_parameters=free)


def _at_season(
    seen: SeasonalHistories,
    gaps: GapDays,
    effects: Array,
    first: int,
    penalty: float,
    k: int | None,
    added: Callable[[int], float],
) -> tuple[int, Array]:
    """The best k, and r, α, a, b, in the operational time of given effects."""
    found, known = ages(seen, effects), seen.known
    silent = np.where(known.x > 0, known.last, known.end)
    times = since_first(found, silent, known.end)
    histories = count_histories(known.x.astype(float), times.t, times.T, known.counts)
    logs = gaps.logs(found)
    if k is not None:
        fit = fit_regular(histories, logs - added(k), k=k, first=first, penalty=penalty)
        return k, fit.parameters
    best = fit_phases(histories, logs, first=first, penalty=penalty, added=added)
    return best.k, best.fit.parameters


def _together(
    seen: SeasonalHistories,
    calendar: Calendar,
    gaps: GapDays,
    k: int,
    first: int,
    penalty: float,
    own: Array,
    effects: Array,
) -> MaximumLikelihoodFit:
    """r, α, a, b and e^β at given k; the log-likelihood without its constants."""

    def objective(phi: Array) -> Derivatives:
        return log_likelihood_with_derivatives(phi, seen, gaps, k=k, first=first)

    prior = calendar.prior
    if prior is not None:
        objective_with = prior.added_to(objective, slice(4, None))
    centre = np.concatenate([[0.0, np.log(seen.known.mean_end), 0.0, 0.0], np.zeros(effects.size)])
    # Where nobody is seen to leave, the search begins a little off that limit.
    start = np.concatenate([np.where(own > 0.0, own, 1e-3), np.exp(effects)])
    fit = maximise(
        objective if prior is None else objective_with,
        start,
        (*NAMES, *calendar.names),
        seen.known.customers,
        penalty=penalty,
        penalty_centre=centre,
    )
    if prior is None:
        return fit
    plain = fit.log_likelihood - prior.log_density(np.log(fit.parameters[4:]))
    return replace(fit, log_likelihood=plain)
