"""Normal stores around a common centre, each known by a quadratic: what is known given how they differ.

Store s has k numbers u_s ~ N(μ, Σ), and its data speak of them by the log-likelihood
h_s'u − ½ u'Λ_s u: a score h_s and an information Λ_s, both about an origin that all stores share. The
centre is μ ~ N(μ₀, P₀⁻¹), flat where P₀ is 0. Given Σ all is normal:

    B_s = (I + ΣΛ_s)⁻¹   the centre's weight        C_s = B_sΣ   covariance of u_s, were μ known
    W_s = Λ_s B_s        what the store tells of μ   Q = P₀ + Σ_s W_s   precision of μ
    μ̂ = Q⁻¹(P₀μ₀ + Σ_s B_s'h_s)    û_s = C_s h_s + B_s μ̂    V_s = C_s + B_s Q⁻¹ B_s'

and, with μ integrated out as in restricted likelihood, the data's log-density given Σ is
½ Σ_s ln|B_s| − ½ ln|Q| + ½ Σ_s h_s'C_s h_s + ½ μ̂'Qμ̂ up to a constant.

Source: Laird & Ware (1982), "Random-effects models for longitudinal data", Biometrics 38(4), 963–974.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class KnownStores:
    """What the stores' data, and the prior, say of the stores' numbers.

    Attributes
    ----------
    information : ndarray, shape (S, k, k)
        Λ_s, positive semi-definite.
    score : ndarray, shape (S, k)
        h_s.
    centre_precision : ndarray, shape (k, k)
        P₀.
    centre_score : ndarray, shape (k,)
        P₀μ₀, about the same origin.
    scale : float
        A, the scale of the prior of the standard deviations.
    """

    information: Array
    score: Array
    centre_precision: Array
    centre_score: Array
    scale: float


@dataclass(frozen=True, slots=True)
class GivenCovariance:
    """Everything that is normal given Σ, for each of n values of Σ.

    Attributes
    ----------
    log_density : ndarray, shape (n,)
        Of the data given Σ, up to a constant.
    centre, centre_covariance : ndarray, shape (n, k), (n, k, k)
        μ̂ and Q⁻¹.
    stores : ndarray, shape (n, S, k)
        û_s.
    own : ndarray, shape (n, S, k, k)
        C_s.
    total : ndarray, shape (n, S, k, k)
        V_s: with the centre's doubt.
    slope : ndarray, shape (n, k, k)
        Derivative of log_density by Σ.
    """

    log_density: Array
    centre: Array
    centre_covariance: Array
    stores: Array
    own: Array
    total: Array
    slope: Array


def given_covariance(sigma: Array, known: KnownStores) -> GivenCovariance:
    """Posterior of centre and stores given between-store covariances.

    Parameters
    ----------
    sigma : ndarray, shape (n, k, k)
        Positive definite.
    known : KnownStores
        The stores.

    Returns
    -------
    GivenCovariance
    """
    information, h = known.information, known.score
    weight = np.linalg.inv(np.eye(h.shape[1]) + sigma[:, None] @ information)
    own = symmetric(weight @ sigma[:, None])
    tells = symmetric(information @ weight)
    precision = known.centre_precision + tells.sum(axis=1)
    heard = known.centre_score + np.einsum("nsji,sj->ni", weight, h)
    doubt = np.linalg.inv(precision)
    centre = np.einsum("nij,nj->ni", doubt, heard)
    from_data = np.einsum("nsij,sj->nsi", own, h)
    stores = from_data + np.einsum("nsij,nj->nsi", weight, centre)
    # h − Λû is Σ⁻¹(û − μ̂): the pull between a store and the centre, without inverting Σ.
    pull = h - np.einsum("sij,nsj->nsi", information, stores)
    slope = np.einsum("nsi,nsj->nij", pull, pull) - tells.sum(axis=1)
    slope += (tells @ doubt[:, None] @ tells).sum(axis=1)
    log_density = (
        np.linalg.slogdet(weight)[1].sum(axis=1)
        - np.linalg.slogdet(precision)[1]
        + np.einsum("si,nsi->n", h, from_data)
        + (centre * heard).sum(axis=1)
    )
    return GivenCovariance(
        log_density=log_density / 2.0,
        centre=centre,
        centre_covariance=doubt,
        stores=stores,
        own=own,
        total=own + weight @ doubt[:, None] @ np.swapaxes(weight, 2, 3),
        slope=slope / 2.0,
    )


def symmetric(matrices: Array) -> Array:
    """Matrices that are symmetric but for rounding, made so."""
    return (matrices + np.swapaxes(matrices, -1, -2)) / 2.0
