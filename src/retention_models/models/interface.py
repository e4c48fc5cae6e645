"""What every model of purchases says of a customer, and what follows from it for known customers.

In each of them a customer that is alive at T is worth one of a few new customers with other parameters,
each by its chance: its states. So everything about a known customer's future is P(alive) times what its
states say. In the plain models there is one, which depends on x and T alone; only P(alive) depends on
recency.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc

from retention_models.errors import SettingsError
from retention_models.models.gaps import gap_quantile
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit

Array = NDArray[np.float64]
Parameters = tuple[Any, ...]
States = tuple[tuple[Any, Parameters], ...]

# A chance to be alive below which nothing is to come.
_SURELY_LEFT = 1e-15


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
    # Whether the future of one alive depends on its recency too, not on its cell (x, T) alone.
    recency_counts: ClassVar[bool] = False
    # Whether time runs by a calendar that is estimated, so that every draw has its own.
    by_calendar: ClassVar[bool] = False
    # Whether its formulas of the chance to be alive take parameters of several draws, one a row.
    side_by_side: ClassVar[bool] = False

    @property
    def alive(self) -> PurchaseModel:
        """The model of the new customers that one alive may be worth: this, unless said otherwise."""
        return self

    @abstractmethod
    def probability_alive(
        self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *parameters: Any
    ) -> Array:
        """P(alive) of customers with history (x, t_x, T)."""

    @abstractmethod
    def states(self, x: Any, t_x: Any, T: Any, *parameters: Any) -> States:
        """What one alive with (x, t_x, T) may be worth: chances, which sum to 1, and parameters.

        The parameters are those of a new customer of `alive`.
        """

    def alive_with_states(self, x: Any, t_x: Any, T: Any, *parameters: Any) -> tuple[Array, States]:
        """`probability_alive` and `states`, at the price of one of them where they share their work."""
        return self.probability_alive(x, t_x, T, *parameters), self.states(x, t_x, T, *parameters)

    @abstractmethod
    def expected_purchases(self, t: ArrayLike, *parameters: Any) -> Array:
        """Expected repeat purchases of a new customer in (0, t]."""

    @abstractmethod
    def discounted_purchases(self, horizon: float, rate: float, *parameters: Any) -> Array:
        """Expected purchases of a new customer in (0, horizon], each times exp(−rate · time)."""

    @abstractmethod
    def purchase_count_probability(self, n: ArrayLike, t: ArrayLike, *parameters: Any) -> Array:
        """P(X(t) = n) of a new customer."""

    def purchase_count_probabilities(self, size: int, t: float, *parameters: Any) -> Array:
        """P(X(t) = n) of new customers for every n below `size`, shape (customers, size).

        Parameters are numbers, or one for each customer.
        """
        each = (np.asarray(v)[:, None] if np.ndim(v) else v for v in parameters)
        return np.atleast_2d(self.purchase_count_probability(np.arange(size), t, *each))

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

    def probability_alive_after(self, t: ArrayLike, *parameters: Any) -> Array:
        """P(a new customer has not left by t)."""
        raise SettingsError(
            f"purchases: the {self.label} says nothing of who will still be a customer later."
        )

    def conditional_probability_alive_after(
        self, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *parameters: Any
    ) -> Array:
        """P(alive at T + t) of customers with history (x, t_x, T), whatever they buy until then."""
        return self._if_alive(
            partial(self.alive.probability_alive_after, t), x, t_x, T, *parameters
        )

    def moved(self, later: float) -> PurchaseModel:
        """The model for customers observed until so much later, or earlier where below 0."""
        return self

    def on_clock(self, age: Callable[[ArrayLike], Array]) -> PurchaseModel:
        """The model whose own lengths of time are in operational time, by ages before the end."""
        return self

    def states_of_lapsed(self, x: Any, t_x: Any, T: Any, *parameters: Any) -> States:
        """What one who has left would be worth, were it a customer again; as `states`."""
        raise SettingsError(
            f"purchases: expected a model whose customers leave on the day of a purchase; of the "
            f"{self.label} nobody can say when those who left did."
        )

    def gap_quantile(
        self, level: float, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *parameters: Any
    ) -> Array:
        """Quantile of the time from the last purchase to the next, of whoever stays a customer."""
        return gap_quantile(level, x, t_x, *parameters[:2])

    def expected_since_first(self, t: ArrayLike, T: ArrayLike, *parameters: Any) -> Array:
        """Expected repeat purchases in (0, t] of a customer first seen T before the end."""
        return self.expected_purchases(t, *parameters)

    def most(self, n: ArrayLike, t: ArrayLike, *parameters: Any) -> Array:
        """Bound of P(X(t) ≥ n) of a new customer: I_z(n, r), z = t/(α+t), if it stayed for good."""
        r, alpha = parameters[:2]
        return np.asarray(betainc(n, r, np.asarray(t) / (alpha + t)))

    def of_alive(
        self, quantity: Callable[..., Array], x: Any, t_x: Any, T: Any, *parameters: Any
    ) -> Array:
        """Mean of a new customer's quantity, a function of parameters, over what one alive may be."""
        return mean_over(self.states(x, t_x, T, *parameters), quantity)

    def _if_alive(
        self, quantity: Callable[..., Array], x: Any, t_x: Any, T: Any, *parameters: Any
    ) -> Array:
        """Mean of a new customer's quantity over what one with a history may be: 0 once it has left."""
        x, t_x, T = (np.asarray(v, dtype=float) for v in (x, t_x, T))
        alive = self.probability_alive(x, t_x, T, *parameters)
        return np.asarray(alive * self.of_alive(quantity, x, t_x, T, *parameters))

    def conditional_expected_purchases(
        self, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *parameters: Any
    ) -> Array:
        """Expected purchases in (T, T + t] of customers with history (x, t_x, T)."""
        return self._if_alive(partial(self.alive.expected_purchases, t), x, t_x, T, *parameters)

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
        alive = self.probability_alive(x, t_x, T, *parameters)
        new = partial(self.alive.discounted_purchases, horizon, rate)
        if self.recency_counts:
            # Of whoever has surely left nothing is to come, which need not be worked out.
            found, some = np.zeros(x.shape), alive > _SURELY_LEFT
            each = (v[some] for v in (x, t_x, T))
            found[some] = alive[some] * self.of_alive(new, *each, *parameters)
            return found
        # What an alive customer will buy does not depend on recency: few cells (x, T) are distinct.
        cell, row = np.unique(x + 1j * T, return_inverse=True)
        total = self.of_alive(new, cell.real, 0.0, cell.imag, *parameters)
        return np.asarray(alive * total[row].reshape(x.shape))

    def conditional_count_probability(
        self, n: int, t: float, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *parameters: Any
    ) -> Array:
        """P(n purchases in (T, T + t]) of customers with history (x, t_x, T)."""
        x, t_x, T = (np.asarray(v, dtype=float) for v in (x, t_x, T))
        alive = self.probability_alive(x, t_x, T, *parameters)
        new = partial(self.alive.purchase_count_probability, n, t)
        chance = alive * self.of_alive(new, x, t_x, T, *parameters)
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
        parts, covered, start, width = [np.zeros((x.size, 1))], 1.0 - alive, 0, 16
        rows = np.arange(x.size)  # the first columns are everybody's, also of who has left
        while rows.size:
            n, block = np.arange(start, start + width), np.zeros((x.size, width))
            some = (v[rows, None] for v in (x, t_x, T))
            block[rows] = alive[rows, None] * self.of_alive(
                lambda *each: self.alive.purchase_count_probability(n, t, *each),  # noqa: B023
                *some,
                *parameters,
            )
            covered[rows] += block[rows].sum(axis=1)
            parts = [*parts, block] if start else [block]
            start, width = start + width, min(2 * width, 1024)
            # Nobody buys more than if staying for good: where that tail is nothing, rounding has
            # kept the sum a little below one.
            most = partial(self.alive.most, start, t)
            more = self.of_alive(most, x[rows], t_x[rows], T[rows], *parameters) > tail * 1e-3
            rows = rows[more & (covered[rows] < 1.0 - tail)]
        chances = np.concatenate(parts, axis=1)
        chances[:, 0] += 1.0 - alive
        return chances


def mean_over(states: States, quantity: Callable[..., Array]) -> Array:
    """Mean of a new customer's quantity, a function of parameters, over states."""
    if len(states) == 1:
        return quantity(*states[0][1])
    return np.asarray(sum(chance * quantity(*new) for chance, new in states))


def with_dropout(quantity: Callable[..., Array], factor: float) -> Callable[..., Array]:
    """A new customer's quantity were the dropout so many times as it is.

    Every model has it third among the parameters, the shape a of p ~ Beta(a, b) or s of μ ~ Gamma(s, β):
    the mean of the odds of p, or of μ, is proportional to it; at 0 nobody leaves.
    """
    if factor == 1.0:
        return quantity
    return lambda r, alpha, a, *rest: quantity(r, alpha, factor * a, *rest)


def with_dropouts(quantity: Callable[..., Array], factors: Array) -> Callable[..., Array]:
    """`with_dropout` at several factors, along a first axis of the values."""
    column = factors[:, None]
    return lambda r, alpha, a, *rest: quantity(r, alpha, column * a, *rest)


class OneState(PurchaseModel):
    """A model in which one alive is worth one new customer, whatever its recency."""

    @abstractmethod
    def alive_as_new(self, x: Any, T: Any, *parameters: Any) -> Parameters:
        """Parameters, in `alive`, of the new customer that one alive with (x, T) is worth."""

    def states(self, x: Any, t_x: Any, T: Any, *parameters: Any) -> States:
        """The one state."""
        return ((1.0, self.alive_as_new(x, T, *parameters)),)
