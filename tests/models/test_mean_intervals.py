"""What the doubt of parameters adds: against draws of them, and at the limit without dropout."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from cdnow_data import cdnow_sample
from purchase_samples import simulate_geometric
from retention_models.models.beta_dropout_likelihood import fit_bg_nbd, fit_mbg_nbd
from retention_models.models.bg_nbd import BG_NBD
from retention_models.models.histories import known_customers
from retention_models.models.interface import PurchaseModel
from retention_models.models.intervals import mean_interval
from retention_models.models.mid_life.model import MidLife
from retention_models.models.nbd import dropout_quantiles
from retention_models.models.pareto_nbd_likelihood import fit_pareto_nbd


@pytest.fixture(scope="module")
def history():
    """Frequency, recency and T of the CDNOW sample."""
    frame = cdnow_sample()
    return tuple(frame[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T"))


@pytest.fixture(scope="module")
def steady():
    """A shop of 600 customers that nobody leaves."""
    rng = np.random.default_rng(8)
    T = rng.uniform(30.0, 60.0, 600)
    x = rng.poisson(rng.gamma(1.2, 1 / 8.0, 600) * T).astype(float)
    return x, np.where(x > 0, T, 0.0), T  # all bought to the last day


@pytest.mark.slow
def test_interval_of_a_mean_agrees_with_draws_of_the_parameters(history):
    """90% intervals of five customers' expectations: ends within 3% of 4,000 draws' quantiles."""
    fit = fit_bg_nbd(*history)
    some = [column[[0, 1, 10, 100, 1_000]] for column in history]

    def log_expected(theta):
        return np.log(BG_NBD.conditional_expected_purchases(39.0, *some, *theta))

    value, low, high = mean_interval(log_expected, fit, 0.90)
    draws = np.exp([log_expected(theta) for theta in fit.draws(4_000, np.random.default_rng(2))])
    assert value == pytest.approx(
        BG_NBD.conditional_expected_purchases(39.0, *some, *fit.parameters)
    )
    assert low == pytest.approx(np.quantile(draws, 0.05, axis=0), rel=0.03)
    assert high == pytest.approx(np.quantile(draws, 0.95, axis=0), rel=0.03)


@pytest.mark.parametrize("fit_model", [fit_bg_nbd, fit_mbg_nbd, fit_pareto_nbd])
def test_without_visible_dropout_the_draws_still_allow_some(fit_model, steady):
    """At the limit: draws with a little dropout, less of it the larger the shop."""
    small = fit_model(*(column[:100] for column in steady))
    large = fit_model(*(np.tile(column, 20) for column in steady))
    allowed = []
    for fit in (small, large):
        assert fit.verdict == "boundary"
        draws = fit.draws(500, np.random.default_rng(3))
        assert np.all(draws > 0.0)
        shape, scale = draws[:, 2], draws[:, 3]
        dropout = shape / (shape + scale) if fit.names[2] == "a" else shape / scale
        allowed.append(np.median(dropout))
    assert 0.0 < allowed[1] < allowed[0] / 20


def test_the_limits_interval_is_open_to_the_side_of_dropout(steady):
    """The expectation without dropout is the most there can be; the interval reaches below."""
    fit = fit_bg_nbd(*steady)
    some = [column[:5] for column in steady]

    def log_expected(theta):
        return np.log(BG_NBD.conditional_expected_purchases(52.0, *some, *theta))

    value, low, high = mean_interval(log_expected, fit, 0.90)
    assert np.all(value / low > high / value)


def test_dropout_that_the_data_allow_is_exponential_where_the_likelihood_is_linear():
    """L(μ) ∝ exp(−200 μ): quantiles −ln(1 − level)/200."""
    levels = (np.arange(200) + 0.5) / 200
    found = dropout_quantiles(lambda mu: -200.0 * mu, 0.0, 1e-6, 1.0)
    assert found == pytest.approx(-np.log1p(-levels) / 200.0, rel=0.02, abs=2e-5)


@pytest.mark.nightly
def test_shops_without_visible_dropout_do_not_hide_more_than_is_allowed():
    """Shops of 150 customers with a dropout of 0.2%: those at the limit allow it at 97.5%."""
    hits = shops = 0
    for seed in range(120):
        rng = np.random.default_rng(9_000 + seed)
        T = rng.uniform(20.0, 50.0, 150)
        fit = fit_bg_nbd(*simulate_geometric(rng, 150, 1.2, 8.0, 2e3, 998e3, T, first=False))
        if fit.allowed is not None:
            shops += 1
            shape, rest = fit.allowed[194, 2:]
            hits += shape / (shape + rest) >= 0.002
    assert shops >= 20, shops
    # A bound at 97.5%: fewer hits than the .001 quantile of chance at .95 is a failure.
    assert hits >= stats.binom.ppf(0.001, shops, 0.95), (hits, shops)


@pytest.mark.parametrize("posterior", [False, True])
@pytest.mark.parametrize("mid_life", [False, True])
def test_several_sets_of_parameters_at_once_give_what_each_gives_alone(mid_life, posterior):
    """Of the BG/NBD and of a mid-life store, by draws and by steps along the axes."""
    rng = np.random.default_rng(4)
    x, t_x, T = simulate_geometric(rng, 300, 0.7, 5.0, 0.8, 2.5, 52.0, first=0)
    fit = fit_bg_nbd(x, t_x, T)
    model: PurchaseModel = BG_NBD
    if mid_life:
        fit = replace(
            fit, parameters=np.array([0.8, 3.0, 0.4, 1.2, 0.5, 2.0, 0.2, 3.0, 150.0, 1.5])
        )
        fit = replace(fit, log_covariance=np.diag(np.linspace(0.01, 0.1, 10)), posterior=None)
        model = MidLife(BG_NBD, 52.0)
    draws = np.exp(np.log(fit.parameters) + np.linspace(-0.1, 0.1, 7)[:, None])
    fit = replace(fit, posterior=draws if posterior else None, allowed=None)
    known = known_customers(x, t_x, T, by_recency=model.recency_counts)
    assert known.many_at_once(model)

    def log_expected(parameters):
        alive, expected = known.alive_and_expected(model, parameters, 26.0)
        return np.log(alive * expected)

    alone = np.array(mean_interval(log_expected, fit, 0.9))
    together = np.array(mean_interval(log_expected, fit, 0.9, at_once=True))
    assert alone == pytest.approx(together, rel=1e-10)
    each = known.alive(model, fit.parameters), known.expected(model, fit.parameters, 26.0)
    both = known.alive_and_expected(model, fit.parameters, 26.0)
    assert both[0] == pytest.approx(each[0], rel=1e-12)
    assert both[1] == pytest.approx(each[1][known.cell], rel=1e-12)
