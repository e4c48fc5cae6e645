"""How far few customers decide a difference of means."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from retention_models.campaigns.estimators.checks import (
    LARGEST_SKEWNESS,
    difference_skewness,
    fewest_held_out,
    outcome_skewness,
    require_little_skewness,
)
from retention_models.errors import CannotSay, SettingsError


def test_it_is_the_skewness_of_distances_from_the_arms_means():
    """SciPy's, of the outcome less its arm's mean."""
    rng = np.random.default_rng(1)
    y, arm = rng.exponential(size=500), np.arange(500) % 2
    means = np.array([y[arm == 0].mean(), y[arm == 1].mean()])
    expected = stats.skew(y - means[arm])
    assert expected == pytest.approx(outcome_skewness(y, arm, control=0), rel=1e-12)


def test_an_outcome_that_never_varies_is_not_skewed():
    """Rounding is no spread."""
    assert 0.0 == outcome_skewness(np.full(40, 0.1), np.arange(40) % 2, control=0)


def test_the_skewness_of_a_difference_is_that_of_many_draws():
    """Exponential outcomes, 90 offered and 10 held out."""
    rng = np.random.default_rng(3)
    # A sum of n exponential numbers is gamma of shape n.
    simulated = stats.skew(rng.gamma(90, size=200_000) / 90 - rng.gamma(10, size=200_000) / 10)
    assert simulated == pytest.approx(difference_skewness(2.0, 90, 10), abs=0.03)
    assert -difference_skewness(2.0, 90, 10) == difference_skewness(2.0, 10, 90)


@pytest.mark.parametrize(("skewness", "treated"), [(6.0, 3600), (-8.5, 900), (3.0, 10_000)])
def test_the_least_hold_out_is_just_enough(skewness, treated):
    """One customer fewer is refused."""
    fewest = fewest_held_out(skewness, treated)
    assert None is require_little_skewness(treated, fewest, skewness)
    with pytest.raises(CannotSay, match=f"It takes {fewest:,} held out"):
        require_little_skewness(treated, fewest - 1, skewness)


def test_the_smaller_arm_is_named():
    """Few offered beside many held out are as bad."""
    with pytest.raises(CannotSay, match="100 offered the campaign beside 900 held out"):
        require_little_skewness(100, 900, 6.0)
    assert 1 == fewest_held_out(0.0, 900)


def test_an_empty_arm_is_named():
    """No mean, no skewness."""
    with pytest.raises(SettingsError, match="control is 0"):
        difference_skewness(1.0, 100, 0)
    with pytest.raises(SettingsError, match="treated is 0"):
        fewest_held_out(1.0, 0)


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "control"), [(0.05, 400), (0.02, 1000)])
def test_at_the_limit_one_interval_in_seventeen_leaves_out_the_truth(shape, control):
    """Gamma outcomes; the excess over 5% is about 0.25 κ², less what heavy tails take off."""
    tests, rng = 20_000, np.random.default_rng(4)
    kappa = difference_skewness(2.0 / np.sqrt(shape), 9 * control, control)
    # Sums of gamma outcomes are gamma; so only the hold-out is drawn one by one.
    held_out = rng.gamma(shape, size=(tests, control))
    offered = rng.gamma(shape * 9 * control, size=tests) / (9 * control)
    variance = held_out.var(axis=1, ddof=1) / control + shape / (9 * control)
    missed = (abs(held_out.mean(axis=1) - offered) > 1.962 * np.sqrt(variance)).mean()
    three = 3.0 * np.sqrt(0.06 * 0.94 / tests)
    assert 0.05 + 0.18 * kappa**2 - three < missed < 0.05 + 0.25 * kappa**2 + three
    assert abs(kappa) > LARGEST_SKEWNESS
