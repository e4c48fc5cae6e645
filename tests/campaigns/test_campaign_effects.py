"""Effects of campaigns by design: known effects are found, and every number agrees with the others."""

from __future__ import annotations

import datetime as dt
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pandas as pd
import pytest

import campaign_effect_samples as samples
from campaign_designs import effect_per_redeemer, targeted_effect
from retention_models.campaigns.data.tables import Check
from retention_models.campaigns.effects.effect import effect_of
from retention_models.campaigns.effects.several import campaign_effect_by_store
from retention_models.campaigns.effects.tables import ECONOMICS, TABLE
from retention_models.campaigns.estimators.difference_in_differences import store_effect
from retention_models.campaigns.estimators.multiplicity import benjamini_hochberg
from retention_models.campaigns.estimators.randomised import randomised_effect
from retention_models.campaigns.estimators.sequential import obrien_fleming
from retention_models.errors import SettingsError

CHOICE = [
    "expected_purchases",
    "probability_alive",
    "recency",
    "frequency",
    "log_T",
    "expected_spend",
]
SKEWED = ["expected_purchases", "frequency", "expected_spend"]


@pytest.fixture(scope="module")
def drawn():
    """4,000 customers, half offered a coupon by lot that lifts their rate by 15%."""
    return samples.randomised(new=0.1)


@pytest.fixture(scope="module")
def effect(drawn):
    """Its effect."""
    return effect_of(drawn, currency="EUR")


@pytest.fixture(scope="module")
def chosen():
    """4,000 customers, chosen by what they were expected to buy, without any effect."""
    return samples.targeted(strength=0.7)


@pytest.fixture(scope="module")
def targeted(chosen):
    """Its effect."""
    return effect_of(chosen)


def rows(effect, **chosen):
    """Rows of the table with those values."""
    kept = np.ones(len(effect.table), dtype=bool)
    for name, value in chosen.items():
        kept &= (effect.table[name] == value).to_numpy()
    return effect.table.loc[kept]


def one(effect, outcome="purchases", window="campaign", **chosen):
    """The only such row."""
    found = rows(effect, outcome=outcome, window=window, **chosen)
    assert 1 == len(found)
    return found.iloc[0]


def test_the_table_has_a_row_an_outcome_and_window(effect):
    """Four outcomes, three windows, as offered; and per redeemer in the campaign's days."""
    assert list(TABLE) == list(effect.table.columns)
    assert 12 == len(rows(effect, estimand="itt"))
    assert {"campaign"} == set(rows(effect, estimand="per_redeemer")["window"])


@pytest.mark.parametrize("outcome", ["purchases", "bought", "spend", "profit"])
def test_a_row_is_the_regression_on_the_outcomes_own_covariates(drawn, effect, outcome):
    """Mean, effect, interval, lift, R² and gain of `randomised_effect`."""
    names = {
        "purchases": ["expected_purchases"],
        "bought": ["expected_purchases", "probability_alive", "recency"],
    }.get(outcome, ["expected_spend", "expected_purchases"])
    found = randomised_effect(
        drawn.outcomes["whole"][outcome],
        drawn.table["arm"].to_numpy(dtype=object),
        drawn.covariates[[*names, "no_history"]],
        control="control",
    )
    row, expected = one(effect, outcome, "whole"), found.of("coupon")
    for name in ("mean", "absolute_effect", "conf_low", "pvalue_holm", "lift_high", "gain"):
        assert getattr(expected, name) == pytest.approx(row[name], rel=1e-9)
    assert found.r_squared == pytest.approx(row["r_squared"])
    assert 2000 * row["conf_high"] == pytest.approx(row["total_high"])


def test_the_effect_of_the_coupon_is_found(effect):
    """15% lie in the interval of purchases, none in that of the follow-up's."""
    row = one(effect, estimand="itt")
    assert row["lift_low"] < 15.0 < row["lift_high"]
    assert row["conf_low"] > 0.0
    assert ("A", "more purchases") == (effect.grade, effect.verdict)
    after = one(effect, window="follow_up")
    assert after["conf_low"] < 0.0 < after["conf_high"]


def test_per_redeemer_is_a_labelled_secondary_row(drawn, effect):
    """As `effect_per_redeemer` has it; no total, which would count the effect twice."""
    found = effect_per_redeemer(
        drawn.outcomes["campaign"]["spend"],
        drawn.table["redemptions"] > 0,
        drawn.table["arm"].to_numpy(dtype=object),
        drawn.covariates[["expected_spend", "expected_purchases", "no_history"]],
        treated="coupon",
        control="control",
    )
    row = one(effect, "spend", estimand="per_redeemer")
    assert (found.per_redeemer, found.conf_low) == pytest.approx(
        (row["absolute_effect"], row["conf_low"])
    )
    assert int((drawn.table["redemptions"] > 0).sum()) == row["customers"]
    assert np.isnan(row["total"])


def test_profit_is_margin_times_spend_less_costs():
    """With costs that are the same for all offered, the effects differ by just them."""
    found = effect_of(samples.randomised(costs={"contact": 0.4}))
    for window, contact in (("campaign", 0.4), ("follow_up", 0.0), ("whole", 0.4)):
        spend, profit = (one(found, name, window, estimand="itt") for name in ("spend", "profit"))
        expected = samples.MARGIN * spend["absolute_effect"] - contact
        assert expected == pytest.approx(profit["absolute_effect"], abs=1e-9)
        assert spend["standard_error"] * samples.MARGIN == pytest.approx(profit["standard_error"])


def test_economics_hold_the_fixed_cost(drawn, effect):
    """Profit is the total less what was spent on the campaign as a whole; return is over all cost."""
    row, profit = effect.economics.iloc[0], one(effect, "profit", "whole")
    offered = drawn.table["arm"] == "coupon"
    redemptions = drawn.table.loc[offered, "redemptions"].sum()
    assert 2000 * 0.1 + 2.0 * redemptions + 500.0 == pytest.approx(row["cost"])
    assert profit["total_low"] - 500.0 == pytest.approx(row["profit_low"])
    assert row["profit_high"] / row["cost"] == pytest.approx(row["return_high"])
    assert list(ECONOMICS) == list(effect.economics.columns)


def test_a_retained_customer_has_a_price_only_where_some_were(effect):
    """Cost ÷ more who bought; refused where the interval holds none."""
    strong = effect_of(samples.randomised(n=8000, lift=0.4)).economics.iloc[0]
    assert strong["cost"] / strong["retained"] == pytest.approx(strong["cost_per_retained"])
    assert strong["cost"] / strong["retained_high"] == pytest.approx(
        strong["cost_per_retained_low"]
    )
    none = effect_of(samples.randomised(lift=0.0)).economics.iloc[0]
    assert none["retained_low"] < 0.0
    assert np.isnan(none["cost_per_retained"])
    assert "may have retained nobody" in none["refusal"]


def test_arms_are_compared_with_each_other():
    """Free shipping or cashback? Each against control, and shipping against cashback."""
    found = effect_of(samples.randomised(2, 6000, arms=("control", "cashback", "shipping")))
    pairs = rows(found, outcome="purchases", window="campaign", estimand="itt")
    assert [("cashback", "control"), ("shipping", "control"), ("shipping", "cashback")] == list(
        zip(pairs["arm"], pairs["against"], strict=True)
    )
    assert "cashback: more purchases; shipping: more purchases" == found.verdict
    assert (pairs["pvalue_holm"] >= pairs["pvalue"]).all()
    assert 500.0 == pytest.approx(
        (found.economics["cost"] - 0.1 * 2000).sum() - 2.0 * redeemers_of(found)
    )


def redeemers_of(effect):
    """Customers of all arms who redeemed, each once."""
    return rows(effect, outcome="bought", estimand="per_redeemer")["customers"].sum()


def test_segments_are_shrunken_and_allowed_for(effect):
    """Thirds by expected purchases, and those without history, each with an adjusted p-value."""
    table = effect.segments.set_index("segment")
    assert {"seldom before", "now and then before", "often before", "no purchase before"} == set(
        table.index
    )
    assert (table["pvalue_adjusted"] >= table["pvalue"]).all()
    middle = table["shrunken"].mean()
    far = (table["effect"] - table["effect"].mean()).abs().idxmax()
    assert abs(table.loc[far, "shrunken"] - middle) < abs(table.loc[far, "effect"] - middle)


def test_segments_can_be_given(drawn):
    """A column of the campaign's table, or a Series; those of nobody are a mistake."""
    by_store = effect_of(drawn, segments="store_id").segments
    assert ["367", "406"] == by_store["segment"].tolist()
    series = pd.Series("a", index=drawn.table.index[:2000])
    assert {"a", "unknown"} == set(effect_of(drawn, segments=series).segments["segment"])
    with pytest.raises(SettingsError, match="none of the campaign's customers"):
        effect_of(drawn, segments=pd.Series(["a"], index=["nobody"]))


def test_by_store_small_stores_are_pooled_only(drawn):
    """Two stores with a verdict, one without; the pooled row holds all three."""
    table = drawn.table.copy()
    table.loc[table.index[:300], "store_id"] = "9"
    found = campaign_effect_by_store(replace(drawn, table=table)).set_index("store_id")
    assert ["367", "406", "9", "all stores"] == found.index.tolist()
    assert np.isnan(found.loc["9", "absolute_effect"])
    assert "its effect cannot be told" in found.loc["9", "refusal"]
    adjusted = benjamini_hochberg(found.loc[["367", "406"], "pvalue"])
    assert adjusted.tolist() == pytest.approx(found.loc[["367", "406"], "pvalue_adjusted"].tolist())
    assert 4000 == found.loc["all stores", ["customers", "customers_against"]].sum()
    assert 0.0 < found.loc["all stores", "absolute_effect"] < 0.4


def test_targeted_effects_are_doubly_robust(chosen, targeted):
    """On the treated and on all, as `targeted_effect`; the grade is C."""
    row = one(targeted, estimand="att")
    found = targeted_effect(
        chosen.outcomes["campaign"]["purchases"],
        (chosen.table["arm"] == "coupon").to_numpy(),
        chosen.covariates[CHOICE],
        propensity_covariates=np.column_stack(
            [chosen.covariates[CHOICE], np.log1p(chosen.covariates[SKEWED])]
        ),
    )
    expected = (found.effect, found.conf_low, found.pvalue)
    assert expected == pytest.approx((row["absolute_effect"], row["conf_low"], row["pvalue"]))
    assert one(targeted, estimand="ate")["customers"] > row["customers"]
    assert ("C", "no difference found") == (targeted.grade, targeted.verdict[:19])


def test_customers_without_history_need_their_like(chosen, targeted):
    """Added to those chosen only, they are left out and counted: all else stays as it was."""
    new = samples.targeted(9, 300, strength=0.7)
    new.covariates.loc[:] = 0.0
    index = "new" + new.table.index
    frames = [pd.concat([a, b.set_index(index)]) for a, b in [
        (chosen.table, new.table.assign(arm="coupon")),
        (chosen.covariates.assign(no_history=0.0), new.covariates.assign(no_history=1.0)),
    ]]  # fmt: skip
    outcomes = {
        window: pd.concat([frame, new.outcomes[window].set_index(index)])
        for window, frame in chosen.outcomes.items()
    }
    found = effect_of(replace(chosen, table=frames[0], covariates=frames[1], outcomes=outcomes))
    pd.testing.assert_frame_equal(targeted.table, found.table)
    pd.testing.assert_frame_equal(targeted.economics, found.economics)
    assert (
        "300 customers had not bought"
        in found.checks.set_index("check").loc["customers with history", "words"]
    )


def test_plain_differences_of_targeted_customers_mislead(chosen, targeted):
    """There is no effect: the doubly robust interval holds 0, the plain difference is far from it."""
    row = one(targeted, estimand="att")
    assert row["conf_low"] < 0.0 < row["conf_high"]
    plain = targeted.naive.query("outcome == 'purchases' and window == 'campaign'").iloc[0]
    assert plain["difference"] > 3.0 * row["conf_high"]
    assert plain["words"].startswith("Misleading")
    assert targeted.balance["unweighted"].abs().max() > 0.5
    assert targeted.balance["weighted"].abs().max() < 0.1


@pytest.mark.slow
def test_the_lift_on_the_treated_is_the_delta_method_of_both_means(chosen, targeted):
    """Against a bootstrap of the log ratio, to its Monte Carlo error."""
    row, rng = one(targeted, estimand="att"), np.random.default_rng(2)
    y = chosen.outcomes["campaign"]["purchases"].to_numpy()
    z = (chosen.table["arm"] == "coupon").to_numpy()
    X = chosen.covariates[CHOICE].to_numpy()
    logs = []
    for _ in range(200):
        i = rng.integers(0, y.size, y.size)
        effect = targeted_effect(y[i], z[i], X[i]).effect
        mean = y[i][z[i]].mean()
        logs.append(np.log(mean / (mean - effect)))
    width = np.log1p(row["lift_high"] / 100) - np.log1p(row["lift_low"] / 100)
    assert np.std(logs) == pytest.approx(width / 2 / 1.96, rel=0.2)


def test_self_selected_campaigns_have_sensitivity_and_no_profit(chosen):
    """Grade D; e-values and bounds of every outcome; neither a row nor a word of profit."""
    data = replace(chosen, campaign=samples.campaign("self_selected"))
    found = effect_of(data)
    assert "D" == found.grade
    assert {"purchases", "bought", "spend"} == set(found.table["outcome"])
    assert found.economics.empty
    assert {"e-value", "e-value of the interval", "bound", "explained away"} == set(
        found.sensitivity["measure"]
    )
    bounds = found.sensitivity.query("outcome == 'spend' and measure == 'bound'")
    assert bounds["effect_low"].is_monotonic_decreasing
    assert bounds["effect_high"].is_monotonic_increasing


def test_stores_at_once_are_the_store_effect():
    """Campaign's whole weeks against those before; per customer and week; total over both."""
    data = samples.stores()
    found = effect_of(data)
    row = one(found)
    used = data.weeks < 5
    treated = (data.stores["arm"] == "coupon").to_numpy()
    expected = store_effect(data.outcomes["purchases"][:, used], treated, data.weeks[used] >= 0)
    assert (expected.att, expected.conf_low) == pytest.approx(
        (row["absolute_effect"], row["conf_low"])
    )
    customers = data.stores.loc[treated, "customers"].sum()
    assert 5 * customers * expected.att == pytest.approx(row["total"])
    assert row["conf_low"] < 0.3 < row["conf_high"]
    assert ("B", "more purchases") == (found.grade, found.verdict)


def test_stores_show_what_was_before():
    """An event study by week and the joint test; stores that drifted apart lose a grade."""
    found = effect_of(samples.stores())
    study = found.event_study.query("outcome == 'purchases'")
    assert [*range(-12, -1), *range(9)] == study["step"].tolist()
    assert (found.pre_trend["pvalue"] > 0.05).all()
    apart = effect_of(samples.stores(trend=0.1))
    assert (apart.pre_trend["pvalue"] < 0.05).all()
    assert "C" == apart.grade
    assert "moved apart already before" in apart.summary()


def test_staggered_stores_have_group_time_effects():
    """Two starts: the effect is found, with an event study, a joint test, and no lift."""
    found = effect_of(samples.stores(starts=(0, 2)))
    row = one(found)
    assert row["conf_low"] < 0.3 < row["conf_high"]
    assert np.isnan(row["lift_percent"])
    assert 3 == found.pre_trend["restrictions"].iloc[0]
    assert "B" == found.grade


def test_a_failed_check_of_trust_costs_a_grade(drawn):
    """Not so one that only says what is not told."""
    late = Check("offers before the start", False, False, "30 offers came after the start.")
    found = effect_of(replace(drawn, findings=(late,)))
    assert "B" == found.grade
    assert "30 offers came after the start." in found.summary()
    early = Check("follow-up over", False, False, "The follow-up is not over.")
    assert "A" == effect_of(replace(drawn, findings=(early,))).grade


def test_undeclared_shares_cost_a_grade(drawn):
    """Whether customers were lost cannot be tested then."""
    found = effect_of(replace(drawn, campaign=samples.campaign(shares={})))
    assert "B" == found.grade
    assert "shares" in found.checks.set_index("check").loc["grade", "words"]


def test_a_declared_look_has_the_repeated_interval(drawn):
    """Half of the days, the first of two looks: the interval of O'Brien and Fleming."""
    campaign = samples.campaign(looks=(0.5, 1.0))
    last_day = dt.date(2017, 3, 21)
    early = effect_of(replace(drawn, campaign=campaign, last_day=last_day), outcomes=["purchases"])
    plain = effect_of(drawn, outcomes=["purchases"])
    level = obrien_fleming([0.5, 1.0]).levels[0]
    assert level == pytest.approx(early.level)
    rows = [one(found, window="campaign", estimand="itt") for found in (early, plain)]
    wide, narrow = (row["conf_high"] - row["conf_low"] for row in rows)
    assert 2.797 / 1.96 == pytest.approx(
        wide / narrow, rel=0.01
    )  # Jennison & Turnbull, C_B(2, .05)
    assert "declared look of 21 March 2017" in early.summary()


def test_results_are_frozen(effect):
    """And so are what they are read from."""
    with pytest.raises(FrozenInstanceError):
        effect.grade = "A"


def test_the_name_of_an_outcome_is_checked(drawn):
    """With what may be asked."""
    with pytest.raises(SettingsError, match="purchases, bought, spend, profit"):
        effect_of(drawn, outcomes=["visits"])
    with pytest.raises(SettingsError, match="interval is 95"):
        effect_of(drawn, interval=95)


def test_an_outcome_without_spread_is_left_out_with_its_reason(drawn):
    """Nobody bought in the follow-up: its rows are missing, the others stand."""
    nothing = drawn.outcomes["follow_up"] * 0.0
    found = effect_of(replace(drawn, outcomes={**drawn.outcomes, "follow_up": nothing}))
    assert "follow_up" not in set(found.table["window"])
    words = found.checks.set_index("check").loc["estimated: purchases, follow_up", "words"]
    assert "“coupon” and “control” do not differ" in words
    assert "A" == found.grade
