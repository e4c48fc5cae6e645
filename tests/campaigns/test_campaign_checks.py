"""Whether a test is fit for a verdict."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from retention_models.campaigns.estimators.checks import (
    balance_table,
    fewest_in_arm,
    holdout_floor,
    require_enough_customers,
    sample_ratio,
)
from retention_models.errors import CannotSay, SettingsError


def test_a_mismatch_blocks_the_verdict():
    """χ² by hand, three arms planned 2 : 1 : 1."""
    found = sample_ratio({"none": 5200, "a": 2400, "b": 2400}, {"none": 2, "a": 1, "b": 1})
    statistic = 200**2 / 5000 + 2 * 100**2 / 2500
    assert statistic == pytest.approx(found.statistic)
    assert stats.chi2.sf(statistic, 2) == pytest.approx(found.pvalue)
    assert found.blocked
    assert "none 5,200 where 5,000 were expected" in found.reason
    assert [5000, 2500, 2500] == found.table["expected"].tolist()


def test_a_ratio_that_chance_explains_does_not_block():
    """P of .046 is not below .001."""
    found = sample_ratio({"a": 5100, "b": 4900}, {"a": 0.5, "b": 0.5})
    assert 0.0455 == pytest.approx(found.pvalue, abs=1e-4)
    assert not found.blocked


@pytest.mark.parametrize(
    ("counts", "shares"),
    [
        ({"a": 10}, {"a": 1}),
        ({"a": 9, "b": 9}, {"a": 1, "c": 1}),
        ({"a": 9, "b": 9}, {"a": 1, "b": 0}),
    ],
)
def test_counts_that_do_not_fit_the_plan_are_refused(counts, shares):
    """Other arms, one arm, a share of 0."""
    with pytest.raises(SettingsError, match="expected"):
        sample_ratio(counts, shares)


def test_a_ratio_of_a_handful_is_not_tested():
    """Four expected."""
    with pytest.raises(CannotSay, match="With 8 customers"):
        sample_ratio({"a": 8, "b": 0}, {"a": 1, "b": 1})


def test_balance_is_in_standard_deviations():
    """By hand, two covariates and two arms against one control."""
    rng = np.random.default_rng(2)
    before = pd.DataFrame({"frequency": rng.poisson(3, 90), "spend": rng.gamma(2, 20, 90)})
    arm = np.repeat(["a", "none", "b"], [20, 40, 30])
    found = balance_table(before, arm, control="none")
    assert [("frequency", "a"), ("frequency", "b"), ("spend", "a"), ("spend", "b")] == list(
        zip(found["covariate"], found["arm"], strict=True)
    )
    one, control = before["spend"][arm == "b"], before["spend"][arm == "none"]
    expected = (one.mean() - control.mean()) / np.sqrt((one.var() + control.var()) / 2)
    assert expected == pytest.approx(found["standardised_difference"].iloc[3])
    assert np.sqrt(1 / 30 + 1 / 40) == pytest.approx(found["chance"].iloc[3])


def test_arms_that_a_covariate_tells_apart_are_infinitely_apart():
    """All of one arm joined in one way, all of control in another."""
    found = balance_table(pd.DataFrame({"joined": [0, 0, 1, 1]}), [0, 0, 1, 1], control=0)
    assert [np.inf] == found["standardised_difference"].tolist()


def test_balance_of_nothing_is_refused():
    """No columns; an arm of one."""
    with pytest.raises(SettingsError, match="no columns"):
        balance_table(pd.DataFrame(index=range(4)), [0, 0, 1, 1], control=0)
    with pytest.raises(CannotSay, match="single customer"):
        balance_table(pd.DataFrame({"x": [1, 2, 3]}), [0, 0, 1], control=0)


@pytest.mark.parametrize(
    ("customers", "floor"), [(800, 400), (4000, 400), (4001, 401), (20_000, 2000)]
)
def test_the_holdout_is_a_tenth_and_four_hundred(customers, floor):
    """Whichever is more."""
    assert floor == holdout_floor(customers)


def test_a_campaign_too_small_for_a_holdout_says_so():
    """Of 799, 400 would be more than half."""
    with pytest.raises(CannotSay, match="With 799 customers"):
        holdout_floor(799)


def test_a_verdict_on_too_few_is_refused():
    """By number, by the lift that would be found, by a mean that carries no lift."""
    with pytest.raises(CannotSay, match="With 900 offered the campaign and 99 held out"):
        require_enough_customers(900, 99, control_mean=1.0, standard_deviation=0.1)
    # 2.80·1.7·√(2/100) = 67% of a mean of 1
    with pytest.raises(CannotSay, match="only a lift beyond 67% would be found"):
        require_enough_customers(100, 100, control_mean=1.0, standard_deviation=1.7)
    with pytest.raises(CannotSay, match="no positive mean"):
        require_enough_customers(900, 900, control_mean=0.0, standard_deviation=1.0)


def test_money_takes_more_customers_than_counts():
    """400 in each arm; what is no outcome is named."""
    with pytest.raises(CannotSay, match="on spend cannot be told: it takes 400 in each arm"):
        require_enough_customers(
            900, 399, control_mean=1.0, standard_deviation=0.1, outcome="spend"
        )
    assert (100, 100, 400, 400) == tuple(
        fewest_in_arm(outcome) for outcome in ("purchases", "bought", "spend", "profit")
    )
    with pytest.raises(SettingsError, match="outcome is 'clv'"):
        fewest_in_arm("clv")


def test_a_mean_that_few_customers_decide_is_refused():
    """A skewness of 6 is too much for 400 beside 3,600, and none for 400 beside 400."""
    given = {"control_mean": 1.0, "standard_deviation": 0.1, "outcome": "spend", "skewness": 6.0}
    with pytest.raises(CannotSay, match="It takes 557 held out, or arms of equal size"):
        require_enough_customers(3600, 400, **given)
    assert None is require_enough_customers(400, 400, **given)
    assert None is require_enough_customers(3600, 400, **(given | {"outcome": "bought"}))


def test_covariates_can_make_a_test_large_enough():
    """67% becomes 42% at an R² of .6."""
    assert None is require_enough_customers(
        100, 100, control_mean=1.0, standard_deviation=1.7, r_squared=0.6
    )
