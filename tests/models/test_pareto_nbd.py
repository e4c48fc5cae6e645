"""The Pareto/NBD model against published values, mpmath, and simulation."""

import mpmath
import numpy as np
import pytest

from purchase_samples import cdnow_sample, central_differences, simulate_pareto_nbd
from retention_models.models.pareto_nbd import PARETO_NBD
from retention_models.models.pareto_nbd_integrals import discounted_lifetime
from retention_models.models.pareto_nbd_likelihood import (
    fit_pareto_nbd,
    log_likelihood_with_derivatives,
)

CDNOW = (0.553277, 10.577684, 0.60624, 11.668732)


def test_cdnow_estimates_are_the_published_ones():
    """REF. The published standard errors agree to 1 in 10,000."""
    x, t_x, T = cdnow_sample()
    fit = fit_pareto_nbd(x, t_x, T, np.ones(x.size))
    np.testing.assert_allclose(fit.parameters, CDNOW, rtol=1e-6)
    assert fit.log_likelihood == pytest.approx(-9594.97618, abs=5e-6)
    np.testing.assert_allclose(
        np.sqrt(np.diag(fit.covariance)), [0.04763, 0.84272, 0.18726, 6.21054], rtol=2e-4
    )
    assert fit.verdict == "converged"


def test_customer_1516_is_alive_and_comes_back_25_times():
    """Fader & Hardie's CDNOW example: P(alive) .9979, 52-week expectation 25.46."""
    p = (0.5532, 10.5780, 0.6061, 11.6690)
    assert float(PARETO_NBD.probability_alive(26, 30.86, 31, *p)) == pytest.approx(0.9979, abs=5e-5)
    expected = float(PARETO_NBD.conditional_expected_purchases(52, 26, 30.86, 31, *p))
    assert expected == pytest.approx(25.46, abs=5e-3)


def test_residual_transactions_are_the_published_ones():
    """DERT 1.864183; REF."""
    p = (0.5629966, 12.559037, 0.4081095, 10.5148048)
    value = float(PARETO_NBD.conditional_discounted_purchases(np.inf, 0.0027, 7, 35, 77.86, *p))
    assert value == pytest.approx(1.864183, abs=5e-7)


@pytest.mark.parametrize(
    "parameters",
    [CDNOW, (3.0, 1.0, 0.1, 0.2), (0.01, 100.0, 4.0, 30.0), (0.5, 8.0, 400.0, 3000.0)],
)
def test_derivatives_match_central_differences(parameters):
    """Gradient and Hessian, also far from the maximum."""
    x, t_x, T = cdnow_sample()

    def value(phi):
        return log_likelihood_with_derivatives(phi, x, t_x, T, np.ones(x.size))

    phi = np.log(parameters)
    _, gradient, hessian = value(phi)
    by_value, by_gradient = central_differences(value, phi)
    np.testing.assert_allclose(gradient, by_value, atol=1e-7 * np.abs(hessian).max())
    np.testing.assert_allclose(hessian, by_gradient, atol=1e-7 * np.abs(hessian).max())


def log_likelihood_by_mpmath(x, t_x, T, r, alpha, s, beta):
    """The likelihood through the difference of 2F1 functions, FH section 3, at 60 digits."""
    with mpmath.workdps(60):
        x, t_x, T, r, alpha, s, beta = (
            mpmath.mpf(float(v)) for v in (x, t_x, T, r, alpha, s, beta)
        )
        larger, apart = max(alpha, beta), abs(alpha - beta)
        second = s + 1 if alpha >= beta else r + x
        total = r + s + x

        def term(t):
            return (
                mpmath.hyp2f1(total, second, total + 1, apart / (larger + t))
                / (larger + t) ** total
            )

        whole = (alpha + T) ** -(r + x) * (beta + T) ** -s + s / total * (term(t_x) - term(T))
        ways = mpmath.loggamma(r + x) - mpmath.loggamma(r)
        return float(ways + r * mpmath.log(alpha) + s * mpmath.log(beta) + mpmath.log(whole))


@pytest.mark.parametrize(
    "history",
    [(0, 0.0, 38.86), (2, 30.43, 38.86), (26, 30.86, 31.0), (132, 200.0, 200.0), (500, 150.0, 200)],
)
@pytest.mark.parametrize("parameters", [CDNOW, (0.6, 5.0, 0.4, 30.0), (2.0, 30.0, 1.0, 0.5)])
def test_log_likelihood_matches_the_published_form(history, parameters):
    """The quadrature against the hypergeometric functions it replaces."""
    rows = [np.array([float(value)]) for value in history]
    value, _, _ = log_likelihood_with_derivatives(np.log(parameters), *rows, np.ones(1))
    known = log_likelihood_by_mpmath(*history, *parameters)
    assert value == pytest.approx(known, rel=1e-11, abs=1e-11)


def test_ten_thousand_purchases_do_not_overflow():
    """Likelihood and derivatives stay finite, P(alive) runs from 0 to 1."""
    x, T = np.full(4, 10_000.0), np.full(4, 38.0)
    t_x = np.array([10.0, 37.9, 37.99, 38.0])
    value, gradient, hessian = log_likelihood_with_derivatives(np.log(CDNOW), x, t_x, T, np.ones(4))
    assert np.isfinite([value, *gradient, *hessian.ravel()]).all()
    alive = PARETO_NBD.probability_alive(x, t_x, T, *CDNOW)
    assert np.all(np.diff(alive) >= 0)
    assert (alive[0], alive[-1]) == (0.0, 1.0)


def test_a_purchase_at_the_end_means_alive():
    """T = 200 and x ≥ 132, where lifetimes returns NaN; REF."""
    x = np.array([0.0, 131.0, 132.0, 1_000.0])
    assert np.all(PARETO_NBD.probability_alive(x, 200.0, 200.0, *CDNOW) == 1.0)


def test_expected_purchases_are_smooth_through_s_of_one():
    """The closed form divides by s − 1."""
    _, alpha, _, beta = CDNOW
    near = [
        PARETO_NBD.expected_purchases(39.0, 0.5, alpha, s, beta) for s in (1 - 1e-9, 1.0, 1 + 1e-9)
    ]
    assert near[1] == pytest.approx(0.5 * beta / alpha * np.log1p(39.0 / beta), rel=1e-14)
    np.testing.assert_allclose(near, near[1], rtol=1e-8)


def count_by_mpmath(n, t, r, alpha, s, beta):
    """P(X(t) = n) as its defining integral over the lifetime."""
    r, alpha, s, beta = (mpmath.mpf(v) for v in (r, alpha, s, beta))

    def nbd(y):
        return mpmath.binomial(r + n - 1, n) * (alpha / (alpha + y)) ** r * (y / (alpha + y)) ** n

    def left(y):
        return nbd(y) * s / (beta + y) * (beta / (beta + y)) ** s

    points = [0, t / mpmath.mpf(100), t / mpmath.mpf(10), t]
    return float(nbd(mpmath.mpf(t)) * (beta / (beta + t)) ** s + mpmath.quad(left, points))


@pytest.mark.parametrize("n", [0, 1, 40])
@pytest.mark.parametrize("alpha", [1.28, 40.0])
def test_counts_where_all_leave_at_one_rate_are_those_of_an_exponential_lifetime(n, alpha):
    """S and β without bound, their ratio .07: all digits of the limit."""
    r, mu, t = 0.54, 0.07, 39.0

    def nbd(y):
        ways = mpmath.gamma(r + n) / mpmath.gamma(r) / mpmath.factorial(n)
        return ways * (alpha / (alpha + y)) ** r * (y / (alpha + y)) ** n

    rest = mpmath.quad(lambda y: nbd(y) * mu * mpmath.exp(-mu * y), [0, 1, 10, t])
    value = PARETO_NBD.purchase_count_probability(n, t, r, alpha, 1e12, 1e12 / mu)
    known = float(nbd(mpmath.mpf(t)) * mpmath.exp(-mu * t) + rest)
    assert float(value) == pytest.approx(known, rel=1e-9)


@pytest.mark.parametrize("parameters", [CDNOW, (26.5, 42.0, 0.6, 40.0), (0.1, 2.0, 30.0, 500.0)])
@pytest.mark.parametrize("n", [0, 1, 7, 40])
def test_count_probabilities_match_their_integral_in_mpmath(n, parameters):
    """New and known customers, and almost equal lifetimes."""
    known = count_by_mpmath(n, 39, *parameters)
    value = PARETO_NBD.purchase_count_probability(n, 39.0, *parameters)
    assert float(value) == pytest.approx(known, rel=1e-10)


@pytest.mark.parametrize("s", [0.05, 0.6, 1.0, 2.5, 40.0])
@pytest.mark.parametrize("rate", [1e-5, 0.0027, 0.3])
def test_discounted_lifetime_is_tricomis_function(s, rate):
    """∫₀^∞ e^(−δt) (β/(β+t))^s dt = β Ψ(1, 2−s; δβ)."""
    beta = 45.0
    known = float(beta * mpmath.hyperu(1, 2 - mpmath.mpf(s), rate * beta))
    value = discounted_lifetime(np.inf, rate, s, np.array([beta]))[0]
    assert value == pytest.approx(known, rel=1e-12)


def test_parameters_are_recovered_from_continuous_times():
    """Within four standard errors on 20,000 simulated customers."""
    rng = np.random.default_rng(31)
    truth = np.array([0.8, 5.0, 0.9, 20.0])
    history = simulate_pareto_nbd(rng, 20_000, *truth, rng.uniform(13, 52, 20_000))
    fit = fit_pareto_nbd(*history, np.ones(20_000))
    deviation = np.log(fit.parameters / truth) / np.sqrt(np.diag(fit.log_covariance))
    assert fit.verdict == "converged"
    assert np.abs(deviation).max() < 4.0


@pytest.mark.nightly
def test_limits_are_called_by_their_names():
    """No dropout; dropout at once or never; one dropout rate for all."""
    rng = np.random.default_rng(33)
    size = 3_000
    T, ones = rng.uniform(13, 39, size), np.ones(size)
    regular = np.arange(1.0, size + 1.0) % 30 + 10.0
    # Everybody's last purchase is at the end: nobody can be seen to have left.
    kept = fit_pareto_nbd(regular, T, T, ones)
    assert (kept.verdict, kept.parameters[2]) == ("boundary", 0.0)
    assert "no dropout" in kept.message
    x, t_x, T = simulate_pareto_nbd(rng, size, 1.5, 10.0, 0.0, 1.0, T, days=True)
    gone = rng.random(size) < 0.4
    split = fit_pareto_nbd(np.where(gone, 0.0, x), np.where(gone, 0.0, t_x), T, ones)
    assert split.verdict == "boundary"
    assert "or never" in split.message
    # A shape of 1e6 is one rate for all; by chance the estimate may stay finite, but far out.
    same = fit_pareto_nbd(*simulate_pareto_nbd(rng, size, 1.5, 10.0, 1e6, 2e7, T), ones)
    assert same.parameters[2] > 5.0
    assert same.parameters[2] / same.parameters[3] == pytest.approx(0.05, rel=0.2)
