"""The MBG/NBD model of purchases: a BG/NBD whose customers can leave after the first one too.

Staying after the first purchase, at time zero, has probability b/(a+b) and leaves p ~ Beta(a, b+1).
From then on the customer is one of the BG/NBD model with parameters (r, α, a, b+1). So the formulas
here are those of `bg_nbd` at b + 1; only customers with x = 0, who in the BG/NBD are surely alive,
may have left. Symbols and preconditions are those of `bg_nbd`.

Sources
-------
BDF : Batislam, Denizel & Filiztekin (2007), "Empirical validation and comparison of models for
customer base analysis", International Journal of Research in Marketing 24(3), 201–209; an erratum
in 25(2), 2008, corrects their conditional expectation.
HW : Hoppe & Wagner (2007), "Customer base analysis: the case for a central variant of the
betageometric/NBD model", Marketing Journal of Research and Management 3(2), 75–90.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from retention_models.models.beta_dropout_likelihood import NAMES, fit_mbg_nbd
from retention_models.models.bg_nbd import BG_NBD, simulate_beta_dropout
from retention_models.models.interface import OneState, Parameters, PurchaseModel, States
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit

Array = NDArray[np.float64]


class ModifiedBetaGeometricNBD(OneState):
    """The MBG/NBD's formulas; parameters r, α, a, b."""

    label, names, one_scale = "MBG/NBD", NAMES, True

    @property
    def alive(self) -> PurchaseModel:
        """After its first purchase a customer is one of the BG/NBD with b + 1."""
        return BG_NBD

    def probability_alive(
        self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *parameters: Any
    ) -> Array:
        """1 / (1 + a/(b+x) · ((α+T)/(α+t_x))^(r+x)), below one also at x = 0; HW, BDF."""
        r, alpha, a, b = parameters
        later = BG_NBD.probability_alive(x, t_x, T, r, alpha, a, b + 1.0)
        if not np.any(a):
            return later
        x, T = (np.asarray(v, dtype=float) for v in (x, T))
        # With x = 0 only the chance to leave at once is left, at T = 0 a/(a+b).
        with np.errstate(divide="ignore"):  # at a = 0 nobody leaves
            odds_left = np.log(a) - np.log(b) + r * np.log1p(T / alpha)
        return np.where(x > 0, 1.0, expit(-odds_left)) * later

    def alive_as_new(self, x: Any, T: Any, *parameters: Any) -> Parameters:
        """The posterior of λ and of p, after x + 1 chances to leave."""
        r, alpha, a, b = parameters
        return r + x, alpha + T, a, b + x + 1.0

    def states_of_lapsed(self, x: Any, t_x: Any, T: Any, *parameters: Any) -> States:
        """The posterior on the day of the last purchase, the (x+1)th: p ~ Beta(a+1, b+x)."""
        r, alpha, a, b = parameters
        return ((1.0, (r + x, alpha + t_x, a + 1.0, b + x)),)

    def probability_alive_after(self, t: ArrayLike, *parameters: Any) -> Array:
        """b/(a+b) times that of the BG/NBD at b + 1."""
        stays, later = _after_the_first(*parameters)
        return np.asarray(stays * BG_NBD.probability_alive_after(t, *later))

    def expected_purchases(self, t: ArrayLike, *parameters: Any) -> Array:
        """b/(a+b) · E(t; r, α, a, b+1), with E that of the BG/NBD."""
        stays, later = _after_the_first(*parameters)
        return np.asarray(stays * BG_NBD.expected_purchases(t, *later))

    def discounted_purchases(self, horizon: float, rate: float, *parameters: Any) -> Array:
        """b/(a+b) times that of the BG/NBD at b + 1."""
        stays, later = _after_the_first(*parameters)
        return np.asarray(stays * BG_NBD.discounted_purchases(horizon, rate, *later))

    def purchase_count_probability(self, n: ArrayLike, t: ArrayLike, *parameters: Any) -> Array:
        """[n = 0] · a/(a+b) + b/(a+b) · P(n, t; r, α, a, b+1), with P that of the BG/NBD."""
        _, _, a, b = parameters
        stays, later = _after_the_first(*parameters)
        chance = stays * BG_NBD.purchase_count_probability(n, t, *later)
        return np.asarray(np.where(np.asarray(n) == 0, a, 0.0) / (a + b) + chance)

    def simulate(
        self, ends: Array, rng: np.random.Generator, *parameters: ArrayLike
    ) -> Iterator[Array]:
        """As the BG/NBD's, with one more chance to leave at time zero."""
        return simulate_beta_dropout(ends, rng, *parameters, first=1)

    def fit(
        self, x: Array, t_x: Array, T: Array, counts: Array | None = None, *, penalty: float = 0.0
    ) -> MaximumLikelihoodFit:
        """Fit by maximum likelihood; see `fit_beta_dropout`."""
        return fit_mbg_nbd(x, t_x, T, counts, penalty=penalty)


def _after_the_first(r: Any, alpha: Any, a: Any, b: Any) -> tuple[Array, Parameters]:
    """P(staying after the first purchase), and the parameters of the BG/NBD from then on."""
    b = np.asarray(b, dtype=float)
    return b / (a + b), (r, alpha, a, b + 1.0)


MBG_NBD = ModifiedBetaGeometricNBD()
