"""Pareto/NBD numbers against slow references on random customers, to nine digits.

FH is Fader & Hardie's note 009 (2005); `oracles` has the references.
"""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

import oracles
from retention_models.errors import SettingsError
from retention_models.models import pareto_nbd_likelihood
from retention_models.models.pareto_nbd import PARETO_NBD
from tiers import many

NINE_DIGITS = 1e-9
SIZES = pytest.mark.parametrize("size", [pytest.param(60, id="some"), many(2000, 300)])


def one_customer(phi, history):
    """Value, gradient and Hessian of one row."""
    rows = (np.array([value]) for value in (*history, 1.0))
    return pareto_nbd_likelihood.log_likelihood_with_derivatives(phi, *rows)


@SIZES
def test_log_likelihood_and_probability_alive_are_the_published_ones(size):
    """FH's difference of 2F1 functions in 80 digits: x up to 10,000, t_x = 0 and t_x = T."""
    points = [point[1:] for point in oracles.random_customers(201, size)]
    phis = [np.log(point[3:]) for point in points]
    got, expected = [], []
    for phi, point in zip(phis, points, strict=True):
        # The function takes logs of parameters: the reference takes what these stand for in floats.
        got.append(one_customer(phi, point[:3])[0])
        expected.append(oracles.pareto_nbd_log_likelihood(*point[:3], *np.exp(phi)))
    error, where = oracles.worst(got, expected, points, floor=1.0)
    assert error < 1e-11, where
    got = [PARETO_NBD.probability_alive(*point) for point in points]
    expected = [oracles.pareto_nbd_alive(*point) for point in points]
    error, where = oracles.worst(got, expected, points)
    assert error < NINE_DIGITS, where


# Of 33 one takes mpmath minutes.
@pytest.mark.parametrize("size", [pytest.param(4, id="some"), many(100, 40)])
def test_derivatives_are_those_of_the_published_log_likelihood(size):
    """Gradient and Hessian by differences of 1e-15 in 80 digits."""
    for point in oracles.random_customers(202, size):
        history, phi = point[1:4], np.log(point[4:])
        _, gradient, hessian = one_customer(phi, history)

        def value(logs, history=history):
            theta = [mpmath.exp(log) for log in logs]
            return oracles.pareto_nbd_log_likelihood(*history, *theta)

        slope, bend = oracles.derivatives(value, phi)
        # A long silence after very many purchases: terms of the size of x cancel.
        lost = 1e-10 * (1.0 + history[0])
        assert gradient == pytest.approx(slope, rel=NINE_DIGITS, abs=lost), point
        assert hessian == pytest.approx(bend, rel=NINE_DIGITS, abs=lost), point


@SIZES
def test_expected_purchases_are_the_published_ones(size):
    """FH's closed form in 60 digits, stepped around s = 1; new and known customers."""
    points = oracles.random_customers(201, size)
    new = [(t, *theta) for t, _, _, _, *theta in points]
    got = [PARETO_NBD.expected_purchases(*point) for point in new]
    expected = [
        oracles.mpf(r) / oracles.mpf(alpha) * oracles.pareto_nbd_lived(t, 0.0, s, beta)
        for t, r, alpha, s, beta in new
    ]
    error, where = oracles.worst(got, expected, new)
    assert error < 1e-12, where
    got = [PARETO_NBD.conditional_expected_purchases(*point) for point in points]
    expected = [known_expectation(t, 0.0, *customer) for t, *customer in points]
    error, where = oracles.worst(got, expected, points)
    assert error < NINE_DIGITS, where


def known_expectation(horizon, rate, x, t_x, T, r, alpha, s, beta):
    """P(alive), times the rate of purchases, times the discounted lifetime."""
    alive = oracles.pareto_nbd_alive(x, t_x, T, r, alpha, s, beta)
    x, T, r, alpha, beta = oracles.exact(x, T, r, alpha, beta)
    return alive * (r + x) / (alpha + T) * oracles.pareto_nbd_lived(horizon, rate, s, beta + T)


@SIZES
def test_discounted_purchases_are_the_published_ones(size):
    """Incomplete gamma functions, and Tricomi's without an end; rates from 1e-5 to ½."""
    rng, points = np.random.default_rng(204), []
    for t, *customer in oracles.random_customers(201, size):
        horizon = t if rng.random() < 0.7 else np.inf
        points.append((horizon, float(oracles.spread(rng, 1e-5, 0.5, 1)[0]), *customer))
    got = [PARETO_NBD.conditional_discounted_purchases(*point) for point in points]
    expected = [known_expectation(*point) for point in points]
    error, where = oracles.worst(got, expected, points)
    assert error < NINE_DIGITS, where


@SIZES
def test_count_probability_agrees_with_quadrature(size):
    """The integral over the moment of leaving, new and known, as long as P is above 1e-250."""
    rng, points = np.random.default_rng(205), []
    for t, x, _, T, r, alpha, s, beta in oracles.random_customers(205, size):
        known = (r + x, alpha + T, s, beta + T)
        theta = known if rng.random() < 0.5 else (r, alpha, s, beta)
        points.append((oracles.random_count(rng, theta[0] * t / theta[1]), t, *theta))
    got = [PARETO_NBD.purchase_count_probability(*point) for point in points]
    expected = [oracles.pareto_nbd_count(*point) for point in points]
    error, where = oracles.worst(got, expected, points, floor=1e-250)
    assert error < NINE_DIGITS, where


@pytest.mark.parametrize(
    "point",
    [
        (111.0, 0.360149, 0.225544, 2.12901, 0.0834253, 0.0944113),
        (0.0, 39.0, 0.5, 10.0, 0.6, 11.7),
        (800.0, 300.0, 26.5, 42.0, 0.6, 40.0),
        (3.0, 5000.0, 0.01, 0.01, 30.0, 500.0),
    ],
)
def test_reference_of_the_count_is_the_integral_in_mpmath(point):
    """The integral over ln y in 25 digits; the first is P(111) = 3.5e-96."""
    n, t, r, alpha, s, beta = oracles.exact(*point)
    with mpmath.workdps(25):
        ways = mpmath.binomial(r + n - 1, n)

        def nbd(y):
            return ways * (alpha / (alpha + y)) ** r * (y / (alpha + y)) ** n

        def left(v):
            y = mpmath.exp(v)
            return nbd(y) * s / (beta + y) * (beta / (beta + y)) ** s * y

        cuts = [mpmath.log(t) - gap for gap in (90, 40, 20, 12, 8, 5, 3, 2, 1, 0.5, 0.25, 0.1, 0)]
        known = nbd(t) * (beta / (beta + t)) ** s + mpmath.quad(left, cuts)
    assert oracles.pareto_nbd_count(*point) == pytest.approx(float(known), rel=1e-11)


@pytest.mark.parametrize("size", [pytest.param(6, id="some"), many(100)])
def test_count_distribution_of_a_known_customer(size):
    """P(alive) times the count of a new customer with the posterior's parameters; all at n = 0."""
    for t, x, t_x, T, r, alpha, s, beta in oracles.random_customers(206, size):
        if (r + x) * t > 2000.0 * (alpha + T):
            continue  # a row of more than 2,000 columns
        row = PARETO_NBD.conditional_count_probabilities(t, x, t_x, T, r, alpha, s, beta)[0]
        alive = oracles.pareto_nbd_alive(x, t_x, T, r, alpha, s, beta)
        for n in {0, min(1, row.size - 1), row.size // 2, row.size - 1}:
            count = oracles.pareto_nbd_count(float(n), t, r + x, alpha + T, s, beta + T)
            expected = float(alive * count + (1 - alive) * (n == 0))
            assert row[n] == pytest.approx(expected, rel=NINE_DIGITS, abs=1e-250), (n, t, x)


def test_without_discounting_the_endless_sum_is_refused_where_it_is_infinite():
    """At s ≤ 1 lifetimes have no mean; above, the sum is the rate times the mean lifetime."""
    customer = (2, 30.43, 38.86, 0.553277, 10.577684)
    with pytest.raises(SettingsError, match="rate: expected"):
        PARETO_NBD.conditional_discounted_purchases(np.inf, 0.0, *customer, 0.60624, 11.668732)
    got = PARETO_NBD.conditional_discounted_purchases(np.inf, 0.0, *customer, 3.0, 11.0)
    alive = float(oracles.pareto_nbd_alive(*customer, 3.0, 11.0))
    expected = alive * 2.553277 / (10.577684 + 38.86) * (11.0 + 38.86) / 2.0
    assert float(got) == pytest.approx(expected, rel=1e-12)
