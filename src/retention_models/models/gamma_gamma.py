"""The Gamma-Gamma model of spend per purchase: likelihood with derivatives, fit, predictions.

A customer's purchases are worth z ~ Gamma(p, rate ν), with ν ~ Gamma(q, rate v) over customers,
independent of how often they buy. A customer is known by x purchases of mean value m.

Sources
-------
FH : Fader & Hardie (2013), "The Gamma-Gamma model of monetary value", note 025; equation numbers
are theirs.

Given (x, m), ν ~ Gamma(q + p·x, v + x·m): predictions follow from that posterior.

Preconditions: x ≥ 1 whole and m > 0 for estimation; x = 0 (m ignored) is allowed in predictions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import digamma, gammaln, polygamma

from retention_models.errors import CannotSay
from retention_models.languages import count, phrase, spoken
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit, maximise
from retention_models.models.special import in_blocks, log_gamma_ratio

Array = NDArray[np.float64]

NAMES = ("p", "q", "v")
_SAME = 1e4
# Squares of larger numbers overflow, of smaller ones' inverses too.
_LARGEST_SPEND = 1e100
# Beyond this p the rounding of a sum with one matters; a plain log takes half the time.
_HUGE = 1e4
# Rows at a time: their columns stay in a processor's cache.
_BLOCK = 8192
# First searches use about so many rows, each from where the one before ended; the full one then
# needs two steps.
_FEW = (16384, 131072)


def log_likelihood_with_derivatives(
    phi: Array, x: Array, m: Array, counts: Array
) -> tuple[float, Array, Array]:
    """Log-likelihood of phi = (ln p, ln q, ln v), its gradient and its Hessian; FH (1a)."""
    return _evaluate(phi, _spends(x, m, counts))


@dataclass(frozen=True, slots=True)
class _Spends:
    """Purchases x, their total, and counts, with the sums that do not depend on parameters.

    levels, at_level: distinct x, and the number of customers with each. log_total: Σ counts ·
    ln(x m). log_mean: Σ counts · ln m.
    """

    x: Array
    total: Array
    counts: Array
    levels: Array
    at_level: Array
    log_total: float
    log_mean: float


def _spends(x: Array, m: Array, counts: Array) -> _Spends:
    """Everything about the data that stays as parameters change, taken once."""
    at_level = np.bincount(x.astype(np.intp), counts).astype(float, copy=False)
    levels = np.flatnonzero(at_level)
    at_level = at_level[levels]
    log_mean = float((counts * np.log(m)).sum())  # no product: on a busy machine its threads stall
    return _Spends(
        x=x,
        total=x * m,
        counts=counts,
        levels=levels.astype(float),
        at_level=at_level,
        log_total=float(log_mean + at_level @ np.log(levels)),
        log_mean=log_mean,
    )


def _sums_over_rows(p: float, v: float, s: _Spends) -> Array:
    """Over customers, with w = v + x·m: Σ ln(w/(x m)), x times it, 1/w, x/w, 1/w² and x/w²."""
    sums = np.zeros(6)
    for start in range(0, s.x.size, _BLOCK):
        rows = slice(start, start + _BLOCK)
        x, counts = s.x[rows], s.counts[rows]
        total = s.total[rows]
        # ln(v + x·m) less ln(x·m), which p multiplies: where p is huge it asks for every digit.
        share, per = v / total, 1.0 / (v + total)
        rest = np.log1p(share) if p > _HUGE else np.log(1.0 + share)
        x_counts, spread = counts * x, counts * per
        sums += (
            counts @ rest,
            x_counts @ rest,
            spread.sum(),
            spread @ x,
            spread @ per,
            x_counts @ (per * per),
        )
    return sums


def _evaluate(phi: Array, s: _Spends) -> tuple[float, Array, Array]:
    p, q, v = theta = np.exp(phi)
    # Gamma functions depend on x alone: they are evaluated over its histogram.
    n, levels = s.at_level, s.levels
    customers, px = n.sum(), p * levels
    shape = px + q
    rest, x_rest, spread, x_spread, spread_2, x_spread_2 = _sums_over_rows(p, v, s)
    log_both = s.log_total + rest
    value = float(
        n @ (log_gamma_ratio(px, q) - gammaln(q))
        + customers * q * np.log(v)
        - s.log_mean
        - p * x_rest
        - q * log_both
    )
    trigamma = polygamma(1, shape)
    gradient = np.array(
        [
            n @ (levels * (digamma(shape) - digamma(px))) - x_rest,
            n @ (digamma(shape) - digamma(q)) + customers * np.log(v) - log_both,
            customers * q / v - p * x_spread - q * spread,
        ]
    )
    second = {
        (0, 0): n @ (levels**2 * (trigamma - polygamma(1, px))),
        (0, 1): n @ (levels * trigamma),
        (0, 2): -x_spread,
        (1, 1): n @ (trigamma - polygamma(1, q)),
        (1, 2): customers / v - spread,
        (2, 2): p * x_spread_2 + q * spread_2 - customers * q / v**2,
    }
    hessian = np.empty((3, 3))
    for (i, j), term in second.items():
        hessian[i, j] = hessian[j, i] = term
    return (
        value,
        theta * gradient,
        hessian * np.outer(theta, theta) + np.diag(theta * gradient),
    )


def fit_gamma_gamma(
    x: Array, m: Array, counts: Array | None = None, *, penalty: float = 0.0
) -> MaximumLikelihoodFit:
    """Fit the Gamma-Gamma model, x ≥ 1 purchases of mean value m > 0, by maximum likelihood.

    The penalty is a ridge on the logs of p, q and v / mean spend (see `maximise`). "boundary" where
    customers do not differ in spend.
    """
    counts = np.ones(x.size) if counts is None else counts
    customers = float(counts.sum())
    mean = float((counts * m).sum() / customers) if customers else 0.0
    require_variation(m, customers=customers)
    # A moderate spread within and between customers, with the right mean p·v / (q − 1).
    start = np.array([2.0, 3.0, mean])
    for every in sorted({max(1, x.size // few) for few in _FEW} | {1}, reverse=True):
        some = slice(None, None, every)
        known = _spends(x[some], m[some], counts[some])
        fit = maximise(
            partial(_evaluate, s=known),
            start,
            NAMES,
            float(known.at_level.sum()),
            penalty=penalty,
            penalty_centre=np.array([0.0, 0.0, np.log(mean)]),
        )
        if fit.verdict == "converged":
            start = fit.parameters
    p, q, _ = fit.parameters
    if q > _SAME or p > _SAME:
        message = (
            phrase("customers do not differ in what they spend per purchase")
            if q > _SAME
            else phrase("each customer always spends the same per purchase")
        )
        return replace(fit, verdict="boundary", message=message)
    return fit


def is_money(m: Array) -> bool:
    """Whether positive amounts are of a size that sums and squares can hold."""
    largest, smallest = m.max(initial=1.0), m.min(initial=1.0)
    return bool(largest <= _LARGEST_SPEND and smallest >= 1.0 / _LARGEST_SPEND)


def require_variation(m: Array, *, customers: float | None = None, alike: float = 1e-9) -> None:
    """Refuse mean spends that differ by no more than a share `alike` of their size, or are no money."""
    known = float(m.size) if customers is None else customers
    told = count(known)
    spread = float(np.ptp(m)) if m.size else 0.0
    if not is_money(m):
        odd = m[np.abs(np.log(m)).argmax()]
        raise CannotSay(
            "A customer's mean spend is {spend}, which is no amount of any money, so that spend "
            "cannot be modelled; correct or remove such rows.",
            spend=spoken().figures(f"{odd:.3g}"),
        )
    if spread <= 1e-9 * m.max(initial=0.0):
        raise CannotSay.counting(
            "Only {customers} customer bought again, so there is no variation from which a model of "
            "spend could be estimated.",
            "The {customers} customers who bought again all spend the same per purchase, so there is "
            "no variation from which a model of spend could be estimated.",
            round(known),
            customers=told,
        )
    if float(np.log(m).std()) < alike:
        raise CannotSay(
            "The {customers} customers who bought again spend nearly the same per purchase, so "
            "there is too little variation from which a model of spend could be estimated.",
            customers=told,
        )


def expected_spend(x: ArrayLike, m: ArrayLike, p: float, q: float, v: float) -> Array:
    """Expected mean spend per purchase of customers with x purchases of mean value m; FH (5).

    p·(v + x·m) / (p·x + q − 1); CannotSay where p·x + q ≤ 1, when it has no finite value. At x = 0,
    m is ignored: the mean over the population.
    """
    x, m = np.broadcast_arrays(np.asarray(x, dtype=float), np.asarray(m, dtype=float))
    if p * x.min(initial=np.inf) + q <= 1.0:
        raise CannotSay(
            "Spend varies so much between customers (q = {q} is not above 1) that its mean cannot "
            "be estimated for customers without enough purchases of their own.",
            q=spoken().figures(f"{q:.3g}"),
        )

    def block(x: Array, m: Array) -> Array:
        spent = x * m
        if not np.isfinite(spent).all():  # a mean of no purchases is no number
            spent = np.where(x > 0, spent, 0.0)
        return np.asarray(p * (v + spent) / (p * x + (q - 1.0)))

    return in_blocks(block, np.ravel(x), np.ravel(m)).reshape(x.shape)
