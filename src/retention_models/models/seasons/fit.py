"""Joint estimation of a season and of the BG/NBD or MBG/NBD model under it, by maximum likelihood.

Each effect β is a further parameter e^β of the fit, so that the covariance of logs is that of β, and its
doubt goes wherever that of r, α, a and b goes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from retention_models.errors import SettingsError
from retention_models.languages import marked, phrase
from retention_models.models.beta_dropout_likelihood import (
    ALIKE,
    NAMES,
    NEGLIGIBLE,
    VISIBLE_DROPOUT,
    named_limit,
    usual_starts,
)
from retention_models.models.bg_nbd import BG_NBD
from retention_models.models.interface import PurchaseModel
from retention_models.models.maximum_likelihood import (
    MaximumLikelihoodFit,
    Objective,
    at_boundary,
    maximise,
)
from retention_models.models.mbg_nbd import MBG_NBD
from retention_models.models.nbd import Start, best_fit, dropout_quantiles
from retention_models.models.seasons.calendar import Calendar
from retention_models.models.seasons.likelihood import (
    SeasonalHistories,
    log_likelihood_with_derivatives,
    seasonal_histories,
    without_dropout,
)
from retention_models.models.seasons.prior import SeasonPrior

Array = NDArray[np.float64]

# First searches use about so many rows: the full one then needs two steps or three.
_FEW = (8192, 65536)
# Of a model that is the store's own but for its season.
SEASON_SHRUNK = marked("the season is shrunk towards that of the chain's other stores")


def first_of(base: PurchaseModel) -> int:
    """0 for the BG/NBD, 1 for the MBG/NBD (see `beta_dropout_likelihood`); others are refused."""
    known = {BG_NBD.label: 0, MBG_NBD.label: 1}
    if base.label not in known or base.names != NAMES:
        raise SettingsError(
            f"calendar: {base.label} takes none, as its customers leave by the calendar and not after "
            "purchases; fit a BetaGeoFitter or a ModifiedBetaGeoFitter, a MidLifeFitter or one of "
            "regular buyers."
        )
    return known[base.label]


def check_calendar(
    calendar: Calendar, x: Array, T: Array, counts: Array | None, unit: float
) -> None:
    """Refuse a calendar whose days are not those of the histories."""
    if calendar.purchases is None:
        raise SettingsError(
            "calendar: a fit needs its purchases by day, which a saved model does not keep: make it "
            "anew with Calendar.of."
        )
    if calendar.purchases.shape != (calendar.past,):
        raise SettingsError(
            f"calendar: expected purchases for each of its {calendar.past} days from "
            f"{calendar.first} to {calendar.end}; got {calendar.purchases.size}."
        )
    longest = float(T.max()) * unit
    if longest > calendar.past + 1e-6:
        raise SettingsError(
            f"T: expected {calendar.past} days or less, as the calendar begins on {calendar.first}; "
            f"the longest is {longest:g} days."
        )
    repeats = float(x.sum() if counts is None else x @ counts)
    by_day = float(calendar.purchases.sum())
    if abs(repeats - by_day) > 1e-6 * max(repeats, 1.0):
        raise SettingsError(
            f"calendar: its days hold {by_day:,.0f} repeat purchases, the customers' frequencies "
            f"{repeats:,.0f}; count both of the same log, up to the same day, with the same same_day."
        )
    shut = (calendar.open[: calendar.past] == 0.0) & (calendar.purchases > 0)
    if shut.any():
        day = calendar.dates[int(np.flatnonzero(shut)[0])].date()
        raise SettingsError(
            f"closed: expected days on which nothing was bought; {int(shut.sum())} of those declared "
            f"have repeat purchases, the first {day}."
        )


def fit_season(
    x: Array,
    t_x: Array,
    T: Array,
    counts: Array | None,
    calendar: Calendar,
    unit: float,
    *,
    first: int,
    penalty: float = 0.0,
    prior: SeasonPrior | None = None,
) -> MaximumLikelihoodFit:
    """Fit (r, α, a, b, e^β) to histories in units of so many days, and purchases by day.

    `first` is 0 for the BG/NBD, 1 for the MBG/NBD; `penalty` is a ridge on the logs of r, α / mean T,
    a, b and on β. With a prior of β the estimates are those of highest posterior density and the verdict
    is "shrunk". Where no dropout shows the limit is the NBD's under the season; see `fit_beta_dropout`.
    """
    check_calendar(calendar, x, T, counts, unit)
    seen = seasonal_histories(x, t_x, T, counts, calendar, unit)
    return fit_histories(seen, calendar.names, first=first, penalty=penalty, prior=prior)


def fit_histories(
    seen: SeasonalHistories,
    terms: tuple[str, ...],
    *,
    first: int,
    penalty: float = 0.0,
    prior: SeasonPrior | None = None,
    start: Array | None = None,
) -> MaximumLikelihoodFit:
    """What `fit_season` gives, of histories counted before; `start` may be r, α, a, b of a like fit."""
    seen.known.require_repeats()
    search = _Search(seen, terms, first, penalty, prior)
    stays = search.stays()
    r, alpha, *effects = stays.parameters
    usual = [partial(_beside, own, effects) for own in usual_starts(seen.known, r, alpha)]
    starts: list[Start] = list(usual)
    if start is not None and start[2] > 0.0:
        starts = [lambda: np.concatenate([start, effects]), *usual]
    for rows in _FEW if start is None else _FEW[1:]:
        every = seen.x.size // rows
        if every > 1:
            roughly = search.full(seen.thinned(every), starts)
            if roughly.verdict == "converged":
                starts = [partial(np.copy, roughly.parameters), *usual]
    full = search.full(seen, starts)
    a, b = full.parameters[2:4]
    invisible = full.log_likelihood < stays.log_likelihood + VISIBLE_DROPOUT or a < NEGLIGIBLE * b
    if invisible and penalty == 0.0:
        full = search.without_dropout(stays)
    return search.ended(named_limit(full, first))


def _beside(own: Start, effects: list[float]) -> Array:
    """Starting values of the model's own parameters, and effects beside them."""
    return np.concatenate([own(), effects])


@dataclass(frozen=True, slots=True)
class _Search:
    """The searches of one fit: of all parameters, and of those without dropout."""

    seen: SeasonalHistories
    terms: tuple[str, ...]
    first: int
    penalty: float
    prior: SeasonPrior | None

    def stays(self) -> MaximumLikelihoodFit:
        """The NBD under the season."""
        rate = self.seen.known.mean_rate
        return maximise(
            self._with_prior(lambda phi: without_dropout(phi, self.seen), 2),
            np.concatenate([[0.5, 0.5 / rate], np.exp(self._centre)]),
            ("r", "alpha", *self.terms),
            self.seen.known.customers,
            penalty=self.penalty,
            penalty_centre=np.concatenate([[0.0, self._log_time], self._centre]),
        )

    def full(self, seen: SeasonalHistories, starts: list[Start]) -> MaximumLikelihoodFit:
        """The model with dropout, of some rows or all."""

        def objective(phi: Array) -> tuple[float, Array, Array]:
            return log_likelihood_with_derivatives(phi, seen, first=self.first)

        return best_fit(
            self._with_prior(objective, 4),
            starts,
            (*NAMES, *self.terms),
            seen.known.customers,
            penalty=self.penalty,
            penalty_centre=np.concatenate([[0.0, self._log_time, 0.0, 0.0], self._centre]),
        )

    def without_dropout(self, stays: MaximumLikelihoodFit) -> MaximumLikelihoodFit:
        """The limit without dropout, and how much dropout the data allow all the same."""
        message = phrase(
            "no dropout is visible: the model is the NBD, in which nobody leaves for good"
        )
        fit = at_boundary(stays, (*NAMES, *self.terms), {"a": 0.0, "b": 1.0}, message)
        r, alpha, *effects = stays.parameters
        seen = self.seen.thinned(max(1, self.seen.x.size // _FEW[0]))

        def alike(mu: float) -> Array:
            return np.array([r, alpha, mu * ALIKE, (1.0 - mu) * ALIKE, *effects])

        def log_likelihood(mu: Array) -> Array:
            each = (np.log(alike(one)) for one in mu)
            return np.array(
                [log_likelihood_with_derivatives(at, seen, first=self.first)[0] for at in each]
            )

        limit = without_dropout(np.log(stays.parameters), seen)[0]
        allowed = dropout_quantiles(log_likelihood, limit, NEGLIGIBLE, 1.0 - 1e-9)
        return replace(fit, allowed=np.array([alike(mu) for mu in allowed]))

    def ended(self, fit: MaximumLikelihoodFit) -> MaximumLikelihoodFit:
        """The fit with its plain log-likelihood, and called shrunk where a prior had a part in it."""
        if self.prior is None or not self.terms:
            return fit
        effects = np.log(fit.parameters[4:])
        plain = fit.log_likelihood - self.prior.log_density(effects)
        if fit.verdict != "converged":
            return replace(fit, log_likelihood=plain)
        return replace(fit, log_likelihood=plain, verdict="shrunk", message=phrase(SEASON_SHRUNK))

    def _with_prior(self, objective: Objective, before: int) -> Objective:
        if self.prior is None or not self.terms:
            return objective
        return self.prior.added_to(objective, slice(before, None))

    @property
    def _centre(self) -> Array:
        return np.zeros(len(self.terms)) if self.prior is None else self.prior.mean

    @property
    def _log_time(self) -> float:
        return float(np.log(self.seen.known.mean_end))
