"""Intervals for what depends on estimated parameters: what their doubt alone adds.

The log of the quantity is taken as normal around its estimate (the delta method on the log scale). Its
standard error is found by moving the parameters one standard deviation to either side along the
principal axes of their covariance, which needs two evaluations an axis and no derivative. At the
limit without dropout, what the data allow of dropout widens the side that it moves the quantity to.
Where a fit carries draws of open parameters, they tell all of it.

Quantiles of a known customer's future count and value, in closed form and without simulation.

Given (x, t_x, T) a customer has left with probability 1 − A, and then buys nothing; otherwise the
count has the distribution of its cell (x, T). A quantile at level q of the whole is one of that
distribution at level u = (q − 1 + A)/A, so counts need one table per cell.

The value of n purchases is S with S/(S + V) ~ Beta(p·n, q + p·x) (`gamma_gamma`), where V = v + x·m
is the customer's own. So the quantile of y = ln(S/V) depends on the row alone: a customer's is
V · exp(y). Its distribution function is tabled per cell, of tables of the beta distribution that
depend on x and n only, and inverted by cubic interpolation in the logit of the probability, which is
linear in y in both tails.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincinv, betaln

from retention_models.levels import tails_of, z_of_interval
from retention_models.models.histories import KnownCustomers
from retention_models.models.interface import PurchaseModel
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit

Array = NDArray[np.float64]


def log_standard_error(
    quantity: Callable[[Array], Array], fit: MaximumLikelihoodFit, *, at_once: bool = False
) -> Array:
    """Standard error of the log of a positive quantity, by the doubt of the parameters.

    `quantity` is that log, of the parameters; where `at_once`, also of several sets, shape (k, p), its
    values along the first axis. The log of a parameter has its own, exactly:

    >>> from dataclasses import replace
    >>> from retention_models.models.beta_dropout_likelihood import fit_bg_nbd
    >>> x, t_x, T = np.array([[0, 2, 5, 0, 1, 3], [0, 30, 20, 0, 5, 31], [39] * 6], dtype=float)
    >>> fit = replace(fit_bg_nbd(x, t_x, T), posterior=None)
    >>> se = log_standard_error(lambda theta: np.log(theta[0]), fit)
    >>> round(float(se**2 / fit.log_covariance[0, 0]), 9)
    1.0
    """
    if fit.posterior is not None:
        return np.asarray(np.std(_at_each(quantity, fit.posterior, at_once), axis=0))
    values, axes = np.linalg.eigh(fit.log_covariance)
    free = values > 0.0  # the others are held fixed by a boundary
    steps = np.exp(np.sqrt(values[free]) * axes[:, free]).T
    variance: Array = np.zeros(())
    # Pair by pair where each is large.
    for some in np.array_split(steps, 1 if at_once else max(1, len(steps))):
        both = np.concatenate([fit.parameters * some, fit.parameters / some])
        above, below = np.split(_at_each(quantity, both, at_once), 2)
        variance = variance + (((above - below) / 2.0) ** 2).sum(axis=0)
    return np.asarray(np.sqrt(variance))


def _at_each(quantity: Callable[[Array], Array], parameters: Array, at_once: bool) -> Array:
    """A quantity at each of several sets of parameters."""
    return quantity(parameters) if at_once else np.array([quantity(each) for each in parameters])


def mean_interval(
    quantity: Callable[[Array], Array],
    fit: MaximumLikelihoodFit,
    interval: float,
    further: Array | float = 0.0,
    *,
    at_once: bool = False,
) -> tuple[Array, Array, Array]:
    """A positive quantity, low and high of its equal-tailed interval, by the doubt of the parameters.

    `quantity` is its log, of the parameters; `further` is variance of that log from elsewhere, as
    chance.
    `at_once` as for `log_standard_error`.
    """
    log_value, z = quantity(fit.parameters), z_of_interval(interval)
    if fit.posterior is not None:
        drawn = _at_each(quantity, fit.posterior, at_once)
        low, high = np.quantile(drawn, tails_of(interval), axis=0)
        more = z * np.sqrt(further)
        below = np.hypot(np.maximum(log_value - low, 0.0), more)
        above = np.hypot(np.maximum(high - log_value, 0.0), more)
        return np.exp(log_value), np.exp(log_value - below), np.exp(log_value + above)
    variance = log_standard_error(quantity, fit, at_once=at_once) ** 2 + further
    half = z * np.sqrt(variance)
    below = above = half
    if fit.allowed is not None:
        most = fit.allowed[int(tails_of(interval)[1] * len(fit.allowed))]
        moved = quantity(most) - log_value
        below = np.hypot(half, np.minimum(moved, 0.0))
        above = np.hypot(half, np.maximum(moved, 0.0))
    return np.exp(log_value), np.exp(log_value - below), np.exp(log_value + above)


Places = NDArray[np.intp]

# Probability beyond the largest count that is let go, and outside the ends of a table of values.
_TAIL = 1e-9
_CELLS, _ROWS = 256, 4096
# Largest counts that a table may have, each a quarter more than the one before.
_COLUMNS = list(
    itertools.accumulate(range(70), lambda columns, _: math.ceil(1.25 * columns), initial=4)
)
# Distance of a table's nodes, in standard deviations of the narrowest y and at most in y itself; and
# how many at least and at most.
_STEP, _WIDEST, _FEWEST, _MOST = 0.3, 0.08, 64, 2000
# Nodes of the integral between two neighbours.
_GAUSS, _WEIGHTS = np.polynomial.legendre.leggauss(3)
# Logits of numbers are within ±700, so that so far apart two cells' do not meet.
_APART = 2000.0
_LEAST = -300.0
# Probability outside a table's ends, where it goes straight on.
_END = 1e-7


def future_quantiles(
    model: PurchaseModel,
    parameters: Array,
    known: KnownCustomers,
    horizon: float,
    levels: tuple[float, ...],
    spend: Array | None = None,
) -> tuple[Array, Array]:
    """Quantiles of the count, and of the log of value over V, of every row; (levels, rows) each.

    Counts are the smallest whose distribution function reaches the level; log-values are −inf where
    no purchase at all has that probability, NaN without `spend`, p, q, v of the Gamma-Gamma model.
    """
    alive = known.alive(model, parameters)
    counts = np.zeros((len(levels), known.x.size))
    log_values = np.full((len(levels), known.x.size), np.nan)
    for cells, rows in _blocks(known):
        chances = _count_chances(model, parameters, known, cells, horizon)
        below = np.cumsum(chances, axis=1)
        table = None if spend is None else ValueTable(chances, known.x_of_cell[cells], spend)
        for first in range(rows.start, rows.stop, _ROWS):
            block = slice(first, min(first + _ROWS, rows.stop))
            cell = known.cell[block] - cells.start
            for i, level in enumerate(levels):
                # Of whoever is alive; 0 or less where having left is enough to reach the level.
                u = (level - 1.0 + alive[block]) / np.maximum(alive[block], 1e-300)
                counts[i, block] = (below[cell] < u[:, None] - 1e-12).sum(axis=1)
                if table is not None:
                    log_values[i, block] = table.log_quantile(cell, u)
    return counts, log_values


def distribution_at(
    model: PurchaseModel, parameters: Array, known: KnownCustomers, horizon: float, counts: Array
) -> tuple[Array, Array]:
    """P(N < count) and P(N ≤ count) of every customer's count, at counts of its own, (..., customers).

    Several counts for each customer cost hardly more than one; beyond the table's negligible tail
    both are 1.
    """
    alive = known.alive(model, parameters)
    less, at_most = np.zeros((2, *counts.shape))
    order = np.argsort(known.row, kind="stable")
    first_customer = np.searchsorted(known.row[order], np.arange(known.x.size + 1))
    for cells, rows in _blocks(known, one_x=False):
        chances = _count_chances(model, parameters, known, cells, horizon)
        # Column j holds P(N < j) of whoever is alive; the last but one is 1 up to the tail.
        below = np.zeros((chances.shape[0], chances.shape[1] + 2))
        below[:, 1:-1] = np.minimum(np.cumsum(chances, axis=1), 1.0)
        below[:, -1] = 1.0
        mine = order[first_customer[rows.start] : first_customer[rows.stop]]
        row = known.row[mine]
        cell, last = known.cell[row] - cells.start, below.shape[1] - 1
        count = counts[..., mine].astype(np.intp)
        left = 1.0 - alive[row]
        at_most[..., mine] = left + alive[row] * below[cell, np.minimum(count + 1, last)]
        under = left + alive[row] * below[cell, np.minimum(count, last)]
        less[..., mine] = np.where(count > 0, under, 0.0)
    return less, at_most


def count_moments(
    model: PurchaseModel, parameters: Array, known: KnownCustomers, horizon: float
) -> tuple[Array, Array, Array]:
    """P(0), mean and second moment of the count of whoever is alive; (cells,) each."""
    none, mean, second = np.zeros((3, known.x_of_cell.size))
    for cells, _ in _blocks(known, one_x=False):
        chances = _count_chances(model, parameters, known, cells, horizon)
        n = np.arange(chances.shape[1], dtype=float)
        none[cells], mean[cells], second[cells] = chances[:, 0], chances @ n, chances @ n**2
    return none, mean, second


def _blocks(known: KnownCustomers, *, one_x: bool = True) -> Iterator[tuple[slice, slice]]:
    """Runs of cells, of one x each unless not wanted, and the rows that belong to them.

    Both are sorted by x, then T.
    """
    first_row = np.searchsorted(known.cell, np.arange(known.x_of_cell.size + 1))
    parted = known.x_of_cell[1:] != known.x_of_cell[:-1]
    ends = np.flatnonzero(np.append(parted & one_x, True)) + 1
    start = 0
    for end in ends:
        for first in range(start, end, _CELLS):
            last = min(first + _CELLS, int(end))
            yield slice(first, last), slice(int(first_row[first]), int(first_row[last]))
        start = int(end)


def _count_chances(
    model: PurchaseModel, parameters: Array, known: KnownCustomers, cells: slice, horizon: float
) -> Array:
    """P(n purchases) of whoever is alive, shape (cells, n), up to a negligible tail."""
    of_cells = (known.x_of_cell, known.last_of_cell, known.end_of_cell)
    x, t_x, T = (column[cells] for column in of_cells)
    states = model.states(x, t_x, T, *parameters)

    def beyond(columns: int) -> float:
        # The tail without dropout bounds that with it.
        return max(float(model.alive.most(columns, horizon, *new).max()) for _, new in states)

    place = bisect.bisect_left(_COLUMNS, True, key=lambda columns: beyond(columns) <= _TAIL)
    size = _COLUMNS[place] + 1
    chances = np.zeros((x.size, size))
    for chance, new in states:
        weight = np.asarray(chance)[:, None] if np.ndim(chance) else chance
        chances += weight * model.alive.purchase_count_probabilities(size, horizon, *new)
    return chances


def _integrated(density: Callable[[Array], Array], y: Array) -> Array:
    """Integral of a density from the first node to each, from node to node by quadrature.

    It costs an exp where a beta distribution costs a series.
    """
    half = (y[1] - y[0]) / 2.0
    points = (y[:-1] + half)[:, None] + half * _GAUSS
    values = density(np.ravel(points))
    pieces = half * (values.reshape(len(values), y.size - 1, _GAUSS.size) @ _WEIGHTS)
    return np.concatenate([np.zeros((len(values), 1)), np.cumsum(pieces, axis=1)], axis=1)


class ValueTable:
    """The distribution function of y = ln(S/V), one row per cell of one x.

    Column j of `chances`, (cells, n), holds P(j purchases); `spend` is p, q, v of the Gamma-Gamma
    model.
    """

    def __init__(self, chances: Array, x: Array, spend: Array) -> None:
        p, q, _ = spend
        self._none = chances[:, 0]
        likely = chances[:, 1:].max(axis=0)
        some = np.flatnonzero(likely >= min(_TAIL / 10.0, likely.max())) + 1
        shape = q + p * x[0]
        lowest = betaincinv(p * some[0], shape, _END)
        highest = betaincinv(p * some[-1], shape, 1.0 - _END)
        ends = np.log(np.maximum([lowest, highest], 1e-300))
        ends -= np.log(np.maximum([1.0 - lowest, 1.0 - highest], 1e-300))
        # The values of n purchases have a bump of their own up to about n = p, where it is as wide
        # as its distance from the next; beyond, they flow into each other.
        apart = min(float(some[-1]), max(1.0, p))
        step = min(_STEP * np.sqrt(1.0 / (p * apart) + 1.0 / shape), _WIDEST)
        needed = (ends[1] - ends[0]) / step
        nodes = int(np.clip(needed, _FEWEST, _MOST))
        self._y = np.linspace(float(ends[0]), float(ends[1]), nodes)
        bought = 1.0 - self._none[:, None]
        given = chances[:, some] / np.where(bought > 0.0, bought, 1.0)
        n = p * some[:, None]

        def density(y: Array) -> Array:
            # d/dy of I_w(p·n, q + p·x), w = 1/(1 + e^−y), is w^(pn) (1 − w)^(q + px) / B(pn, q + px).
            log_w, log_rest = -np.logaddexp(0.0, -y), -np.logaddexp(0.0, y)
            logs = n * log_w + shape * log_rest - betaln(n, shape)
            # Numbers too small to be normal ones take a hundred times as long to multiply.
            return np.asarray(given @ np.exp(np.maximum(logs, _LEAST)))

        if needed > _MOST:
            # Bumps too narrow for an integral between the nodes: each customer spends the same.
            below = given @ betainc(n, shape, 1.0 / (1.0 + np.exp(-self._y)))
            slope = np.zeros_like(below)
        else:
            below = _integrated(density, self._y)
            below += (given @ betainc(n[:, 0], shape, 1.0 / (1.0 + np.exp(-self._y[0]))))[:, None]
            slope = below * (1.0 - below) / np.maximum(density(self._y), 1e-300)
        below = np.clip(below, 1e-300, 1.0 - 1e-16)
        self._logit = np.log(below) - np.log1p(-below)
        self._slope = slope  # of y by the logit
        # One increasing row of all cells' logits, in which a search finds the cell's own.
        places = _APART * np.arange(len(self._logit), dtype=float)
        self._ladder = np.ravel(np.maximum.accumulate(self._logit, axis=1) + places[:, None])

    def log_quantile(self, cell: Places, u: Array) -> Array:
        """Return y at which the cell's distribution function is u; −inf where no purchase reaches it."""
        bought = 1.0 - self._none[cell]
        given = (u - self._none[cell]) / np.where(bought > 0.0, bought, 1.0)
        some = given > 0.0
        result = np.full(u.size, -np.inf)
        rows, given = cell[some], np.minimum(given[some], 1.0 - 1e-15)
        z = np.log(given) - np.log1p(-given)
        found = np.searchsorted(self._ladder, z + _APART * rows) - rows * self._y.size
        left = np.clip(found - 1, 0, self._y.size - 2)
        result[some] = self._interpolate(rows, left, z)
        return result

    def _interpolate(self, rows: Places, left: Places, z: Array) -> Array:
        """Cubic Hermite within the table, straight on beyond its ends."""
        z0, z1 = self._logit[rows, left], self._logit[rows, left + 1]
        y0, y1 = self._y[left], self._y[left + 1]
        s0, s1 = self._slope[rows, left], self._slope[rows, left + 1]
        width = np.maximum(z1 - z0, 1e-300)
        given = (z - z0) / width
        t = np.clip(given, 0.0, 1.0)
        inside = (
            y0 * (1.0 + 2.0 * t) * (1.0 - t) ** 2
            + width * s0 * t * (1.0 - t) ** 2
            + y1 * t**2 * (3.0 - 2.0 * t)
            + width * s1 * t**2 * (t - 1.0)
        )
        inside = np.clip(inside, y0, y1)  # a step of the distribution overshoots otherwise
        before, after = y0 + s0 * (z - z0), y1 + s1 * (z - z1)
        return np.where(given < 0.0, before, np.where(given > 1.0, after, inside))
