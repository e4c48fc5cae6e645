"""Normal stores around a centre, and how much they differ, against slow references."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import integrate, stats

from retention_models.models.chain.covariance import (
    KnownStores,
    coordinates,
    covariances,
    estimate,
    given_covariance,
    integrate_covariance,
    log_posterior,
)

K, STORES, SCALE = 3, 5, 0.5


@pytest.fixture(scope="module")
def known():
    """Five stores of three numbers."""
    rng = np.random.default_rng(1)
    rows = rng.standard_normal((STORES, 6, K))
    return KnownStores(
        information=np.einsum("sni,snj->sij", rows, rows) * 3.0,
        score=rng.standard_normal((STORES, K)) * 5.0,
        centre_precision=np.diag([0.25, 0.01, 0.25]),
        centre_score=np.array([0.1, 0.0, 0.2]),
        scale=SCALE,
    )


@pytest.fixture(scope="module")
def thetas():
    """Four covariances, as coordinates."""
    return np.random.default_rng(2).standard_normal((4, K * (K + 1) // 2)) * 0.5


def one_store(information, score):
    """Stores of a single number without a prior of the centre."""
    return KnownStores(
        information=np.reshape(information, (-1, 1, 1)).astype(float),
        score=np.reshape(score, (-1, 1)).astype(float),
        centre_precision=np.zeros((1, 1)),
        centre_score=np.zeros(1),
        scale=SCALE,
    )


def stacked_normal(sigma, known):
    """All stores' numbers and the centre as one normal vector, conditioned on the data.

    The data are the pseudo-observations Λ⁻¹h with variance Λ⁻¹.
    """
    prior = np.linalg.inv(known.centre_precision)
    each = np.kron(np.ones((STORES, STORES)), prior) + np.kron(np.eye(STORES), sigma)
    joint = np.block([[each, np.tile(prior, (STORES, 1))], [np.tile(prior, (1, STORES)), prior]])
    mean = np.tile(prior @ known.centre_score, STORES + 1)
    noise = np.zeros((STORES * K, STORES * K))
    for s in range(STORES):
        noise[s * K : s * K + K, s * K : s * K + K] = np.linalg.inv(known.information[s])
    seen = np.concatenate(
        [np.linalg.solve(i, h) for i, h in zip(known.information, known.score, strict=True)]
    )
    of_seen = each + noise
    gain = joint[:, : STORES * K] @ np.linalg.inv(of_seen)
    after = mean + gain @ (seen - mean[: STORES * K])
    covariance = joint - gain @ joint[: STORES * K]
    density = stats.multivariate_normal(mean[: STORES * K], of_seen).logpdf(seen)
    return after, covariance, density


def test_everything_given_the_covariance_is_that_of_one_large_normal_vector(known, thetas):
    """Means, variances and density of the data, by conditioning a vector of eighteen numbers."""
    sigma, _, _ = covariances(thetas, K)
    given = given_covariance(sigma, known)
    slow = [stacked_normal(s, known) for s in sigma]
    for n, (mean, covariance, _) in enumerate(slow):
        assert mean[: STORES * K] == pytest.approx(given.stores[n].ravel())
        assert mean[STORES * K :] == pytest.approx(given.centre[n])
        of_centre = covariance[STORES * K :, STORES * K :]
        assert of_centre == pytest.approx(given.centre_covariance[n], abs=1e-9)
        for s in range(STORES):
            block = covariance[s * K : s * K + K, s * K : s * K + K]
            assert block == pytest.approx(given.total[n, s], abs=1e-9)
    apart = np.array([density for _, _, density in slow]) - given.log_density
    assert np.zeros(len(slow)) == pytest.approx(apart - apart[0], abs=1e-8)


def test_the_slope_by_the_covariance_is_exact(known, thetas):
    """Against central differences along a symmetric direction."""
    sigma, _, _ = covariances(thetas[:1], K)
    turn = np.array([[0.3, -0.2, 0.1], [-0.2, 0.5, 0.4], [0.1, 0.4, -0.6]])
    up, down = (given_covariance(sigma + e * turn, known).log_density for e in (1e-6, -1e-6))
    exact = (given_covariance(sigma, known).slope[0] * turn).sum()
    assert exact == pytest.approx(float((up - down)[0]) / 2e-6, rel=1e-6)


def test_coordinates_are_covariances_and_back(thetas):
    """Both ways, one to one."""
    for theta in thetas:
        assert theta == pytest.approx(coordinates(covariances(theta[None], K)[0][0]))


def test_the_estimates_density_is_the_likelihood_times_a_wishart_density(known, thetas):
    """Chung et al. (2015): k + 2 degrees of freedom; here with scale matrix A²·I."""
    sigma, _, _ = covariances(thetas, K)
    ours, _ = log_posterior(thetas, known, of_theta=False)
    wishart = stats.wishart(df=K + 2, scale=SCALE**2 * np.eye(K))
    apart = ours - given_covariance(sigma, known).log_density
    apart -= [wishart.logpdf(s) for s in sigma]
    assert np.zeros(len(thetas)) == pytest.approx(apart - apart[0], abs=1e-9)


def test_the_density_in_theta_has_the_jacobian(known, thetas):
    """Of (σ, R) by θ, as the determinant of numerical derivatives."""

    def told_apart(theta):
        sigma = covariances(theta[None], K)[0][0]
        deviations = np.sqrt(np.diag(sigma))
        correlation = sigma / np.outer(deviations, deviations)
        return np.concatenate([deviations, correlation[np.tril_indices(K, -1)]])

    apart = []
    for theta in thetas:
        step = 1e-6 * np.eye(theta.size)
        columns = [(told_apart(theta + e) - told_apart(theta - e)) / 2e-6 for e in step]
        jacobian = np.linalg.slogdet(np.array(columns))[1]
        in_theta, in_parts = (
            log_posterior(theta[None], known, of_theta=of)[0][0] for of in (True, False)
        )
        apart.append(in_theta - in_parts - jacobian)
    assert np.zeros(len(thetas)) == pytest.approx(np.array(apart) - apart[0], abs=1e-7)


@pytest.mark.parametrize("of_theta", [True, False])
def test_derivatives_by_theta_are_exact(known, thetas, of_theta):
    """Against central differences."""
    _, gradient = log_posterior(thetas, known, of_theta=of_theta)
    for j in range(thetas.shape[1]):
        step = 1e-5 * np.eye(thetas.shape[1])[j]
        up, down = (log_posterior(thetas + e, known, of_theta=of_theta)[0] for e in (step, -step))
        assert gradient[:, j] == pytest.approx((up - down) / 2e-5, rel=1e-5, abs=1e-6)


def test_the_estimate_is_the_highest_point(known):
    """No covariance nearby is higher."""
    sigma = estimate(known, 0.09 * np.eye(K))
    theta = coordinates(sigma)
    aside = theta + 1e-2 * np.random.default_rng(3).standard_normal((50, theta.size))
    top = log_posterior(theta[None], known, of_theta=False)[0][0]
    assert np.all(log_posterior(aside, known, of_theta=False)[0] < top)


def test_stores_that_do_not_differ_get_a_small_covariance_that_is_not_zero():
    """With equal scores of equal information c⁻¹ the estimate is about c/√S."""
    small = estimate(one_store(np.full(50, 25.0), np.zeros(50)), 0.09 * np.eye(1))
    assert 0.0 < float(small[0, 0]) < 0.04 / np.sqrt(50.0)


def test_silent_data_leave_the_priors_scale():
    """Neither zero nor infinity: σ = A is the Rayleigh density's highest point."""
    silent = one_store(np.zeros(4), np.zeros(4))
    silent = KnownStores(
        silent.information, silent.score, np.eye(1), silent.centre_score, silent.scale
    )
    assert [[SCALE**2]] == pytest.approx(estimate(silent, 0.09 * np.eye(1)), rel=1e-6)


def test_the_doubt_about_the_covariance_is_integrated_over():
    """One number a store: the integral over σ by quadrature."""
    known = one_store([4.0, 30.0, 9.0, 100.0], [2.0, -9.0, 1.0, 40.0])
    sigma = estimate(known, 0.09 * np.eye(1))
    about = np.array([[0.1], [-0.2], [0.0], [0.3]])

    def at(log_sd):
        theta = np.array([[log_sd]])
        given = given_covariance(np.exp(2.0 * theta)[:, :, None], known)
        moments = (given.total[0] + (given.stores[0] - about)[:, :, None] ** 2).ravel()
        return np.exp(log_posterior(theta, known, of_theta=True)[0][0]) * np.append(moments, 1.0)

    exact, _ = integrate.quad_vec(at, -12.0, 4.0, epsrel=1e-8)
    found = integrate_covariance(known, sigma, about)
    moments, effective = found.moments, found.effective_draws
    assert moments.ravel() == pytest.approx(exact[:-1] / exact[-1], rel=0.02)
    assert effective > 500


def test_a_store_that_took_no_part_has_the_moments_of_one_that_did():
    """One number a store: the fifth given the other four, by quadrature over σ with all five."""
    information, score = [4.0, 30.0, 9.0, 100.0, 6.0], [2.0, -9.0, 1.0, 40.0, 9.0]
    all_five = one_store(information, score)
    about = np.array([0.4])

    def at(log_sd):
        theta = np.array([[log_sd]])
        given = given_covariance(np.exp(2.0 * theta)[:, :, None], all_five)
        moment = given.total[0, 4, 0, 0] + (given.stores[0, 4, 0] - about[0]) ** 2
        return np.exp(log_posterior(theta, all_five, of_theta=True)[0][0]) * np.array([moment, 1.0])

    exact, _ = integrate.quad_vec(at, -12.0, 4.0, epsrel=1e-8)
    four = one_store(information[:4], score[:4])
    another = integrate_covariance(four, estimate(four, 0.09 * np.eye(1)), np.zeros((4, 1))).another
    found = another.moments(all_five.information[4], all_five.score[4], about)
    assert found == pytest.approx(np.array([[exact[0] / exact[1]]]), rel=0.02)


def test_of_several_numbers_too(known):
    """The fifth of the five stores, given the other four and given all: two integrals by sampling."""
    about = np.zeros((STORES, K))
    whole = integrate_covariance(known, estimate(known, 0.09 * np.eye(K)), about).moments[-1]
    four = replace(known, information=known.information[:-1], score=known.score[:-1])
    without = integrate_covariance(four, estimate(four, 0.09 * np.eye(K)), about[:-1]).another
    found = without.moments(known.information[-1], known.score[-1], about[-1])
    assert found == pytest.approx(whole, rel=0.05, abs=0.01)


def test_without_data_the_integral_is_that_of_the_prior():
    """E[σ²] = 2A² of the Rayleigh density, and no correlation."""
    silent = KnownStores(np.zeros((1, K, K)), np.zeros((1, K)), 1e9 * np.eye(K), np.zeros(K), SCALE)
    moments = integrate_covariance(silent, 0.09 * np.eye(K), np.zeros((1, K))).moments
    assert moments[0] == pytest.approx(2.0 * SCALE**2 * np.eye(K), abs=0.03)


def test_the_integral_repeats_itself_exactly(known):
    """The seed is fixed."""
    sigma = estimate(known, 0.09 * np.eye(K))
    first, second = (
        integrate_covariance(known, sigma, np.zeros((STORES, K))).moments for _ in range(2)
    )
    assert np.array_equal(first, second)
