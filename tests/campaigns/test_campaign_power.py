"""What a campaign's test can find, against published values, a simulation and the inverse question."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from retention_models.campaigns.estimators.power import (
    minimum_detectable_difference,
    minimum_detectable_effect,
    power_of_proportions,
    sample_size,
    sample_size_of_proportions,
)
from retention_models.errors import CannotSay, SettingsError


def test_the_effect_is_280_standard_errors():
    """2.80 at a level of 5% and a power of 80%."""
    found = minimum_detectable_effect(3.0, 800, 200, standard_deviation_treated=4.0, r_squared=0.36)
    assert 2.80 * 0.8 * np.sqrt(16 / 800 + 9 / 200) == pytest.approx(found, rel=1e-3)


def test_the_effect_is_found_as_often_as_promised():
    """20,000 tests of the effect itself; three Monte Carlo standard errors."""
    effect = minimum_detectable_effect(2.0, 300, 100, power=0.7, level=0.1)
    standard_error = np.sqrt(4.0 / 300 + 4.0 / 100)
    z = effect / standard_error + np.random.default_rng(1).standard_normal(20_000)
    found = (np.abs(z) > stats.norm.ppf(0.95)).mean()
    assert 0.7 == pytest.approx(found, abs=3 * np.sqrt(0.7 * 0.3 / 20_000))


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_a_sample_of_the_size_asked_for_detects_the_effect(share):
    """And one of a customer an arm less does not."""
    arms = sample_size(0.2, 3.0, control_share=share, r_squared=0.4, power=0.9)
    fewer = [n - 1 for n in arms]
    assert minimum_detectable_effect(3.0, *arms, r_squared=0.4, power=0.9) <= 0.2
    assert minimum_detectable_effect(3.0, *fewer, r_squared=0.4, power=0.9) > 0.2
    assert share == pytest.approx(arms[1] / sum(arms), abs=1e-3)


def test_proportions_reproduce_statsmodels_published_case():
    """Its own test of power_proportions_2indep, from PASS: power .9 at 76.70692 an arm."""
    assert 0.9 == pytest.approx(power_of_proportions(-0.25, 0.75, 76.70692, 76.70692), abs=1e-6)
    assert (77, 77) == sample_size_of_proportions(-0.25, 0.75, power=0.9)


def test_proportions_agree_with_the_formula_by_hand():
    """Pooled variance where there is no effect, the arms' own where there is; unequal arms."""
    n_t, n_c, p_t, p_c = 900.0, 300.0, 0.35, 0.28
    pooled = (n_t * p_t + n_c * p_c) / (n_t + n_c)
    null = np.sqrt(pooled * (1 - pooled) * (1 / n_t + 1 / n_c))
    own = np.sqrt(p_t * (1 - p_t) / n_t + p_c * (1 - p_c) / n_c)
    z = stats.norm.ppf(0.975)
    expected = stats.norm.sf((z * null - 0.07) / own) + stats.norm.cdf((-z * null - 0.07) / own)
    assert expected == pytest.approx(power_of_proportions(p_t - p_c, p_c, n_t, n_c), abs=1e-9)


def test_the_difference_has_the_power_asked_for():
    """Also with covariates, where n counts n ÷ (1 − R²)."""
    found = minimum_detectable_difference(0.3, 500, 250, r_squared=0.5, power=0.85)
    assert 0.85 == pytest.approx(power_of_proportions(found, 0.3, 1000, 500), abs=1e-9)


def test_a_test_too_small_for_any_rise_says_so():
    """Three customers an arm, of whom nearly all buy anyway."""
    with pytest.raises(CannotSay, match="no rise from 90% could be told from chance"):
        minimum_detectable_difference(0.9, 3, 3)


def test_covariates_found_to_explain_nothing_cost_nothing():
    """A backtest's R² may be a little below 0."""
    plain = minimum_detectable_effect(1.0, 50, 50)
    assert plain == minimum_detectable_effect(1.0, 50, 50, r_squared=-0.01)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: minimum_detectable_effect(0.0, 1, 1), "standard_deviation is 0.0"),
        (lambda: minimum_detectable_effect(1.0, 0, 1), "treated is 0"),
        (lambda: minimum_detectable_effect(1.0, 1, 1, power=0.04), "power is 0.04"),
        (lambda: minimum_detectable_effect(1.0, 1, 1, level=5), "level is 5"),
        (lambda: minimum_detectable_effect(1.0, 1, 1, r_squared=1.0), "r_squared is 1.0"),
        (lambda: sample_size(0.0, 1.0), "effect is 0.0"),
        (lambda: sample_size(1.0, 1.0, control_share=1.0), "control_share is 1.0"),
        (lambda: power_of_proportions(0.3, 0.8, 10, 10), "control_rate is 0.8 and difference 0.3"),
        (lambda: sample_size_of_proportions(0.0, 0.8), "difference is 0"),
    ],
)
def test_numbers_out_of_range_are_named(call, named):
    """The parameter and what was expected."""
    with pytest.raises(SettingsError, match=named):
        call()
