"""Whole-store campaigns against an explicit jackknife, and their false positives."""

import numpy as np
import pytest
from statsmodels.regression.linear_model import OLS

from retention_models.campaigns.estimators.difference_in_differences import store_effect
from retention_models.errors import CannotSay, DataError, SettingsError


def panel(seed: int, treated: int = 5, control: int = 7, periods: int = 6) -> tuple:
    """Stores with levels, a common season and noise that lasts; half of the periods are after."""
    rng = np.random.default_rng(seed)
    stores = treated + control
    drift = rng.normal(size=(stores, periods)).cumsum(axis=1)
    y = rng.normal(50, 10, (stores, 1)) + rng.normal(0, 3, periods) + drift
    return y, np.arange(stores) < treated, np.arange(periods) >= periods // 2


def dummies(y: np.ndarray, d: np.ndarray, late: np.ndarray) -> float:
    """The two-way coefficient from a regression with a dummy of every store and period."""
    stores, periods = y.shape
    design = np.column_stack(
        [
            np.outer(d, late).ravel(),
            np.kron(np.eye(stores), np.ones((periods, 1))),
            np.kron(np.ones((stores, 1)), np.eye(periods)[:, 1:]),
        ]
    )
    return np.linalg.lstsq(design, y.ravel(), rcond=None)[0][0]


def test_the_effect_and_its_error_are_those_of_leaving_stores_out_one_by_one():
    """The full dummy regression is fitted again without each store in turn."""
    y, d, late = panel(1)
    stores = np.arange(len(y))
    att = dummies(y, d, late)
    left_out = [dummies(y[stores != s], d[stores != s], late) for s in stores]
    error = np.sqrt((len(y) - 1) / len(y) * sum((value - att) ** 2 for value in left_out))
    effect = store_effect(y, d, late)
    assert [att, error] == pytest.approx([effect.att, effect.standard_error])


def test_the_error_is_statsmodels_crv3():
    """Store means swept out store by store, which leaves the jackknife as it is; periods as dummies."""
    y, d, late = panel(6)
    stores, periods = y.shape
    dose = np.outer(d, late).astype(float)
    season = np.eye(periods)[:, 1:]
    design = np.column_stack(
        [
            (dose - dose.mean(axis=1, keepdims=True)).ravel(),
            np.tile(season - season.mean(axis=0), (stores, 1)),
        ]
    )
    fit = OLS((y - y.mean(axis=1, keepdims=True)).ravel(), design).fit(
        cov_type="cluster-crv3", cov_kwds={"groups": np.repeat(np.arange(stores), periods)}
    )
    effect = store_effect(y, d, late)
    assert [fit.params[0], fit.bse[0]] == pytest.approx([effect.att, effect.standard_error])


def test_the_degrees_of_freedom_follow_the_smaller_group_and_never_pass_stores_less_one():
    """Five among many stores carry about four; two groups alike about all but two."""
    y, d, late = panel(2, treated=5, control=95)
    assert 4 <= store_effect(y, d, late).degrees_of_freedom < 8
    y, d, late = panel(3, treated=20, control=20)
    assert 30 < store_effect(y, d, late).degrees_of_freedom <= 39


@pytest.mark.parametrize(("treated", "control"), [(4, 20), (20, 4)])
def test_few_stores_are_refused(treated, control):
    """Fewer than five on either side give a sentence, not a number."""
    with pytest.raises(CannotSay, match=f"ran in {treated} stores and {control} did without"):
        store_effect(*panel(4, treated, control))


def test_outcomes_without_spread_are_refused():
    """A standard error of zero is not certainty."""
    y = np.tile([[1.0, 2.0]], (10, 1))
    with pytest.raises(CannotSay, match="no spread"):
        store_effect(y, np.arange(10) < 5, [0, 1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"after": np.ones(6)}, "after: expected periods before"),
        ({"treated": np.arange(12)}, "treated has .* rows .* expected 0 or 1"),
        ({"treated": np.ones(5)}, "treated: expected 12 rows"),
        ({"outcomes": np.full((12, 6), np.nan)}, "outcomes has .* rows .* expected numbers"),
    ],
)
def test_wrong_arguments_are_named(change, message):
    """The argument, and what was expected of it."""
    y, d, late = panel(5)
    with pytest.raises((SettingsError, DataError), match=message):
        store_effect(**{"outcomes": y, "treated": d, "after": late, **change})


@pytest.mark.slow
@pytest.mark.parametrize(("treated", "control"), [(5, 5), (5, 15), (10, 10)])
def test_false_positives_with_few_stores_are_near_five_percent(treated, control):
    """Store noise lasts over the periods, which is what fools errors that are not clustered."""
    runs = 2000
    found = [store_effect(*panel(seed, treated, control)).pvalue < 0.05 for seed in range(runs)]
    assert 0.02 < np.mean(found) < 0.065
