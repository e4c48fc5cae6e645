"""Purchase histories that several tests share: the CDNOW sample, and simulators of the models."""

from __future__ import annotations

import numpy as np

import cdnow_data
from retention_models.models import beta_dropout_likelihood
from retention_models.models.bg_nbd import BG_NBD
from retention_models.models.histories import count_histories
from retention_models.models.mbg_nbd import MBG_NBD
from retention_models.models.pareto_nbd import PARETO_NBD
from retention_models.models.regular.model import BetaGeometricCNBD, ModifiedBetaGeometricCNBD

# Every model of purchases with its estimates of the CDNOW sample, REF.
COUNT_MODELS = (
    (BG_NBD, (0.2425945, 4.4136, 0.79292, 2.42590)),
    (MBG_NBD, (0.524843, 6.183086, 0.891359, 1.614001)),
    (PARETO_NBD, (0.553277, 10.577684, 0.60624, 11.668732)),
    # Of one phase, in which they are the first two.
    (BetaGeometricCNBD(1), (0.2425945, 4.4136, 0.79292, 2.42590)),
    (ModifiedBetaGeometricCNBD(1), (0.524843, 6.183086, 0.891359, 1.614001)),
)


def some_customers(size=60, seed=3):
    """Histories with and without repeat purchases, some of them equal."""
    rng = np.random.default_rng(seed)
    x = np.where(rng.random(size) < 0.4, 0, rng.integers(1, 40, size)).astype(float)
    T = rng.integers(1, 280, size) / 7
    t_x = np.where(x > 0, np.floor(rng.random(size) * T * 7 + 1) / 7, 0.0)
    return tuple(np.concatenate([column, column[:9]]) for column in (x, np.minimum(t_x, T), T))


def bg_nbd_log_likelihood(phi, x, t_x, T, counts):
    """Log-likelihood of the BG/NBD with its derivatives, of rows of histories."""
    known = count_histories(x, t_x, T, counts)
    return beta_dropout_likelihood.log_likelihood_with_derivatives(phi, known, first=0)


def mbg_nbd_log_likelihood(phi, x, t_x, T, counts):
    """Log-likelihood of the MBG/NBD with its derivatives, of rows of histories."""
    known = count_histories(x, t_x, T, counts)
    return beta_dropout_likelihood.log_likelihood_with_derivatives(phi, known, first=1)


def cdnow_sample():
    """Frequency, recency and T in weeks of the 2,357 customers, as in FHL (2005)."""
    frame = cdnow_data.cdnow_sample()
    return tuple(frame[column].to_numpy(dtype=float) for column in ("frequency", "recency", "T"))


def simulate(rng, rate, lifetime_after, T, *, days=False):
    """Histories of customers who buy at Poisson times until `lifetime_after` lets them leave.

    `lifetime_after(k, t, active)` tells which customers, having made purchase k at times t, leave
    then. Times are rounded to days of a week where `days` is set.
    """
    x, t_x = np.zeros(T.size), np.zeros(T.size)
    t = np.zeros(T.size)
    alive = ~lifetime_after(0, t)
    k = 0
    while alive.any():
        t = t + rng.exponential(size=T.size) / rate
        alive &= t <= T
        x[alive] += 1
        t_x[alive] = t[alive]
        k += 1
        alive &= ~lifetime_after(k, t)
    if days:
        t_x, T = np.ceil(t_x * 7.0) / 7.0, np.ceil(T * 7.0) / 7.0
        t_x = np.minimum(t_x, T)
    return x, t_x, T


def simulate_pareto_nbd(rng, size, r, alpha, s, beta, T, *, days=False):
    """Histories (x, t_x, T) under the Pareto/NBD model."""
    rate = rng.gamma(r, 1.0 / alpha, size)
    end = rng.exponential(size=size) / rng.gamma(s, 1.0 / beta, size) if s > 0 else np.inf
    T = np.broadcast_to(np.asarray(T, dtype=float), size).copy()
    x = rng.poisson(rate * np.minimum(end, T)).astype(float)
    # Given their number, Poisson times are uniform: the last of x is Beta(x, 1) of the span.
    last = np.where(x > 0, rng.random(size) ** (1.0 / np.maximum(x, 1.0)), 0.0)
    t_x = last * np.minimum(end, T)
    if days:
        T = np.ceil(T * 7.0) / 7.0
        t_x = np.minimum(np.ceil(t_x * 7.0) / 7.0, T)
    return x, t_x, T


def simulate_geometric(rng, size, r, alpha, a, b, T, *, first, days=False):
    """Histories under the BG/NBD, or where `first` is set under the MBG/NBD."""
    p = rng.beta(a, b, size)
    rate = rng.gamma(r, 1.0 / alpha, size)
    T = np.broadcast_to(np.asarray(T, dtype=float), size).copy()

    def leave(k, t):
        return (rng.random(size) < p) & (first or k > 0)

    return simulate(rng, rate, leave, T, days=days)


def simulate_with_covariates(rng, size, gammas, base, *, share=0.5, days=False):
    """BG/NBD histories, counts of one and two covariates: 0 or 1, and standard normal."""
    r, alpha, a, b = base  # at z = 0
    Z = np.stack([rng.random(size) < share, rng.normal(size=size).round(2)], axis=1).astype(float)
    on_alpha, on_a, on_b = (np.exp(Z @ gamma) for gamma in np.asarray(gammas, dtype=float))
    T = rng.uniform(30.0, 80.0, size)
    x, t_x, T = simulate_geometric(
        rng, size, r, alpha / on_alpha, a * on_a, b * on_b, T, first=False, days=days
    )
    return x, t_x, T, np.ones(size), Z


def simulate_orders(rng, size, r, alpha, a, b, *, begin, end):
    """Every order of BG/NBD customers, the first included: customer's number, and time in days.

    First orders fall uniformly on (0, begin) and all orders before `end`, in days; r to b are per
    week. Each step draws the next order of those only who still buy.
    """
    rate, leave = rng.gamma(r, 1.0 / alpha, size) / 7.0, rng.beta(a, b, size)
    customer, time = np.arange(size), begin * rng.random(size)
    customers, times = [customer], [time]
    while customer.size:
        time = time + rng.exponential(size=customer.size) / rate[customer]
        seen = time < end
        customer, time = customer[seen], time[seen]
        customers.append(customer)
        times.append(time)
        stays = rng.random(customer.size) >= leave[customer]
        customer, time = customer[stays], time[stays]
    return np.concatenate(customers), np.concatenate(times)


def simulate_mid_life(rng, new, old_ones, before, arrivals, until, *, first=1):
    """Purchases of customers of before and newcomers: customer, time; and which were there before."""
    n_old, n_new = rng.poisson(before), rng.poisson(arrivals * until)
    old = np.arange(n_old + n_new) < n_old
    r, alpha, a, b = (np.where(old, one, other) for one, other in zip(old_ones, new, strict=True))
    rate, leave = rng.gamma(r, 1.0 / alpha), rng.beta(a, b)
    customer = np.arange(old.size)
    time = np.where(old, rng.exponential(1.0 / rate), rng.uniform(0.0, until, old.size))
    customers, times = [], []
    # Customers of before may leave after every purchase seen, newcomers after their first if `first`.
    k = 0
    while customer.size:
        seen = time < until
        customer, time = customer[seen], time[seen]
        customers.append(customer)
        times.append(time)
        able = old[customer] | (k > 0) | bool(first)
        stays = (rng.random(customer.size) >= leave[customer]) | ~able
        customer, time = customer[stays], time[stays]
        time = time + rng.exponential(1.0 / rate[customer])
        k += 1
    return np.concatenate(customers), np.concatenate(times), old


def central_differences(function, phi, step=1e-5):
    """Gradient by differences of the value, Hessian by differences of the gradient."""
    k = phi.size
    gradient, hessian = np.empty(k), np.empty((k, k))
    for i in range(k):
        up, down = function(phi + step * np.eye(k)[i]), function(phi - step * np.eye(k)[i])
        gradient[i] = (up[0] - down[0]) / (2.0 * step)
        hessian[i] = (up[1] - down[1]) / (2.0 * step)
    return gradient, hessian
