"""Who stays and what they buy, were everybody's dropout cut by a factor κ from today on."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.polynomial import Chebyshev
from numpy.typing import NDArray

from retention_models.models.histories import KnownCustomers
from retention_models.models.interface import PurchaseModel, mean_over, with_dropouts

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
    """S(κ) and D(κ) of one alive at each κ, by cell, both (cuts, cells); at once, since calls cost most.

    D by parts, e^(−δH) E(H) + δ ∫ e^(−δt) E(t) dt, on so many nodes: what weighs is E(H).
    """
    states = model.states(known.x_of_cell, known.last_of_cell, known.end_of_cell, *parameters)
    shape = (cuts.size, known.x_of_cell.size)
    later = partial(model.alive.probability_alive_after, horizon)
    kept = mean_over(states, with_dropouts(later, cuts))
    at, weights = np.polynomial.legendre.leggauss(nodes)
    t = np.append(horizon, horizon * (1.0 + at) / 2.0)
    weights = np.exp(-rate * t) * np.append(1.0, rate * horizon * weights / 2.0)
    expected = partial(model.alive.expected_purchases, t[:, None, None])
    bought = np.tensordot(weights, mean_over(states, with_dropouts(expected, cuts)), 1)
    return np.broadcast_to(kept, shape), np.broadcast_to(bought, shape)


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
