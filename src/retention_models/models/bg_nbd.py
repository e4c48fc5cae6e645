"""The BG/NBD model of purchases: gamma rates, and a beta chance to leave after each repeat purchase.

A customer buys as a Poisson process with rate λ ~ Gamma(r, rate α) and, after each purchase, leaves
for good with probability p ~ Beta(a, b). A customer is known by frequency x (repeat purchases),
recency t_x (first to last purchase) and T (first purchase to the end of observation), t_x and T in
the same unit of time as 1/λ.

Given (x, t_x, T), a customer that is alive has λ ~ Gamma(r + x, α + T) and p ~ Beta(a, b + x),
independent of each other: a new customer with parameters (r + x, α + T, a, b + x).

Preconditions: x ≥ 0 whole, 0 ≤ t_x ≤ T, t_x = 0 where x = 0. a = 0 is the NBD: nobody leaves.

Sources
-------
FHL : Fader, Hardie & Lee (2005), "Counting your customers the easy way: an alternative to the
Pareto/NBD model", Marketing Science 24(2), 275–284; equation numbers are theirs.
Their "RFM and CLV: using iso-value curves for customer base analysis", Journal of Marketing Research
42(4), 415–430, defines discounted expected residual transactions, there for the Pareto/NBD.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, gammaln

from retention_models.models.beta_dropout_likelihood import NAMES, fit_bg_nbd
from retention_models.models.bg_nbd_integrals import (
    expected_of_rows,
    share_kept,
    stays_by_series,
)
from retention_models.models.histories import distinct_rows
from retention_models.models.inputs import check_rate
from retention_models.models.interface import OneState, Parameters, States
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit
from retention_models.models.regular.phases import beta_nodes
from retention_models.models.special import in_blocks, log_gamma_ratio

Array = NDArray[np.float64]

# Customers times nodes of an integral at a time.
_CELLS = 1 << 20


class BetaGeometricNBD(OneState):
    """The BG/NBD's formulas; parameters r, α, a, b."""

    label, names, one_scale = "BG/NBD", NAMES, True
    side_by_side = True

    def probability_alive(
        self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *parameters: Any
    ) -> Array:
        """1 / (1 + [x > 0] · a/(b+x−1) · ((α+T)/(α+t_x))^(r+x)).

        A customer without a repeat purchase has had no chance to leave.

        Source: Hardie, note 021, "Computing P(alive) using the BG/NBD model" (2008).
        """
        columns = list(np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (x, t_x, T))))
        alone = [np.asarray(v, dtype=float) for v in parameters]
        own = any(v.ndim for v in alone)
        if own:
            columns = list(np.broadcast_arrays(*columns, *alone))
        if not alone[2].any():
            return np.ones(columns[0].shape)

        def block(x: Array, t_x: Array, T: Array, *each: Array) -> Array:
            # Most customers of most shops never came back: only the others cost a logarithm.
            # (NumPy finds truths ten times faster than numbers other than 0.)
            alive, back = np.ones(x.size), np.flatnonzero(x > 0.0)
            x, t_x, T = (column.take(back) for column in (x, t_x, T))
            r, alpha, a, b = (column.take(back) for column in each) if own else alone
            waited = np.log((alpha + T) / (alpha + t_x))
            # Odds beyond any number leave a chance of 0; where nobody leaves they are none.
            with np.errstate(over="ignore", invalid="ignore"):
                # b + (x − 1) is b itself at x = 1, however small.
                odds_left = np.exp((r + x) * waited) * (a / (b + (x - 1.0)))
                alive[back] = 1.0 / (
                    1.0 + (np.where(a > 0.0, odds_left, 0.0) if own else odds_left)
                )
            return alive

        return in_blocks(block, *(np.ravel(v) for v in columns)).reshape(columns[0].shape)

    def alive_as_new(self, x: Any, T: Any, *parameters: Any) -> Parameters:
        """The posterior of λ and of p."""
        r, alpha, a, b = parameters
        return r + x, alpha + T, a, b + x

    def states_of_lapsed(self, x: Any, t_x: Any, T: Any, *parameters: Any) -> States:
        """The posterior on the day of the last purchase, after which it left: p ~ Beta(a+1, b+x−1)."""
        r, alpha, a, b = parameters
        # Nobody has left without a repeat purchase; x = 0 only must not make b negative.
        return ((1.0, (r + x, alpha + t_x, a + 1.0, b + np.maximum(x - 1.0, 0.0))),)

    def probability_alive_after(self, t: ArrayLike, *parameters: Any) -> Array:
        """E (1 + p·t/α)^(−r), p ~ Beta(a, b): the chance of no purchase after which one leaves.

        That is 2F1(r, a; a+b; −t/α): by the series of `stays_by_series`, and where these are long by the
        trapezoidal rule in ln(p/(1−p)).
        """
        t, r, alpha, a, b = np.broadcast_arrays(
            *(np.asarray(v, dtype=float) for v in (t, *parameters))
        )
        ratio, shape, found = np.ravel(t / alpha), np.ravel(r), np.ones(t.size)
        each_a, each_b = np.ravel(a), np.ravel(b)
        leaves = np.flatnonzero(each_a > 0.0)
        found[leaves], told = stays_by_series(*(v[leaves] for v in (shape, each_a, each_b, ratio)))
        hard = leaves[~told]
        pairs, place = distinct_rows(each_a[hard], each_b[hard])
        for i in range(pairs[0].size):
            p, _, weights = beta_nodes(float(pairs[0][i]), float(pairs[1][i]))
            rows = hard[place == i]
            for some in np.array_split(rows, max(1, rows.size * p.size // _CELLS)):
                stays = np.exp(-shape[some, None] * np.log1p(ratio[some, None] * p))
                found[some] = stays @ weights
        return found.reshape(t.shape)

    def expected_purchases(self, t: ArrayLike, *parameters: Any) -> Array:
        """FHL (9), in the form of `bg_nbd_integrals` that keeps its digits near a = 1."""
        shared = np.asarray(parameters[2], dtype=float)
        t, r, alpha, each, b = np.broadcast_arrays(
            *(np.asarray(v, dtype=float) for v in (t, *parameters))
        )
        a = np.ravel(each) if shared.ndim else shared  # one number is quicker than an array of it
        if not a.any():
            return np.asarray(r * t / alpha)
        t_row, r_row, alpha_row, b_row = (np.ravel(v) for v in (t, r, alpha, b))
        return expected_of_rows(t_row, r_row, alpha_row, a, b_row).reshape(t.shape)

    def discounted_purchases(self, horizon: float, rate: float, *parameters: Any) -> Array:
        """r/α · ∫₀ᴴ e^(−δt) 2F1(r+1, a; a+b; −t/α) dt, the mean of λ e^(−λpt); a is one number.

        A rate below 0, or 0 over an endless horizon, is refused: that sum is infinite where a ≤ 1.
        """
        check_rate(rate, horizon)
        if rate == 0.0:
            return self.expected_purchases(horizon, *parameters)
        r, alpha, a, b = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in parameters))
        never_leaving = -np.expm1(-rate * horizon) / rate * r / alpha
        if parameters[2] == 0.0 or horizon == 0.0:
            return np.asarray(never_leaving)
        kept = share_kept(horizon, rate, *(np.ravel(v) for v in (r, alpha, a, b)))
        return np.asarray(never_leaving * kept.reshape(r.shape))

    def purchase_count_probability(self, n: ArrayLike, t: ArrayLike, *parameters: Any) -> Array:
        """FHL (8), on the log scale; a is one number.

        The sum in FHL's second term is a negative binomial distribution function, so that term is
        B(a+1, b+n−1)/B(a, b) · I_z(n, r) with z = t/(α+t) and I the regularised incomplete beta.
        """
        a = parameters[2]
        n, t, r, alpha, _, b = np.broadcast_arrays(
            *(np.asarray(v, dtype=float) for v in (n, t, *parameters))
        )
        z = t / (alpha + t)
        # Γ(b+n)/Γ(b) · Γ(a+b)/Γ(a+b+n), for large a by the ratios that are nearer to one.
        stayed = log_gamma_ratio(b, a) - log_gamma_ratio(b + n, a)
        if a > 100.0:
            few = log_gamma_ratio(b, n) - log_gamma_ratio(a + b, n)
            stayed = np.where(n < a, few, stayed)
        log_nbd = (
            log_gamma_ratio(r, n)
            - gammaln(n + 1.0)
            - r * np.log1p(t / alpha)
            - np.where(n > 0, n * np.log1p(alpha / np.where(t > 0, t, 1.0)), 0.0)
        )
        probability = np.where((z == 0.0) & (n > 0), 0.0, np.exp(stayed + log_nbd))
        if a == 0.0:
            return probability
        bought = n > 0
        safe_n = np.where(bought, n, 1.0)
        left = np.exp(stayed) * a / (b + (safe_n - 1.0)) * betainc(safe_n, r, z)
        return np.where(bought, probability + left, probability)

    def purchase_count_probabilities(self, size: int, t: float, *parameters: Any) -> Array:
        """FHL (8) for every n at once: its sum is the chance of n or more if nobody left.

        Ratios of gamma functions are products along n; what customers share is worked out once.
        """
        a = float(parameters[2])
        r, alpha, b = np.broadcast_arrays(*(np.ravel(parameters[i]) for i in (0, 1, 3)))
        r, alpha, b = _shared(r), alpha[:, None], _shared(b)
        n = np.arange(size)
        z, log_stays = t / (alpha + t), -np.log1p(t / alpha)
        with np.errstate(divide="ignore", invalid="ignore"):  # at t = 0 only n = 0 has a chance
            of_rate = np.where(n > 0, n * np.log(z), 0.0) + r * log_stays
        steps = np.log((r + n[:-1]) / (n[:-1] + 1.0))
        nbd = np.exp(of_rate + _summed_before(steps))
        if a == 0.0:
            return nbd
        stayed = np.exp(-_summed_before(np.log1p(a / (b + n[:-1]))))
        chances = stayed * nbd
        # P(n or more) from the far end, for all its digits.
        tail = np.cumsum(nbd[:, :0:-1], axis=1)[:, ::-1] + betainc(size, r, z)
        chances[:, 1:] += stayed[:, 1:] * (a / (b + n[:-1])) * tail
        return chances

    def simulate(
        self, ends: Array, rng: np.random.Generator, *parameters: ArrayLike
    ) -> Iterator[Array]:
        """Poisson purchases, unless the geometric number of them up to dropout comes first."""
        return simulate_beta_dropout(ends, rng, *parameters, first=0)

    def fit(
        self, x: Array, t_x: Array, T: Array, counts: Array | None = None, *, penalty: float = 0.0
    ) -> MaximumLikelihoodFit:
        """Fit by maximum likelihood; see `fit_beta_dropout`."""
        return fit_bg_nbd(x, t_x, T, counts, penalty=penalty)


def _shared(values: Array) -> Array:
    """A column of customers' own numbers, (customers, 1), or the one that all share, (1, 1)."""
    return (values[:1] if (values == values[0]).all() else values)[:, None]


def _summed_before(terms: Array) -> Array:
    """Sums of the terms before each place and the next, along rows: (k, n) → (k, n + 1)."""
    return np.concatenate([np.zeros((len(terms), 1)), np.cumsum(terms, axis=1)], axis=1)


def simulate_beta_dropout(
    ends: Array, rng: np.random.Generator, *parameters: ArrayLike, first: int
) -> Iterator[Array]:
    """Purchases up to each end of customers who may leave after purchase 1 − `first` and later."""
    r, alpha, a, b = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in parameters))
    rates = rng.gamma(r, 1.0 / alpha)
    most = np.full(r.shape, np.inf)
    leaves = a > 0.0
    most[leaves] = rng.geometric(np.clip(rng.beta(a[leaves], b[leaves]), 1e-12, 1.0)) - first
    wished = np.zeros(r.shape)
    for step in np.diff(ends, prepend=0.0):
        wished += rng.poisson(rates * step)
        yield np.minimum(wished, most)


BG_NBD = BetaGeometricNBD()
