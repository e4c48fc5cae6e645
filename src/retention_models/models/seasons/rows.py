"""What β makes of the histories' likelihoods, row by row: the chain rule through their two times.

Under a season t and T are differences of operational ages A(·), whose derivatives by β are known
(`likelihood.Ages`); so are the likelihoods' by t and T (`history_rows`), whatever mixes them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retention_models.models.seasons.likelihood import Ages

Array = NDArray[np.float64]
Derivatives = tuple[Array, Array, Array]

# Places of t and T after the four parameters.
_t, _T = 4, 5


@dataclass(frozen=True, slots=True)
class Times:
    """The times t and T of some rows: differences of operational ages, with their slopes by β.

    `t`, `T`, shape (rows,); `slopes_last`, `slopes_end`, shape (rows, terms).
    """

    t: Array
    T: Array
    slopes_last: Array
    slopes_end: Array

    def chained(self, found: Derivatives) -> tuple[Array, Array]:
        """Gradients (rows, 4 + terms) by parameters and β, and the slopes of t and T for `squares`."""
        _, gradient, _ = found
        by_season = gradient[:, [_t]] * self.slopes_last + gradient[:, [_T]] * self.slopes_end
        return np.concatenate([gradient[:, :4], by_season], axis=1), by_season

    def squares(self, weights: Array, found: Derivatives) -> Array:
        """Σ weights · Hessian by parameters and β, without the times' own second derivatives."""
        _, _, hessian = found
        n = 4 + self.slopes_last.shape[1]
        total = np.zeros((n, n))
        total[:4, :4] = np.tensordot(weights, hessian[:, :4, :4], 1)
        weighted = weights[:, None] * hessian[:, :4, _t], weights[:, None] * hessian[:, :4, _T]
        total[:4, 4:] = weighted[0].T @ self.slopes_last + weighted[1].T @ self.slopes_end
        total[4:, :4] = total[:4, 4:].T
        cross = self.slopes_last.T @ ((weights * hessian[:, _t, _T])[:, None] * self.slopes_end)
        total[4:, 4:] = (
            self.slopes_last.T @ ((weights * hessian[:, _t, _t])[:, None] * self.slopes_last)
            + self.slopes_end.T @ ((weights * hessian[:, _T, _T])[:, None] * self.slopes_end)
            + cross
            + cross.T
        )
        return total


def since_first(found: Ages, since: NDArray[np.intp], end: NDArray[np.intp]) -> Times:
    """Times of rows with a time since the last purchase and one since the first, by their places."""
    T, silent = found.at[end], found.at[since]
    return Times(T - silent, T, found.slopes[end] - found.slopes[since], found.slopes[end])
