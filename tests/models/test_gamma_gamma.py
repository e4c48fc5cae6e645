"""The Gamma-Gamma model of spend against published numbers and brute force.

FH is Fader & Hardie (2013), note 025; REF marks reference values that were
computed independently of this package.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import integrate, stats

from cdnow_data import cdnow_master, cdnow_sample
from oracles import spend_distribution
from retention_models.errors import CannotSay
from retention_models.models.gamma_gamma import (
    expected_spend,
    fit_gamma_gamma,
    log_likelihood_with_derivatives,
)
from retention_models.models.intervals import ValueTable

PUBLISHED = (6.249573, 3.744225, 15.443519)


def repeat_spend(table):
    """Frequency and mean spend of those who came back and paid, one customer per row."""
    paid = table[(table["frequency"] > 0) & (table["monetary_value"] > 0)]
    x, m = (paid[name].to_numpy(dtype=float) for name in ("frequency", "monetary_value"))
    return x, m, np.ones(x.size)


def simulated_spend(size, p, q, v, rng):
    """Mean spend of customers with 1 to 20 purchases each."""
    x = rng.integers(1, 21, size).astype(float)
    return x, rng.gamma(p * x, 1.0 / rng.gamma(q, 1.0 / v, size)) / x, np.ones(size)


def value_quantile(level, chances, row, x, m, p, q, v):
    """Quantiles of the value of customers whose counts have the distributions `chances[row]`."""
    found = [
        ValueTable(chances[[i]], np.array([k]), np.array([p, q, v])).log_quantile(
            np.zeros(1, dtype=int), np.array([level])
        )[0]
        for i, k in zip(row, x, strict=True)
    ]
    return (v + x * m) * np.exp(found)


def test_fit_of_the_cdnow_sample():
    """FH: 946 repeat buyers, p 6.249573, q 3.744225, v 15.443519, LL −4055.91769."""
    x, m, n = repeat_spend(cdnow_sample())
    fit = fit_gamma_gamma(x, m, n)
    assert x.size == 946
    assert fit.parameters == pytest.approx(PUBLISHED, abs=3e-6)
    assert fit.log_likelihood == pytest.approx(-4055.91769, abs=1e-5)
    assert fit.verdict == "converged"


def test_fit_of_the_cdnow_master():
    """9,450 repeat buyers, p 6.27536, q 3.62445, v 14.98369, LL −40763.476 (REF)."""
    x, m, n = repeat_spend(cdnow_master())
    fit = fit_gamma_gamma(x, m, n)
    assert x.size == 9_450
    assert fit.parameters == pytest.approx([6.27536, 3.62445, 14.98369], abs=6e-6)
    assert fit.log_likelihood == pytest.approx(-40763.476, abs=5e-4)


def test_expected_spend_of_the_first_ten_customers():
    """REF, to a tenth: 24.65, 18.91, 35.17, …; the population mean where x = 0."""
    ten = cdnow_sample().head(10)
    published = [24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17]
    got = expected_spend(ten["frequency"], ten["monetary_value"], *PUBLISHED)
    assert got == pytest.approx(published, abs=0.006)


def test_expected_spend_is_a_mean_of_own_and_population_spend():
    """FH (5) rewritten: weight p·x/(p·x + q − 1) on the customer's own mean."""
    p, q, v = PUBLISHED
    x, m = np.array([1.0, 4.0, 50.0]), np.array([80.0, 10.0, 300.0])
    weight = p * x / (p * x + q - 1.0)
    expected = weight * m + (1.0 - weight) * p * v / (q - 1.0)
    assert expected_spend(x, m, *PUBLISHED) == pytest.approx(expected)


def test_infinite_mean_is_an_error_that_says_so():
    """A q ≤ 1 leaves a customer without purchases without a mean; one with enough has one."""
    assert float(expected_spend(3, 20.0, 2.0, 0.9, 5.0)) > 0
    with pytest.raises(CannotSay, match=r"q = 0\.9 is not above 1"):
        expected_spend([3, 0], [20.0, 0.0], 2.0, 0.9, 5.0)


@pytest.mark.parametrize("seed", range(6))
def test_derivatives_agree_with_central_differences(seed):
    """Gradient from the value and Hessian from the gradient, on random data and parameters."""
    rng = np.random.default_rng(seed)
    x, m, _ = simulated_spend(40, 3.0, 4.0, 20.0, rng)
    counts = rng.integers(1, 5, x.size).astype(float)
    phi = rng.normal(0.0, 0.7, 3) + np.array([1.0, 1.0, 2.0])
    _, gradient, hessian = log_likelihood_with_derivatives(phi, x, m, counts)
    for i in range(3):
        shift = 1e-5 * np.eye(3)[i]
        up, slope_up, _ = log_likelihood_with_derivatives(phi + shift, x, m, counts)
        down, slope_down, _ = log_likelihood_with_derivatives(phi - shift, x, m, counts)
        assert gradient[i] == pytest.approx((up - down) / 2e-5, rel=1e-6, abs=1e-4)
        assert hessian[i] == pytest.approx((slope_up - slope_down) / 2e-5, rel=1e-6, abs=1e-4)


def test_likelihood_agrees_with_integration_over_the_spend_level():
    """The density of the mean given ν, integrated over ν ~ Gamma(q, v) by quadrature."""
    p, q, v = 3.0, 4.0, 20.0
    for x, m in ((1.0, 12.0), (4.0, 25.0), (9.0, 7.0)):
        density, _ = integrate.quad(
            lambda level, x=x, m=m: (
                stats.gamma.pdf(m, p * x, scale=1 / (level * x))
                * stats.gamma.pdf(level, q, scale=1 / v)
            ),
            0.0,
            5.0,
            epsabs=1e-13,
            limit=200,
        )
        row = (np.array([value]) for value in (x, m, 1.0))
        value, _, _ = log_likelihood_with_derivatives(np.log([p, q, v]), *row)
        assert value == pytest.approx(np.log(density), rel=1e-7)


def test_true_parameters_are_recovered():
    """20,000 customers of known parameters: each estimate within four standard errors."""
    truth = np.array([3.0, 4.0, 20.0])
    fit = fit_gamma_gamma(*simulated_spend(20_000, *truth, np.random.default_rng(25)))
    away = np.log(fit.parameters) - np.log(truth)
    assert np.all(np.abs(away) < 4 * np.sqrt(np.diag(fit.log_covariance)))


@pytest.mark.parametrize("penalty", [0.0, 0.01])
@pytest.mark.parametrize("factor", [0.01, 1_000.0, 1e6])
def test_fit_does_not_depend_on_the_currency(penalty, factor):
    """Cents, yen, millions: p and q stay, v and predictions scale; penalised or not."""
    x, m, n = repeat_spend(cdnow_sample())
    dollars = fit_gamma_gamma(x, m, n, penalty=penalty)
    other = fit_gamma_gamma(x, factor * m, n, penalty=penalty)
    assert other.parameters == pytest.approx(dollars.parameters * [1, 1, factor], rel=1e-6)
    before, after = (
        expected_spend(x, m, *dollars.parameters),
        expected_spend(x, factor * m, *other.parameters),
    )
    assert after == pytest.approx(factor * before, rel=1e-6)


@pytest.mark.parametrize("spend", [9.99, 1e-3, 1e9])
def test_constant_spend_is_an_error_that_says_so(spend):
    """All spend the same, where lifetimes' search fails unexplained (REF)."""
    with pytest.raises(CannotSay, match=r"The 50 customers .* all spend the same"):
        fit_gamma_gamma(np.arange(1.0, 51.0), np.full(50, spend), np.ones(50))


def test_customers_who_each_spend_the_same_every_time_are_a_boundary():
    """Means that spread as widely at 20 purchases as at one: p runs away, and the verdict says it."""
    rng = np.random.default_rng(6)
    x, m = rng.integers(1, 21, 400).astype(float), 60.0 / rng.gamma(4.0, 1.0, 400)
    fit = fit_gamma_gamma(x, m, np.ones(400))
    assert fit.verdict == "boundary"
    assert "always spends the same" in fit.message
    # The mean of 60/Gamma(4) is 20.
    assert float(expected_spend(0, 0.0, *fit.parameters)) == pytest.approx(20.0, rel=0.1)


@pytest.mark.parametrize("p", [1e5, 1e8, 1e11, 1e13])
def test_value_quantile_where_each_customer_always_spends_the_same(p):
    """As p → ∞ with p·v fixed, spend is p·v/Gamma(q), and a known customer's next is the last again."""
    median = 73.0 / stats.gamma.median(4.7)
    rows, row = np.array([[0.0, 1.0]]), np.zeros(2, dtype=np.intp)
    got = value_quantile(0.5, rows, row, np.array([0, 2]), np.array([0.0, 30.0]), p, 4.7, 73.0 / p)
    assert got == pytest.approx([median, 30.0], rel=0.01)


def test_customers_who_do_not_differ_are_a_boundary():
    """Scatter within and none between: q runs away, and the verdict names it."""
    rng = np.random.default_rng(10)
    x = rng.integers(1, 21, 400).astype(float)
    fit = fit_gamma_gamma(x, rng.gamma(3.0 * x, 10.0) / x, np.ones(400))
    p, q, v = fit.parameters
    assert fit.verdict == "boundary"
    assert "do not differ" in fit.message
    assert p == pytest.approx(3.0, rel=0.1)
    assert p * v / (q - 1.0) == pytest.approx(30.0, rel=0.05)


@pytest.mark.parametrize("size", [10, 30])
def test_a_handful_of_customers_never_passes_for_more(size):
    """40 subsets of CDNOW: nothing infinite, and "converged" only with finite errors."""
    x, m, _ = repeat_spend(cdnow_sample())
    for seed in range(40):
        few = np.random.default_rng(seed).choice(x.size, size, replace=False)
        fit = fit_gamma_gamma(x[few], m[few], np.ones(size))
        assert np.all(np.isfinite(fit.parameters))
        assert np.all(np.isfinite(fit.log_covariance))
        if fit.verdict == "converged":
            assert np.all(np.diag(fit.log_covariance) > 0.0)
            assert np.all(np.diag(fit.log_covariance) < 100.0)


def test_spend_distribution_agrees_with_simulation():
    """Spend level from its posterior, then n purchases: 200,000 draws, within 4.5 errors."""
    p, q, v, x, m, n = 3.0, 4.0, 20.0, 2, 30.0, 3
    rng = np.random.default_rng(12)
    level = rng.gamma(q + p * x, 1.0 / (v + x * m), 200_000)
    total = rng.gamma(p * n, 1.0, level.size) / level
    money = np.array([20.0, 60.0, 100.0, 200.0])
    got = spend_distribution(money, n, x, m, p, q, v)
    seen = (total[:, None] <= money).mean(axis=0)
    assert np.all(np.abs(seen - got) < 4.5 * np.sqrt(got * (1 - got) / level.size))


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.floats(0.0, 1.0), min_size=1, max_size=20),
    st.floats(0.02, 0.98),
    st.integers(0, 30),
    st.floats(0.5, 500.0),
)
def test_value_quantile_inverts_the_distribution_of_value(chances, level, x, m):
    """At the quantile the distribution function is the level, or the quantile is 0."""
    row = np.array([1.0, *chances])
    row /= row.sum()
    zero = np.zeros(1, dtype=np.intp)
    got = value_quantile(level, row[None], zero, np.array([x]), np.array([m]), *PUBLISHED)[0]
    n = np.arange(row.size)
    if row[0] >= level:
        assert got == 0.0
    else:
        assert got > 0.0
        reached = float(row @ spend_distribution(got, n, x, m, *PUBLISHED))
        assert reached == pytest.approx(level, abs=1e-4)  # hard: bumps far apart


def test_value_quantile_agrees_with_brute_force():
    """400,000 simulated windows per customer: quantiles within 1.5%, two levels, two customers."""
    rng, size = np.random.default_rng(13), 400_000
    rows = np.array([[0.3, 0.3, 0.2, 0.1, 0.1], [0.02, 0.08, 0.2, 0.3, 0.4]])
    x, m, (p, q, v) = np.array([2, 6]), np.array([30.0, 70.0]), PUBLISHED
    for level in (0.5, 0.95):
        got = value_quantile(level, rows, np.array([0, 1]), x, m, p, q, v)
        for i in range(2):
            counts = rng.choice(5, size, p=rows[i])
            rate = rng.gamma(q + p * x[i], 1.0 / (v + x[i] * m[i]), size)
            total = np.where(counts > 0, rng.gamma(np.maximum(p * counts, 1e-9)) / rate, 0.0)
            assert got[i] == pytest.approx(np.quantile(total, level), rel=0.015)
