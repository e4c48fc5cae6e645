"""Who stays and what they buy, were everybody's dropout cut by a factor κ from today on."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.polynomial import Chebyshev
from numpy.typing import NDArray

from retention_models.models.histories import KnownCustomers
from retention_models.models.interface import PurchaseModel, States, mean_over, with_dropouts

Array = NDArray[np.float64]

# Of κ, to the digits of a gain.
_HALVINGS = 36


def stays_and_buys(
    known: KnownCustomers,
    model: PurchaseModel,
    parameters: Array,
    cuts: Array,
    horizon: float,
    rate: float,
    nodes: int,
) -> tuple[Array, Array]:
    """S(κ) and D(κ) of one alive, by cell, both (cuts, cells); at once, since calls cost most."""
    states = _states(known, model, parameters)
    later = partial(model.alive.probability_alive_after, horizon)
    kept = mean_over(states, with_dropouts(later, cuts))
    t, weights = _by_parts(horizon, rate, nodes)
    expected = partial(model.alive.expected_purchases, t[:, None, None])
    bought = np.tensordot(weights, mean_over(states, with_dropouts(expected, cuts)), 1)
    shape = (cuts.size, known.x_of_cell.size)
    return np.broadcast_to(kept, shape), np.broadcast_to(bought, shape)


def buys(
    known: KnownCustomers,
    model: PurchaseModel,
    parameters: Array,
    horizon: float,
    rate: float,
    nodes: int,
) -> Array:
    """D(1) of one alive, by cell, (cells,): what they buy as things are."""
    t, weights = _by_parts(horizon, rate, nodes)
    expected = partial(model.alive.expected_purchases, t[:, None])
    bought = weights @ mean_over(_states(known, model, parameters), expected)
    return np.broadcast_to(bought, known.x_of_cell.shape)


def _states(known: KnownCustomers, model: PurchaseModel, parameters: Array) -> States:
    """What one alive of each cell may be worth."""
    return model.states(known.x_of_cell, known.last_of_cell, known.end_of_cell, *parameters)


def _by_parts(horizon: float, rate: float, nodes: int) -> tuple[Array, Array]:
    """Times and weights of D = e^(−δH) E(H) + δ ∫ e^(−δt) E(t) dt, so many nodes: E(H) weighs most."""
    at, weights = np.polynomial.legendre.leggauss(nodes)
    t = np.append(horizon, horizon * (1.0 + at) / 2.0)
    return t, np.exp(-rate * t) * np.append(1.0, rate * horizon * weights / 2.0)


def drawn_by_size(size: Array, n: int) -> tuple[NDArray[np.intp], Array]:
    """So many customers in even steps along the cumulated sizes, and one over each one's chance."""
    reached = np.cumsum(size)
    steps = (np.arange(n) + 0.5) / n * reached[-1]
    some = np.minimum(np.searchsorted(reached, steps), size.size - 1)
    return some, reached[-1] / (n * size[some])


def cut_for(kept: Chebyshev, points: float) -> float:
    """κ at which R is so many points higher, by halving; 0 where even nobody leaving is less."""
    target = float(kept(1.0)) + points / 100.0
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if float(kept(middle)) > target else (low, middle)
    return low
