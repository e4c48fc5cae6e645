"""Customers of before and newcomers: the count model of a store whose data begin in mid-life.

The log begins at 0 and ends at C. Of the N₀ customers who existed at 0, each a customer of the BG/NBD
with parameters r₀, α₀, a₀, b₀ from then on, only those who bought in (0, C] are seen: with the first
purchase in the log that they are n = x + 1 purchases, the last at t_n, observed for C. Newcomers arrive
by a Poisson process of rate μ, and are customers of the model with parameters r, α, a, b from their
first purchase on. A customer with (x, t_x, T) was there before with probability

    w = N₀ f₀(x+1, C−T+t_x, C) / (N₀ f₀(x+1, C−T+t_x, C) + μ f(x, t_x, T)),

f₀ and f the models' likelihoods. It is alive with probability w A₀ + (1 − w) A, and if so one of two
new customers, those that either model says.

Preconditions: those of `bg_nbd`, and T ≤ C. Newcomers and customers of before buy on their own account;
arrivals are as frequent at the log's end as at its beginning.

Sources
-------
Fader, Hardie & Lee (2005), Marketing Science 24(2), equation (6), for f; the superposition of the two
is that of independent Poisson processes: Kingman (1993), "Poisson processes", sections 2.2 and 5.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaln, expit, gammaln

from retention_models.errors import SettingsError
from retention_models.models.bg_nbd import BG_NBD
from retention_models.models.gaps import gap_quantile
from retention_models.models.interface import OneState, PurchaseModel, States
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit
from retention_models.models.mbg_nbd import MBG_NBD
from retention_models.models.mid_life.fit import NAMES, fit_mid_life

Array = NDArray[np.float64]

# Of the interval between the two kinds' quantiles, on the log scale: beyond the digits of a number.
_HALVINGS = 60


class MidLife(PurchaseModel):
    """The formulas of customers of before and newcomers.

    Parameters r, α, a, b of newcomers, r₀, α₀, a₀, b₀ of customers of before, N₀ and μ; newcomers
    are BG_NBD or MBG_NBD, `observed` is C, length of the log in the unit of T.
    """

    names, one_scale, recency_counts = NAMES, False, True
    side_by_side = True

    def __init__(self, newcomers: OneState, observed: float) -> None:
        self.newcomers, self.observed = newcomers, observed
        self.label = f"mid-life {newcomers.label}"  # type: ignore[misc]

    def moved(self, later: float) -> PurchaseModel:
        """Of a log that is as much longer."""
        return MidLife(self.newcomers, self.observed + later)

    def on_clock(self, age: Callable[[ArrayLike], Array]) -> PurchaseModel:
        """With the log's length in operational time."""
        return MidLife(self.newcomers, float(age(self.observed)))

    @property
    def alive(self) -> PurchaseModel:
        """Whoever is alive, of before or new, is one of the BG/NBD."""
        return BG_NBD

    def share_of_before(self, x: Any, t_x: Any, T: Any, *parameters: Any) -> Array:
        """P(was a customer before the log begins), w."""
        return self._alive(x, t_x, T, *parameters)[0]

    def _checked(self, x: Any, t_x: Any, T: Any) -> tuple[Array, Array, Array]:
        x, t_x, T = (np.asarray(v, dtype=float) for v in (x, t_x, T))
        if T.size and float(T.max()) > self.observed * (1.0 + 1e-9):
            raise SettingsError(
                f"T: expected at most {self.observed:g}, the length of the log that the model was "
                f"fitted to; got {float(T.max()):g}. Fit the model to the log up to the same day."
            )
        return x, t_x, T

    def probability_alive(
        self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *parameters: Any
    ) -> Array:
        """W A₀ + (1 − w) A."""
        _, as_old, as_new = self._alive(x, t_x, T, *parameters)
        return as_old + as_new

    def _alive(self, x: Any, t_x: Any, T: Any, *parameters: Any) -> tuple[Array, Array, Array]:
        """w, w A₀ and (1 − w) A."""
        new, old, before, arrivals = _parted(parameters)
        x, t_x, T = self._checked(x, t_x, T)
        last = self.observed - T + t_x
        log_old, old_left = likelihood_and_odds(x + 1.0, last, self.observed, 0, *old)
        log_new, left = likelihood_and_odds(x, t_x, T, int(self.newcomers is MBG_NBD), *new)
        share = np.asarray(expit(np.log(before / arrivals) + log_old - log_new))
        return share, share * expit(-old_left), (1.0 - share) * expit(-left)

    def states(self, x: Any, t_x: Any, T: Any, *parameters: Any) -> States:
        """A customer of before with x + 1 purchases, or a newcomer with x."""
        return self.alive_with_states(x, t_x, T, *parameters)[1]

    def alive_with_states(self, x: Any, t_x: Any, T: Any, *parameters: Any) -> tuple[Array, States]:
        """Both from w, w A₀ and (1 − w) A."""
        new, old, _, _ = _parted(parameters)
        _, as_old, as_new = self._alive(x, t_x, T, *parameters)
        alive = as_old + as_new
        # Where nobody can be alive, either will do.
        chance = np.where(alive > 0.0, as_old / np.where(alive > 0.0, alive, 1.0), 0.0)
        x = np.asarray(x, dtype=float)
        as_before = BG_NBD.alive_as_new(x + 1.0, self.observed, *old)
        as_newcomer = self.newcomers.alive_as_new(x, T, *new)
        return alive, ((chance, as_before), (1.0 - chance, as_newcomer))

    def states_of_lapsed(self, x: Any, t_x: Any, T: Any, *parameters: Any) -> States:
        """As either kind, each by its chance to have left."""
        new, old, _, _ = _parted(parameters)
        share, as_old, as_new = self._alive(x, t_x, T, *parameters)
        old_left, left = share - as_old, 1.0 - as_old - as_new
        chance = np.where(left > 0.0, old_left / np.where(left > 0.0, left, 1.0), 0.0)
        x, t_x, T = self._checked(x, t_x, T)
        last = self.observed - T + t_x
        ((_, as_before),) = BG_NBD.states_of_lapsed(x + 1.0, last, self.observed, *old)
        ((_, as_newcomer),) = self.newcomers.states_of_lapsed(x, t_x, T, *new)
        return ((chance, as_before), (1.0 - chance, as_newcomer))

    def gap_quantile(
        self, level: float, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *parameters: Any
    ) -> Array:
        """Of the mixture of both kinds' gaps, each by its chance on the day of the last purchase."""
        new, old, before, arrivals = _parted(parameters)
        x, t_x, T = np.broadcast_arrays(*self._checked(x, t_x, T))
        last = self.observed - T + t_x
        log_old, _ = likelihood_and_odds(x + 1.0, last, last, 0, *old)
        log_new, _ = likelihood_and_odds(x, t_x, t_x, int(self.newcomers is MBG_NBD), *new)
        share = expit(np.log(before / arrivals) + log_old - log_new)
        kinds = (x + 1.0 + old[0], old[1] + last), (x + new[0], new[1] + t_x)
        ends = [gap_quantile(level, x + 1.0, last, *old[:2]), gap_quantile(level, x, t_x, *new[:2])]
        with np.errstate(divide="ignore"):
            low, high = (np.log(pick(*ends)) for pick in (np.minimum, np.maximum))
        low, high = np.maximum(low, -700.0), np.minimum(high, 700.0)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2.0
            longer = [(1.0 + np.exp(middle) / scale) ** -shape for shape, scale in kinds]
            above = share * longer[0] + (1.0 - share) * longer[1] > 1.0 - level
            low, high = np.where(above, middle, low), np.where(above, high, middle)
        found = np.exp((low + high) / 2.0)
        return np.where(level > 0.0, np.where(high >= 700.0, np.inf, found), 0.0)

    def expected_since_first(self, t: ArrayLike, T: ArrayLike, *parameters: Any) -> Array:
        """Of either kind, by its chance on the day on which it was first seen.

        One of before is then a customer of the MBG/NBD with (r₀+1, α₀+s, a₀, b₀), s days into the log.
        """
        new, (r, alpha, a, b), before, arrivals = _parted(parameters)
        _, t, T = self._checked(0.0, t, T)
        day = self.observed - T
        seen = np.log(r / alpha) - (r + 1.0) * np.log1p(day / alpha)
        share = expit(np.log(before / arrivals) + seen)
        of_before = MBG_NBD.expected_purchases(t, r + 1.0, alpha + day, a, b)
        # A newcomer's depends on t alone, of which few are distinct.
        each, place = np.unique(t, return_inverse=True)
        of_newcomer = self.newcomers.expected_purchases(each, *new)[place].reshape(t.shape)
        return np.asarray(share * of_before + (1.0 - share) * of_newcomer)

    def probability_alive_after(self, t: ArrayLike, *parameters: Any) -> Array:
        """That of a newcomer."""
        return self.newcomers.probability_alive_after(t, *parameters[:4])

    def expected_purchases(self, t: ArrayLike, *parameters: Any) -> Array:
        """Those of a newcomer."""
        return self.newcomers.expected_purchases(t, *parameters[:4])

    def discounted_purchases(self, horizon: float, rate: float, *parameters: Any) -> Array:
        """Those of a newcomer."""
        return self.newcomers.discounted_purchases(horizon, rate, *parameters[:4])

    def purchase_count_probability(self, n: ArrayLike, t: ArrayLike, *parameters: Any) -> Array:
        """That of a newcomer."""
        return self.newcomers.purchase_count_probability(n, t, *parameters[:4])

    def simulate(
        self, ends: Array, rng: np.random.Generator, *parameters: ArrayLike
    ) -> Iterator[Array]:
        """Newcomers'."""
        return self.newcomers.simulate(ends, rng, *parameters[:4])

    def fit(
        self, x: Array, t_x: Array, T: Array, counts: Array | None = None, *, penalty: float = 0.0
    ) -> MaximumLikelihoodFit:
        """Fit by penalised maximum likelihood; see `fit_mid_life`."""
        self._checked(x, t_x, T)
        return fit_mid_life(
            x, t_x, T, counts, self.observed, first=int(self.newcomers is MBG_NBD), penalty=penalty
        )


def _parted(parameters: tuple[Any, ...]) -> tuple[Any, Any, Any, Any]:
    """Parameters of newcomers and of customers of before, N₀ and μ."""
    return parameters[:4], parameters[4:8], parameters[8], parameters[9]


def likelihood_and_odds(
    x: Array, t_x: Any, T: Any, first: int, r: Any, alpha: Any, a: Any, b: Any
) -> tuple[Array, Array]:
    """Log of f, FHL (6), of the BG/NBD (`first` 0) or MBG/NBD (1); and of the odds to have left."""
    # Of many sets of parameters the gamma functions cost most, and few x are distinct.
    level, place = np.unique(x, return_inverse=True) if x.ndim == 1 else (x, None)
    k = level + first
    able = k > 0.0
    leaves = np.where(able, np.log(a / np.where(able, b + k - 1.0, 1.0)), -np.inf)
    gammas = gammaln(r + level) - gammaln(r) + r * np.log(alpha)
    gammas = gammas + betaln(a, b + k) - betaln(a, b)
    if place is not None:
        leaves, gammas = leaves[..., place], gammas[..., place]
    odds = leaves + (r + x) * np.log((alpha + T) / (alpha + t_x))
    stays = gammas - (r + x) * np.log(alpha + T)
    return np.asarray(stays + np.logaddexp(0.0, odds)), odds
