"""What no analysis can answer is refused in whole sentences, with its figure and what to do."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import campaign_effect_samples as samples
from retention_models.campaigns.data.tables import Check
from retention_models.campaigns.effects.effect import effect_of
from retention_models.campaigns.effects.tables import TABLE
from retention_models.campaigns.effects.targeted import alike
from retention_models.errors import CannotSay, SettingsError


@pytest.fixture(scope="module")
def drawn():
    """4,000 customers, half offered a coupon by lot."""
    return samples.randomised()


def refusal_of(data, **asked):
    """The words, after a look at the rest of the result: no grade, no row, no number, a failed check."""
    found = effect_of(data, **asked)
    assert found.grade is None
    assert "" == found.verdict
    assert list(TABLE) == list(found.table.columns)
    assert found.table.empty
    assert found.economics.empty
    failed = found.checks.loc[~found.checks["passed"].astype(bool)]
    assert failed["blocks"].any()
    assert found.refusal in found.summary()
    with pytest.raises(CannotSay) as said:
        found.primary_effect()
    assert found.refusal == str(said.value)
    assert re.search(r"\.$", found.refusal)
    return found.refusal


# REF: simulated shops without any effect.
@pytest.mark.parametrize(
    ("design", "figure", "remedy"),
    [
        ("redeemers", "7.9 times", "everyone who was offered"),
        ("before_after", "5.7% in eight weeks", "Hold out"),
        ("before_after", "31%", "at least 400"),
        ("forecast", "71 of 100", "Hold out"),
    ],
)
def test_a_design_that_shows_nothing_is_refused(drawn, design, figure, remedy):
    """With what it would find where there is nothing, and what to do instead."""
    words = refusal_of(replace(drawn, campaign=samples.campaign(design)))
    assert figure in words
    assert remedy in words


def test_the_row_of_the_verdict_is_found_by_its_arm(drawn):
    """Of the primary outcome; an arm that is none is named with those that there are."""
    found = effect_of(drawn)
    assert found.table.iloc[0].equals(found.primary_effect())
    assert "coupon" == found.primary_effect("coupon")["arm"]
    with pytest.raises(SettingsError, match="arm: expected one of coupon; got 'coupons'"):
        found.primary_effect("coupons")


def test_redeemers_as_the_arm_are_refused(drawn):
    """Declared randomised, but everyone who was offered it redeemed."""
    table = drawn.table.assign(redemptions=(drawn.table["arm"] == "coupon").astype(int))
    assert "7.9 times" in refusal_of(replace(drawn, table=table))


@pytest.mark.parametrize("outcome", ["clv", "customer_lifetime_value"])
def test_lifetime_value_scored_again_is_refused(drawn, outcome):
    """It predicts +2.0% where the truth is −0.3 to −0.8% (REF)."""
    assert "2.0%" in refusal_of(drawn, outcomes=["purchases", outcome])


def test_two_hundred_customers_have_no_verdict():
    """Only a lift of 67% would be found (REF)."""
    words = refusal_of(samples.randomised(n=200))
    assert "67%" in words
    assert "Pool stores" in words


def test_rare_buyers_are_refused_by_what_could_be_found():
    """Four hundred customers of whom few buy: only a miracle would show."""
    data = samples.randomised(n=440)
    rare = {window: frame * 0.0 for window, frame in data.outcomes.items()}
    rare["campaign"].iloc[::40] = 1.0
    assert re.search(
        r"only a lift beyond \d+% would be found", refusal_of(replace(data, outcomes=rare))
    )


def test_a_broken_sample_ratio_is_refused(drawn):
    """Planned in halves, found otherwise."""
    campaign = samples.campaign(shares={"control": 0.4, "coupon": 0.6})
    words = refusal_of(replace(drawn, campaign=campaign))
    assert "control 2,000 where 1,600 were expected" in words


def test_other_arms_than_planned_are_refused(drawn):
    """The names must agree."""
    campaign = samples.campaign(shares={"control": 0.5, "cashback": 0.5})
    assert "“coupon”" in refusal_of(replace(drawn, campaign=campaign))


def test_no_overlap_is_refused():
    """All who buy often got it: nobody is like them; the plain difference was there before."""
    data = samples.targeted(strength=40.0)
    assert "Keep a random part" in refusal_of(data)
    found = effect_of(data)
    plain = found.naive.query("outcome == 'purchases' and window == 'campaign'").iloc[0]
    assert plain["expected_before"] > 0.5
    assert f"a difference of {plain['expected_before']:.2f} was to be expected" in found.summary()


def test_customers_that_no_weights_make_alike_are_refused():
    """Chosen by the logarithm of what a few customers have nearly all of, but modelled on it plain."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=3000)
    chosen = rng.random(3000) < 1 / (1 + np.exp(1 - 1.5 * x))
    with pytest.raises(
        CannotSay, match="cannot be made alike: even with weights they differ in “rec"
    ):
        alike(chosen, pd.DataFrame({"recency": np.exp(2 * x)}), "att")
    skewed = pd.DataFrame({"expected_spend": np.exp(2 * x)})
    assert alike(chosen, skewed, "att").balance["weighted"].abs().max() < 0.4


def test_profit_of_the_self_selected_is_refused():
    """Whether it paid cannot be said from who joined."""
    data = samples.targeted(design="self_selected", primary="profit")
    assert "No profit is given" in refusal_of(data)


def test_few_stores_are_refused():
    """Three of either kind."""
    assert "in 3 stores" in refusal_of(samples.stores(per_group=3))


def test_a_campaign_that_still_runs_is_refused(drawn):
    """Eight looks find an effect in 17.5% of campaigns that have none (REF)."""
    words = refusal_of(replace(drawn, last_day=dt.date(2017, 3, 20)))
    assert "17.5 of 100" in words
    assert "9 April 2017" in words


def test_a_day_that_was_not_declared_is_refused(drawn):
    """It names the next that was."""
    campaign = samples.campaign(looks=(0.5, 1.0))
    data = replace(drawn, campaign=campaign, last_day=dt.date(2017, 3, 20))
    assert "the next is 21 March 2017" in refusal_of(data)


def test_a_finding_that_blocks_is_the_refusal(drawn):
    """In its own words."""
    twice = Check("one arm a customer", False, True, "12 customers are in two arms.")
    assert "12 customers are in two arms." == refusal_of(replace(drawn, findings=(twice,)))


@pytest.mark.parametrize(("arm", "words"), [("control", "nobody got"), ("coupon", "without")])
def test_one_arm_alone_is_refused(drawn, arm, words):
    """All customers on one side."""
    assert words in refusal_of(replace(drawn, table=drawn.table.assign(arm=arm)))


def test_a_small_arm_is_left_out_and_named():
    """Fifty customers of a third arm: the other two are compared without them."""
    data = samples.randomised(2, 4050, arms=("control", "coupon"))
    table = data.table.copy()
    table.loc[table.index[:50], "arm"] = "cashback"
    campaign = samples.campaign(shares={"control": 2000, "coupon": 2000, "cashback": 50})
    found = effect_of(replace(data, table=table, campaign=campaign))
    assert {"coupon"} == set(found.table["arm"])
    assert "“cashback”" in found.checks.set_index("check").loc["size of cashback", "words"]
