"""BG/NBD and MBG/NBD numbers against slow references on random customers, to nine digits.

FHL is Fader, Hardie & Lee (2005), Marketing Science 24(2); `oracles` has the references.
"""

from __future__ import annotations

import numpy as np
import pytest

import oracles
from purchase_samples import bg_nbd_log_likelihood, mbg_nbd_log_likelihood
from retention_models.models.bg_nbd import BG_NBD
from retention_models.models.mbg_nbd import MBG_NBD
from tiers import many

NINE_DIGITS = 1e-9
MODELS = pytest.mark.parametrize(
    ("model", "likelihood", "first"),
    [(BG_NBD, bg_nbd_log_likelihood, 0), (MBG_NBD, mbg_nbd_log_likelihood, 1)],
    ids=["bg_nbd", "mbg_nbd"],
)
SIZES = pytest.mark.parametrize("size", [pytest.param(60, id="some"), many(2000, 300)])
FEWER = pytest.mark.parametrize("size", [pytest.param(8, id="some"), many(200, 30)])


def one_customer(likelihood, phi, history):
    """Value, gradient and Hessian of one row."""
    rows = (np.array([value]) for value in (*history, 1.0))
    return likelihood(phi, *rows)


def new_and_known(points):
    """Windows and parameters of new customers, and of the same customers known and alive."""
    new = [(t, *theta) for t, _, _, _, *theta in points]
    known = [(t, r + x, alpha + T, a, b + x) for t, x, _, T, r, alpha, a, b in points]
    return new + known


@MODELS
@SIZES
def test_log_likelihood_is_the_published_one(model, likelihood, first, size):
    """FHL (6), and the MBG/NBD's, in 50 digits: x up to 10,000, t_x = 0 and t_x = T."""
    points = [point[1:] for point in oracles.random_customers(101, size)]
    # The function takes logs of parameters: the reference takes what these stand for in floats.
    phis = [np.log(point[3:]) for point in points]
    got = [
        one_customer(likelihood, phi, point[:3])[0] for phi, point in zip(phis, points, strict=True)
    ]
    expected = [
        oracles.beta_dropout_log_likelihood(*point[:3], *np.exp(phi), first=first)
        for phi, point in zip(phis, points, strict=True)
    ]
    error, where = oracles.worst(got, expected, points, floor=1.0)
    assert error < 1e-12, where


@MODELS
@FEWER
def test_derivatives_are_those_of_the_published_log_likelihood(model, likelihood, first, size):
    """Gradient and Hessian by differences of 1e-15 in 80 digits."""
    for point in oracles.random_customers(102, size):
        history, phi = point[1:4], np.log(point[4:])
        _, gradient, hessian = one_customer(likelihood, phi, history)

        def value(logs, history=history):
            theta = [oracles.mpmath.exp(log) for log in logs]
            return oracles.beta_dropout_log_likelihood(*history, *theta, first=first)

        slope, bend = oracles.derivatives(value, phi)
        assert gradient == pytest.approx(slope, rel=NINE_DIGITS, abs=1e-11), point
        assert hessian == pytest.approx(bend, rel=NINE_DIGITS, abs=1e-11), point


@MODELS
@SIZES
def test_probability_alive_is_the_likelihoods_share(model, likelihood, first, size):
    """The term of FHL (6) in which the customer is alive, over both."""
    points = [point[1:] for point in oracles.random_customers(103, size)]
    got = [model.probability_alive(*point) for point in points]
    expected = [oracles.beta_dropout_alive(*point, first=first) for point in points]
    error, where = oracles.worst(got, expected, points)
    assert error < NINE_DIGITS, where


@SIZES
def test_expected_purchases_are_the_published_ones(size):
    """FHL (9) in 100 digits, for new and for known customers: a = 1, a + b ≤ 1, windows to 5,000."""
    points = new_and_known(oracles.random_customers(104, size))
    got = [BG_NBD.expected_purchases(*point) for point in points]
    expected = [oracles.bg_nbd_expected(*point) for point in points]
    error, where = oracles.worst(got, expected, points)
    assert error < NINE_DIGITS, where


def test_references_of_the_expectation_agree():
    """FHL (9) as printed, with its 2F1 transformed, and by quadrature over the dropout probability."""
    points = [point for point in new_and_known(oracles.random_customers(105, 30)) if point[0] > 0]
    transformed = [oracles.bg_nbd_expected(*point) for point in points]
    printed = [oracles.bg_nbd_expected(*point, as_published=True) for point in points]
    integrated = [oracles.bg_nbd_discounted(point[0], 0.0, *point[1:]) for point in points]
    assert oracles.worst(transformed, printed, points)[0] < 1e-15
    assert oracles.worst(integrated, printed, points)[0] < 1e-12


def test_customers_with_parameters_of_their_own_get_what_each_would_get_alone():
    """One call for all, a too being an array, as where customers differ by covariates."""
    points = new_and_known(oracles.random_customers(104, 100))
    together = BG_NBD.expected_purchases(*np.array(points).T)
    alone = [BG_NBD.expected_purchases(*point) for point in points]
    assert oracles.worst(together, alone, points)[0] < 1e-11


@MODELS
@SIZES
def test_conditional_expectation_is_the_published_one(model, likelihood, first, size):
    """FHL (10): P(alive) times the expectation of a new customer with the posterior's parameters."""
    points = oracles.random_customers(106, size)
    got = [model.conditional_expected_purchases(*point) for point in points]
    expected = [
        oracles.beta_dropout_alive(x, t_x, T, r, alpha, a, b, first=first)
        * oracles.bg_nbd_expected(t, *oracles.exact(r + x, alpha + T, a, b + x + first))
        for t, x, t_x, T, r, alpha, a, b in points
    ]
    error, where = oracles.worst(got, expected, points)
    assert error < NINE_DIGITS, where


@pytest.mark.parametrize(
    "theta",
    [
        (2.243, 43.274, 1e-4, 1e8),
        (0.01, 50.0, 0.01, 50.0),
        (0.05, 4.0, 0.5, 5e3),
        (0.25, 4.0, 1e-9, 1.0),
        (0.001, 1.0, 0.001, 0.001),
        (50.0, 0.01, 0.49, 0.01),
        (50.0, 0.01, 0.09, 0.01),
        (50.0, 0.01, 50.0, 0.01),
    ],
)
@pytest.mark.parametrize("t", [1e-6, 39.0, 1e7])
def test_expectation_in_the_corners(theta, t):
    """Rates far below the dropout's shape, windows that are nothing or billions of gaps."""
    expected = float(oracles.bg_nbd_expected(t, *theta, as_published=True))
    assert float(BG_NBD.expected_purchases(t, *theta)) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("scale", [10.0, 1e3, 1e5, 1e8])
def test_expectation_where_all_leave_with_nearly_the_same_probability(scale):
    """Σ P(X ≥ n): the Poisson process makes an nth purchase, and dropout has spared n − 1."""
    r, alpha, t, a, b = 0.25, 4.0, 36.0, scale, 3.0 * scale
    n = np.arange(1.0, 400.0)
    spared = np.concatenate([[1.0], np.cumprod((b + n[:-1] - 1.0) / (a + b + n[:-1] - 1.0))])
    reached = 1.0 - np.cumsum(nbd_chances(400, t, r, alpha))[:-1]
    got = float(BG_NBD.expected_purchases(t, r, alpha, a, b))
    assert got == pytest.approx(float(spared @ reached), rel=1e-11)


def nbd_chances(size, t, r, alpha):
    """P(N = 0), …, each from the one before."""
    n, z = np.arange(1.0, size), t / (alpha + t)
    return np.cumprod(np.concatenate([[(1.0 - z) ** r], (r + n - 1.0) / n * z]))


@MODELS
@SIZES
def test_count_probability_of_a_new_customer_is_the_published_one(model, likelihood, first, size):
    """FHL (8) in 50 digits, far out in the tail too, as long as P is above 1e-250."""
    rng, points = np.random.default_rng(107), []
    for t, *theta in new_and_known(oracles.random_customers(107, size)):
        points.append((oracles.random_count(rng, theta[0] * t / theta[1]), t, *theta))
    got = [model.purchase_count_probability(*point) for point in points]
    expected = []
    for n, t, r, alpha, a, b in points:
        chance = oracles.bg_nbd_count(n, t, r, alpha, a, b + first)
        stayed = oracles.mpf(b) / (oracles.mpf(a) + b)
        expected.append(stayed * chance + (1 - stayed) * (n == 0) if first else chance)
    error, where = oracles.worst(got, expected, points, floor=1e-250)
    assert error < NINE_DIGITS, where


@pytest.mark.parametrize("b", [1e4, 1e8, 1e11])
@pytest.mark.parametrize("a", [0.02, 50.0, 1e4])
def test_count_probability_at_huge_shapes(a, b):
    """Where Γ(b) has a log of billions, the chance keeps its digits."""
    for n in (0, 1, 7, 300):
        expected = float(oracles.bg_nbd_count(n, 39.0, 1e6, 1e6, a, b))
        got = float(BG_NBD.purchase_count_probability(n, 39.0, 1e6, 1e6, a, b))
        assert got == pytest.approx(expected, rel=NINE_DIGITS)


@MODELS
@FEWER
def test_count_distribution_of_a_known_customer(model, likelihood, first, size):
    """P(alive) times FHL (8) with the posterior's parameters, plus at n = 0 all who have left."""
    points = oracles.random_customers(108, size)
    for t, x, t_x, T, r, alpha, a, b in points:
        if (r + x) * t > 2000.0 * (alpha + T):
            continue  # a row of more than 2,000 columns
        row = model.conditional_count_probabilities(t, x, t_x, T, r, alpha, a, b)[0]
        alive = oracles.beta_dropout_alive(x, t_x, T, r, alpha, a, b, first=first)
        known = oracles.exact(r + x, alpha + T, a, b + x + first)
        for n in {0, 1, row.size // 2, row.size - 1}:
            expected = alive * oracles.bg_nbd_count(n, t, *known) + (1 - alive) * (n == 0)
            assert row[n] == pytest.approx(float(expected), rel=NINE_DIGITS, abs=1e-250), (n, t, x)


@MODELS
@SIZES
def test_discounted_purchases_agree_with_quadrature(model, likelihood, first, size):
    """Over a horizon of up to 5,000 and over all the future, at rates from 1e-5 to ½."""
    rng, points = np.random.default_rng(109), []
    for t, *customer in oracles.random_customers(109, size):
        horizon = t if rng.random() < 0.7 else np.inf
        points.append((horizon, float(oracles.spread(rng, 1e-5, 0.5, 1)[0]), *customer))
    got = [model.conditional_discounted_purchases(*point) for point in points]
    expected = [
        float(oracles.beta_dropout_alive(*point[2:], first=first))
        * oracles.bg_nbd_discounted(horizon, rate, r + x, alpha + T, a, b + x + first)
        for point in points
        for horizon, rate, x, _, T, r, alpha, a, b in [point]
    ]
    error, where = oracles.worst(got, expected, points)
    assert error < NINE_DIGITS, where


def test_residual_transactions_are_discounted_purchases_without_an_end():
    """DERT: an endless horizon."""
    customer = (2, 30.43, 38.86, 0.2425945, 4.4136, 0.79292, 2.42590)
    alive = float(oracles.beta_dropout_alive(*customer))
    known = oracles.bg_nbd_discounted(np.inf, 0.0027, 2.2425945, 43.2736, 0.79292, 4.42590)
    got = float(BG_NBD.conditional_discounted_purchases(np.inf, 0.0027, *customer))
    assert got == pytest.approx(alive * known, rel=1e-12)


@pytest.mark.parametrize("model", [BG_NBD, MBG_NBD])
def test_without_dropout_everything_is_the_nbd(model):
    """At a = 0: expectation, discounted expectation, counts."""
    for t, x, t_x, T, r, alpha, _, b in oracles.random_customers(110, 60):
        theta = (r, alpha, 0.0, b)
        rate, z = (r + x) / (alpha + T), t / (alpha + t)
        assert model.probability_alive(x, t_x, T, *theta) == 1.0
        assert float(model.conditional_expected_purchases(t, x, t_x, T, *theta)) == pytest.approx(
            rate * t, rel=1e-14
        )
        endless = model.conditional_discounted_purchases(np.inf, 0.01, x, t_x, T, *theta)
        assert float(endless) == pytest.approx(rate / 0.01, rel=1e-14)
        got = model.purchase_count_probability(np.arange(30), t, *theta)
        if z < 1.0 - 1e-3:  # the recursion's own 1 − z keeps too few digits beyond
            assert got == pytest.approx(nbd_chances(30, t, r, alpha), rel=1e-10)
