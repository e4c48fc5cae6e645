"""The MBG/NBD model against published values, mpmath, simulation, and the BG/NBD it extends."""

import mpmath
import numpy as np
import pytest

from purchase_samples import (
    bg_nbd_log_likelihood,
    cdnow_sample,
    central_differences,
    mbg_nbd_log_likelihood,
    simulate_geometric,
    simulate_pareto_nbd,
)
from retention_models.models.beta_dropout_likelihood import fit_mbg_nbd
from retention_models.models.bg_nbd import BG_NBD
from retention_models.models.mbg_nbd import MBG_NBD

CDNOW = (0.524843, 6.183086, 0.891359, 1.614001)


def one_log_likelihood(parameters, x, t_x, T):
    """The log-likelihood of one customer."""
    rows = (np.array([float(v)]) for v in (x, t_x, T, 1.0))
    return mbg_nbd_log_likelihood(np.log(parameters), *rows)[0]


def test_cdnow_estimates_are_the_published_ones():
    """On the CDNOW sample; REF."""
    x, t_x, T = cdnow_sample()
    fit = fit_mbg_nbd(x, t_x, T, np.ones(x.size))
    np.testing.assert_allclose(fit.parameters, CDNOW, atol=2e-6)
    assert fit.log_likelihood == pytest.approx(-9582.13572, abs=5e-6)
    assert fit.verdict == "converged"


@pytest.mark.parametrize("parameters", [CDNOW, (3.0, 1.0, 0.1, 0.2), (0.01, 100.0, 4.0, 30.0)])
def test_derivatives_match_central_differences(parameters):
    """Gradient and Hessian, also far from the maximum."""
    x, t_x, T = cdnow_sample()

    def value(phi):
        return mbg_nbd_log_likelihood(phi, x, t_x, T, np.ones(x.size))

    phi = np.log(parameters)
    _, gradient, hessian = value(phi)
    by_value, by_gradient = central_differences(value, phi)
    np.testing.assert_allclose(gradient, by_value, atol=1e-7 * np.abs(hessian).max())
    np.testing.assert_allclose(hessian, by_gradient, atol=1e-7 * np.abs(hessian).max())


@pytest.mark.parametrize(
    ("x", "t_x", "T"),
    [(0, 0.0, 38.86), (1, 0.0, 0.0), (2, 30.43, 38.86), (200, 200.0, 200.0), (10_000, 37.0, 38.0)],
)
def test_log_likelihood_matches_its_formula_in_mpmath(x, t_x, T):
    """The two-term formula with gamma functions at 50 digits."""
    with mpmath.workdps(50):
        r, alpha, a, b = (mpmath.mpf(value) for value in CDNOW)
        stays = mpmath.beta(a, b + x + 1) * (alpha + T) ** -(r + x)
        leaves = mpmath.beta(a + 1, b + x) * (alpha + t_x) ** -(r + x)
        known = mpmath.log(
            mpmath.gamma(r + x) / mpmath.gamma(r) * alpha**r * (stays + leaves) / mpmath.beta(a, b)
        )
    assert one_log_likelihood(CDNOW, x, t_x, T) == pytest.approx(float(known), rel=1e-12, abs=1e-12)


def test_repeat_buyers_are_bg_nbd_customers_who_stayed_once():
    """For x > 0, the log-likelihood is the BG/NBD's at b + 1 plus ln b/(a+b)."""
    r, alpha, a, b = CDNOW
    rows = (np.array([2.0]), np.array([30.43]), np.array([38.86]), np.ones(1))
    inner = np.log([r, alpha, a, b + 1.0])
    known = bg_nbd_log_likelihood(inner, *rows)[0]
    assert one_log_likelihood(CDNOW, 2, 30.43, 38.86) == pytest.approx(
        known + np.log(b / (a + b)), rel=1e-13
    )


def test_probability_alive_is_below_one_without_a_repeat_purchase():
    """It starts at b/(a+b), falls with T, and is the BG/NBD's at b + 1 for repeat buyers."""
    r, alpha, a, b = CDNOW
    alive = MBG_NBD.probability_alive(0, 0, [0.0, 10.0, 38.86], *CDNOW)
    assert alive[0] == pytest.approx(b / (a + b), rel=1e-14)
    assert np.all(np.diff(alive) < 0)
    known = BG_NBD.probability_alive(2, 30.43, 38.86, r, alpha, a, b + 1.0)
    assert MBG_NBD.probability_alive(2, 30.43, 38.86, *CDNOW) == pytest.approx(known, rel=1e-14)


def test_extremes_of_probability_alive():
    """A purchase at the end of a long history; ten thousand purchases; no dropout."""
    x = np.array([132.0, 500.0, 10_000.0])
    alive = MBG_NBD.probability_alive(x, 200.0, 200.0, *CDNOW)
    np.testing.assert_allclose(alive, 1.0 / (1.0 + CDNOW[2] / (CDNOW[3] + x)), rtol=1e-13)
    assert MBG_NBD.probability_alive(10_000, 100.0, 200.0, *CDNOW) == 0.0
    assert np.all(MBG_NBD.probability_alive([0, 5], [0, 1], 39.0, 0.5, 6.0, 0.0, 1.0) == 1.0)


def expected_by_mpmath(t, r, alpha, a, b):
    """E ∫₀ᵗ λ e^(−λps) ds · (1 − p) by integrating p's density and the rate of purchases."""

    def rate(s):
        inner = mpmath.hyp2f1(r + 1, a, a + b + 1, -s / alpha)
        return r / alpha * b / (a + b) * inner

    return float(mpmath.quad(rate, [0, t / 10, t]))


@pytest.mark.parametrize("parameters", [CDNOW, (0.5, 6.0, 1.0, 1.6), (2.0, 30.0, 0.5, 0.4)])
def test_expected_purchases_match_quadrature_in_mpmath(parameters):
    """Also at a = 1 and a + b < 1."""
    known = expected_by_mpmath(39.0, *parameters)
    assert MBG_NBD.expected_purchases(39.0, *parameters) == pytest.approx(known, rel=1e-10)


def test_simulated_customers_behave_as_the_formulas_say():
    """Mean, P(0), and the share of those without a purchase who are alive."""
    rng = np.random.default_rng(20)
    size, T = 200_000, 39.0
    p = rng.beta(*CDNOW[2:], size)
    rate = rng.gamma(CDNOW[0], 1.0 / CDNOW[1], size)
    left_at_once = rng.random(size) < p
    never_bought = left_at_once | (rng.exponential(size=size) / rate > T)
    chance = float(MBG_NBD.purchase_count_probability(0, T, *CDNOW))
    assert never_bought.mean() == pytest.approx(chance, abs=4 * 0.5 / size**0.5)
    alive = float((~left_at_once[never_bought]).mean())
    known = float(MBG_NBD.probability_alive(0, 0, T, *CDNOW))
    assert alive == pytest.approx(known, abs=4 * 0.5 / never_bought.sum() ** 0.5)
    x, _, _ = simulate_geometric(rng, size, *CDNOW, T, first=True)
    expected = float(MBG_NBD.expected_purchases(T, *CDNOW))
    assert x.mean() == pytest.approx(expected, abs=4 * x.std() / size**0.5)


def test_parameters_are_recovered_from_continuous_times():
    """Within four standard errors on 40,000 simulated customers."""
    rng = np.random.default_rng(21)
    truth = np.array([0.8, 5.0, 0.9, 2.0])
    history = simulate_geometric(rng, 40_000, *truth, rng.uniform(13, 52, 40_000), first=True)
    fit = fit_mbg_nbd(*history, np.ones(40_000))
    deviation = np.log(fit.parameters / truth) / np.sqrt(np.diag(fit.log_covariance))
    assert fit.verdict == "converged"
    assert np.abs(deviation).max() < 4.0


def test_limits_are_called_by_their_names():
    """No dropout; dropout at once or never; one dropout probability for all."""
    rng = np.random.default_rng(22)
    size = 3_000
    T, ones = rng.uniform(13, 39, size), np.ones(size)
    # Everybody's last purchase is at the end: nobody can be seen to have left.
    kept = fit_mbg_nbd(np.arange(1.0, size + 1.0) % 30 + 10.0, T, T, ones)
    assert (kept.verdict, kept.parameters[2]) == ("boundary", 0.0)
    assert "no dropout" in kept.message
    x, t_x, T = simulate_pareto_nbd(rng, size, 1.5, 10.0, 0.0, 1.0, T)
    gone = rng.random(size) < 0.4
    split = fit_mbg_nbd(np.where(gone, 0.0, x), np.where(gone, 0.0, t_x), T, ones)
    assert split.verdict == "boundary"
    assert "after their first purchase or never" in split.message
    assert split.parameters[2] / split.parameters[2:].sum() == pytest.approx(0.4, abs=0.05)
    same = fit_mbg_nbd(*simulate_geometric(rng, size, 1.5, 10.0, 1e6, 3e6, T, first=True), ones)
    assert same.verdict == "boundary"
    assert "same probability, 0.2" in same.message
