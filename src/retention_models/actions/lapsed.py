"""What customers who have left would bring if they were customers still.

Given that a customer of the BG/NBD has left, it did so on the day of its last purchase: the likelihood
of its history is λ^x e^(−λ·t_x) (1 − p)^(x−1) p, so

    λ ~ Gamma(r + x, α + t_x) and p ~ Beta(a + 1, b + x − 1), independent,

and, were it a customer again, its future would be that of a new customer with those parameters. It has
left with probability 1 − P(alive). So what leaving costs, 1 − P(alive) times that future's value, has
the same form as what is expected anyway, P(alive) times the future of one alive; only "has left" takes
the place of "is alive", t_x that of T, and all the machinery of predictions serves both.

The rate of one who has left is that of the time in which it bought: whoever bought every week for a
quarter and then was silent for three would buy every week again, not every month. So these are upper
bounds for a campaign, which wins back some, and not all for good.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from retention_models.errors import SettingsError
from retention_models.models.bg_nbd import BetaGeometricNBD
from retention_models.models.fitters import BetaGeoFitter
from retention_models.models.interface import Parameters
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit

Array = NDArray[np.float64]


class _Lapsed(BetaGeometricNBD):
    """The BG/NBD of those who have left; `as_lapsed` gives the two times in each other's places."""

    def probability_alive(
        self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *parameters: Any
    ) -> Array:
        """1 − P(alive)."""
        return 1.0 - super().probability_alive(x, T, t_x, *parameters)

    def alive_as_new(self, x: Any, T: Any, *parameters: Any) -> Parameters:
        """The posterior on the day of the last purchase."""
        r, alpha, a, b = parameters
        # Nobody has left without a repeat purchase; x = 0 only must not make b negative.
        return r + x, alpha + T, a + 1.0, b + np.maximum(x - 1.0, 0.0)


class LapsedCustomers(BetaGeoFitter):
    """A fitted BG/NBD seen from those who have left; from `as_lapsed`."""

    model = _Lapsed()

    def histories(self, frequency: Any, recency: Any, T: Any) -> tuple[Array, Array, Array]:
        """Checked histories, of which `as_lapsed` has put the two times in each other's places."""
        x, t_x, t = super().histories(frequency, T, recency)
        return x, t, t_x


def as_lapsed(
    purchases: BetaGeoFitter, summary: pd.DataFrame
) -> tuple[LapsedCustomers, pd.DataFrame]:
    """Customers and their model, seen from those who have left.

    Examples
    --------
    >>> fitter = BetaGeoFitter().fit([0, 2, 5, 0, 1, 3, 0, 8], [0, 30, 20, 0, 5, 31, 0, 36],
    ...                              [39, 39, 30, 25, 39, 32, 20, 37])
    >>> history = pd.DataFrame({"frequency": [5], "recency": [20.0], "T": [30.0]})
    >>> model, seen = as_lapsed(fitter, history)
    >>> left = model.conditional_probability_alive(*(seen[name] for name in history))
    >>> bool(left + fitter.conditional_probability_alive(5, 20.0, 30.0) == 1.0)
    True
    """
    if not isinstance(purchases, BetaGeoFitter) or not hasattr(purchases, "fit_"):
        raise SettingsError(f"purchases: expected a fitted BetaGeoFitter; got {purchases!r}.")
    if not isinstance(purchases.fit_, MaximumLikelihoodFit):
        raise SettingsError("purchases: expected a model without covariates.")
    lapsed = LapsedCustomers.from_fit(purchases.fit_, time_unit=purchases.time_unit_)
    swapped = summary.assign(recency=summary["T"], T=summary["recency"])
    swapped.attrs = dict(summary.attrs)
    return lapsed, swapped
