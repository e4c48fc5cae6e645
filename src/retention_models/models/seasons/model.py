"""A count model under a season: every quantity is the base model's, in operational time.

A purchase rate λ·m(day) turns a model whose customers leave after purchases into itself on the clock
M(u) = ∫m: what it says of t units of the future is what the base says of M(t), and a history is that of
(x, M since the first purchase − M since the last, M since the first). A "new customer" begins at the end
of the calendar's last day observed, where all known customers' futures begin too.

Discounting is by real time. With E(τ) the base's expectation, ∫ e^(−δu) dE(M(u)) over the calendar's
days is e^(−δH) E(M(H)) + ∫ E(M(u)) δ e^(−δu) du by parts: an integral of the smooth E over a measure
that is the same for all customers, taken by interpolation of E at Chebyshev nodes (product
integration). Beyond the calendar's days m is constant, and the rest is the base's own.

Source: see `likelihood`; for the integral Davis & Rabinowitz (1984), Methods of numerical integration,
2nd ed., section 2.5.6.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from retention_models.models.inputs import check_rate
from retention_models.models.interface import Parameters, PurchaseModel, States
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit
from retention_models.models.seasons.calendar import Calendar
from retention_models.models.seasons.fit import first_of, fit_season
from retention_models.models.seasons.operational import OperationalTime, operational_time

Array = NDArray[np.float64]

# Nodes on each stretch of operational time, which is as long as the time before it and the scale
# together: then the interpolation of E loses a digit and a half with each node.
_NODES = 14
# Parts of a day in the measure of discounting, by Gauss and Legendre.
_NODES_OF_DAY, _WEIGHTS_OF_DAY = np.polynomial.legendre.leggauss(3)
_GAUSS, _WEIGHTS = (_NODES_OF_DAY + 1.0) / 2.0, _WEIGHTS_OF_DAY / 2.0


@dataclass(frozen=True)
class Seasonal(PurchaseModel):
    """A model whose customers leave after purchases, under a calendar's season.

    Parameters are the base's, then e^β of each term; `unit` is the days in a unit of time.
    """

    base: PurchaseModel
    calendar: Calendar
    unit: float

    one_scale, by_calendar = False, True

    @property
    def recency_counts(self) -> bool:  # type: ignore[override]
        """As of the base."""
        return self.base.recency_counts

    @property
    def label(self) -> str:  # type: ignore[override]
        """The base's: the season is part of the fit, not another model."""
        return self.base.label

    @property
    def names(self) -> tuple[str, ...]:  # type: ignore[override]
        """The base's parameters, then the terms."""
        return (*self.base.names, *self.calendar.names)

    @property
    def alive(self) -> PurchaseModel:
        """What one alive is a new customer of, under the same season."""
        return Seasonal(self.base.alive, self.calendar, self.unit)

    def moved(self, later: float) -> PurchaseModel:
        """Under a calendar that ends so much later, to the day."""
        calendar = self.calendar.moved(round(later * self.unit))
        return Seasonal(self.base.moved(later), calendar, self.unit)

    def operational(
        self, parameters: Parameters
    ) -> tuple[PurchaseModel, OperationalTime, Parameters]:
        """The base in operational time, M, and the base's parameters.

        Each e^β is one number for all customers. Of one alive the base may have further parameters
        than it has names: those of the season are the last.
        """
        own = len(parameters) - len(self.calendar.names)
        effects = np.array([float(value) for value in parameters[own:]])
        clock = operational_time(self.calendar, np.log(effects), self.unit)
        return self.base.on_clock(clock.age), clock, parameters[:own]

    def history(
        self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, clock: OperationalTime
    ) -> tuple[Array, Array, Array]:
        """A history in operational time; who never came back keeps recency 0."""
        x, t_x, T = (np.asarray(v, dtype=float) for v in (x, t_x, T))
        age = clock.age(T)
        recency = np.where(t_x > 0.0, age - clock.age(T - t_x), 0.0)
        return x, np.maximum(recency, 0.0), age

    def probability_alive(
        self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *parameters: Any
    ) -> Array:
        """The base's, of the history in operational time."""
        base, clock, own = self.operational(parameters)
        return base.probability_alive(*self.history(x, t_x, T, clock), *own)

    def states(self, x: Any, t_x: Any, T: Any, *parameters: Any) -> States:
        """The base's, of the history in operational time, under the season's own parameters."""
        base, clock, own = self.operational(parameters)
        season = parameters[len(own) :]
        found = base.states(*self.history(x, t_x, T, clock), *own)
        return tuple((chance, (*new, *season)) for chance, new in found)

    def states_of_lapsed(self, x: Any, t_x: Any, T: Any, *parameters: Any) -> States:
        """The base's, likewise."""
        base, clock, own = self.operational(parameters)
        found = base.states_of_lapsed(*self.history(x, t_x, T, clock), *own)
        return tuple((chance, (*new, *parameters[len(own) :])) for chance, new in found)

    def gap_quantile(
        self, level: float, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *parameters: Any
    ) -> Array:
        """The base's, from operational time back to the days that follow the last purchase."""
        base, clock, own = self.operational(parameters)
        x, t_x, T = (np.asarray(v, dtype=float) for v in (x, t_x, T))
        gap = base.gap_quantile(level, *self.history(x, t_x, T, clock), *own)
        last = t_x - T
        return np.asarray(clock.when(clock.at(last) + gap) - last)

    def expected_since_first(self, t: ArrayLike, T: ArrayLike, *parameters: Any) -> Array:
        """The base's, on the days that followed the first purchase."""
        base, clock, own = self.operational(parameters)
        t, T = (np.asarray(v, dtype=float) for v in (t, T))
        since = clock.at(t - T) - clock.at(-T)
        return base.expected_since_first(since, clock.age(T), *own)

    def most(self, n: ArrayLike, t: ArrayLike, *parameters: Any) -> Array:
        """The base's, of M(t)."""
        base, clock, own = self.operational(parameters)
        return base.most(n, clock.at(t), *own)

    def probability_alive_after(self, t: ArrayLike, *parameters: Any) -> Array:
        """The base's, of M(t)."""
        base, clock, own = self.operational(parameters)
        return base.probability_alive_after(clock.at(t), *own)

    def expected_purchases(self, t: ArrayLike, *parameters: Any) -> Array:
        """The base's, of M(t)."""
        base, clock, own = self.operational(parameters)
        return base.expected_purchases(clock.at(t), *own)

    def discounted_purchases(self, horizon: float, rate: float, *parameters: Any) -> Array:
        """∫ e^(−rate · u) dE(M(u)) over (0, horizon], see the top of this module."""
        check_rate(rate, horizon)
        base, clock, own = self.operational(parameters)
        if rate == 0.0 or horizon == 0.0:
            return base.expected_purchases(clock.at(horizon), *own)
        within = min(horizon, clock.covered)
        total = _discounted_within(base, clock, within, rate, own)
        if horizon > within and clock.rate > 0.0:
            total = total + _discounted_beyond(base, clock, horizon, rate, own)
        return np.asarray(total)

    def purchase_count_probability(self, n: ArrayLike, t: ArrayLike, *parameters: Any) -> Array:
        """The base's, of M(t)."""
        base, clock, own = self.operational(parameters)
        return base.purchase_count_probability(n, clock.at(t), *own)

    def simulate(
        self, ends: Array, rng: np.random.Generator, *parameters: ArrayLike
    ) -> Iterator[Array]:
        """The base's paths up to M of each end."""
        base, clock, own = self.operational(parameters)
        return base.simulate(clock.at(ends), rng, *own)

    def fit(
        self, x: Array, t_x: Array, T: Array, counts: Array | None = None, *, penalty: float = 0.0
    ) -> MaximumLikelihoodFit:
        """Fit base and season together; see `fit_season`."""
        first = first_of(self.base)
        return fit_season(x, t_x, T, counts, self.calendar, self.unit, first=first, penalty=penalty)


def _discounted_within(
    base: PurchaseModel, clock: OperationalTime, horizon: float, rate: float, own: Parameters
) -> Array:
    """Over the days of the table, by parts."""
    end = clock.at(horizon)
    total = np.exp(-rate * horizon) * base.expected_purchases(end, *own)
    scale = float(np.min(own[1]))
    nodes, weights = _measure(clock, horizon, rate, scale)
    wide = [np.asarray(v, dtype=float)[..., None] for v in own]
    # a is one number for all, which formulas are quicker with.
    wide = [v[..., 0] if v.ndim == 1 and v.size == 1 else v for v in wide]
    return np.asarray(total + base.expected_purchases(nodes, *wide) @ weights)


def _measure(
    clock: OperationalTime, horizon: float, rate: float, scale: float
) -> tuple[Array, Array]:
    """Nodes in operational time and weights that integrate over δ e^(−δu) du up to the horizon."""
    days = horizon * clock.unit
    whole = np.arange(np.ceil(days - 1e-9))
    length = np.minimum(days - whole, 1.0)
    times = ((whole + length * _GAUSS[:, None]) / clock.unit).ravel()
    mass = (length * _WEIGHTS[:, None] / clock.unit).ravel() * rate * np.exp(-rate * times)
    at = clock.at(times)
    end = float(clock.at(horizon))
    bounds = [0.0]
    while bounds[-1] < end:
        bounds.append(min(2.0 * bounds[-1] + scale, end))
    place = np.clip(np.searchsorted(bounds, at, side="right") - 1, 0, max(len(bounds) - 2, 0))
    unit = np.cos(np.pi * (np.arange(_NODES) + 0.5) / _NODES)
    # Chebyshev coefficients of a function from its values at the nodes.
    to_series = np.polynomial.chebyshev.chebvander(unit, _NODES - 1).T * (2.0 / _NODES)
    to_series[0] /= 2.0
    nodes, weights = [], []
    for stretch in range(len(bounds) - 1):
        low, high = bounds[stretch], bounds[stretch + 1]
        mine = place == stretch
        inner = (2.0 * at[mine] - low - high) / (high - low)
        moments = mass[mine] @ np.polynomial.chebyshev.chebvander(inner, _NODES - 1)
        nodes.append((low + high + (high - low) * unit) / 2.0)
        weights.append(moments @ to_series)
    return np.concatenate(nodes or [np.zeros(1)]), np.concatenate(weights or [np.zeros(1)])


def _discounted_beyond(
    base: PurchaseModel, clock: OperationalTime, horizon: float, rate: float, own: Parameters
) -> Array:
    """After the table, where operational time runs at one pace c: the base's, at the rate δ / c."""
    start, pace = clock.covered, clock.rate
    done, slow = float(clock.at(start)), rate / pace
    until = float(clock.at(horizon)) if np.isfinite(horizon) else np.inf
    later = base.discounted_purchases(until, slow, *own) - base.discounted_purchases(
        done, slow, *own
    )
    # e^(−δu) = e^(−δ start) · e^(−(δ/c)(τ − done)).
    return np.asarray(np.exp(slow * done - rate * start) * later)
