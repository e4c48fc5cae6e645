"""Estimation of the BG/NBD model against the published estimates, and its honest ends.

FHL is Fader, Hardie & Lee (2005), Marketing Science 24(2); REF marks reference values that
were computed independently of this package.
"""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from cdnow_data import cdnow_master, cdnow_sample
from purchase_samples import bg_nbd_log_likelihood
from retention_models.errors import CannotSay
from retention_models.models import nbd
from retention_models.models.beta_dropout_likelihood import (
    fit_bg_nbd,
    log_likelihood_with_derivatives,
    log_likelihoods,
)
from retention_models.models.bg_nbd import BG_NBD
from retention_models.models.histories import count_histories
from tiers import few


def history(table):
    """Frequency, recency and T of a summary as float arrays, and a count of one per row."""
    columns = (table[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T"))
    return *columns, np.ones(len(table))


def simulated_history(size, r, alpha, a, b, rng, longest=78.0):
    """Customers who begin at different times, buy at their rate, and may leave at a purchase."""
    T = rng.uniform(0.5 * longest, longest, size)
    rate = rng.gamma(r, 1.0 / alpha, size)
    leaves = rng.beta(a, b, size) if a > 0 else np.zeros(size)
    x, t_x, clock = np.zeros(size), np.zeros(size), np.zeros(size)
    here = np.ones(size, dtype=bool)
    while here.any():
        clock[here] += rng.exponential(1.0 / np.maximum(rate[here], 1e-300))
        here &= clock <= T
        x[here] += 1
        t_x[here] = clock[here]
        here &= rng.random(size) >= leaves
    return x, t_x, T, np.ones(size)


def central_differences(function, phi, step):
    """Derivatives of a function of a vector, one central difference per direction."""
    columns = []
    for i in range(phi.size):
        shift = np.zeros(phi.size)
        shift[i] = step
        up, down = np.asarray(function(phi + shift)), np.asarray(function(phi - shift))
        columns.append((up - down) / (2 * step))
    return np.stack(columns, axis=-1)


@pytest.fixture(scope="module")
def cdnow_fit():
    """The fit of the CDNOW sample."""
    return fit_bg_nbd(*history(cdnow_sample()))


def nbd_log_likelihood_with_derivatives(phi, x, T, counts):
    """Of the NBD, which takes counted histories; recency does not matter to it."""
    return nbd.log_likelihood_with_derivatives(phi, count_histories(x, 0.0 * T, T, counts))


def test_estimates_of_the_cdnow_sample(cdnow_fit):
    """FHL: r .2425945, α 4.4136, a .79292, b 2.42590 (REF)."""
    published = [0.2425945, 4.4136, 0.79292, 2.42590]
    assert np.all(np.abs(cdnow_fit.parameters - published) < [6e-8, 5e-5, 5e-6, 1e-5])
    assert cdnow_fit.verdict == "converged"


def test_standard_errors_of_the_cdnow_sample(cdnow_fit):
    """SE .01256, .37822, .18573, .70541 (REF)."""
    errors = np.sqrt(np.diag(cdnow_fit.covariance))
    assert errors == pytest.approx([0.01256, 0.37822, 0.18573, 0.70541], abs=6e-6)


def test_log_likelihood_of_the_cdnow_sample(cdnow_fit):
    """LL −9582.4292 (FHL), plain, time in unscaled weeks."""
    assert cdnow_fit.log_likelihood == pytest.approx(-9582.4292, abs=5e-5)


def test_covariance_of_r_and_alpha_of_the_cdnow_sample(cdnow_fit):
    """.003706, where lifetimes has .0674 on one side and .0002 on the other (REF)."""
    assert cdnow_fit.covariance[0, 1] == pytest.approx(0.003706, abs=5e-7)
    assert cdnow_fit.covariance[1, 0] == pytest.approx(0.003706, abs=5e-7)


def test_fit_of_the_cdnow_master():
    """Estimates r .25162, α 4.78895, a .72343, b 2.16109, LL −95368.444 (REF)."""
    fit = fit_bg_nbd(*history(cdnow_master()))
    assert fit.parameters == pytest.approx([0.25162, 4.78895, 0.72343, 2.16109], abs=1e-5)
    assert fit.log_likelihood == pytest.approx(-95368.444, abs=5e-4)


@pytest.mark.parametrize(
    ("table", "predicted", "actual", "error"),
    [(cdnow_sample, 1653.4, 1882, 0.7855), (cdnow_master, 16873.7, 19684, 0.8187)],
)
def test_holdout_of_cdnow(table, predicted, actual, error):
    """39 weeks ahead: predicted, actual and mean absolute error of REF."""
    cdnow = table()
    x, t_x, T, n = history(cdnow)
    expected = BG_NBD.conditional_expected_purchases(
        39.0, x, t_x, T, *fit_bg_nbd(x, t_x, T, n).parameters
    )
    holdout = cdnow["frequency_holdout"].to_numpy()
    assert holdout.sum() == actual
    assert expected.sum() == pytest.approx(predicted, abs=0.05)
    assert np.abs(expected - holdout).mean() == pytest.approx(error, abs=5e-5)


@pytest.mark.parametrize(
    ("x", "t_x", "published", "digit"), [(0, 0, -0.59947382, 1e-8), (200, 38, 100.7957, 1e-4)]
)
def test_log_likelihood_of_one_customer(x, t_x, published, digit):
    """Hardie, note 027: r .25, α 4, a .8, b 2.5, T 40, where a naive program overflows."""
    row = (np.array([value], dtype=float) for value in (x, t_x, 40, 1))
    value, _, _ = bg_nbd_log_likelihood(np.log([0.25, 4.0, 0.8, 2.5]), *row)
    assert value == pytest.approx(published, abs=0.5 * digit)


def test_log_likelihood_agrees_with_the_published_formula_in_fifty_digits():
    """FHL (6) customer by customer, as printed."""
    rng = np.random.default_rng(11)
    x, t_x, T, n = simulated_history(60, 0.8, 5.0, 0.6, 2.0, rng)
    theta = [0.7, 6.0, 0.5, 1.5]
    with mpmath.workdps(50):
        r, alpha, a, b = (mpmath.mpf(value) for value in theta)
        total = mpmath.mpf(0)
        for k, last, end in zip(x.astype(int).tolist(), t_x.tolist(), T.tolist(), strict=True):
            front = mpmath.gamma(r + k) * alpha**r / mpmath.gamma(r)
            here = mpmath.beta(a, b + k) / mpmath.beta(a, b) / (alpha + end) ** (r + k)
            gone = mpmath.mpf(0)
            if k > 0:
                gone = mpmath.beta(a + 1, b + k - 1) / mpmath.beta(a, b) / (alpha + last) ** (r + k)
            total += mpmath.log(front * (here + gone))
    value, _, _ = bg_nbd_log_likelihood(np.log(theta), x, t_x, T, n)
    assert value == pytest.approx(float(total), rel=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_derivatives_agree_with_central_differences(seed):
    """Gradient from the value and Hessian from the gradient, on random data and parameters."""
    rng = np.random.default_rng(seed)
    x, t_x, T, _ = simulated_history(50, 0.8, 5.0, 0.6, 2.0, rng)
    counts = rng.integers(1, 5, x.size).astype(float)
    phi = rng.normal(0.0, 1.0, 4) + np.array([0.0, 2.0, 0.0, 0.0])
    _, gradient, hessian = bg_nbd_log_likelihood(phi, x, t_x, T, counts)
    slope = central_differences(lambda p: bg_nbd_log_likelihood(p, x, t_x, T, counts)[0], phi, 1e-5)
    bend = central_differences(lambda p: bg_nbd_log_likelihood(p, x, t_x, T, counts)[1], phi, 1e-5)
    assert gradient == pytest.approx(slope, rel=1e-6, abs=1e-5)
    assert hessian == pytest.approx(bend, rel=1e-6, abs=1e-5)


@pytest.mark.parametrize(("first", "every"), [(0, 1), (1, 1), (0, 3), (1, 3)])
def test_the_value_alone_is_that_with_derivatives(first, every):
    """For both models, also of every third row only."""
    table = cdnow_sample()
    x, t_x, T = (table[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T"))
    known = count_histories(x, t_x, T)
    phi = np.log([0.3, 5.0, 0.8, 2.0])
    alone = log_likelihoods(np.array([phi + 1.0, phi]), known, first=first, every=every)[1]
    both = log_likelihood_with_derivatives(phi, known, first=first, every=every)
    assert alone == pytest.approx(both[0], rel=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_derivatives_of_the_limit_agree_with_central_differences(seed):
    """The same for the NBD."""
    rng = np.random.default_rng(seed)
    x, _, T, _ = simulated_history(50, 0.8, 5.0, 0.0, 1.0, rng)
    counts = rng.integers(1, 5, x.size).astype(float)
    phi = rng.normal(0.0, 1.0, 2)
    _, gradient, hessian = nbd_log_likelihood_with_derivatives(phi, x, T, counts)
    slope = central_differences(
        lambda p: nbd_log_likelihood_with_derivatives(p, x, T, counts)[0], phi, 1e-5
    )
    bend = central_differences(
        lambda p: nbd_log_likelihood_with_derivatives(p, x, T, counts)[1], phi, 1e-5
    )
    assert gradient == pytest.approx(slope, rel=1e-6, abs=1e-5)
    assert hessian == pytest.approx(bend, rel=1e-6, abs=1e-5)


def test_likelihood_approaches_that_of_the_limit_as_dropout_vanishes():
    """The limit a → 0 gives the NBD, so the two log-likelihoods compare."""
    x, t_x, T, n = simulated_history(200, 0.8, 5.0, 0.0, 1.0, np.random.default_rng(3))
    full, _, _ = bg_nbd_log_likelihood(np.log([0.8, 5.0, 1e-10, 1.0]), x, t_x, T, n)
    limit, _, _ = nbd_log_likelihood_with_derivatives(np.log([0.8, 5.0]), x, T, n)
    assert full == pytest.approx(limit, abs=1e-5)


@pytest.mark.parametrize("b", [1e4, 1e7, 5.7e8, 1e11])
def test_likelihood_keeps_its_digits_where_everybody_leaves_alike(b):
    """At large b, ln (b)_x/(a+b)_x is −Σ ln(1 + a/(b+i)): the NBD's likelihood, less very little.

    Rounding there must not pass for a log-likelihood won, or the fit chases it.
    """
    x, _, T, n = simulated_history(3_000, 1.2, 8.0, 0.0, 1.0, np.random.default_rng(8))
    t_x, a = np.where(x > 0, T, 0.0), 0.0145
    value, _, _ = bg_nbd_log_likelihood(np.log([1.2, 8.0, a, b]), x, t_x, T, n)
    limit, _, _ = nbd_log_likelihood_with_derivatives(np.log([1.2, 8.0]), x, T, n)
    stay = np.concatenate([[0.0], np.cumsum(-np.log1p(a / (b + np.arange(x.max()))))])
    left = np.log1p(a / (b + x - 1.0)) * (x > 0)
    expected = limit + float((stay[x.astype(int)] + left).sum())
    assert value == pytest.approx(expected, rel=0, abs=1e-6)


def test_true_parameters_are_recovered():
    """20,000 customers of known parameters: each estimate within four standard errors."""
    truth = np.array([0.9, 6.0, 0.6, 2.0])
    fit = fit_bg_nbd(*simulated_history(20_000, *truth, np.random.default_rng(2005)))
    assert fit.verdict == "converged"
    away = np.log(fit.parameters) - np.log(truth)
    assert np.all(np.abs(away) < 4 * np.sqrt(np.diag(fit.log_covariance)))


def test_counts_stand_for_repeated_rows():
    """A row counted three times is three customers."""
    x, t_x, T, _ = history(cdnow_sample().head(400))
    counts = np.random.default_rng(4).integers(1, 4, x.size)
    weighted = fit_bg_nbd(x, t_x, T, counts.astype(float))
    rows = np.repeat(np.arange(x.size), counts)
    repeated = fit_bg_nbd(x[rows], t_x[rows], T[rows], np.ones(rows.size))
    assert weighted.parameters == pytest.approx(repeated.parameters, rel=1e-6)
    assert weighted.log_likelihood == pytest.approx(repeated.log_likelihood, rel=1e-12)
    assert weighted.customers == rows.size


@pytest.mark.parametrize("factor", [7.0, 1.0 / 365.25, 604_800.0])
@pytest.mark.parametrize("penalty", [0.0, 0.01])
def test_fit_does_not_depend_on_the_unit_of_time(penalty, factor):
    """Weeks, days, years, seconds: r, a, b stay, α scales, predictions stay; penalised or not."""
    x, t_x, T, n = history(cdnow_sample().head(600))
    weeks = fit_bg_nbd(x, t_x, T, n, penalty=penalty)
    other = fit_bg_nbd(x, factor * t_x, factor * T, n, penalty=penalty)
    scaled = weeks.parameters * [1.0, factor, 1.0, 1.0]
    assert other.parameters == pytest.approx(scaled, rel=1e-5)
    before = BG_NBD.conditional_expected_purchases(39.0, x, t_x, T, *weeks.parameters)
    after = BG_NBD.conditional_expected_purchases(
        factor * 39.0, x, factor * t_x, factor * T, *other.parameters
    )
    assert after == pytest.approx(before, rel=1e-5)


def test_penalty_pulls_a_small_shop_to_finite_parameters():
    """10 customers, penalised: an ordinary maximum with every parameter of moderate size."""
    for seed in range(10):
        few = cdnow_sample().sample(10, random_state=seed)
        if (few["frequency"] > 0).any():
            fit = fit_bg_nbd(*history(few), penalty=0.01)
            assert fit.verdict == "converged"
            assert np.all(np.abs(np.log(fit.parameters)) < 7.0)


@pytest.mark.parametrize("seed", range(5))
def test_shop_without_dropout_is_the_limit_and_says_so(seed):
    """Simulated without dropout: a = 0 at a boundary, r and α near the truth, or a all but 0."""
    fit = fit_bg_nbd(*simulated_history(4_000, 1.2, 8.0, 0.0, 1.0, np.random.default_rng(seed)))
    r, alpha, a, b = fit.parameters
    assert fit.verdict in {"boundary", "not identified"}
    assert a / (a + b) < 0.002
    assert a == 0.0 or a / (a + b) > 1e-7  # a dropout that cannot be seen is called none
    assert r == pytest.approx(1.2, rel=0.15)
    assert alpha == pytest.approx(8.0, rel=0.15)


def test_shop_without_dropout_has_a_equal_to_zero():
    """Nobody silent for long: verdict "boundary", a == 0 and two free parameters."""
    x, _, T, n = simulated_history(3_000, 1.2, 8.0, 0.0, 1.0, np.random.default_rng(8))
    fit = fit_bg_nbd(x, np.where(x > 0, T, 0.0), T, n)
    assert fit.verdict == "boundary"
    assert fit.parameters[2] == 0.0
    assert fit.parameters[0] == pytest.approx(1.2, rel=0.15)
    assert fit.parameters[1] == pytest.approx(8.0, rel=0.15)
    assert fit.free_parameters == 2
    assert "no dropout" in fit.message


def test_shop_whose_customers_all_leave_alike_is_named():
    """One dropout probability for all, .3: a boundary, or a mean dropout close to it."""
    rng = np.random.default_rng(31)
    fit = fit_bg_nbd(*simulated_history(3_000, 1.2, 4.0, 3e7, 7e7, rng))
    _, _, a, b = fit.parameters
    assert a / (a + b) == pytest.approx(0.3, abs=0.03)
    assert a + b > 5.0
    if a + b > 1e3:
        assert fit.verdict == "boundary"
        assert "same probability" in fit.message


def test_nobody_who_bought_again_is_an_error_that_says_so():
    """Every x = 0, where lifetimes "succeeds" with NaN standard errors (REF)."""
    T = np.array([10.0, 20.0, 30.0])
    with pytest.raises(CannotSay, match="None of the 3 customers has bought a second time"):
        fit_bg_nbd(np.zeros(3), np.zeros(3), T, np.ones(3))


@pytest.mark.slow
@pytest.mark.parametrize("size", [10, 30])
def test_a_handful_of_customers_never_passes_for_more(size):
    """40 subsets of CDNOW: no error, nothing infinite, and "converged" only with finite errors."""
    for seed in range(40):
        few = cdnow_sample().sample(size, random_state=1_000 * size + seed)
        if not (few["frequency"] > 0).any():
            continue
        fit = fit_bg_nbd(*history(few))
        assert np.all(np.isfinite(fit.parameters))
        assert np.all(np.isfinite(fit.log_covariance))
        if fit.verdict == "converged":
            assert np.all(np.diag(fit.log_covariance) > 0.0)
            assert np.all(np.diag(fit.log_covariance) < 400.0)
            assert fit.parameters[2] + fit.parameters[3] < 1e3


@pytest.mark.parametrize("size", few(1, [10, 30]))
def test_predictions_of_a_handful_of_customers_are_numbers(size):
    """At whatever limit such a fit ends: 0 ≤ E ≤ the rate of somebody who never leaves."""
    for seed in range(20):
        few = cdnow_sample().sample(size, random_state=1_000 * size + seed)
        if not (few["frequency"] > 0).any():
            continue
        x, t_x, T, n = history(few)
        fit = fit_bg_nbd(x, t_x, T, n)
        got = BG_NBD.conditional_expected_purchases(52.0, x, t_x, T, *fit.parameters)
        most = (fit.parameters[0] + x) / (fit.parameters[1] + T) * 52.0
        assert np.all(got >= 0.0)
        assert np.all(got <= most * (1 + 1e-6))


def test_counted_histories_are_the_rows_they_came_from():
    """Long ages and many purchases: keys beyond 32 bits, and beyond 64, count the same rows."""
    rng = np.random.default_rng(12)
    for most, oldest in ((3, 60), (4_000, 9_000), (10**7, 4 * 10**6)):
        x = rng.integers(0, 3, 400) * (most // 2)
        T = rng.integers(1, oldest, 400)
        t_x = np.where(x > 0, T // 2, 0)
        table = np.concatenate([np.column_stack([x, t_x, T])] * 2).astype(float)
        known = count_histories(*table.T)
        found = np.column_stack(known.rows())
        wanted, counts = np.unique(table, axis=0, return_counts=True)
        assert known.customers == 800
        assert sorted(map(tuple, found)) == sorted(map(tuple, np.column_stack([wanted, counts])))
