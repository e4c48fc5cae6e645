"""Estimation of the BG/NBD model: log-likelihood with exact derivatives, and its maximum.

Formulas and symbols are those of `bg_nbd`; FHL is Fader, Hardie & Lee (2005).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retention_models.languages import phrase
from retention_models.models import beta_dropout_likelihood
from retention_models.models.histories import count_histories
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit

Array = NDArray[np.float64]


def log_likelihood_with_derivatives(
    phi: Array, x: Array, t_x: Array, T: Array, counts: Array
) -> tuple[float, Array, Array]:
    """Log-likelihood of (ln r, ln α, ln a, ln b), its gradient and its Hessian; FHL (6).

    Parameters
    ----------
    phi : ndarray, shape (4,)
        Logs of r, α, a, b.
    x, t_x, T : ndarray, shape (n,)
        Rows of frequency, recency and T.
    counts : ndarray, shape (n,)
        Number of customers with each row.

    Returns
    -------
    value : float
    gradient : ndarray, shape (4,)
    hessian : ndarray, shape (4, 4)
    """
    known = count_histories(x, t_x, T, counts)
    return beta_dropout_likelihood.log_likelihood_with_derivatives(phi, known, first=0)


def fit_bg_nbd(
    x: Array, t_x: Array, T: Array, counts: Array | None = None, *, penalty: float = 0.0
) -> MaximumLikelihoodFit:
    """Fit the BG/NBD model by maximum likelihood.

    Parameters
    ----------
    x, t_x, T : ndarray, shape (n,)
        Frequency, recency and T.
    counts : ndarray, shape (n,), optional
        Number of customers with each row; one each unless given.
    penalty : float
        Ridge on the logs of r, α / mean T, a and b (see `maximise`).

    Returns
    -------
    MaximumLikelihoodFit
        Verdict "boundary" where the data show no dropout (then a = 0 and b means nothing), one
        dropout probability for all, an all-or-nothing dropout, or one rate for all.

    Raises
    ------
    CannotSay
        If no customer bought again: then no rate and no dropout can be estimated.
    """
    return beta_dropout_likelihood.fit_beta_dropout(
        count_histories(x, t_x, T, counts),
        first=0,
        at_once=phrase("customers leave after one purchase or never: dropout is all or nothing"),
        penalty=penalty,
    )
