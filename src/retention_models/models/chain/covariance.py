"""How much stores differ: the covariance Σ between them, estimated, and its doubt integrated over.

Σ is told apart into standard deviations σ and a correlation matrix R. A priori σ_j is Rayleigh with
scale A (density ∝ σ exp(−σ²/2A²)) and R has density ∝ |R|^½. The highest point of the posterior in
(σ, R) is the estimate that Chung et al. recommend: likelihood times a Wishart density of k + 2 degrees
of freedom. It is never singular and, A being finite, never runs off where the data are silent. The doubt
about Σ is integrated over under the same prior.

Sources
-------
Chung, Gelman, Rabe-Hesketh, Liu & Dorie (2015), "Weakly informative prior for point estimation of
covariance matrices in hierarchical models", J. Educational and Behavioral Statistics 40(2), 136–157.
Lewandowski, Kurowicka & Joe (2009), "Generating random correlation matrices based on vines and extended
onion method", J. Multivariate Analysis 100(9), 1989–2001 (the family of densities of R).
Kass & Steffey (1989), "Approximate Bayesian inference in conditionally independent hierarchical models
(parametric empirical Bayes models)", J. American Statistical Association 84(407), 717–726 (why the
doubt about centre and covariance belongs into each unit's variance).

Normal stores around a common centre, each known by a quadratic: what is known given how they differ.

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
from scipy.special import logsumexp

from retention_models.models.maximum_likelihood import ascend

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class KnownStores:
    """What the data of S stores, and the prior, say of the k numbers of each."""

    information: Array  # Λ_s, (S, k, k), positive semi-definite
    score: Array  # h_s, (S, k)
    centre_precision: Array  # P₀, (k, k)
    centre_score: Array  # P₀μ₀, (k,), about the same origin
    scale: float  # A, of the prior of the standard deviations


@dataclass(frozen=True, slots=True)
class GivenCovariance:
    """Everything that is normal given Σ, for each of n values of Σ."""

    log_density: Array  # (n,), of the data given Σ, up to a constant
    centre: Array  # μ̂, (n, k)
    centre_covariance: Array  # Q⁻¹, (n, k, k)
    stores: Array  # û_s, (n, S, k)
    own: Array  # C_s, (n, S, k, k)
    total: Array  # V_s, (n, S, k, k): with the centre's doubt
    slope: Array  # (n, k, k), derivative of log_density by Σ


@dataclass(frozen=True, slots=True)
class AnotherStore:
    """What S stores say of one that is not among them: normal given Σ, for each of n weighted draws."""

    log_weight: Array  # (n,), of the draws, normalised
    centre: Array  # μ̂, (n, k), about the origin that the S stores share
    covariance: Array  # Σ + Q⁻¹, (n, k, k)

    def moments(self, information: Array, score: Array, about: Array) -> Array:
        """Second moments, (k, k), about a point, (k,), given what its data say: Λ, (k, k), and h, (k,).

        Its data say of Σ, too: each draw's weight is multiplied by their density given it, which is
        |B|^½ exp(½ h'Ch + h'Bμ̂ − ½ μ̂'ΛBμ̂).
        """
        prior, centre = self.covariance, self.centre
        weight, own = centre_and_own(prior, information)
        pulled = np.einsum("nij,nj->ni", weight, centre)
        log_density = (
            np.linalg.slogdet(weight)[1] / 2.0
            + np.einsum("i,nij,j->n", score, own, score) / 2.0
            + pulled @ score
            - np.einsum("ni,ij,nj->n", centre, information, pulled) / 2.0
        )
        log_weight = self.log_weight + log_density
        draws = np.exp(log_weight - logsumexp(log_weight))
        away = own @ score + pulled - about
        return np.einsum("n,nij->ij", draws, own) + (away * draws[:, None]).T @ away


@dataclass(frozen=True, slots=True)
class Integrated:
    """What is left of S stores once the doubt about μ and Σ is integrated over."""

    moments: Array  # (S, k, k), second moments about the points that were given
    effective_draws: float  # independent ones that the weighted draws of Σ are worth
    another: AnotherStore


def given_covariance(sigma: Array, known: KnownStores) -> GivenCovariance:
    """Posterior of centre and stores given between-store covariances Σ, (n, k, k), positive definite."""
    information, h = known.information, known.score
    weight, own = centre_and_own(sigma[:, None], information)
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


def centre_and_own(sigma: Array, information: Array) -> tuple[Array, Array]:
    """The centre's weight B = (I + ΣΛ)⁻¹ and the own covariance C = BΣ, of (…, k, k) each."""
    weight = np.asarray(np.linalg.inv(np.eye(sigma.shape[-1]) + sigma @ information), dtype=float)
    return weight, symmetric(weight @ sigma)


def symmetric(matrices: Array) -> Array:
    """Matrices that are symmetric but for rounding, made so."""
    return (matrices + np.swapaxes(matrices, -1, -2)) / 2.0


# Importance sampling of Σ: draws of a t distribution, fitted anew after each round.
_ROUNDS, _DRAWS, _FREEDOM = 3, 300, 5.0
_SEED = 19750601  # Efron & Morris (1975); any fixed number repeats a run exactly
_NARROWEST = 0.3  # least curvature of the first proposal: no wider than the prior makes sense
_DIFFERENCE = 1e-5


def covariances(theta: Array, k: int) -> tuple[Array, Array, Array]:
    """Σ, its Cholesky factor and s_i, of k log standard deviations and k(k−1)/2 further numbers w.

    Row i of the factor is σ_i (w_i1, …, w_i,i−1, 1, 0, …) / s_i, with s_i the length of that row
    before the division: every θ, (n, k(k+1)/2), is a covariance matrix, (n, k, k), and no two are
    the same.
    """
    rows = np.zeros((len(theta), k, k))
    rows[:, *np.tril_indices(k, -1)] = theta[:, k:]
    rows[:, np.arange(k), np.arange(k)] = 1.0
    lengths = np.sqrt((rows**2).sum(axis=2))
    factor = rows * (np.exp(theta[:, :k]) / lengths)[:, :, None]
    return factor @ np.swapaxes(factor, 1, 2), factor, lengths


def coordinates(sigma: Array) -> Array:
    """Invert `covariances`, for one matrix."""
    deviations = np.sqrt(np.diag(sigma))
    factor = np.linalg.cholesky(sigma / np.outer(deviations, deviations))
    w = (factor / np.diag(factor)[:, None])[np.tril_indices(len(sigma), -1)]
    return np.concatenate([np.log(deviations), w])


def log_posterior(theta: Array, known: KnownStores, *, of_theta: bool) -> tuple[Array, Array]:
    """Log-density of Σ given the data, (n,), and its derivatives by θ (`covariances`), shaped as θ.

    With `of_theta` the density in θ, to be integrated, rather than in (σ, R), whose maximum is the
    estimate. The first has the Jacobian too: σ² for σ, and for R, of density |R|^(η−1),
    s_i^−(k+2η−1) a row.
    """
    k = known.score.shape[1]
    sigma, factor, lengths = covariances(theta, k)
    given = given_covariance(sigma, known)
    log_sd, w = theta[:, :k], theta[:, k:]
    power, bend = (2.0, k + 2.0) if of_theta else (1.0, 1.0)
    ratio = np.exp(2.0 * log_sd) / known.scale**2
    value = given.log_density + power * log_sd.sum(axis=1) - ratio.sum(axis=1) / 2.0
    value -= bend * np.log(lengths).sum(axis=1)
    # By the rows of the factor, then along each row and, turning it, by its w.
    by_factor = 2.0 * given.slope @ factor
    along = (by_factor * factor).sum(axis=2)
    i, j = np.tril_indices(k, -1)
    turning = by_factor[:, i, j] * np.exp(log_sd[:, i]) / lengths[:, i]
    by_w = turning - w * (along[:, i] + bend) / lengths[:, i] ** 2
    return value, np.concatenate([along + power - ratio, by_w], axis=1)


def _search(theta: Array, known: KnownStores, *, of_theta: bool) -> tuple[Array, Array]:
    """The posterior's highest point in θ, and the inverse of its curvature there."""
    d = theta.size
    aside = np.concatenate([np.zeros((1, d)), np.eye(d), -np.eye(d)]) * _DIFFERENCE

    def objective(at: Array) -> tuple[float, Array, Array]:
        value, gradient = log_posterior(at + aside, known, of_theta=of_theta)
        bend = (gradient[1 : d + 1] - gradient[d + 1 :]) / (2.0 * _DIFFERENCE)
        return float(value[0]), gradient[0], symmetric(bend)

    top = ascend(objective, theta, enough=1e-7, last_step=False)
    curvature, directions = np.linalg.eigh(-top.hessian)
    inverse = (directions / np.maximum(curvature, _NARROWEST)) @ directions.T
    # With the curvature at hand one more step is free, and squares what is left of the distance.
    return top.phi + inverse @ top.gradient, inverse


def estimate(known: KnownStores, start: Array) -> Array:
    """The between-store covariance, (k, k), of highest posterior density in (σ, R), from `start`."""
    theta, _ = _search(coordinates(start), known, of_theta=False)
    return np.asarray(covariances(theta[None], len(start))[0][0])


def integrate_covariance(known: KnownStores, sigma: Array, about: Array) -> Integrated:
    """Second moments of the stores about given points, (S, k), with the doubt about μ and Σ in them.

    E[(u_s − a_s)(u_s − a_s)'] = E_Σ[V_s + (û_s − a_s)(û_s − a_s)'], by importance sampling of Σ
    from t distributions around the estimate `sigma`, all rounds weighted as one mixture; the seed
    is fixed.
    """
    k = len(sigma)
    centre, spread = _search(coordinates(sigma), known, of_theta=True)
    rng = np.random.default_rng(_SEED)
    proposals: list[tuple[Array, Array]] = []
    thetas, values, weights = np.empty((0, centre.size)), np.empty(0), np.empty(0)
    for _ in range(_ROUNDS):
        proposals.append((centre, np.asarray(np.linalg.cholesky(spread))))
        drawn = _t_draws(*proposals[-1], rng)
        thetas = np.concatenate([thetas, drawn])
        values = np.concatenate([values, log_posterior(drawn, known, of_theta=True)[0]])
        mixture = logsumexp([_t_log_density(thetas, *p) for p in proposals], axis=0)
        weights = np.exp(values - mixture - np.max(values - mixture))
        weights /= weights.sum()
        centre = weights @ thetas
        away = thetas - centre
        spread = (away * weights[:, None]).T @ away + 1e-4 * np.eye(centre.size)
    moments = np.zeros_like(known.information)
    sigmas = covariances(thetas, k)[0]
    means, doubts = np.empty((weights.size, k)), np.empty_like(sigmas)
    for part in np.array_split(np.arange(weights.size), _ROUNDS * 10):
        given = given_covariance(sigmas[part], known)
        away = given.stores - about
        moments += np.einsum("n,nsij->sij", weights[part], given.total)
        moments += np.einsum("n,nsi,nsj->sij", weights[part], away, away)
        means[part], doubts[part] = given.centre, given.centre_covariance
    log_weight = values - mixture - logsumexp(values - mixture)
    another = AnotherStore(log_weight, means, sigmas + doubts)
    return Integrated(moments, float(1.0 / (weights**2).sum()), another)


def _t_draws(centre: Array, root: Array, rng: np.random.Generator) -> Array:
    """Draws in pairs opposite each other, which halves the sampling error of odd moments."""
    half = rng.standard_normal((_DRAWS // 2, centre.size))
    half /= np.sqrt(rng.chisquare(_FREEDOM, _DRAWS // 2) / _FREEDOM)[:, None]
    return np.asarray(centre + np.concatenate([half, -half]) @ root.T)


def _t_log_density(thetas: Array, centre: Array, root: Array) -> Array:
    """Log-density of the proposal, up to a constant that all proposals share."""
    away = np.linalg.solve(root, (thetas - centre).T)
    power = (_FREEDOM + centre.size) / 2.0
    tail = np.log1p((away**2).sum(axis=0) / _FREEDOM)
    return np.asarray(-power * tail - np.log(np.diag(root)).sum())
