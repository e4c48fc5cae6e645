"""Effects of many stores pooled, against published examples, statsmodels and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects
from statsmodels.stats.multitest import multipletests

from retention_models.campaigns.estimators.multiplicity import (
    benjamini_hochberg,
    between_variance,
    pooled_effect,
)
from retention_models.errors import CannotSay, DataError, SettingsError

# Kacker, Metrologia 41 (2004), table 1: nine laboratories' means and their variances.
LABORATORIES = np.array([61.00, 61.40, 62.21, 62.30, 62.34, 62.60, 62.70, 62.84, 65.90])
VARIANCES = np.array([0.2025, 1.2100, 0.0900, 0.2025, 0.3844, 0.5625, 0.0676, 0.0225, 1.8225])


@pytest.fixture(scope="module")
def stores():
    """Twelve stores of unlike size whose effects differ."""
    rng = np.random.default_rng(4)
    s = np.exp(rng.normal(0.0, 0.7, 12))
    return rng.normal(1.0, np.sqrt(s**2 + 2.0)), s


def test_the_laboratories_are_pooled_as_published():
    """Kacker (2004), p. 135: τ .8399; R's metafor, method "PM": mean, standard error, Q and its p."""
    found = pooled_effect(LABORATORIES, np.sqrt(VARIANCES))
    assert 0.8399 == pytest.approx(found.tau, abs=5e-5)
    assert 0.705395309224248 == pytest.approx(found.tau**2, rel=1e-9)
    assert 62.4076199113286 == pytest.approx(found.effect, rel=1e-12)
    assert 0.338030602684471 == pytest.approx(found.standard_error, rel=1e-9)
    assert 24.801897741835 == pytest.approx(found.statistic, rel=1e-11)
    assert 0.00167935146372742 == pytest.approx(found.pvalue_of_difference, rel=1e-9)
    assert 1 - 8 / 24.801897741835 == pytest.approx(found.i_squared)


def test_effects_that_differ_are_pooled_as_statsmodels_does(stores):
    """Paule–Mandel, Hartung–Knapp with t: mean, error, interval, weights, Q."""
    theta, s = stores
    found = pooled_effect(theta, s, interval=0.9)
    reference = combine_effects(theta, s**2, method_re="iterated", use_t=True, atol=1e-10)
    interval = reference.conf_int(alpha=0.1, use_t=True)[3]
    assert reference.tau2 == pytest.approx(found.tau**2, rel=1e-8)
    assert found.tau > 0.5
    assert reference.mean_effect_re == pytest.approx(found.effect, rel=1e-8)
    assert reference.sd_eff_w_re_hksj == pytest.approx(found.standard_error, rel=1e-8)
    assert interval == pytest.approx((found.conf_low, found.conf_high), rel=1e-7)
    assert reference.weights_rel_re == pytest.approx(found.weights, rel=1e-8)
    assert reference.q == pytest.approx(found.statistic)


def test_effects_that_differ_less_than_chance_are_never_more_certain_than_their_errors():
    """Two stores that agree by luck: statsmodels' interval has nearly no width, ours the errors'."""
    theta, s = np.array([1.0, 1.0001]), np.array([0.5, 0.5])
    found = pooled_effect(theta, s)
    reference = combine_effects(theta, s**2, method_re="iterated", use_t=True)
    assert reference.sd_eff_w_re_hksj < 1e-4
    assert 0.5 / np.sqrt(2) == pytest.approx(found.standard_error)
    assert 2 * stats.t.sf(found.effect / found.standard_error, 1) == pytest.approx(found.pvalue)
    assert (0.0, 0.0) == (found.tau, found.i_squared)


def test_a_further_stores_effect_lies_in_the_prediction_interval(stores):
    """μ ± t of k − 2 times √(τ² + Var μ); two stores give none."""
    found = pooled_effect(*stores)
    half = stats.t.ppf(0.975, 10) * np.sqrt(found.tau**2 + found.standard_error**2)
    assert (found.effect - half, found.effect + half) == pytest.approx(
        (found.prediction_low, found.prediction_high)
    )
    two = pooled_effect([0.0, 1.0], [0.1, 0.1])
    assert np.isnan([two.prediction_low, two.prediction_high]).all()


@given(st.floats(1e-6, 1e6), st.floats(-1e3, 1e3))
def test_neither_the_unit_nor_the_origin_matters(unit, origin):
    """Cents for euros; τ and errors scale, the mean moves along."""
    theta, s = np.array([0.2, 0.5, 0.35, -0.1]), np.array([0.10, 0.12, 0.08, 0.15])
    one, two = pooled_effect(theta, s), pooled_effect((theta + origin) * unit, s * unit)
    assert one.tau * unit == pytest.approx(two.tau, rel=1e-6)
    assert (one.effect + origin) * unit == pytest.approx(two.effect, rel=1e-6, abs=1e-9 * unit)
    assert one.standard_error * unit == pytest.approx(two.standard_error, rel=1e-6)


def test_the_variance_between_stores_solves_its_equation(stores):
    """Weighted squares about their mean equal k − 1, by a sum in a loop."""
    theta, s = stores
    tau_squared = between_variance(theta, s)
    w = [1.0 / (one**2 + tau_squared) for one in s]
    mean = sum(a * b for a, b in zip(w, theta, strict=True)) / sum(w)
    squares = sum(a * (b - mean) ** 2 for a, b in zip(w, theta, strict=True))
    assert 11.0 == pytest.approx(squares, rel=1e-9)


def test_estimates_without_doubt_of_their_own_are_a_plain_sample():
    """Standard errors near nought: τ and the interval of the mean are those of Student's t."""
    theta = np.array([0.3, 1.9, -0.4, 0.8, 2.2])
    found = pooled_effect(theta, np.full(5, 1e-13))
    assert theta.std(ddof=1) == pytest.approx(found.tau)
    plain = stats.ttest_1samp(theta, 0.0)
    assert plain.pvalue == pytest.approx(found.pvalue)
    assert tuple(plain.confidence_interval()) == pytest.approx((found.conf_low, found.conf_high))


@pytest.mark.parametrize(
    ("stores", "tau", "least"), [(5, 0.0, 0.99), (5, 2.0, 0.93), (20, 2.0, 0.94)]
)
def test_intervals_cover_the_mean_with_few_stores_of_unlike_size(stores, tau, least):
    """300 sets: where the effects do not differ the interval is wide, else near its level."""
    rng, covered = np.random.default_rng(stores), 0
    for _ in range(300):
        s = np.exp(rng.normal(0.0, 0.7, stores))
        found = pooled_effect(rng.normal(0.0, np.sqrt(s**2 + tau**2)), s)
        covered += found.conf_low <= 0.0 <= found.conf_high
    assert covered / 300 > least - 3.0 * np.sqrt(least * (1 - least) / 300)


def test_adjusted_p_values_are_statsmodels():
    """With ties and in no order; also none."""
    p = np.array([0.6, 0.01, 0.04, 0.04, 0.001, 1.0, 0.0, 0.2])
    expected = multipletests(p, method="fdr_bh")[1]
    assert expected == pytest.approx(benjamini_hochberg(p), rel=1e-14)
    assert 0 == benjamini_hochberg([]).size


def test_adjusted_p_values_are_those_of_the_published_example():
    """Benjamini & Hochberg (1995), section 3.2: of fifteen, the four smallest hold at 5%."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344]
    p += [0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000]
    assert 4 == (benjamini_hochberg(p) <= 0.05).sum()


def test_one_estimate_is_not_pooled():
    """And none."""
    with pytest.raises(CannotSay, match="With 1 estimate"):
        pooled_effect([1.0], [0.1])
    with pytest.raises(CannotSay, match="With 0 estimate"):
        pooled_effect([], [])


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: pooled_effect([1.0, 2.0], [0.1]), "standard_errors: expected 2 rows"),
        (
            lambda: pooled_effect([1.0, 2.0], [0.1, 0.0]),
            "standard_errors: expected above 0; rows .1.",
        ),
        (lambda: pooled_effect([1.0, np.nan], [0.1, 0.1]), "effects has 1 rows"),
        (lambda: pooled_effect([1.0, 2.0], [0.1, 0.1], interval=95), "interval is 95"),
        (lambda: benjamini_hochberg([0.5, 1.5]), "pvalues: expected from 0 to 1; rows .1."),
    ],
)
def test_numbers_out_of_range_are_named(call, named):
    """The argument, the rows, what was expected."""
    with pytest.raises((SettingsError, DataError), match=named):
        call()
