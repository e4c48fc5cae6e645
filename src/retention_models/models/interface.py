"""What every model of purchases says of a customer, and what follows from it for known customers.

In each of them a customer that is alive at T, whatever it did before, is worth a new customer with
other parameters, which depend on x and T alone. So everything about a known customer's future is
P(alive) times what its cell (x, T) says of a new customer; only P(alive) depends on recency.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc

from retention_models.models.maximum_likelihood import MaximumLikelihoodFit

Array = NDArray[np.float64]
Parameters = tuple[Any, ...]


class PurchaseModel(ABC):
    """A model of purchases at a rate λ ~ Gamma(r, rate α) until dropout.

    Methods take the parameters last, r and α first among them. A new model gives its formulas of a
    new customer, P(alive) and whom a customer alive is worth; what is conditional on a history
    (x, t_x, T) is derived here. One number is one for all; arrays broadcast.
    """

    label: ClassVar[str]
    names: ClassVar[tuple[str, ...]]
    # Whether time enters only relative to α, as where dropout comes with purchases.
    one_scale: ClassVar[bool]

    @property
    def alive(self) -> PurchaseModel:
        """The model of the new customer that one alive is worth: this one, unless said otherwise."""
        return self

    @abstractmethod
    def probability_alive(
        self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *parameters: Any
    ) -> Array:
        """P(alive) of customers with history (x, t_x, T)."""

    @abstractmethod
    def alive_as_new(self, x: Any, T: Any, *parameters: Any) -> Parameters:
        """Parameters, in `alive`, of the new customer that one alive with (x, T) is worth."""

    @abstractmethod
    def expected_purchases(self, t: ArrayLike, *parameters: Any) -> Array:
        """Expected repeat purchases of a new customer in (0, t]."""

    @abstractmethod
    def discounted_purchases(self, horizon: float, rate: float, *parameters: Any) -> Array:
        """Expected purchases of a new customer in (0, horizon], each times exp(−rate · time)."""

    @abstractmethod
    def purchase_count_probability(self, n: ArrayLike, t: ArrayLike, *parameters: Any) -> Array:
        """P(X(t) = n) of a new customer."""

    @abstractmethod
    def simulate(
        self, ends: Array, rng: np.random.Generator, *parameters: ArrayLike
    ) -> Iterator[Array]:
        """Draws of a new customer's purchases up to each of increasing ends, one path a draw."""

    @abstractmethod
    def fit(
        self, x: Array, t_x: Array, T: Array, counts: Array | None = None, *, penalty: float = 0.0
    ) -> MaximumLikelihoodFit:
        """Fit by maximum likelihood; `counts` customers with each row, one each unless given."""

    def conditional_expected_purchases(
        self, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *parameters: Any
    ) -> Array:
        """Expected purchases in (T, T + t] of customers with history (x, t_x, T)."""
        x, t_x, T = (np.asarray(v, dtype=float) for v in (x, t_x, T))
        alive = self.probability_alive(x, t_x, T, *parameters)
        new = self.alive_as_new(x, T, *parameters)
        return np.asarray(alive * self.alive.expected_purchases(t, *new))

    def conditional_discounted_purchases(
        self,
        horizon: float,
        rate: float,
        x: ArrayLike,
        t_x: ArrayLike,
        T: ArrayLike,
        *parameters: Any,
    ) -> Array:
        """Expected purchases in (T, T + horizon], each times exp(−rate · waiting time).

        Over an endless horizon these are the discounted expected residual transactions, DERT.
        """
        x, t_x, T = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (x, t_x, T)))
        # What an alive customer will buy does not depend on recency: few cells (x, T) are distinct.
        cell, row = np.unique(x + 1j * T, return_inverse=True)
        new = self.alive_as_new(cell.real, cell.imag, *parameters)
        total = self.alive.discounted_purchases(horizon, rate, *new)[row].reshape(x.shape)
        return np.asarray(self.probability_alive(x, t_x, T, *parameters) * total)

    def conditional_count_probability(
        self, n: int, t: float, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *parameters: Any
    ) -> Array:
        """P(n purchases in (T, T + t]) of customers with history (x, t_x, T)."""
        x, t_x, T = (np.asarray(v, dtype=float) for v in (x, t_x, T))
        alive = self.probability_alive(x, t_x, T, *parameters)
        new = self.alive_as_new(x, T, *parameters)
        chance = alive * self.alive.purchase_count_probability(n, t, *new)
        return np.asarray(chance + (1.0 - alive if n == 0 else 0.0))

    def conditional_count_probabilities(
        self,
        t: float,
        x: ArrayLike,
        t_x: ArrayLike,
        T: ArrayLike,
        *parameters: Any,
        tail: float = 1e-9,
    ) -> Array:
        """Distribution of purchases in (T, T + t], shape (customers, n).

        Column j holds P(j purchases); rows sum to 1 less `tail` at most, and may end in zeros.
        """
        x, t_x, T = np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, float)) for v in (x, t_x, T)))
        alive = self.probability_alive(x, t_x, T, *parameters)
        new = self.alive_as_new(x, T, *parameters)
        rate, scale = new[:2]
        parts, covered, start, width = [np.zeros((x.size, 1))], 1.0 - alive, 0, 16
        rows = np.arange(x.size)  # the first columns are everybody's, also of who has left
        while rows.size:
            n, block = np.arange(start, start + width), np.zeros((x.size, width))
            some = (v[rows, None] if np.ndim(v) else v for v in new)
            chances = self.alive.purchase_count_probability(n, t, *some)
            block[rows] = alive[rows, None] * chances
            covered[rows] += block[rows].sum(axis=1)
            parts = [*parts, block] if start else [block]
            start, width = start + width, min(2 * width, 1024)
            # Nobody buys more than if staying for good: where that tail is nothing, rounding has
            # kept the sum a little below one.
            more = betainc(start, rate[rows], t / (scale[rows] + t)) > tail * 1e-3
            rows = rows[more & (covered[rows] < 1.0 - tail)]
        chances = np.concatenate(parts, axis=1)
        chances[:, 0] += 1.0 - alive
        return chances
