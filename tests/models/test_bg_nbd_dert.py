"""BG/NBD residual transactions over an endless horizon: mpmath, finite horizons, limits."""

import mpmath
import numpy as np
import pytest

from retention_models.errors import SettingsError
from retention_models.models.bg_nbd import BG_NBD

CDNOW = (0.2425945, 4.4136, 0.79292, 2.42590)


def residual_by_mpmath(rate, r, alpha, a, b):
    """∫₀^∞ e^(−δt) (r/α) 2F1(r+1, a; a+b; −t/α) dt, the rate of purchases with p integrated out."""
    rate, r, alpha, a, b = (mpmath.mpf(v) for v in (rate, r, alpha, a, b))

    def integrand(w):
        return mpmath.exp(-w) * mpmath.hyp2f1(r + 1, a, a + b, -w / (rate * alpha))

    points = [0, *(mpmath.mpf(10) ** k for k in range(-6, 2)), 30, 60]
    return float(r / alpha / rate * mpmath.quad(integrand, points))


@pytest.mark.parametrize(
    "parameters",
    [
        CDNOW,
        (0.25, 4.0, 1.0, 2.5),
        (0.25, 4.0, 0.3, 0.4),
        (2.0, 10.0, 3.0, 8.0),
        (1.5, 6.0, 0.5, 2),
    ],
)
def test_integral_matches_mpmath(parameters):
    """Also at a = 1, a + b < 1 and on either side of a = ½, where the line of integration moves."""
    x, rate = 3, 0.0027
    r, alpha, a, b = parameters
    value = BG_NBD.conditional_discounted_purchases(np.inf, rate, x, 0.0, 0.0, *parameters)
    alive = BG_NBD.probability_alive(x, 0.0, 0.0, *parameters)
    known = residual_by_mpmath(rate, r + x, alpha, a, b + x)
    assert float(value) == pytest.approx(float(alive) * known, rel=1e-11)


def test_a_long_horizon_reaches_the_endless_one():
    """CDNOW customer (2, 30.43, 38.86) at 15% a year: what the first 40/δ weeks hold, and less."""
    customer = (2, 30.43, 38.86)
    endless = float(BG_NBD.conditional_discounted_purchases(np.inf, 0.0027, *customer, *CDNOW))
    horizons = (500.0, 1_000.0, 2_000.0)
    finite = [
        float(BG_NBD.conditional_discounted_purchases(h, 0.0027, *customer, *CDNOW))
        for h in horizons
    ]
    assert endless == pytest.approx(5.156369, abs=5e-7)
    assert np.all(np.diff([*finite, endless]) > 0)
    # Beyond H at most the rate at H, discounted: (E(H) − E(H − 1)) e^(−δH) / δ.
    assert endless - finite[-1] < 0.005


def test_the_longest_horizon_is_the_endless_one():
    """At 15,000 weeks all but e^(−40) of it is discounted away."""
    customer = (2, 30.43, 38.86)
    endless = float(BG_NBD.conditional_discounted_purchases(np.inf, 0.0027, *customer, *CDNOW))
    finite = float(BG_NBD.conditional_discounted_purchases(15_000.0, 0.0027, *customer, *CDNOW))
    assert finite == pytest.approx(endless, rel=1e-13)


def test_customers_with_thousands_of_purchases():
    """Finite, and in proportion to the rate of purchases where dropout is all but refuted."""
    value = BG_NBD.conditional_discounted_purchases(np.inf, 0.0027, [1e3, 1e4], 39.0, 39.0, *CDNOW)
    assert value[1] / value[0] == pytest.approx(10.0, rel=1e-2)
    assert BG_NBD.conditional_discounted_purchases(np.inf, 0.0027, 1e4, 10.0, 39.0, *CDNOW) == 0.0


def test_without_dropout_it_is_a_perpetuity():
    """A = 0, and a → 0 continuously."""
    perpetuity = 2.25 / (4.0 + 39.0) / 0.0027
    values = [
        float(BG_NBD.conditional_discounted_purchases(np.inf, 0.0027, 2, 30, 39, 0.25, 4.0, a, 1e8))
        for a in (0.0, 1e-6)
    ]
    np.testing.assert_allclose(values, perpetuity, rtol=1e-12)


def test_one_dropout_probability_for_all():
    """a, b → ∞ together: E[λ/(δ + λp)] over λ only."""
    r, alpha, p, rate = 0.25, 4.0, 0.25, 0.0027
    z = mpmath.mpf(rate) * alpha / p
    known = float(r / p * z**r * mpmath.exp(z) * mpmath.gammainc(-r, z))
    value = BG_NBD.conditional_discounted_purchases(
        np.inf, rate, 0, 0, 0, r, alpha, 1e7 * p, 3e7 * p
    )
    assert float(value) == pytest.approx(known, rel=1e-5)


def test_it_falls_with_the_rate_and_with_the_time_since_the_last_purchase():
    """Monotone where it must be."""
    by_rate = [
        float(BG_NBD.conditional_discounted_purchases(np.inf, d, 2, 30.43, 38.86, *CDNOW))
        for d in (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
    ]
    assert np.all(np.diff(by_rate) < 0)
    by_recency = BG_NBD.conditional_discounted_purchases(
        np.inf, 0.0027, 5, np.linspace(1, 38, 20), 39.0, *CDNOW
    )
    assert np.all(np.diff(by_recency) > 0)


@pytest.mark.parametrize("rate", [0.0, -0.1, float("nan")])
def test_without_discounting_there_is_no_answer(rate):
    """The sum over all the future is infinite where a ≤ 1."""
    with pytest.raises(SettingsError, match="rate"):
        BG_NBD.conditional_discounted_purchases(np.inf, rate, 2, 30.43, 38.86, *CDNOW)
