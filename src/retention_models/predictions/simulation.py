"""Simulated futures of a store's customers, with chance and parameter doubt in each.

For one customer chance dwarfs what the parameters add. Summed over a store chance averages out and
the parameters' doubt does not, so every simulated future draws both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retention_models.models.fitters import GammaGammaFitter, PurchaseFitter
from retention_models.models.interface import PurchaseModel, States
from retention_models.predictions.customers import Expectations

Array = NDArray[np.float64]

_SEED = 20050401  # the month in which FHL (2005) appeared; any fixed number repeats a run exactly
_CELLS = 500_000  # customers times draws held in memory at once


def simulated_totals(
    purchases: PurchaseFitter,
    spend: GammaGammaFitter | None,
    base: Expectations,
    horizon: float,
    top: NDArray[np.bool_],
    draws: int,
) -> Array:
    """Draws of the store's totals, (draws, 3 or 5).

    Customers alive today, purchases, customers with a purchase; with a spend model also the value,
    and the share of it that the customers in `top`, (customers,), bring.
    """
    blocks = []
    for alive, counts, values in _drawn(purchases, spend, base, horizon, draws):
        sums = [alive.sum(axis=1), counts.sum(axis=1), (counts > 0).sum(axis=1)]
        if values is not None:
            total = values.sum(axis=1)
            sums += [total, values[:, top].sum(axis=1) / np.where(total > 0, total, np.nan)]
        blocks.append(np.stack(sums, axis=1))
    return np.concatenate(blocks)


def simulated_group_values(
    purchases: PurchaseFitter,
    spend: GammaGammaFitter,
    base: Expectations,
    horizon: float,
    groups: NDArray[np.bool_],
    draws: int,
) -> Array:
    """Draws, (draws, k), of the value of groups, (customers, k), which may share customers."""
    members = groups.astype(float)
    futures = _drawn(purchases, spend, base, horizon, draws)
    return np.concatenate([values @ members for _, _, values in futures if values is not None])


def _drawn(
    purchases: PurchaseFitter,
    spend: GammaGammaFitter | None,
    base: Expectations,
    horizon: float,
    draws: int,
) -> Iterator[tuple[NDArray[np.bool_], Array, Array | None]]:
    """Draws (draws, customers) of who is alive, purchases and value, some draws at a time."""
    x, t_x, T = (column[base.known.row] for column in (base.known.x, base.known.t_x, base.known.T))
    factor, priced = base.factor[base.known.row], np.isfinite(base.spend)
    rng = np.random.default_rng(_SEED)
    count_draws = purchases.fit_.draws(draws, rng)
    spend_draws = None if spend is None else spend.fit_.draws(draws, rng)
    for block in np.array_split(np.arange(draws), max(1, draws * x.size // _CELLS)):
        futures = _futures(purchases, np.array([horizon]), x, t_x, T, count_draws[block], rng)
        alive, counts = next(futures)
        values = None
        if spend_draws is not None:
            told = np.where(priced, base.m, 1.0)
            paid = _simulate_spend(counts, x, told, spend_draws[block], rng)
            values = np.where(priced, factor * paid, 0.0)
        yield alive, counts, values


def simulated_path(
    purchases: PurchaseFitter, x: Array, t_x: Array, T: Array, ends: Array, draws: int
) -> Array:
    """Draws, (n, draws), of the customers' purchases from T up to each of several `ends`, increasing."""
    rng = np.random.default_rng(_SEED)
    parameters = purchases.fit_.draws(draws, rng)
    blocks = [
        [counts.sum(axis=1) for _, counts in _futures(purchases, ends, x, t_x, T, block, rng)]
        for block in np.array_split(parameters, max(1, draws * x.size // _CELLS))
    ]
    return np.concatenate(blocks, axis=1)


def _futures(
    purchases: PurchaseFitter,
    ends: Array,
    x: Array,
    t_x: Array,
    T: Array,
    parameters: Array,
    rng: np.random.Generator,
) -> Iterator[tuple[NDArray[np.bool_], Array]]:
    """Draws (draws, customers) of who is alive, the same at every end, and of purchases up to it."""
    model = purchases.model
    columns = [parameters[:, [i]] for i in range(parameters.shape[1])]
    states: States = ()
    if model.side_by_side:
        probability, states = model.alive_with_states(x, t_x, T, *columns)
        probability = np.broadcast_to(probability, (len(parameters), x.size))
    else:
        probability = np.stack([model.probability_alive(x, t_x, T, *draw) for draw in parameters])
    alive = rng.random(probability.shape) < probability
    # Draws side by side, unless each has a map of time, or chances of states, of its own.
    single = len(model.states(x[:1], t_x[:1], T[:1], *parameters[0])) == 1
    futures: Iterator[Any]
    if model.side_by_side or (single and not model.by_calendar):
        states = states or model.states(x, t_x, T, *columns)
        new = states[0][1] if single else _chosen(states, alive.shape, rng)
        futures = model.alive.simulate(ends, rng, *np.broadcast_arrays(alive, *new)[1:])
    else:
        ones = [_one_by_one(model, ends, x, t_x, T, draw, rng) for draw in parameters]
        futures = zip(*ones, strict=True)
    for counts in futures:
        yield alive, np.where(alive, counts, 0.0)


def _chosen(states: States, shape: tuple[int, ...], rng: np.random.Generator) -> list[Any]:
    """Parameters of one state for each customer, drawn by the states' chances."""
    chances = np.cumsum([np.broadcast_to(chance, shape) for chance, _ in states], axis=0)
    state = (rng.random(shape) * chances[-1] >= chances[:-1]).sum(axis=0)
    # What is one number in every state stays one, as models ask of some parameters.
    return [
        values[0]
        if all(np.ndim(value) == 0 and value == values[0] for value in values)
        else np.choose(state, [np.broadcast_to(value, shape) for value in values])
        for values in zip(*(parameters for _, parameters in states), strict=True)
    ]


def _one_by_one(
    model: PurchaseModel,
    ends: Array,
    x: Array,
    t_x: Array,
    T: Array,
    draw: Array,
    rng: np.random.Generator,
) -> Iterator[Array]:
    """Purchases up to each end of customers alive, at one draw of the parameters."""
    new = _chosen(model.states(x, t_x, T, *draw), x.shape, rng)
    yield from (counts.copy() for counts in model.alive.simulate(ends, rng, *new))


def _simulate_spend(
    counts: Array, x: Array, m: Array, parameters: Array, rng: np.random.Generator
) -> Array:
    """Total spend of each draw's counts, given spend levels drawn from their posteriors."""
    p, q, v = (parameters[:, [i]] for i in range(3))
    level = rng.gamma(q + p * x, 1.0 / (v + x * np.where(x > 0, m, 0.0)))
    return np.where(counts > 0, rng.gamma(np.where(counts > 0, p * counts, 1.0)) / level, 0.0)
