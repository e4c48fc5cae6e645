"""The Pareto/NBD model of purchases: gamma rates of buying, for a lifetime with a gamma rate.

A customer buys as a Poisson process with rate λ ~ Gamma(r, rate α) for a lifetime that is
exponential with rate μ ~ Gamma(s, rate β), then never again. A customer is known by frequency x
(repeat purchases), recency t_x and T, in the same unit of time as 1/λ and 1/μ.

The published formulas are differences of 2F1 functions, which cancel and overflow. Here what they
stand for, an integral over the unseen moment of leaving, is taken by quadrature: all terms are
positive, and on the log scale (see `pareto_nbd_integrals`).

Given (x, t_x, T), a customer that is alive has λ ~ Gamma(r + x, α + T) and μ ~ Gamma(s, β + T),
independent of each other: a new customer with parameters (r + x, α + T, s, β + T).

Preconditions: x ≥ 0 whole, 0 ≤ t_x ≤ T, t_x = 0 where x = 0. s = 0 is the NBD: nobody leaves.

Sources
-------
SMC : Schmittlein, Morrison & Colombo (1987), "Counting your customers: who are they and what will
they do next?", Management Science 33(1), 1–24.
FH : Fader & Hardie (2005), "A note on deriving the Pareto/NBD model and related expressions", note
009; section 3 derives the likelihood, 4 the mean, 5 P(alive), 6 the conditional expectation.
FHL : Fader, Hardie & Lee (2005), "RFM and CLV: using iso-value curves for customer base analysis",
Journal of Marketing Research 42(4), 415–430.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, gammaln

from retention_models.models.inputs import check_rate
from retention_models.models.interface import OneState, Parameters
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit
from retention_models.models.pareto_nbd_integrals import (
    chance_before_leaving,
    discounted_lifetime,
    unseen_departures,
)
from retention_models.models.pareto_nbd_likelihood import NAMES, fit_pareto_nbd
from retention_models.models.special import log_gamma_ratio

Array = NDArray[np.float64]


class ParetoNBD(OneState):
    """The Pareto/NBD's formulas; parameters r, α, s, β, of which s is one number."""

    label, names, one_scale = "Pareto/NBD", NAMES, False

    def probability_alive(
        self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *parameters: Any
    ) -> Array:
        """1 / (1 + s ∫ ((α+T)/(α+y))^(r+x) ((β+T)/(β+y))^s dy/(β+y)), y from t_x to T; SMC, FH."""
        r, alpha, s, beta = parameters
        x, t_x, T = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (x, t_x, T)))
        if s == 0.0:
            return np.ones(x.shape)
        log_odds_left = np.empty(x.size)
        for rows, _, log_odds in unseen_departures(
            np.ravel(x), np.ravel(t_x), np.ravel(T), r, alpha, s, beta
        ):
            top = log_odds.max(axis=1)
            log_odds_left[rows] = top + np.log(np.exp(log_odds - top[:, None]).sum(axis=1))
        return np.asarray(expit(-log_odds_left).reshape(x.shape))

    def alive_as_new(self, x: Any, T: Any, *parameters: Any) -> Parameters:
        """The posterior of λ and of μ."""
        r, alpha, s, beta = parameters
        return r + x, alpha + T, s, beta + T

    def probability_alive_after(self, t: ArrayLike, *parameters: Any) -> Array:
        """(β/(β+t))^s, of a lifetime that is exponential with a rate μ ~ Gamma(s, rate β)."""
        _, _, s, beta = (np.asarray(v, dtype=float) for v in parameters)
        return np.asarray(np.exp(-s * np.log1p(np.asarray(t, dtype=float) / beta)))

    def expected_purchases(self, t: ArrayLike, *parameters: Any) -> Array:
        """rβ/α · (1 − (β/(β+t))^(s−1)) / (s−1), at s = 1 rβ/α · ln((β+t)/β); SMC, FH section 4."""
        r, alpha, s, beta = parameters
        t, r, alpha, beta = (np.asarray(v, dtype=float) for v in (t, r, alpha, beta))
        log_gone = np.log1p(t / beta)
        e = np.asarray(s, dtype=float) - 1.0
        at_one = e == 0.0
        lived = np.where(at_one, log_gone, -np.expm1(-e * log_gone) / np.where(at_one, 1.0, e))
        return np.asarray(r * beta / alpha * lived)

    def discounted_purchases(self, horizon: float, rate: float, *parameters: Any) -> Array:
        """r/α · ∫₀ᴴ e^(−δt) (β/(β+t))^s dt.

        Over an endless horizon, where the rate must be above 0 unless s > 1, the integral is
        FHL (2), written there with Tricomi's function: δ^(s−1) β^s Ψ(s, s; δβ).
        """
        r, alpha, s, beta = parameters
        check_rate(rate, horizon, converges=s > 1.0)
        r, alpha, beta = np.broadcast_arrays(
            *(np.asarray(v, dtype=float) for v in (r, alpha, beta))
        )
        lived = discounted_lifetime(horizon, rate, s, np.ravel(beta))
        return np.asarray(r / alpha * lived.reshape(beta.shape))

    def purchase_count_probability(self, n: ArrayLike, t: ArrayLike, *parameters: Any) -> Array:
        """NBD(n; t) (β/(β+t))^s + ∫₀ᵗ NBD(n; y) · s/(β+y) · (β/(β+y))^s dy.

        NBD(n; y) = Γ(r+n)/(Γ(r) n!) · (α/(α+y))^r · (y/(α+y))^n. The note's form subtracts, this adds.

        Source: SMC; Fader & Hardie (2006), note 012.
        """
        r, alpha, s, beta = parameters
        n, t, r, alpha, beta = (np.asarray(v, dtype=float) for v in (n, t, r, alpha, beta))
        window = np.where(t > 0.0, t, alpha)  # any: in one without length nothing happens
        log_ways = log_gamma_ratio(r, n) - gammaln(n + 1.0)
        here = log_ways - r * np.log1p(t / alpha) - n * np.log1p(alpha / window)
        chance = np.exp(here - s * np.log1p(t / beta))
        if s > 0.0:
            chance = chance + chance_before_leaving(n, window, r, alpha, s, beta, log_ways)
        return np.where(t > 0.0, chance, np.where(n > 0, 0.0, 1.0))

    def simulate(
        self, ends: Array, rng: np.random.Generator, *parameters: ArrayLike
    ) -> Iterator[Array]:
        """Poisson with rate λ while the lifetime lasts."""
        r, alpha, s, beta = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in parameters))
        rates = rng.gamma(r, 1.0 / alpha)
        lifetime = np.full(r.shape, np.inf)
        leaves = s > 0.0
        dropout = rng.gamma(s[leaves], 1.0 / beta[leaves])
        # A dropout rate too small to be told from none is none.
        lifetime[leaves] = rng.exponential(size=dropout.size) / np.maximum(dropout, 1e-300)
        bought, before = np.zeros(r.shape), 0.0
        for end in ends:
            bought += rng.poisson(rates * np.maximum(np.minimum(lifetime, end) - before, 0.0))
            before = end
            yield bought.copy()

    def fit(
        self, x: Array, t_x: Array, T: Array, counts: Array | None = None, *, penalty: float = 0.0
    ) -> MaximumLikelihoodFit:
        """Fit by maximum likelihood; see `fit_pareto_nbd`."""
        return fit_pareto_nbd(x, t_x, T, counts, penalty=penalty)


PARETO_NBD = ParetoNBD()
