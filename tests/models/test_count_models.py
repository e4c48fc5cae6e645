"""Every model of purchases behind one interface: predictions against the models' own formulas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
from cdnow_data import cdnow_sample
from oracles import spend_distribution
from purchase_samples import COUNT_MODELS, some_customers
from retention_models.models.bg_nbd import BG_NBD
from retention_models.models.histories import known_customers
from retention_models.models.interpolation import over_cells
from retention_models.models.intervals import count_moments, future_quantiles

FITTERS = (rm.BetaGeoFitter, rm.ModifiedBetaGeoFitter, rm.ParetoNBDFitter)
every_model = pytest.mark.parametrize(
    ("model", "theta"), COUNT_MODELS, ids=[model.label for model, _ in COUNT_MODELS]
)


@every_model
def test_quantiles_of_counts_are_those_of_the_conditional_distribution(model, theta):
    """The smallest count whose distribution function reaches the level, customer by customer."""
    x, t_x, T = some_customers()
    theta = np.array(theta)
    known = known_customers(x, t_x, T, by_recency=model.recency_counts)
    levels = (0.05, 0.5, 0.95, 0.999)
    counts, _ = future_quantiles(model, theta, known, 20.0, levels)
    chances = model.conditional_count_probabilities(20.0, x, t_x, T, *theta)
    for level, found in zip(levels, counts, strict=True):
        wanted = np.argmax(np.cumsum(chances, axis=1) >= level - 1e-9, axis=1)
        assert found[known.row].tolist() == wanted.tolist()


@every_model
@pytest.mark.parametrize("spend", [(6.25, 3.74, 15.4), (0.4, 1.5, 20.0), (50.0, 20.0, 20.0)])
def test_quantiles_of_value_reach_their_level(model, theta, spend):
    """P(0) + Σ P(n)·P(n purchases are worth that or less) is the level, to 1e-5."""
    x, t_x, T = some_customers()
    theta, (p, q, v) = np.array(theta), spend
    m = np.where(x > 0, 10.0 + x, 0.0)
    known = known_customers(x, t_x, T, by_recency=model.recency_counts)
    chances = model.conditional_count_probabilities(30.0, x, t_x, T, *theta)
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
def test_moments_of_counts_are_those_of_the_distribution(model, theta):
    """P(0), mean and second moment of whoever is alive, against the expectation's own formula."""
    x, t_x, T = some_customers()
    theta = np.array(theta)
    known = known_customers(x, t_x, T, by_recency=model.recency_counts)
    none, mean, second = count_moments(model, theta, known, 15.0)
    cells = known.x_of_cell, known.last_of_cell, known.end_of_cell
    ((_, new),) = model.states(*cells, *theta)
    assert none == pytest.approx(model.alive.purchase_count_probability(0, 15.0, *new))
    assert mean == pytest.approx(model.alive.expected_purchases(15.0, *new), rel=1e-6)
    assert np.all(second > mean**2)


@pytest.mark.parametrize("scale", [0.5, 4.4, 1e3])
@pytest.mark.parametrize("span", [(0, 30), (0, 730), (400, 730)])
def test_a_table_over_x_and_time_keeps_twelve_digits(scale, span):
    """Interpolated over T, the expectation is what it is directly."""
    rng = np.random.default_rng(5)
    x, T = rng.integers(0, 9, 4_000).astype(float), rng.integers(*span, 4_000) / 7.0

    def expected(x, T):
        return BG_NBD.expected_purchases(52.0, 0.25 + x, scale + T, 0.8, 2.5 + x)

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
