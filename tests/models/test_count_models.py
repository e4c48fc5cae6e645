"""Every model of purchases behind one interface: predictions against the models' own formulas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
from cdnow_data import cdnow_sample
from retention_models.models import bg_nbd, mbg_nbd, pareto_nbd
from retention_models.models.gamma_gamma import spend_distribution
from retention_models.models.interface import COUNT_MODELS
from retention_models.models.interpolation import over_cells
from retention_models.models.intervals import count_moments, future_quantiles
from retention_models.models.known_customers import known_customers

MODULES = {"BG/NBD": bg_nbd, "MBG/NBD": mbg_nbd, "Pareto/NBD": pareto_nbd}
PARAMETERS = {
    "BG/NBD": (0.2426, 4.4136, 0.7929, 2.4259),
    "MBG/NBD": (0.5248, 6.1831, 0.8914, 1.6140),
    "Pareto/NBD": (0.5533, 10.5777, 0.6062, 11.6687),
}
FITTERS = (rm.BetaGeoFitter, rm.ModifiedBetaGeoFitter, rm.ParetoNBDFitter)
every_model = pytest.mark.parametrize("model", COUNT_MODELS, ids=lambda model: model.label)


def some_customers(size=60, seed=3):
    """Histories with and without repeat purchases, some of them equal."""
    rng = np.random.default_rng(seed)
    x = np.where(rng.random(size) < 0.4, 0, rng.integers(1, 40, size)).astype(float)
    T = rng.integers(1, 280, size) / 7
    t_x = np.where(x > 0, np.floor(rng.random(size) * T * 7 + 1) / 7, 0.0)
    return tuple(np.concatenate([column, column[:9]]) for column in (x, np.minimum(t_x, T), T))


@every_model
def test_a_customer_alive_is_worth_the_new_one_it_is_said_to_be(model):
    """P(alive) times the new customer's expectation is the module's conditional expectation."""
    x, t_x, T = some_customers()
    theta = PARAMETERS[model.label]
    new = model.alive_as_new(x, T, *theta)
    alive = model.probability_alive(x, t_x, T, *theta)
    expected = MODULES[model.label].conditional_expected_purchases(26.0, x, t_x, T, *theta)
    assert alive * model.alive.expected_purchases(26.0, *new) == pytest.approx(expected, rel=1e-12)
    discounted = MODULES[model.label].discounted_expected_purchases(26.0, 0.002, x, t_x, T, *theta)
    assert alive * model.alive.discounted_purchases(26.0, 0.002, *new) == pytest.approx(
        discounted, rel=1e-12
    )


@every_model
def test_quantiles_of_counts_are_those_of_the_conditional_distribution(model):
    """The smallest count whose distribution function reaches the level, customer by customer."""
    x, t_x, T = some_customers()
    theta = np.array(PARAMETERS[model.label])
    known = known_customers(x, t_x, T)
    levels = (0.05, 0.5, 0.95, 0.999)
    counts, _ = future_quantiles(model, theta, known, 20.0, levels)
    chances = MODULES[model.label].conditional_count_probabilities(20.0, x, t_x, T, *theta)
    for level, found in zip(levels, counts, strict=True):
        wanted = np.argmax(np.cumsum(chances, axis=1) >= level - 1e-9, axis=1)
        assert found[known.row].tolist() == wanted.tolist()


@every_model
@pytest.mark.parametrize("spend", [(6.25, 3.74, 15.4), (0.4, 1.5, 20.0), (50.0, 20.0, 20.0)])
def test_quantiles_of_value_reach_their_level(model, spend):
    """P(0) + Σ P(n)·P(n purchases are worth that or less) is the level, to 1e-5."""
    x, t_x, T = some_customers()
    theta, (p, q, v) = np.array(PARAMETERS[model.label]), spend
    m = np.where(x > 0, 10.0 + x, 0.0)
    known = known_customers(x, t_x, T)
    chances = MODULES[model.label].conditional_count_probabilities(30.0, x, t_x, T, *theta)
    levels = (0.5, 0.95, 0.999)
    _, logs = future_quantiles(model, theta, known, 30.0, levels, np.array(spend))
    n = np.arange(chances.shape[1])
    for level, log_value in zip(levels, logs, strict=True):
        value = (v + x * m) * np.exp(log_value[known.row])
        below = spend_distribution(value[:, None], n, x[:, None], m[:, None], p, q, v)
        reached = (chances * below).sum(axis=1)
        some = chances[:, 0] < level
        assert some.any()
        assert reached[some] == pytest.approx(np.full(some.sum(), level), abs=1e-5)
        assert np.all(value[~some] == 0.0)


@every_model
def test_moments_of_counts_are_those_of_the_distribution(model):
    """P(0), mean and second moment of whoever is alive, against the expectation's own formula."""
    x, t_x, T = some_customers()
    theta = np.array(PARAMETERS[model.label])
    known = known_customers(x, t_x, T)
    none, mean, second = count_moments(model, theta, known, 15.0)
    new = model.alive_as_new(known.x_of_cell, known.end_of_cell, *theta)
    assert none == pytest.approx(model.alive.purchase_count_probability(0, 15.0, *new))
    assert mean == pytest.approx(model.alive.expected_purchases(15.0, *new), rel=1e-6)
    assert np.all(second > mean**2)


@every_model
def test_simulated_customers_buy_what_is_expected(model):
    """Means of 40,000 draws at two ends of one path, within 4.5 errors."""
    theta = PARAMETERS[model.label]
    new = np.broadcast_arrays(np.ones(40_000), *model.alive_as_new(3.0, 20.0, *theta))[1:]
    ends = np.array([10.0, 40.0])
    paths = list(model.simulate(ends, *new, np.random.default_rng(1)))
    assert np.all(paths[0] <= paths[1])
    for end, counts in zip(ends, paths, strict=True):
        wanted = model.alive.expected_purchases(end, *model.alive_as_new(3.0, 20.0, *theta))
        assert abs(counts.mean() - wanted) < 4.5 * counts.std() / np.sqrt(counts.size)


@pytest.mark.parametrize("scale", [0.5, 4.4, 1e3])
@pytest.mark.parametrize("span", [(0, 30), (0, 730), (400, 730)])
def test_a_table_over_x_and_time_keeps_twelve_digits(scale, span):
    """Interpolated over T, the expectation is what it is directly."""
    rng = np.random.default_rng(5)
    x, T = rng.integers(0, 9, 4_000).astype(float), rng.integers(*span, 4_000) / 7.0

    def expected(x, T):
        return bg_nbd.expected_purchases(52.0, 0.25 + x, scale + T, 0.8, 2.5 + x)

    assert over_cells(expected, x, T, scale) == pytest.approx(expected(x, T), rel=1e-12)


def test_times_that_are_no_days_are_tabled_too():
    """Continuous times have as many cells as customers."""
    rng = np.random.default_rng(6)
    x, T = rng.integers(0, 3, 50).astype(float), rng.uniform(0.0, 9.0, 50)
    assert over_cells(lambda x, T: x / (2.0 + T), x, T, 2.0) == pytest.approx(x / (2.0 + T))


@pytest.mark.parametrize("fitter", FITTERS)
def test_every_model_predicts_the_holdout_of_cdnow(fitter):
    """1,882 purchases came in 39 weeks; each model expects 10 to 20% fewer, and finite intervals."""
    cdnow = cdnow_sample()
    fitted = fitter().fit(cdnow["frequency"], cdnow["recency"], cdnow["T"])
    table = rm.predict_customers(fitted, None, cdnow, horizon=39, time_unit="W")
    assert 1_500 < table["expected_purchases"].sum() < 1_700
    inside = table["expected_purchases"].between(
        table["expected_purchases_low"], table["expected_purchases_high"]
    )
    assert inside.all()
    counts = fitted.conditional_probability_of_n_purchases_up_to_time
    history = (cdnow[name].head(5) for name in ("frequency", "recency", "T"))
    columns = tuple(history)
    total = sum(counts(n, 39, *columns) for n in range(150))
    assert isinstance(total, pd.Series)
    assert total.to_numpy() == pytest.approx(np.ones(5), abs=1e-8)
