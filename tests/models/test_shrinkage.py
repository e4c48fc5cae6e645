"""Stores shrunk towards their chain: against closed forms and brute force where these exist."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import gammaln

from retention_models.models.chain.shrinkage import ChainPrior, shrink

FLAT = ChainPrior(np.eye(1), np.zeros(1), np.array([np.inf]), 0.5)


def measured(value, information):
    """Log-likelihood of a number measured as `value` with variance 1/information."""

    def objective(phi):
        away = phi[0] - value
        gradient = np.array([-information * away])
        return -0.5 * information * away**2, gradient, np.array([[-float(information)]])

    return objective


def counted(count, exposure):
    """Log-likelihood of the log rate of a Poisson count."""

    def objective(phi):
        mean = exposure * np.exp(phi[0])
        value = count * (np.log(exposure) + phi[0]) - mean - gammaln(count + 1.0)
        return float(value), np.array([count - mean]), np.array([[-mean]])

    return objective


def test_known_variances_give_the_estimator_of_efron_and_morris():
    """Each store is (1−B)·own + B·centre, B = variance ÷ (variance + σ²); the centre is weighted so."""
    values, information = np.array([0.2, -0.4, 1.1, 0.5]), np.array([10.0, 40.0, 5.0, 100.0])
    found = shrink(
        [measured(v, i) for v, i in zip(values, information, strict=True)], np.zeros(1), FLAT
    )
    between = found.between[0, 0]
    weight = 1.0 / (between + 1.0 / information)
    centre = weight @ values / weight.sum()
    b = weight / information
    assert found.centre[0] == pytest.approx(centre)
    assert found.estimates[:, 0] == pytest.approx((1.0 - b) * values + b * centre)
    assert found.own_covariances[:, 0, 0] == pytest.approx((1.0 - b) / information)
    assert found.centre_covariance[0, 0] == pytest.approx(1.0 / weight.sum())
    assert found.settled


def test_the_between_store_variance_is_the_highest_point_of_its_posterior():
    """Restricted likelihood times σ·exp(−σ²/2A²), on a fine grid."""
    values, information = np.array([0.2, -0.4, 1.1, 0.5]), np.array([10.0, 40.0, 5.0, 100.0])
    found = shrink(
        [measured(v, i) for v, i in zip(values, information, strict=True)], np.zeros(1), FLAT
    )
    deviation = np.linspace(0.01, 3.0, 30_000)
    variance = deviation[:, None] ** 2 + 1.0 / information
    centre = (values / variance).sum(1) / (1.0 / variance).sum(1)
    density = -0.5 * (np.log(variance) + (values - centre[:, None]) ** 2 / variance).sum(1)
    density -= 0.5 * np.log((1.0 / variance).sum(1))
    density += np.log(deviation) - deviation**2 / (2.0 * 0.5**2)
    highest = deviation[int(density.argmax())]
    assert np.sqrt(found.between[0, 0]) == pytest.approx(highest, abs=2e-4)


def test_every_store_is_at_the_highest_point_of_its_posterior():
    """Of a likelihood that is no quadratic: its slope is cancelled by the pull of the centre."""
    counts, exposures = [0, 3, 40, 11, 7, 900], [4.0, 4.0, 30.0, 15.0, 2.0, 800.0]
    stores = [counted(c, e) for c, e in zip(counts, exposures, strict=True)]
    found = shrink(stores, np.zeros(1), FLAT)
    for objective, estimate in zip(stores, found.estimates, strict=True):
        pull = (estimate - found.centre) / found.between[0, 0]
        assert objective(estimate)[1] == pytest.approx(pull, abs=1e-5)
    assert found.slopes.max() < 1e-5


def test_a_store_without_data_is_the_centre_with_all_of_the_variation_between_stores():
    """And more, as neither the centre nor the variation is known."""
    silent = [measured(0.0, 0.0), *(measured(v, 50.0) for v in (0.2, -0.4, 1.1, 0.5))]
    found = shrink(silent, np.zeros(1), FLAT)
    assert found.estimates[0] == pytest.approx(found.centre)
    assert found.own_covariances[0] == pytest.approx(found.between)
    assert found.covariances[0, 0, 0] > found.between[0, 0] + found.centre_covariance[0, 0]


def test_the_start_does_not_matter():
    """From a factor of e³ away in either direction."""
    stores = [counted(c, e) for c, e in zip([3, 40, 11, 7], [4.0, 30.0, 15.0, 2.0], strict=True)]
    near, far, farther = (shrink(stores, np.array([s]), FLAT) for s in (0.0, 3.0, -3.0))
    assert far.estimates == pytest.approx(near.estimates, abs=1e-6)
    assert farther.covariances == pytest.approx(near.covariances, rel=1e-4)


def test_a_likelihood_that_keeps_rising_ends_inside():
    """No purchase at any of the stores' rates is too low: the weak prior of the centre holds it."""
    prior = ChainPrior(np.eye(1), np.zeros(1), np.array([2.0]), 0.5)
    found = shrink([counted(0, 10.0)] * 3, np.zeros(1), prior)
    assert found.settled
    assert -8.0 < found.centre[0] < -2.0
    assert np.all(np.isfinite(found.covariances))


def test_axes_turn_the_prior_and_nothing_else():
    """Two numbers known exactly enough: their estimates are those without any axes."""
    turn = np.array([[1.0, -1.0], [0.5, 0.5]])
    values = np.random.default_rng(5).standard_normal((6, 2))

    def pair(value):
        def objective(phi):
            away = phi - value
            return -5e7 * float(away @ away), -1e8 * away, -1e8 * np.eye(2)

        return objective

    prior = ChainPrior(turn, np.zeros(2), np.array([np.inf, 2.0]), 0.5)
    found = shrink([pair(v) for v in values], np.zeros(2), prior)
    assert found.estimates == pytest.approx(values, abs=1e-6)
    # With infinite scale and flat centre, Chung et al.'s estimate would be the sum of squares ÷ (S − 2);
    # the scale pulls it in along the axes.
    away = (values - values.mean(axis=0)) @ turn.T
    along = turn @ found.between @ turn.T
    assert np.all(np.diag(along) < np.diag(away.T @ away) / 4)
    assert np.all(np.diag(along) > np.diag(away.T @ away) / 12)
