"""A million customers as some hundred thousand distinct histories in some thousand cells.

A customer's P(alive) depends on its row (x, t_x, T); everything about its future, once alive, on its
cell (x, T). What is costly is computed once per cell, what is cheap once per row, and customers get
theirs by a lookup.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retention_models.models.histories import distinct_rows
from retention_models.models.interface import PurchaseModel

Array = NDArray[np.float64]
Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class KnownCustomers:
    """Customers by distinct history.

    Attributes
    ----------
    x, t_x, T : ndarray, shape (rows,)
        Distinct histories, sorted by x, T, t_x.
    row : ndarray of int, shape (customers,)
        Each customer's place among them.
    x_of_cell, end_of_cell : ndarray, shape (cells,)
        Distinct pairs of x and of T, the end of observation, in the same order.
    cell : ndarray of int, shape (rows,)
        Each row's place among those.
    """

    x: Array
    t_x: Array
    T: Array
    row: Places
    x_of_cell: Array
    end_of_cell: Array
    cell: Places

    @property
    def customers_by_row(self) -> Array:
        """Number of customers with each history, shape (rows,)."""
        return np.bincount(self.row, minlength=self.x.size).astype(float)

    def alive(self, model: PurchaseModel, parameters: Array) -> Array:
        """P(alive), shape (rows,)."""
        return model.probability_alive(self.x, self.t_x, self.T, *parameters)

    def expected(self, model: PurchaseModel, parameters: Array, horizon: float) -> Array:
        """Expected purchases of whoever is alive, shape (cells,)."""
        new = model.alive_as_new(self.x_of_cell, self.end_of_cell, *parameters)
        return model.alive.expected_purchases(horizon, *new)

    def discounted(
        self, model: PurchaseModel, parameters: Array, horizon: float, rate: float
    ) -> Array:
        """Expected discounted purchases of whoever is alive, shape (cells,)."""
        new = model.alive_as_new(self.x_of_cell, self.end_of_cell, *parameters)
        return model.alive.discounted_purchases(horizon, rate, *new)


def known_customers(x: Array, t_x: Array, T: Array) -> KnownCustomers:
    """Find the distinct histories of customers, and their cells.

    Parameters
    ----------
    x, t_x, T : ndarray, shape (customers,)
        Valid frequency, recency and T.

    Returns
    -------
    KnownCustomers

    Examples
    --------
    >>> one = np.ones(3)
    >>> known = known_customers(one, np.array([2.0, 5.0, 2.0]), 9 * one)
    >>> known.t_x, known.row, known.cell
    (array([2., 5.]), array([0, 1, 0]), array([0, 0]))
    """
    (level_x, level_T, level_t_x), row = distinct_rows(x, T, t_x)
    change = (level_x[1:] != level_x[:-1]) | (level_T[1:] != level_T[:-1])
    first = np.concatenate([[True], change])[: level_x.size]
    return KnownCustomers(
        x=level_x,
        t_x=level_t_x,
        T=level_T,
        row=row,
        x_of_cell=level_x[first],
        end_of_cell=level_T[first],
        cell=np.cumsum(first) - 1,
    )
