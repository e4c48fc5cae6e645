"""Whether stores moved alike before a campaign: held against SciPy, store_effect and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from retention_models.campaigns.estimators.difference_in_differences import (
    store_effect,
    store_event_study,
    store_pre_trend,
)
from retention_models.errors import CannotSay, SettingsError

TREATED = np.arange(12) < 6


@pytest.fixture
def outcomes():
    """12 stores, 8 weeks, each with its own level."""
    rng = np.random.default_rng(8)
    return rng.normal(10.0, 2.0, (12, 1)) + rng.normal(size=(12, 8))


def test_each_step_is_the_store_effect_of_two_periods(outcomes):
    """Difference, standard error, interval and p-value, to rounding."""
    steps = np.arange(8) - 5
    found = store_event_study(outcomes, TREATED, steps)
    for step in (-5, 2):
        one = store_effect(outcomes[:, [4, step + 5]], TREATED, [0, 1])
        expected = (one.att, one.standard_error, one.conf_low, one.conf_high, one.pvalue)
        assert expected == pytest.approx(tuple(found.loc[step]), rel=1e-10)


def test_two_blocks_give_students_t(outcomes):
    """One restriction: F is the square of the pooled t of the changes."""
    found = store_pre_trend(outcomes[:, :2], TREATED)
    change = outcomes[:, 0] - outcomes[:, 1]
    t = stats.ttest_ind(change[TREATED], change[~TREATED])
    assert (t.statistic**2, t.pvalue) == pytest.approx((found.statistic, found.pvalue))


def test_hotelling_is_the_regression_manova(outcomes):
    """MANOVA of statsmodels of the blocks' changes on the group."""
    from statsmodels.multivariate.manova import MANOVA

    means = np.column_stack([outcomes[:, 2 * i : 2 * i + 2].mean(axis=1) for i in range(4)])
    design = np.column_stack([np.ones(12), TREATED])
    table = MANOVA(means[:, :3] - means[:, [3]], design).mv_test(
        [("group", np.array([[0.0, 1.0]]))]
    )
    expected = table.results["group"]["stat"].loc["Hotelling-Lawley trace"]
    found = store_pre_trend(outcomes, TREATED)
    assert (expected["F Value"], expected["Pr > F"]) == pytest.approx(
        (found.statistic, found.pvalue)
    )


@pytest.mark.slow
def test_five_stores_of_either_kind_keep_the_level():
    """Hotelling's test is exact: 5% of 1,500, within three Monte Carlo standard errors."""
    rng, treated = np.random.default_rng(3), np.arange(10) < 5
    found = [store_pre_trend(rng.normal(size=(10, 8)), treated).pvalue < 0.05 for _ in range(1500)]
    assert abs(np.mean(found) - 0.05) < 3.0 * np.sqrt(0.05 * 0.95 / 1500)


def test_a_trend_of_treated_stores_is_found(outcomes):
    """One standard deviation a week."""
    found = store_pre_trend(outcomes + np.outer(TREATED, np.arange(8.0)), TREATED)
    assert found.pvalue < 0.001


@pytest.mark.parametrize(
    "given", [np.zeros((12, 1)), np.ones((12, 5)), np.tile(np.arange(5.0), (12, 1))]
)
def test_what_shows_no_trend_is_refused(given):
    """One period, or stores that all changed alike."""
    with pytest.raises(CannotSay):
        store_pre_trend(given, TREATED)


def test_an_event_study_needs_its_base(outcomes):
    """Steps without −1 are a mistake of the caller."""
    with pytest.raises(SettingsError, match="one period −1"):
        store_event_study(outcomes, TREATED, np.arange(8))
