"""The models of regular buyers against mpmath, quadrature, simulation and the models they extend."""

from __future__ import annotations

import json
from functools import partial

import mpmath
import numpy as np
import pandas as pd
import pytest
from scipy import integrate, special, stats

import retention_models as rm
from purchase_samples import cdnow_sample, central_differences, some_customers
from regular_shops import box_shop, erlang_shop
from retention_models.errors import SettingsError
from retention_models.models import beta_dropout_likelihood
from retention_models.models.bg_nbd import BG_NBD
from retention_models.models.fitters import as_lapsed
from retention_models.models.gaps import gap_quantile
from retention_models.models.histories import count_histories, known_customers
from retention_models.models.intervals import count_moments
from retention_models.models.mbg_nbd import MBG_NBD
from retention_models.models.regular.fit import fit_phases, fit_regular, in_phases
from retention_models.models.regular.likelihood import log_likelihood_with_derivatives
from retention_models.models.regular.model import BetaGeometricCNBD, ModifiedBetaGeometricCNBD
from retention_models.models.regular.phases import (
    _in_closed_form,
    beta_nodes,
    discounted_by_phase,
    expected_by_phase,
)
from tiers import sized

THETA = (0.8, 1.7, 0.7, 2.2)
# Customers that are new, middling, heavy, alike in leaving, hardly leaving, or never leaving.
WORTH = (
    (0.5, 3.0, 0.7, 2.0),
    (20.0, 30.0, 0.7, 2.0),
    (200.0, 100.0, 0.05, 0.2),
    (30.0, 12.0, 500.0, 1500.0),
    (8.0, 20.0, 1e5, 1e6),
    (8.0, 20.0, 0.0, 1.0),
)
every_k = pytest.mark.parametrize("k", [2, 3, 12, 40, 256])


def columns(*values):
    """Numbers as columns of one row."""
    return [np.array([float(value)]) for value in values]


def one_log_likelihood(k, first, theta, x, t_x, T):
    """The log-likelihood of one customer without the part of its gaps."""
    known = count_histories(*columns(x, t_x, T))
    phi, phases = np.log(theta), in_phases(known, k)
    return log_likelihood_with_derivatives(phi, known, phases, k=k, first=first)[0]


def likelihood_in_mpmath(k, first, theta, x, t_x, T):
    """∫∫ of λ^(kx) e^(−λ t_x) · [(1−p)^(x+m) Σ_j (λ(T−t_x))^j/j! e^(−λ(T−t_x)) + p (1−p)^(x+m−1)]."""
    r, alpha, a, b = (mpmath.mpf(value) for value in theta)
    t_x, T = mpmath.mpf(t_x), mpmath.mpf(T)

    def over_rate(power, time):
        return alpha**r / mpmath.gamma(r) * mpmath.gamma(r + power) / (alpha + time) ** (r + power)

    stays = sum(
        over_rate(k * x + j, T) * (T - t_x) ** j / mpmath.factorial(j) for j in range(k)
    ) * (mpmath.beta(a, b + x + first) / mpmath.beta(a, b))
    left = 0
    if x + first:
        left = mpmath.beta(a + 1, b + x + first - 1) / mpmath.beta(a, b) * over_rate(k * x, t_x)
    return stays, left


@every_k
@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize(
    ("x", "t_x", "T"), [(0, 0.0, 38.86), (1, 2.0, 2.0), (4, 30.43, 38.86), (50, 35.0, 36.5)]
)
def test_likelihood_and_p_alive_match_their_formula_in_mpmath(k, first, x, t_x, T):
    """With gamma functions at 60 digits."""
    with mpmath.workdps(60):
        stays, left = likelihood_in_mpmath(k, first, THETA, x, t_x, T)
        log_likelihood, alive = float(mpmath.log(stays + left)), float(stays / (stays + left))
    found = one_log_likelihood(k, first, THETA, x, t_x, T)
    assert found == pytest.approx(log_likelihood, rel=1e-11, abs=1e-11)
    model = (BetaGeometricCNBD, ModifiedBetaGeometricCNBD)[first](k)
    assert model.probability_alive(x, t_x, T, *THETA) == pytest.approx(alive, rel=1e-10)


def test_the_likelihood_is_that_of_erlang_gaps():
    """One customer's three gaps: Erlang densities integrated over λ and p by Gauss' rules."""
    k, gaps, T, (r, alpha, a, b) = 3, np.array([2.0, 3.5, 2.5]), 11.0, THETA
    y, of_p = special.roots_jacobi(40, b - 1.0, a - 1.0)
    p, of_p = (1.0 + y) / 2.0, of_p / of_p.sum()
    rate, of_rate = special.roots_genlaguerre(90, r - 1.0)
    rate, of_rate = (rate / alpha)[:, None], (of_rate / of_rate.sum())[:, None]
    one = np.prod(stats.gamma.pdf(gaps, k, scale=1.0 / rate), axis=1, keepdims=True)
    silent = stats.gamma.sf((T - gaps.sum()) * rate, k)
    chance = (of_rate * of_p * one * ((1 - p) ** 3 * silent + p * (1 - p) ** 2)).sum()
    found = one_log_likelihood(k, 0, THETA, 3, 8.0, 11.0)
    found += (k - 1) * np.log(gaps).sum() - 3 * np.log(2.0)
    assert found == pytest.approx(np.log(chance), abs=1e-9)


@every_k
@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("theta", [THETA, (9.0, 3.0, 2.0, 30.0), (0.8, 1.7)])
def test_derivatives_match_central_differences(k, first, theta):
    """Gradient and Hessian, with dropout and in the limit without."""
    known = count_histories(*some_customers())
    phases = in_phases(known, k)

    def value(phi):
        return log_likelihood_with_derivatives(phi, known, phases, k=k, first=first)

    phi = np.log(theta)
    _, gradient, hessian = value(phi)
    by_value, by_gradient = central_differences(value, phi)
    np.testing.assert_allclose(gradient, by_value, atol=1e-7 * np.abs(hessian).max())
    np.testing.assert_allclose(hessian, by_gradient, atol=1e-7 * np.abs(hessian).max())


@pytest.mark.parametrize(
    ("model", "plain"),
    [(BetaGeometricCNBD(1), BG_NBD), (ModifiedBetaGeometricCNBD(1), MBG_NBD)],
)
def test_one_phase_is_the_plain_model(model, plain):
    """Likelihood, P(alive), expectations, counts, discounting, quantiles of gaps and fit, to 1e-12."""
    history, first = some_customers(), model.first
    known = count_histories(*history)
    phi = np.log(THETA)
    ours = log_likelihood_with_derivatives(phi, known, known, k=1, first=first)
    theirs = beta_dropout_likelihood.log_likelihood_with_derivatives(phi, known, first=first)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)
    for name, given in (
        ("probability_alive", history),
        ("conditional_expected_purchases", (26.0, *history)),
        ("conditional_discounted_purchases", (26.0, 0.002, *history)),
        ("conditional_discounted_purchases", (np.inf, 0.002, *history)),
        ("conditional_count_probabilities", (26.0, *history)),
        ("expected_purchases", (39.0,)),
        ("purchase_count_probability", (np.arange(9), 39.0)),
    ):
        one, other = (getattr(each, name)(*given, *THETA) for each in (model, plain))
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12, err_msg=name)
    for name in ("states", "states_of_lapsed"):
        ((_, one),), ((_, other),) = (
            getattr(each, name)(*history, *THETA) for each in (model, plain)
        )
        for ours, theirs in zip(one[:4], other, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    gaps = [each.gap_quantile(0.9, *history, *THETA) for each in (model, plain)]
    np.testing.assert_array_equal(*gaps)
    fits = [each.fit(*history) for each in (model, plain)]
    np.testing.assert_array_equal(fits[0].parameters, fits[1].parameters)


def test_phases_of_one_in_the_sums_by_phase_are_the_plain_model_too():
    """The general sums at k = 1, which the model does not use there."""
    r, alpha, a, b = columns(*THETA)
    for t in (0.5, 26.0, 400.0):
        found = expected_by_phase(1, np.array([t]), r, alpha, a, b)[0, 0]
        assert found == pytest.approx(float(BG_NBD.expected_purchases(t, *THETA)), rel=1e-12)
        found = discounted_by_phase(1, t, 0.01, r, alpha, a, b)[0, 0]
        wanted = float(BG_NBD.discounted_purchases(t, 0.01, *THETA))
        assert found == pytest.approx(wanted, rel=1e-11)


@every_k
@pytest.mark.parametrize("worth", WORTH)
@pytest.mark.parametrize("density", [False, True])
def test_sums_over_purchases_are_the_closed_form_over_p(k, worth, density):
    """Two routes to expected purchases by phase: a series, and partial fractions of the transform."""
    t = np.array([5.0, 50.0])
    rows = [np.full(2, value) for value in worth]
    series = expected_by_phase(k, t, *rows, density=density)
    closed = _in_closed_form(k, t, *worth, density=density)
    # Where it is next to nothing, the closed form has cancelled.
    np.testing.assert_allclose(series, closed, rtol=1e-9, atol=2e-12)


@pytest.mark.parametrize("k", [2, 5])
@pytest.mark.parametrize("j", [0, 1])
def test_expected_purchases_match_their_sum_in_mpmath(k, j):
    """Σ_n (b)_(n−1)/(a+b)_(n−1) · P(NB ≥ nk − j), at 30 digits, to the last term that counts."""
    r, alpha, a, b, t = 3.0, 4.0, 0.7, 2.0, 6.0
    with mpmath.workdps(30):
        z, total, stays = mpmath.mpf(t) / (alpha + t), mpmath.mpf(0), mpmath.mpf(1)
        for n in range(1, 120):
            total += stays * mpmath.betainc(n * k - j, r + j, 0, z, regularized=True)
            stays *= (b + n - 1) / (a + b + n - 1)
    found = expected_by_phase(k, *columns(t, r, alpha, a, b))[0, j]
    assert found == pytest.approx(float(total), rel=1e-12)


@every_k
@pytest.mark.parametrize("worth", WORTH)
def test_discounted_purchases_are_the_integral_of_discounted_ones(k, worth):
    """e^(−δH)·E(H) + δ∫e^(−δt)E(t) dt by 2,000 panels, and an endless horizon that is merely long."""
    horizon, rate = 40.0, 0.02
    rows = columns(*worth)
    edges = np.concatenate([[0.0], np.geomspace(1e-5, 1.0, 700)]) * horizon
    nodes, weights = np.polynomial.legendre.leggauss(4)
    lengths = np.diff(edges)[:, None]
    t = (edges[:-1, None] + lengths * (nodes + 1.0) / 2.0).ravel()
    dt = (lengths * weights / 2.0).ravel()
    each = expected_by_phase(k, t, *(np.full(t.size, value) for value in worth))
    wanted = rate * ((dt * np.exp(-rate * t)) @ each)
    wanted += np.exp(-rate * horizon) * expected_by_phase(k, np.array([horizon]), *rows)[0]
    found = discounted_by_phase(k, horizon, rate, *rows)[0]
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-13)
    if k <= 12:
        endless = discounted_by_phase(k, np.inf, 0.1, *rows)[0]
        long = discounted_by_phase(k, 449.0, 0.1, *rows)[0]
        np.testing.assert_allclose(long, endless, rtol=1e-9)


@pytest.mark.parametrize(("a", "b"), [(0.02, 0.5), (0.7, 2.0), (40.0, 3.0), (1e5, 1e6)])
def test_nodes_of_the_beta_distribution_have_its_moments(a, b):
    """E p, E (1−p)³ and E 1/(ε + p) in closed form or by mpmath."""
    p, q, weights = beta_nodes(a, b)
    assert weights @ p == pytest.approx(a / (a + b), rel=1e-11)
    cube = b * (b + 1) * (b + 2) / ((a + b) * (a + b + 1) * (a + b + 2))
    assert weights @ q**3 == pytest.approx(cube, rel=1e-11)
    y = 0.999
    wanted = float(mpmath.hyp2f1(1, b, a + b, y))
    assert weights @ (1.0 / (1.0 - y * q)) == pytest.approx(wanted, rel=1e-10)


@pytest.mark.parametrize("kind", [BetaGeometricCNBD, ModifiedBetaGeometricCNBD])
@pytest.mark.parametrize("k", [2, 4, 20])
def test_counts_sum_to_one_and_have_the_expected_mean(kind, k):
    """Of new and known customers; the bound of the tail holds."""
    model, history = kind(k), some_customers()
    chances = model.conditional_count_probabilities(30.0, *history, *THETA, tail=1e-12)
    np.testing.assert_allclose(chances.sum(axis=1), 1.0, atol=1e-10)
    expected = model.conditional_expected_purchases(30.0, *history, *THETA)
    np.testing.assert_allclose(
        chances @ np.arange(chances.shape[1]), expected, rtol=1e-8, atol=1e-10
    )
    n = np.arange(400)
    new = model.purchase_count_probability(n, 30.0, *THETA)
    assert new @ n == pytest.approx(float(model.expected_purchases(30.0, *THETA)), rel=1e-9)
    tails = new[::-1].cumsum()[::-1]
    assert np.all(tails <= model.most(n, 30.0, *THETA) + 1e-12)
    single = model.conditional_count_probability(2, 30.0, *history, *THETA)
    np.testing.assert_allclose(chances[:, 2], single, rtol=1e-9)


@pytest.mark.parametrize("k", [2, 6])
def test_simulated_customers_buy_what_is_expected(k):
    """Of a new customer and one who has waited: means and chances of 0 within 4.5 standard errors."""
    bg, mbg = BetaGeometricCNBD(k), ModifiedBetaGeometricCNBD(k)
    ends = np.array([4.0, 15.0])
    ((_, waited),) = mbg.states(3.0, 7.0, 9.0, *THETA)
    for model, worth in ((bg, THETA), (mbg, THETA), (bg, waited)):
        rows = np.broadcast_arrays(np.ones(100_000), *worth)[1:]
        for end, counts in zip(
            ends, model.simulate(ends, np.random.default_rng(1), *rows), strict=True
        ):
            error = counts.std() / np.sqrt(counts.size)
            assert abs(counts.mean() - model.expected_purchases(end, *worth)) < 4.5 * error
            none = float(model.purchase_count_probability(0, end, *worth))
            error = np.sqrt(none * (1.0 - none) / counts.size)
            assert abs((counts == 0).mean() - none) < 4.5 * error


def test_the_future_of_those_alive_is_that_of_simulated_ones_with_their_history():
    """Of customers with three purchases, the last in (7.9, 8.1), seen till 10: how many are alive."""
    shop = erlang_shop(3, 400_000, 3, (4.0, 3.0, 1.0, 4.0), 10.0, first=1)
    same = (shop.x == 3) & (shop.t_x > 7.9) & (shop.t_x < 8.1)
    assert same.sum() > 1_000
    found = ModifiedBetaGeometricCNBD(3).probability_alive(3, 8.0, 10.0, 4.0, 3.0, 1.0, 4.0)
    error = np.sqrt(found * (1 - found) / same.sum())
    assert abs(shop.alive[same].mean() - found) < 4.5 * error


def test_known_customers_and_the_interface_agree():
    """Cells by recency: what is expected of them, and moments of their counts."""
    model, theta = ModifiedBetaGeometricCNBD(5), np.array(THETA)
    x, t_x, T = some_customers()
    known = known_customers(x, t_x, T, by_recency=model.recency_counts)
    new = partial(model.alive.expected_purchases, 15.0)
    expected = model.of_alive(new, x, t_x, T, *theta)
    np.testing.assert_allclose(
        known.expected(model, theta, 15.0)[known.cell[known.row]], expected, rtol=1e-12
    )
    _, mean, _ = count_moments(model, theta, known, 15.0)
    np.testing.assert_allclose(mean[known.cell[known.row]], expected, rtol=1e-7)


@pytest.mark.parametrize("k", [2, 9, 40])
def test_a_gap_is_longer_than_its_quantile_as_often_as_the_posterior_says(k):
    """Erlang's survival averaged over λ's posterior on the day of the last purchase, by quadrature."""
    gap = float(gap_quantile(0.9, 5, 20.0, 2.0, 3.0, k))
    posterior = stats.gamma(2.0 + 5 * k, scale=1.0 / 23.0)
    low, high = posterior.ppf([1e-13, 1.0 - 1e-13])
    longer, _ = integrate.quad(
        lambda rate: posterior.pdf(rate) * stats.gamma.sf(gap * rate, k), low, high, epsabs=1e-12
    )
    assert longer == pytest.approx(0.1, abs=1e-9)


@pytest.mark.parametrize("first", [0, 1])
def test_the_number_of_phases_and_the_parameters_are_recovered(first):
    """4,000 customers with three phases, by moments and by days: k, and the truth in 99.9% intervals."""
    truth = np.array([2.0, 1.5, 0.6, 3.0])
    for day in (None, 1.0 / 7.0):
        T = np.round(np.random.default_rng(1).uniform(20.0, 52.0, 4_000) * 7.0) / 7.0
        shop = erlang_shop(2 + first, 4_000, 3, truth, T, first=first, day=day)
        known = count_histories(shop.x, shop.t_x, shop.T)
        found = fit_phases(known, shop.log_gaps, first=first)
        assert found.k == 3
        assert found.fit.verdict == "converged"
        errors = np.sqrt(np.diag(found.fit.log_covariance))
        assert np.all(np.abs(np.log(found.fit.parameters / truth)) < 3.3 * errors)
        assert found.profile[3] == max(found.profile.values()) == found.fit.log_likelihood


def test_rows_with_counts_are_customers():
    """Distinct rows and how many have each tell the same as the customers one by one."""
    shop = erlang_shop(5, 500, 4, (3.0, 3.0, 0.5, 3.0), 20.0, first=1, day=1.0)
    table = pd.DataFrame({"x": shop.x, "t_x": shop.t_x, "T": shop.T})
    rows = table.groupby(["x", "t_x", "T"]).size().reset_index(name="n")
    whole = fit_regular(count_histories(shop.x, shop.t_x, shop.T), shop.log_gaps, k=4, first=1)
    counted = count_histories(
        *(rows[name].to_numpy() for name in ("x", "t_x", "T")), rows["n"].to_numpy(float)
    )
    few = fit_regular(counted, shop.log_gaps, k=4, first=1)
    np.testing.assert_allclose(few.parameters, whole.parameters, rtol=1e-7)
    assert few.log_likelihood == pytest.approx(whole.log_likelihood, rel=1e-12)


def test_a_shop_that_nobody_leaves_is_called_so():
    """No dropout (a = 0), what dropout the data allow all the same, and P(alive) 1."""
    shop = erlang_shop(4, 1_500, 4, (6.0, 4.0, 1e-6, 1.0), 30.0, first=0)
    found = fit_regular(count_histories(shop.x, shop.t_x, shop.T), shop.log_gaps, k=4, first=0)
    assert found.verdict == "boundary"
    assert "nobody leaves for good" in found.message
    assert found.parameters[2] == 0.0
    assert found.allowed[:, 2].max() < 0.01 * found.allowed[:, 3].max()
    alive = BetaGeometricCNBD(4).probability_alive(shop.x, shop.t_x, shop.T, *found.parameters)
    assert np.all(alive == 1.0)


@pytest.mark.slow
def test_a_box_that_was_missed_twice_was_the_last():
    """A subscription shop: those still with it, nobody due before 24 days, and two missed boxes."""
    for seed in range(sized(1, 20)):
        shop = box_shop(seed)
        summary = shop.summary()
        history = (summary["frequency"], summary["recency"], summary["T"])
        fitter = rm.ModifiedBetaGeoCNBDFitter().fit(*history, log_gaps=shop.log_gaps)
        assert fitter.regularity_.regular
        assert fitter.k_ > 100
        alive = fitter.conditional_probability_alive(*history)
        missed = (shop.T - shop.t_x > 60.0) & (shop.x > 0)
        assert missed.any()
        assert alive[missed].max() < 0.01
        # P(alive) of who is due is a coin's: the sum is off by as much as they are.
        error = np.sqrt((alive * (1.0 - alive)).sum())
        assert abs(alive.sum() - shop.alive.sum()) < 4.0 * max(error, 2.0)
        assert abs(alive[shop.x == 0].sum() - shop.alive[shop.x == 0].sum()) < 6.0
        due = fitter.model.gap_quantile(
            0.05, shop.x[shop.x > 1], shop.t_x[shop.x > 1], 0.0, *fitter.fit_.parameters
        )
        assert due.min() > 24.0


def test_the_plain_variant_says_nothing_of_one_time_buyers():
    """BG: P(alive) = 1 at x = 0 by construction; MBG: it falls with every box that does not come."""
    bg, mbg = BetaGeometricCNBD(9), ModifiedBetaGeometricCNBD(9)
    theta = (20.0, 66.0, 1.0, 9.0)
    waits = np.array([1.0, 25.0, 60.0, 120.0])
    assert np.all(bg.probability_alive(0, 0.0, waits, *theta) == 1.0)
    found = mbg.probability_alive(0, 0.0, waits, *theta)
    assert found[0] == pytest.approx(0.9, abs=1e-6)
    assert np.all(np.diff(found) < 0.0)
    assert found[-1] < 0.05


@pytest.mark.parametrize("fitter", [rm.BetaGeoCNBDFitter, rm.ModifiedBetaGeoCNBDFitter])
def test_a_fit_is_saved_as_json_with_its_phases(fitter, tmp_path):
    """Parameters, k and predictions; by the fitter, by `from_json`, and by files."""
    shop = erlang_shop(7, 400, 4, (4.0, 3.0, 0.6, 3.0), 30.0, first=1, day=1.0)
    summary = shop.summary()
    history = (summary["frequency"], summary["recency"], summary["T"])
    fitted = fitter().fit(*history, log_gaps=shop.log_gaps)
    assert fitted.k_ in (3, 4, 5)
    again = rm.from_json(fitted.to_json())
    assert type(again) is fitter
    assert (again.k_, again.time_unit_) == (fitted.k_, "D")
    np.testing.assert_array_equal(
        again.conditional_probability_alive(*history),
        fitted.conditional_probability_alive(*history),
    )
    fitted.save_model(tmp_path / "model.json")
    loaded = fitter()
    loaded.load_model(tmp_path / "model.json")
    assert loaded.k_ == fitted.k_
    assert loaded.model.k == fitted.k_
    for bad in (0, "4", None, 4.5, True, 10**6):
        text = json.dumps({**json.loads(fitted.to_json()), "context": {"k": bad}})
        with pytest.raises(SettingsError, match="k: expected a whole number from 1"):
            rm.from_json(text)


def test_predictions_of_customers_and_stores_work_with_them():
    """Tables and totals: their sums agree and intervals hold the values."""
    shop = erlang_shop(8, 300, 4, (4.0, 3.0, 0.6, 3.0), 30.0, first=1, day=1.0)
    summary = shop.summary()
    history = (summary["frequency"], summary["recency"], summary["T"])
    fitted = rm.ModifiedBetaGeoCNBDFitter().fit(*history, log_gaps=shop.log_gaps)
    table = rm.predict_customers(fitted, None, summary, horizon=12, time_unit="D")
    expected = fitted.predict(12.0, *history)
    np.testing.assert_allclose(table["expected_purchases"], expected, rtol=1e-9)
    store = rm.predict_store(fitted, None, summary, horizon=12, time_unit="D", draws=200)
    assert store.purchases.value == pytest.approx(float(expected.sum()), rel=1e-9)
    assert store.still_customers.low < store.still_customers.value < store.still_customers.high
    by_month = fitted.discounted_by_month(2, 0.0, 6.0, *history)
    np.testing.assert_allclose(by_month, expected, rtol=1e-9)


def test_those_who_left_have_the_posterior_of_their_last_purchase():
    """λ^(kx) e^(−λ t_x) and p (1−p)^(x−1+m): what they would bring, were they customers again."""
    for model in (BetaGeometricCNBD(4), ModifiedBetaGeometricCNBD(4)):
        ((chance, (r, alpha, a, b)),) = model.states_of_lapsed(5.0, 20.0, 39.0, *THETA)
        assert chance == 1.0
        assert (r, alpha) == (THETA[0] + 20.0, THETA[1] + 20.0)
        assert (a, b) == (THETA[2] + 1.0, THETA[3] + 4.0 + model.first)
    shop = erlang_shop(8, 300, 4, (4.0, 3.0, 0.6, 3.0), 30.0, first=1, day=1.0)
    history = (shop.x, shop.t_x, shop.T)
    fitted = rm.ModifiedBetaGeoCNBDFitter().fit(*history, log_gaps=shop.log_gaps)
    lapsed = as_lapsed(fitted)
    left = lapsed.conditional_probability_alive(*history)
    np.testing.assert_allclose(left, 1.0 - fitted.conditional_probability_alive(*history))
    back = lapsed.conditional_expected_number_of_purchases_up_to_time(12.0, *history)
    assert np.all((back >= 0.0) & np.isfinite(back))


def test_new_data_are_of_the_fitted_model():
    """4,000 simulated customers have the mean frequency that the model expects."""
    x, t_x, T = cdnow_sample()
    fitted = rm.ModifiedBetaGeoCNBDFitter().fit(x, t_x, T, k=1)
    data = fitted.generate_new_data(4_000)
    wanted = fitted.expected_number_of_purchases_up_to_time(data["T"].to_numpy())
    error = data["frequency"].std() / np.sqrt(4_000)
    assert abs(data["frequency"].mean() - wanted.mean()) < 4.5 * error
    assert np.all(data["recency"] <= data["T"])
    with pytest.raises(SettingsError, match="call fit"):
        rm.BetaGeoCNBDFitter().generate_new_data()


def test_inputs_that_cannot_be_used_are_refused_by_name():
    """No sum of gaps, one in another unit, orders instead of days, k out of range, covariates."""
    shop = erlang_shop(7, 200, 4, (4.0, 3.0, 0.6, 3.0), 30.0, first=1, day=1.0)
    summary = shop.summary()
    history = (summary["frequency"], summary["recency"], summary["T"])
    fitter = rm.BetaGeoCNBDFitter()
    with pytest.raises(SettingsError, match="log_gaps: the sum of the logs"):
        fitter.fit(*history)
    in_weeks = shop.log_gaps - shop.x.sum() * np.log(7.0)
    with pytest.raises(SettingsError, match=r"log_gaps: got .* in the same unit"):
        fitter.fit(*history, log_gaps=in_weeks)
    with pytest.raises(SettingsError, match="sum of logs of at most"):
        fitter.fit(*history, log_gaps=shop.log_gaps + shop.x.sum())
    for bad in (0, 2.5, True, 1_000):
        with pytest.raises(SettingsError, match="k: expected a whole number"):
            fitter.fit(*history, log_gaps=shop.log_gaps, k=bad)
    with pytest.raises(SettingsError, match="counted by the day"):
        fitter.fit([5, 1], [3.0, 1.0], [9.0, 9.0], log_gaps=0.0)
    with pytest.raises(SettingsError, match="above 0 where customers bought again"):
        rm.regularity_test([5, 1], [3.0, 0.0], log_gaps=0.0, day=0.0)
    with pytest.raises(SettingsError, match="covariates"):
        fitter.fit(*history, log_gaps=shop.log_gaps, covariates=summary)
