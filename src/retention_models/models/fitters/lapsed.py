"""The model of purchases, seen from those who have left: what they would bring were they customers.

Given that a customer of the BG/NBD has left, it did so on the day of its last purchase: the likelihood
of its history is λ^x e^(−λ·t_x) (1 − p)^(x−1) p, so

    λ ~ Gamma(r + x, α + t_x) and p ~ Beta(a + 1, b + x − 1), independent,

and, were it a customer again, its future would be that of a new customer with those parameters. It has
left with probability 1 − P(alive). So what leaving costs, 1 − P(alive) times that future's value, has
the same form as what is expected anyway, P(alive) times the future of one alive, and all the machinery
of predictions serves both.

The rate of one who has left is that of the time in which it bought: whoever bought every week for a
quarter and then was silent for three would buy every week again, not every month. So these are upper
bounds for a campaign, which wins back some, and not all for good.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from retention_models.errors import SettingsError
from retention_models.models.fitters.purchases import PurchaseFitter
from retention_models.models.interface import PurchaseModel, States
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit

Array = NDArray[np.float64]


class Lapsed(PurchaseModel):
    """A model of purchases in which "alive" is "has left", and its future that of a customer again."""

    one_scale, recency_counts = False, True

    def __init__(self, model: PurchaseModel) -> None:
        self.model = model
        self.label, self.names = model.label, model.names  # type: ignore[misc]
        self.by_calendar = model.by_calendar  # type: ignore[misc]
        self.side_by_side = model.side_by_side  # type: ignore[misc]

    @property
    def alive(self) -> PurchaseModel:
        """Those who have left, were they customers again, are customers as those alive."""
        return self.model.alive

    def probability_alive(
        self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *parameters: Any
    ) -> Array:
        """1 − P(alive)."""
        return 1.0 - self.model.probability_alive(x, t_x, T, *parameters)

    def states(self, x: Any, t_x: Any, T: Any, *parameters: Any) -> States:
        """Those of who has left."""
        return self.model.states_of_lapsed(x, t_x, T, *parameters)

    def expected_purchases(self, t: ArrayLike, *parameters: Any) -> Array:
        """A new customer's."""
        return self.model.expected_purchases(t, *parameters)

    def discounted_purchases(self, horizon: float, rate: float, *parameters: Any) -> Array:
        """A new customer's."""
        return self.model.discounted_purchases(horizon, rate, *parameters)

    def purchase_count_probability(self, n: ArrayLike, t: ArrayLike, *parameters: Any) -> Array:
        """A new customer's."""
        return self.model.purchase_count_probability(n, t, *parameters)

    def simulate(
        self, ends: Array, rng: np.random.Generator, *parameters: ArrayLike
    ) -> Iterator[Array]:
        """A new customer's."""
        return self.model.simulate(ends, rng, *parameters)

    def fit(
        self, x: Array, t_x: Array, T: Array, counts: Array | None = None, *, penalty: float = 0.0
    ) -> MaximumLikelihoodFit:
        """The model's own."""
        return self.model.fit(x, t_x, T, counts, penalty=penalty)


class LapsedCustomers(PurchaseFitter):
    """A fitted model seen from those who have left; from `as_lapsed`."""

    label, names = "lapsed customers", ()


def as_lapsed(purchases: PurchaseFitter) -> LapsedCustomers:
    """The model of purchases, seen from those who have left."""
    if not isinstance(purchases, PurchaseFitter) or not hasattr(purchases, "fit_"):
        raise SettingsError(f"purchases: expected a fitted model of purchases; got {purchases!r}.")
    if not isinstance(purchases.fit_, MaximumLikelihoodFit):
        raise SettingsError("purchases: expected a model without covariates.")
    # Asked at once, so that a model that cannot tell refuses here.
    purchases.model.states_of_lapsed(1.0, 1.0, 1.0, *purchases.fit_.parameters)
    lapsed = LapsedCustomers()
    lapsed.model = Lapsed(purchases.model)
    lapsed.time_unit_ = purchases.time_unit_
    lapsed.observation_end_ = purchases.observation_end_
    lapsed._publish(purchases.fit_)
    return lapsed
