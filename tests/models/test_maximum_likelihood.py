"""Newton's method on log-parameters, and the verdicts it gives."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.special import digamma, gammaln, polygamma

from retention_models.models.maximum_likelihood import at_boundary, maximise

NAMES = ("shape", "rate")


def gamma_objective(sample):
    """Log-likelihood of a gamma sample in (ln shape, ln rate), with exact derivatives."""
    n, total, logs = sample.size, sample.sum(), np.log(sample).sum()

    def objective(phi):
        k, b = theta = np.exp(phi)
        value = n * (k * np.log(b) - gammaln(k)) + (k - 1.0) * logs - b * total
        gradient = np.array([n * (np.log(b) - digamma(k)) + logs, n * k / b - total])
        hessian = np.array([[-n * polygamma(1, k), n / b], [n / b, -n * k / b**2]])
        scaled = hessian * np.outer(theta, theta) + np.diag(theta * gradient)
        return float(value), theta * gradient, scaled

    return objective


@pytest.fixture(scope="module")
def sample():
    """A seeded gamma sample, shape 2.5 and rate 0.4."""
    return np.random.default_rng(7).gamma(2.5, 1 / 0.4, 2_000)


def test_maximum_is_the_one_that_scipy_finds(sample):
    """scipy.stats' own maximum-likelihood fit of the gamma distribution, by another route."""
    fit = maximise(gamma_objective(sample), np.ones(2), NAMES, sample.size)
    shape, _, scale = stats.gamma.fit(sample, floc=0)
    assert fit.verdict == "converged"
    assert fit.parameters == pytest.approx([shape, 1.0 / scale], rel=1e-4)
    reference = stats.gamma.logpdf(sample, fit.parameters[0], scale=1 / fit.parameters[1]).sum()
    assert fit.log_likelihood == pytest.approx(reference)


@pytest.mark.parametrize("start", [(1e-3, 1e3), (1e3, 1e-3), (50.0, 50.0), (1e-2, 1e-2)])
def test_maximum_does_not_depend_on_the_start(sample, start):
    """From six orders of magnitude away it is the same, to nine digits."""
    near = maximise(gamma_objective(sample), np.array([2.0, 0.5]), NAMES, sample.size)
    far = maximise(gamma_objective(sample), np.array(start), NAMES, sample.size)
    assert far.parameters == pytest.approx(near.parameters, rel=1e-6)


def test_covariance_is_the_inverse_information_by_the_delta_method(sample):
    """Fisher's information of the gamma: ((ψ'(k), −1/b), (−1/b, k/b²)) · n."""
    fit = maximise(gamma_objective(sample), np.ones(2), NAMES, sample.size)
    k, b = fit.parameters
    information = sample.size * np.array([[polygamma(1, k), -1 / b], [-1 / b, k / b**2]])
    assert fit.covariance == pytest.approx(np.linalg.inv(information), rel=1e-6)


def test_information_criteria_follow_their_definitions(sample):
    """AIC = 2k − 2 LL and BIC = k ln n − 2 LL."""
    fit = maximise(gamma_objective(sample), np.ones(2), NAMES, sample.size)
    assert fit.aic == pytest.approx(4.0 - 2.0 * fit.log_likelihood)
    assert fit.bic == pytest.approx(2.0 * np.log(2_000) - 2.0 * fit.log_likelihood)


def test_draws_have_the_fits_centre_and_covariance(sample):
    """On the log scale, within four standard errors of 40,000 draws."""
    fit = maximise(gamma_objective(sample), np.ones(2), NAMES, sample.size)
    logs = np.log(fit.draws(40_000, np.random.default_rng(1)))
    error = np.sqrt(np.diag(fit.log_covariance) / 40_000)
    assert np.all(np.abs(logs.mean(axis=0) - np.log(fit.parameters)) < 4 * error)
    assert np.cov(logs.T) == pytest.approx(fit.log_covariance, rel=0.05)


def test_penalty_is_a_ridge_on_the_logs_and_stays_out_of_the_likelihood(sample):
    """The gradient of LL equals 2·penalty·n·(φ − centre) at the maximum; LL is the plain one."""
    objective, centre = gamma_objective(sample), np.array([0.0, 1.0])
    fit = maximise(objective, np.ones(2), NAMES, sample.size, penalty=0.1, penalty_centre=centre)
    phi = np.log(fit.parameters)
    value, gradient, _ = objective(phi)
    assert gradient == pytest.approx(2 * 0.1 * sample.size * (phi - centre), rel=1e-4)
    assert fit.log_likelihood == pytest.approx(value, rel=1e-12)
    assert value < maximise(objective, np.ones(2), NAMES, sample.size).log_likelihood


def test_flat_direction_is_not_identified_and_named():
    """A likelihood that knows only the first parameter says that it knows not the second."""

    def objective(phi):
        gradient, hessian = np.array([-100.0 * phi[0], 0.0]), np.diag([-100.0, 0.0])
        return float(-50.0 * phi[0] ** 2), gradient, hessian

    fit = maximise(objective, np.array([2.0, 3.0]), ("known", "unknown"), 10)
    assert fit.verdict == "not identified"
    assert "unknown" in fit.message
    assert fit.parameters == pytest.approx([1.0, 3.0])
    assert np.all(np.isfinite(fit.log_covariance))


def test_search_that_runs_out_of_steps_does_not_say_converged(sample):
    """One step is not enough, and the verdict says it."""
    fit = maximise(
        gamma_objective(sample), np.array([2.0, 0.3]), NAMES, sample.size, max_iterations=1
    )
    assert fit.verdict == "not identified"
    assert "1 steps" in fit.message


def test_likelihood_that_rises_for_ever_does_not_say_converged():
    """A likelihood of −exp(−φ) has its maximum at infinity."""

    def objective(phi):
        rest = np.exp(-phi)
        return float(-rest[0]), rest, np.diag(-rest)

    assert maximise(objective, np.ones(1), ("only",), 1).verdict == "not identified"


def test_boundary_embeds_the_limit_and_holds_the_rest_fixed(sample):
    """The limit's estimates and covariance in their places, no doubt about what is fixed."""
    inner = maximise(gamma_objective(sample), np.ones(2), NAMES, sample.size)
    fit = at_boundary(inner, ("rate", "extra", "shape"), {"extra": 0.0}, "no extra")
    assert (fit.verdict, fit.message) == ("boundary", "no extra")
    assert fit.parameters.tolist() == [inner.parameters[1], 0.0, inner.parameters[0]]
    assert np.all(fit.log_covariance[1] == 0.0)
    assert fit.log_covariance[0, 2] == inner.log_covariance[1, 0]
    assert fit.free_parameters == 2


def test_boundary_of_a_limit_that_is_not_identified_stays_so():
    """A limit that the data do not determine is no answer either."""
    inner = maximise(lambda phi: (0.0, np.zeros(1), np.zeros((1, 1))), np.ones(1), ("shape",), 5)
    fit = at_boundary(inner, NAMES, {"rate": 1.0}, "limit")
    assert fit.verdict == "not identified"
    assert fit.message == inner.message
