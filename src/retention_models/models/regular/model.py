"""The models of regular buyers, BG/CNBD-k and MBG/CNBD-k: a purchase takes k phases.

The gap between two purchases of a customer has an Erlang distribution of k phases, each passed at rate
λ ~ Gamma(r, rate α): its coefficient of variation is 1/√k instead of 1. After a purchase the customer
leaves with probability p ~ Beta(a, b); in the MBG variant after the first one too. With k = 1 they are
the BG/NBD and the MBG/NBD.

Given (x, t_x, T), one that is alive has passed up to k − 1 phases since t_x, j of them with weight
∝ (r + k·x)_j/j! · ((T − t_x)/(α + T))^j; λ is then Gamma(r + k·x + j, α + T), and p is Beta(a, b + x)
independently (b + x + 1 in the MBG variant). So one alive is worth a customer of the BG variant with
parameters (r + k·x, α + T, a, b + x, T − t_x): the fifth is the time it has waited, 0 for a new one.

P(alive) is 1 at x = 0 in the BG variant: who never came back has had no chance to leave, and nothing is
said of them. The MBG variant tells.

Preconditions: those of `bg_nbd`.

Sources
-------
PR : Platzer & Reutterer (2016), "Ticking away the moments: timing regularity helps to better predict
customer activity", Marketing Science 35(5), 779–799.
RPS : Reutterer, Platzer & Schröder (2021), "Leveraging purchase regularity for predicting customer
behavior the easy way", International Journal of Research in Marketing 38(1), 194–215.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, betaincc

from retention_models.models.beta_dropout_likelihood import NAMES
from retention_models.models.bg_nbd import BG_NBD
from retention_models.models.gaps import gap_quantile
from retention_models.models.histories import count_histories, distinct_rows
from retention_models.models.inputs import check_rate
from retention_models.models.interface import Parameters, PurchaseModel, States
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit
from retention_models.models.mbg_nbd import MBG_NBD
from retention_models.models.regular.fit import fit_regular
from retention_models.models.regular.phases import (
    blocks_of_weights,
    discounted_by_phase,
    drawn_phases,
    expected_by_phase,
    phase_weights,
    reached_of_mixture,
)
from retention_models.models.special import log_gamma_ratio

Array = NDArray[np.float64]


# What is left of a sum of chances below which it has ended.
_REST = 1e-12


class BetaGeometricCNBD(PurchaseModel):
    """The BG/CNBD-k's formulas; parameters r, α, a, b, and of whoever has waited the time waited."""

    label: ClassVar[str] = "BG/CNBD-k"
    names: ClassVar[tuple[str, ...]] = NAMES
    one_scale: ClassVar[bool] = True
    recency_counts: ClassVar[bool] = True
    # Chances to leave before the first repeat purchase.
    first: ClassVar[int] = 0

    def __init__(self, k: int, log_gaps: float = 0.0) -> None:
        """Phases of a purchase, and Σ ln gap of what `fit` is given."""
        self.k = k
        self.log_gaps = log_gaps

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.k})"

    @property
    def alive(self) -> PurchaseModel:
        """The BG variant: whoever is alive has had the chance to leave at the last purchase."""
        return self if type(self) is BetaGeometricCNBD else BetaGeometricCNBD(self.k)

    def probability_alive(
        self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *parameters: Any
    ) -> Array:
        """A/(A + a/(b+x−1+m)); A = P(under k phases since t_x) = I_y(r+kx, k), y = (α+t_x)/(α+T)."""
        x, t_x, T, r, alpha, a, b = np.broadcast_arrays(
            *(np.asarray(v, dtype=float) for v in (x, t_x, T, *parameters))
        )
        chance = (x + self.first > 0.0) & (a > 0.0)
        # Of the time waited rather than of its complement: where α is huge that has no digits.
        stays = betaincc(self.k, r + self.k * x, (T - t_x) / (alpha + T))
        odds = np.where(chance, a / np.where(chance, b + (x - 1.0) + self.first, 1.0), 0.0)
        return np.asarray(np.where(chance, stays / (stays + np.where(chance, odds, 1.0)), 1.0))

    def states(self, x: Any, t_x: Any, T: Any, *parameters: Any) -> States:
        """One state: the posteriors of λ and p, and the time waited since the last purchase."""
        r, alpha, a, b = parameters
        waited = np.asarray(T, dtype=float) - t_x
        return ((1.0, (r + self.k * x, alpha + T, a, b + x + self.first, waited)),)

    def states_of_lapsed(self, x: Any, t_x: Any, T: Any, *parameters: Any) -> States:
        """The posterior on the day of the last purchase, after which it left: p ~ Beta(a+1, b+x−1+m)."""
        r, alpha, a, b = parameters
        # Nobody has left before the first chance to; x = 0 only must not make b negative.
        stayed = b + np.maximum(x - 1.0 + self.first, 0.0)
        return ((1.0, (r + self.k * x, alpha + t_x, a + 1.0, stayed)),)

    def gap_quantile(
        self, level: float, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *parameters: Any
    ) -> Array:
        """Quantile of the time from the last purchase to the next, of Erlang gaps."""
        r, alpha = parameters[:2]
        return gap_quantile(level, x, t_x, r, alpha, self.k)

    def most(self, n: ArrayLike, t: ArrayLike, *parameters: Any) -> Array:
        """P(N(t) ≥ n) without dropout of one about to buy, which bounds that of all others."""
        r, alpha = (np.asarray(v, dtype=float) for v in parameters[:2])
        n, t = (np.asarray(v, dtype=float) for v in (n, t))
        needed = np.maximum(n * self.k - self.k + 1.0, 1.0)
        reached = betainc(needed, r + self.k - 1.0, t / (alpha + t))
        return np.asarray(np.where(n > 0.0, reached, 1.0))

    def probability_alive_after(self, t: ArrayLike, *parameters: Any) -> Array:
        """Σ_n P(stays after n purchases) · P(n purchases in t)."""
        if self.k == 1:
            return BG_NBD.probability_alive_after(t, *parameters[:4])
        given = parameters if len(parameters) > 4 else (*parameters, 0.0)
        t, r, alpha, a, b, waited = np.broadcast_arrays(
            *(np.asarray(v, dtype=float) for v in (t, *given))
        )
        weights = phase_weights(self.k, *(np.ravel(v) for v in (r, alpha, waited)))
        weights = weights.reshape(*r.shape, self.k)
        z, total, n = t / (alpha + t), np.zeros(t.shape), 0.0
        here, stays = np.ones(t.shape), np.ones(t.shape)
        while here.size and float((here * stays).max()) > _REST:
            more = reached_of_mixture(self.k, np.full(t.shape, n + 1.0), z, r, weights)
            total += stays * np.maximum(here - more, 0.0)
            stays = stays * (b + n) / (a + b + n)
            here, n = more, n + 1.0
        return total

    def expected_purchases(self, t: ArrayLike, *parameters: Any) -> Array:
        """Σ_n P(stays after n − 1 purchases) · P(n purchases or more in t); see `phases`."""
        if self.k == 1:
            return BG_NBD.expected_purchases(t, *parameters[:4])
        return self._by_phase(
            lambda t, *each: expected_by_phase(self.k, t, *each), (t, *parameters[:4]), parameters
        )

    def discounted_purchases(self, horizon: float, rate: float, *parameters: Any) -> Array:
        """The integral of e^(−δt) times the density of purchases at t; see `phases`."""
        check_rate(rate, horizon)
        if rate == 0.0:
            return self.expected_purchases(horizon, *parameters)
        if self.k == 1:
            return BG_NBD.discounted_purchases(horizon, rate, *parameters[:4])
        return self._by_phase(
            lambda *each: discounted_by_phase(self.k, horizon, rate, *each),
            parameters[:4],
            parameters,
        )

    def _by_phase(self, function: Any, columns: tuple[Any, ...], parameters: Parameters) -> Array:
        """A function of columns by phase, once for each distinct row, averaged over the phase."""
        waited = parameters[4] if len(parameters) > 4 else 0.0
        *each, r, alpha, waited = np.broadcast_arrays(
            *(np.asarray(v, dtype=float) for v in (*columns, *parameters[:2], waited))
        )
        distinct, row = distinct_rows(*(np.ravel(v) for v in each))
        values = function(*distinct)
        mean = np.empty(r.size)
        for rows, weights in blocks_of_weights(self.k, r, alpha, waited):
            mean[rows] = np.einsum("ij,ij->i", values[row[rows]], weights)
        return mean.reshape(r.shape)

    def purchase_count_probability(self, n: ArrayLike, t: ArrayLike, *parameters: Any) -> Array:
        """B(n)·(M(n) − M(n+1)) + [n > 0]·B(n)·a/(b+n−1)·M(n).

        M(n) is the chance of n purchases or more of one who never leaves, B(n) that of staying n times.
        """
        if self.k == 1:
            return BG_NBD.purchase_count_probability(n, t, *parameters[:4])
        given = (n, t, *parameters) if len(parameters) > 4 else (n, t, *parameters, 0.0)
        n, t, r, alpha, a, b, waited = (np.asarray(v, dtype=float) for v in given)
        r, alpha, waited = np.broadcast_arrays(r, alpha, waited)
        weights = phase_weights(self.k, *(np.ravel(v) for v in (r, alpha, waited)))
        weights = weights.reshape(*r.shape, self.k)
        z = t / (alpha + t)
        here = reached_of_mixture(self.k, n, z, r, weights)
        more = reached_of_mixture(self.k, n + 1.0, z, r, weights)
        stays = np.exp(log_gamma_ratio(b, a) - log_gamma_ratio(b + n, a))
        left = np.where(n > 0.0, a / (b + np.maximum(n, 1.0) - 1.0), 0.0)
        return np.asarray(stays * (np.maximum(here - more, 0.0) + left * here))

    def simulate(
        self, ends: Array, rng: np.random.Generator, *parameters: ArrayLike
    ) -> Iterator[Array]:
        """Poisson phases from the one reached, up to a geometric number of purchases."""
        given = parameters if len(parameters) > 4 else (*parameters, 0.0)
        r, alpha, a, b, waited = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in given))
        phases, rates = drawn_phases(self.k, r, alpha, waited, rng)
        most = np.full(r.shape, np.inf)
        leaves = a > 0.0
        dropout = np.clip(rng.beta(a[leaves], b[leaves]), 1e-12, 1.0)
        most[leaves] = rng.geometric(dropout) - self.first
        for step in np.diff(ends, prepend=0.0):
            phases += rng.poisson(rates * step)
            yield np.minimum(phases // self.k, most)

    def fit(
        self, x: Array, t_x: Array, T: Array, counts: Array | None = None, *, penalty: float = 0.0
    ) -> MaximumLikelihoodFit:
        """Fit r, α, a, b at this k, with the Σ ln gap that the model was made with."""
        known = count_histories(x, t_x, T, counts)
        return fit_regular(known, self.log_gaps, k=self.k, first=self.first, penalty=penalty)


class ModifiedBetaGeometricCNBD(BetaGeometricCNBD):
    """The MBG/CNBD-k's formulas: customers can leave after the first purchase too."""

    label = "MBG/CNBD-k"
    first = 1

    def probability_alive_after(self, t: ArrayLike, *parameters: Any) -> Array:
        """b/(a+b) times that of the BG variant at b + 1."""
        stays, later = _after_the_first(*parameters)
        return np.asarray(stays * self.alive.probability_alive_after(t, *later))

    def expected_purchases(self, t: ArrayLike, *parameters: Any) -> Array:
        """b/(a+b) · E(t; r, α, a, b+1), with E that of the BG variant."""
        if self.k == 1:
            return MBG_NBD.expected_purchases(t, *parameters)
        stays, later = _after_the_first(*parameters)
        return np.asarray(stays * self.alive.expected_purchases(t, *later))

    def discounted_purchases(self, horizon: float, rate: float, *parameters: Any) -> Array:
        """b/(a+b) times that of the BG variant at b + 1."""
        stays, later = _after_the_first(*parameters)
        return np.asarray(stays * self.alive.discounted_purchases(horizon, rate, *later))

    def purchase_count_probability(self, n: ArrayLike, t: ArrayLike, *parameters: Any) -> Array:
        """[n = 0] · a/(a+b) + b/(a+b) · P(n, t; r, α, a, b+1), with P that of the BG variant."""
        _, _, a, b = parameters
        stays, later = _after_the_first(*parameters)
        chance = stays * self.alive.purchase_count_probability(n, t, *later)
        return np.asarray(np.where(np.asarray(n) == 0, a, 0.0) / (a + b) + chance)


def _after_the_first(r: Any, alpha: Any, a: Any, b: Any) -> tuple[Array, Parameters]:
    """P(staying after the first purchase), and the parameters of the BG variant from then on."""
    b = np.asarray(b, dtype=float)
    return b / (a + b), (r, alpha, a, b + 1.0)
