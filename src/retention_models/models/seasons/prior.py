"""What a chain's other stores tell of a store's season, as a prior of its effects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from retention_models.models.maximum_likelihood import Objective

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SeasonPrior:
    """What other stores tell of the effects: normal around `mean`, shape (terms,), with `precision`.

    A term of which they tell nothing has zeros in its row and column of the precision.
    """

    mean: Array
    precision: Array

    def added_to(self, objective: Objective, effects: slice) -> Objective:
        """A log-likelihood with this prior's log-density added, but for its constant."""

        def posterior(phi: Array) -> tuple[float, Array, Array]:
            value, gradient, hessian = objective(phi)
            gradient, hessian = gradient.copy(), hessian.copy()
            gradient[effects] -= self.precision @ (phi[effects] - self.mean)
            hessian[effects, effects] -= self.precision
            return value + self.log_density(phi[effects]), gradient, hessian

        return posterior

    def log_density(self, effects: Array) -> float:
        """Log-density of effects, but for its constant."""
        away = effects - self.mean
        return -float(away @ self.precision @ away) / 2.0

    def content(self) -> dict[str, Any]:
        """What `from_content` takes; JSON can hold it."""
        return {"mean": self.mean.tolist(), "precision": self.precision.tolist()}

    @classmethod
    def from_content(cls, content: dict[str, Any]) -> Self:
        """What `content` gave."""
        mean = np.array(content["mean"], dtype=float)
        return cls(mean, np.array(content["precision"], dtype=float).reshape(mean.size, mean.size))
