"""Draws of the purchases of new customers, for totals whose distribution has no closed form."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def simulate_beta_dropout(
    ends: Array,
    r: ArrayLike,
    alpha: ArrayLike,
    a: ArrayLike,
    b: ArrayLike,
    rng: np.random.Generator,
) -> Iterator[Array]:
    """Draws of the purchases of new BG/NBD customers up to each of several times.

    A customer buys N(t) ~ Poisson(λ·t) times unless the geometric number of purchases up to
    dropout comes first: the count is the smaller of the two.

    Parameters
    ----------
    ends : ndarray, shape (n,)
        Ends of windows that all begin at 0, increasing.
    r, alpha, a, b : array_like
        Parameters of each draw; broadcast together.
    rng : numpy.random.Generator
        Source of randomness.

    Yields
    ------
    ndarray
        Purchases up to that end, of one path per draw.
    """
    r, alpha, a, b = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (r, alpha, a, b)))
    rates = rng.gamma(r, 1.0 / alpha)
    most = np.full(r.shape, np.inf)
    leaves = a > 0.0
    most[leaves] = rng.geometric(np.clip(rng.beta(a[leaves], b[leaves]), 1e-12, 1.0))
    wished = np.zeros(r.shape)
    for step in np.diff(ends, prepend=0.0):
        wished += rng.poisson(rates * step)
        yield np.minimum(wished, most)


def simulate_exponential_dropout(
    ends: Array,
    r: ArrayLike,
    alpha: ArrayLike,
    s: ArrayLike,
    beta: ArrayLike,
    rng: np.random.Generator,
) -> Iterator[Array]:
    """Draws of the purchases of new Pareto/NBD customers up to each of several times.

    Parameters
    ----------
    ends : ndarray, shape (n,)
        Ends of windows that all begin at 0, increasing.
    r, alpha, s, beta : array_like
        Parameters of each draw; broadcast together.
    rng : numpy.random.Generator
        Source of randomness.

    Yields
    ------
    ndarray
        Purchases up to that end, of one path per draw: Poisson with rate λ while the lifetime lasts.
    """
    r, alpha, s, beta = np.broadcast_arrays(
        *(np.asarray(v, dtype=float) for v in (r, alpha, s, beta))
    )
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
