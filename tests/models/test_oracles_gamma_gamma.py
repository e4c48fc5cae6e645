"""Gamma-Gamma numbers against slow references on random customers, to nine digits.

FH is Fader & Hardie's note 025 (2013); `oracles` has the references.
"""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

import oracles
from retention_models.models import gamma_gamma
from tiers import many

NINE_DIGITS = 1e-9
SIZES = pytest.mark.parametrize("size", [pytest.param(60, id="some"), many(2000)])


def random_spenders(seed, size):
    """Rows (x, m, p, q, v): up to 10,000 purchases of .01 to 100,000, parameters of all sizes."""
    rng = np.random.default_rng(seed)
    x = np.where(
        rng.random(size) < 0.5, rng.integers(1, 6, size), oracles.spread(rng, 1, 10_001, size) // 1
    )
    m, v = oracles.spread(rng, 0.01, 1e5, size), oracles.spread(rng, 1e-3, 1e3, size)
    p, q = (oracles.spread(rng, 0.01, 50.0, size) for _ in range(2))
    return [tuple(map(float, row)) for row in zip(x, m, p, q, v, strict=True)]


def one_customer(phi, x, m):
    """Value, gradient and Hessian of one row."""
    rows = (np.array([value]) for value in (x, m, 1.0))
    return gamma_gamma.log_likelihood_with_derivatives(phi, *rows)


@SIZES
def test_log_likelihood_is_the_published_one(size):
    """FH (1a) in 50 digits."""
    points = random_spenders(301, size)
    phis = [np.log(point[2:]) for point in points]
    got, expected = [], []
    for phi, point in zip(phis, points, strict=True):
        # The function takes logs of parameters: the reference takes what these stand for in floats.
        got.append(one_customer(phi, *point[:2])[0])
        expected.append(oracles.gamma_gamma_log_likelihood(*point[:2], *np.exp(phi)))
    error, where = oracles.worst(got, expected, points, floor=1.0)
    assert error < NINE_DIGITS, where


@pytest.mark.parametrize("size", [pytest.param(10, id="some"), many(300)])
def test_derivatives_are_those_of_the_published_log_likelihood(size):
    """Gradient and Hessian by differences of 1e-15 in 80 digits."""
    for x, m, *theta in random_spenders(302, size):
        phi = np.log(theta)
        _, gradient, hessian = one_customer(phi, x, m)

        def value(logs, x=x, m=m):
            return oracles.gamma_gamma_log_likelihood(x, m, *(mpmath.exp(log) for log in logs))

        slope, bend = oracles.derivatives(value, phi)
        # Terms of up to p·x ln(x·m) cancel in one customer's derivatives.
        lost = 1e-13 * max(1.0, theta[0] * x)
        assert gradient == pytest.approx(slope, rel=NINE_DIGITS, abs=lost), (x, m, theta)
        assert hessian == pytest.approx(bend, rel=NINE_DIGITS, abs=lost), (x, m, theta)


@SIZES
def test_expected_spend_is_the_published_one(size):
    """FH (5): p(v + x·m)/(p·x + q − 1) in 50 digits, and at x = 0 the population's mean."""
    points = [point for point in random_spenders(303, size) if point[2] * point[0] + point[3] > 1]
    points += [(0.0, *point[1:]) for point in points if point[3] > 1.0]
    got = [gamma_gamma.expected_spend(*point) for point in points]
    expected = []
    with mpmath.workdps(50):
        for point in points:
            x, m, p, q, v = oracles.exact(*point)
            expected.append(p * (v + x * m) / (p * x + q - 1))
    error, where = oracles.worst(got, expected, points)
    assert error < NINE_DIGITS, where


def test_reference_of_the_spend_distribution_is_the_mixture_of_gammas():
    """P(Gamma(p·n, ν) ≤ s), integrated over the spend level ν ~ Gamma(q + p·x, v + x·m)."""
    money, n, x, m, p, q, v = 60.0, 3.0, 2.0, 30.0, 3.0, 4.0, 20.0
    with mpmath.workdps(25):
        shape, rate = q + p * x, v + x * m

        def density(level):
            return level ** (shape - 1) * mpmath.exp(-rate * level)

        def below(level):
            return mpmath.gammainc(p * n, 0, level * money, regularized=True) * density(level)

        cuts = [0, 0.05, 0.1, 0.2, 0.4, 1, 3]
        known = mpmath.quad(below, cuts) * mpmath.mpf(rate) ** shape / mpmath.gamma(shape)
    assert float(oracles.spend_distribution(money, n, x, m, p, q, v)) == pytest.approx(
        float(known), rel=1e-12
    )
