"""Sensitivity to hidden causes against published values, linear programming and simulated truth."""

import numpy as np
import pytest
from scipy.optimize import linprog

from campaign_designs import targeted_effect
from retention_models.campaigns.estimators.sensitivity import (
    e_value,
    extreme_mean,
    hidden_bounds,
    ratio_of_difference,
)
from retention_models.errors import SettingsError
from tiers import sized


def joiners(seed: int, n: int = 1500, hidden: float = 1.0, effect: float = 0.0):
    """A hidden coin multiplies or divides the odds of joining by `hidden`, and moves the outcome."""
    rng = np.random.default_rng(seed)
    x, coin = rng.normal(size=(n, 1)), np.where(rng.random(n) < 0.5, 1, -1)
    z = rng.random(n) < 1 / (1 + np.exp(-0.5 * x[:, 0] - np.log(hidden) * coin))
    return x[:, 0] + effect * z + coin + rng.normal(size=n), z, x


def test_e_values_are_the_published_ones():
    """VanderWeele & Ding (2017): risk ratio 3.9 (1.8 to 8.7) gives 7.26 and 3.0."""
    found = e_value(3.9, 1.8, 8.7)
    assert [7.26, 3.0] == pytest.approx([found.estimate, found.interval], abs=0.005)


def test_e_values_below_one_are_those_of_the_inverse():
    """And an interval that holds 1 needs no hidden cause."""
    above, below = e_value(2.0, 1.5, 3.0), e_value(1 / 2, 1 / 3, 1 / 1.5)
    assert [above.estimate, above.interval] == pytest.approx([below.estimate, below.interval])
    assert 1.0 == e_value(1.2, 0.9, 1.5).interval
    assert 1.0 == e_value(0.8, 0.6, 1.1).interval


def test_the_e_value_is_where_the_bounding_factor_meets_the_ratio():
    """Ding & VanderWeele's RR·RR/(2 RR − 1) at the E-value is the ratio itself."""
    strong = e_value(1.7, 1.2, 2.4).estimate
    assert 1.7 == pytest.approx(strong**2 / (2 * strong - 1))


@pytest.mark.parametrize("strength", [1.0, 1.3, 4.0])
def test_the_extreme_mean_is_that_of_linear_programming(strength):
    """Charnes & Cooper's form of the linear-fractional programme."""
    rng = np.random.default_rng(1)
    v, w = rng.normal(size=25), rng.exponential(size=25)
    # u = λ·s with Σ w u = 1: s/Λ ≤ u ≤ s Λ.
    n = v.size
    upper = np.column_stack([np.eye(n), -strength * np.ones(n)])
    lower = np.column_stack([-np.eye(n), np.ones(n) / strength])
    found = linprog(
        np.append(-w * v, 0.0),
        A_ub=np.vstack([upper, lower]),
        b_ub=np.zeros(2 * n),
        A_eq=[np.append(w, 0.0)],
        b_eq=[1.0],
    )
    assert -found.fun == pytest.approx(extreme_mean(v, w, strength))


def test_without_a_hidden_cause_the_bounds_are_the_doubly_robust_effect():
    """Strength 1 is the estimate and its interval; stronger causes widen both."""
    y, z, x = joiners(2, effect=1.0)
    effect = targeted_effect(y, z, x)
    table = hidden_bounds(y, z, x, strengths=[1.0, 1.5, 3.0]).table
    expected = [effect.effect, effect.effect, effect.conf_low, effect.conf_high]
    assert expected == pytest.approx(table.loc[1.0].tolist())
    assert table["att_low"].is_monotonic_decreasing
    assert table["att_high"].is_monotonic_increasing


def test_the_strength_that_explains_an_effect_away_is_where_the_interval_meets_zero():
    """Just below it the interval is above 0; no effect needs none; a huge one has no such strength."""
    y, z, x = joiners(3, effect=1.0)
    at = hidden_bounds(y, z, x).explained_at
    below, above = hidden_bounds(y, z, x, strengths=[at - 0.02, at]).table["conf_low"]
    assert below > 0 >= above
    assert 1.0 == hidden_bounds(*joiners(10, effect=0.0)).explained_at
    assert np.inf == hidden_bounds(*joiners(5, effect=50.0)).explained_at


@pytest.mark.nightly
def test_the_errors_of_bounds_are_those_of_leaving_customers_out():
    """A jackknife repeats the choice of weights, which the influence function takes as settled."""
    y, z, x = joiners(6, n=300, effect=1.0)
    row = hidden_bounds(y, z, x, strengths=[2.0]).table.iloc[0]
    low = [
        hidden_bounds(*(np.delete(a, i, 0) for a in (y, z, x)), strengths=[2.0])
        .table["att_low"]
        .item()
        for i in range(0, 300, 2)
    ]
    jackknife = np.sqrt(299 * np.var(low))
    assert jackknife == pytest.approx((row["att_low"] - row["conf_low"]) / 1.959964, rel=0.2)


def test_wrong_arguments_are_named():
    """The argument, and what was expected of it."""
    with pytest.raises(SettingsError, match="Give ratios"):
        e_value(-0.3, -0.5, 0.1)
    with pytest.raises(SettingsError, match="numbers above 0"):
        ratio_of_difference(1.0, 0.0, 2.0)
    with pytest.raises(SettingsError, match="strengths: expected"):
        hidden_bounds(*joiners(7), strengths=[0.5])


@pytest.mark.slow
@pytest.mark.sized
def test_bounds_hold_the_truth_under_causes_as_strong_as_supposed():
    """A hidden coin that doubles or halves the odds fools the estimate always, and the bounds never."""
    runs, fooled, held = sized(60, 200), 0, 0
    for seed in range(runs):
        # Given x, knowing the coin multiplies the odds of joining by 1/2 to 2.
        row = hidden_bounds(*joiners(seed, hidden=2.0), strengths=[1.0, 2.0]).table
        fooled += row.loc[1.0, "conf_low"] > 0
        held += row.loc[2.0, "conf_low"] <= 0 <= row.loc[2.0, "conf_high"]
    assert fooled / runs > 0.95
    assert held / runs > 0.95
