"""Plans: the backtest, what lift is found, how long it takes, and plans that are refused."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from statsmodels.regression.linear_model import OLS

import retention_models as rm
from plan_samples import coupon, read_orders
from retention_models.campaigns.estimators.power import minimum_detectable_effect
from retention_models.campaigns.plans.backtest import backtest_outcomes, explained_share
from retention_models.campaigns.plans.detectable import (
    Moments,
    customers_for_lift,
    detectable_effect,
)

BEFORE = dt.date(2024, 2, 29)
OUTCOMES = ["purchases", "bought", "spend", "profit"]


@pytest.fixture(scope="module")
def orders():
    """Five thousand customers up to the end of the campaign's days."""
    shop = rm.SimulatedShop(5000, dt.date(2023, 1, 1), joining_days=365, seed=3)
    return shop.orders(dt.date(2024, 3, 28))


@pytest.fixture(scope="module")
def log(orders, tmp_path_factory):
    """Those orders up to the day before the campaign."""
    return read_orders(orders[orders["date"] <= BEFORE], tmp_path_factory.mktemp("log"))


@pytest.fixture(scope="module")
def plan(log):
    """Half of them offered a coupon."""
    return rm.plan_campaign(log, coupon(margin=0.3))


def test_the_backtest_is_what_the_same_customers_did_a_window_earlier(orders, log):
    """Counted by hand: customers known on 1 February, their 28 days from then to 29 February."""
    found = backtest_outcomes(log, coupon(margin=0.3))
    assert (dt.date(2024, 2, 2), BEFORE) == (found.campaign.start, found.campaign.end)
    assert dt.date(2024, 2, 1) == found.cut
    known = pd.Index(orders.loc[orders["date"] <= found.cut, "customer_id"].unique())
    inside = orders[orders["date"].between(found.campaign.start, BEFORE)]
    inside = inside[inside["customer_id"].isin(known)]
    days = inside.groupby("customer_id")["date"].nunique().reindex(known, fill_value=0)
    spend = inside.groupby("customer_id")["spend"].sum().reindex(known, fill_value=0.0)
    by_hand = {
        "purchases": days,
        "bought": (days > 0).astype(float),
        "spend": spend,
        "profit": 0.3 * spend,
    }
    assert OUTCOMES == list(found.table.index)
    assert len(known) == found.customers
    for outcome, values in by_hand.items():
        row = found.table.loc[outcome]
        assert pytest.approx(values.mean()) == row["mean"]
        assert pytest.approx(values.std()) == row["standard_deviation"]


@pytest.mark.slow
def test_what_comes_after_the_start_is_not_looked_at(orders, log, plan, tmp_path):
    """A log that goes on into the campaign gives the same plan."""
    later = rm.plan_campaign(read_orders(orders, tmp_path), coupon(margin=0.3))
    pd.testing.assert_frame_equal(plan.table, later.table)
    pd.testing.assert_frame_equal(plan.durations, later.durations)
    pd.testing.assert_frame_equal(plan.customers, later.customers)


def test_the_explained_share_is_adjusted_r_squared():
    """As statsmodels has it, with a column that nearly repeats another; 0 where nothing varies."""
    rng = np.random.default_rng(4)
    x = rng.gamma(1.0, size=(300, 3))
    y = x @ [1.0, 0.0, -0.5] + rng.normal(size=300)
    expected = OLS(y, np.column_stack([np.ones(300), x])).fit().rsquared_adj
    assert pytest.approx(expected, abs=1e-12) == explained_share(y, x)
    assert 0.0 == explained_share(np.ones(300), x)
    assert 0.0 == explained_share(y, x[:, :0])


def test_the_detectable_effect_is_the_fixed_point_of_its_own_spread():
    """Closed form of e² = k²(1 − R²)s²((1 + e/m)/n_T + 1/n_C), k = 2.8016."""
    visits = Moments(0.5, 0.9, 0.2, proportion=False)
    found = detectable_effect(visits, 3000, 1000, power=0.8, level=0.05)
    a = (1.959963984540054 + 0.8416212335729143) ** 2 * 0.8 * 0.9**2
    p, q = a / (0.5 * 3000), a * (1 / 3000 + 1 / 1000)
    assert pytest.approx(p / 2 + np.sqrt(p**2 / 4 + q), rel=1e-9) == found
    without = minimum_detectable_effect(0.9, 3000, 1000, r_squared=0.2)
    assert without < found < 1.05 * without


@pytest.mark.parametrize("proportion", [False, True])
@pytest.mark.parametrize("share", [0.5, 0.2])
def test_the_customers_needed_find_the_wished_lift(proportion, share):
    """Two routes: size from lift, and lift from that size."""
    moments = Moments(0.3, np.sqrt(0.21), 0.15, proportion)
    how = {"power": 0.8, "level": 0.05}
    needed = customers_for_lift(moments, 0.1, (1.0 - share, share), **how)
    arms = (1.0 - share) * needed, share * needed
    assert pytest.approx(0.03, rel=2e-3) == detectable_effect(moments, *arms, **how)


def test_lifts_that_no_number_of_customers_finds_are_missing():
    """Of nothing, of a loss, and beyond everybody."""
    how = {"power": 0.8, "level": 0.05}
    for moments in (
        Moments(0.0, 0.0, 0.0, proportion=False),
        Moments(-1.0, 1.0, 0.0, proportion=False),
        Moments(0.95, 0.2, 0.0, proportion=True),
    ):
        assert np.isnan(customers_for_lift(moments, 0.1, (0.5, 0.5), **how))
    assert np.isnan(detectable_effect(Moments(0.0, 0.0, 0.0, proportion=True), 9, 9, **how))
    assert np.isnan(detectable_effect(Moments(0.99, 0.1, 0.0, proportion=True), 50, 50, **how))


def test_a_plan_has_a_row_for_each_outcome(plan):
    """With the customers of both arms, and its own numbers in the words."""
    assert OUTCOMES == plan.table["outcome"].tolist()
    assert {"control": 2500, "coupon": 2500} == plan.arms.to_dict()
    assert {5000} == set(plan.table["customers"])
    percent = plan.table.set_index("outcome")["minimum_detectable_percent"]
    assert percent["bought"] < percent["purchases"] < percent["spend"]
    assert pytest.approx(percent["spend"]) == percent["profit"]
    assert 500 == plan.holdout_floor
    assert f"from {percent['purchases']:.1f}% up, in 80% of cases" in plan.summary()
    assert "Held out are 2,500; the least is 500." in plan.summary()


@pytest.mark.slow
def test_lengths_agree_with_the_table_and_with_a_longer_backtest(log, plan):
    """At the campaign's own length; at 84 days within a tenth of what those days measure."""
    at = plan.durations.set_index(["outcome", "days"])["minimum_detectable_percent"]
    table = plan.table.set_index("outcome")["minimum_detectable_percent"]
    longer = rm.plan_campaign(log, coupon(end=dt.date(2024, 5, 23), margin=0.3))
    direct = longer.table.set_index("outcome")["minimum_detectable_percent"]
    for outcome in OUTCOMES:
        assert pytest.approx(table[outcome], rel=1e-3) == at[outcome, 28]
        assert pytest.approx(direct[outcome], rel=0.1) == at[outcome, 84]
        assert at[outcome].is_monotonic_decreasing


@pytest.mark.slow
def test_the_shortest_length_that_finds_the_lift_is_told(log, plan):
    """In whole weeks; a campaign that is long enough needs no other; some lifts are never found."""
    assert plan.days_needed % 7 == 0
    assert 28 < plan.days_needed <= 364
    assert "it takes longer" == plan.verdict
    assert f"it takes {plan.days_needed} days" in plan.summary()
    end = coupon().start + dt.timedelta(days=plan.days_needed - 1)
    enough = rm.plan_campaign(log, coupon(end=end), lift=0.12)
    assert "it will be found" == enough.verdict
    assert "enough for the 12%" in enough.summary()
    never = rm.plan_campaign(log, coupon(), lift=0.01)
    assert never.days_needed is None
    assert "it takes more customers" == never.verdict
    assert "not even 52 weeks" in never.summary()


@pytest.mark.slow
def test_arms_share_the_level_and_the_smallest_decides(log, plan):
    """Two arms against one control: each is held to half of the level."""
    shares = {"control": 0.5, "coupon": 0.3, "shipping": 0.2}
    found = rm.plan_campaign(log, coupon(shares=shares)).table.set_index(["outcome", "arm"])
    assert 3 * 2 == len(found)
    row = found.loc[("purchases", "shipping")]
    moments = Moments(row["mean"], row["standard_deviation"], row["r_squared"], proportion=False)
    expected = detectable_effect(moments, 1000, 2500, power=0.8, level=0.025)
    assert pytest.approx(expected) == row["minimum_detectable_effect"]
    assert (
        found.loc[("purchases", "coupon")]["minimum_detectable_effect"]
        < row["minimum_detectable_effect"]
    )


@pytest.mark.slow
def test_a_hold_out_below_the_floor_is_told(log):
    """Five in a hundred are fewer than the tenth that is to be held out."""
    plan = rm.plan_campaign(log, coupon(shares={}), control_share=0.05, lift=0.4)
    assert {"control": 250, "offered": 4750} == plan.arms.to_dict()
    assert "which is too few: hold out 500 at least (10%)" in plan.summary()


@pytest.mark.slow
def test_a_plan_is_of_one_stores_customers(orders, tmp_path):
    """Those last seen there: the stores' plans share out the customers."""
    stores = orders["customer_id"].str[-1].isin(list("0123"))
    log = read_orders(orders.assign(store_id=np.where(stores, "small", "large")), tmp_path)
    plans = {name: rm.plan_campaign(log, coupon(), store_id=name) for name in ("small", "large")}
    assert {"small": 2000, "large": 3000} == {n: p.arms.sum() for n, p in plans.items()}
    assert set(plans["small"].customers.index.str[-1]) == set("0123")
    with pytest.raises(rm.SettingsError, match=r"no store 'none'.*large, small"):
        rm.plan_campaign(log, coupon(), store_id="none")


def test_the_plans_customers_can_be_put_in_arms(plan):
    """All of them, by what they are expected to buy in the campaign's days."""
    assert 5000 == len(plan.customers)
    assert plan.customers["expected_purchases"].between(0.0, 28.0).all()
    drawn = rm.assign_customers(plan.customers, plan.campaign, assigned_at=BEFORE)
    assert {"control": 2500, "coupon": 2500} == drawn.arms.to_dict()


@pytest.mark.slow
def test_customers_without_history_are_counted(log, plan):
    """They are in the arms, and have no expectation."""
    strangers = [f"new{number}" for number in range(1000)]
    found = rm.plan_campaign(
        log, coupon(), customers=plan.customers.index.append(pd.Index(strangers))
    )
    assert 6000 == found.arms.sum()
    assert found.customers.loc[strangers, "expected_purchases"].isna().all()
    assert plan.backtest.customers == found.backtest.customers


def test_stores_that_are_too_small_are_refused(log, plan):
    """Fewer than 800 customers."""
    with pytest.raises(rm.CannotSay, match=r"With 200 customers, no test .* Pool stores"):
        rm.plan_campaign(log, coupon(), customers=plan.customers.index[:200])


@pytest.mark.slow
def test_tests_that_would_show_only_a_miracle_are_refused(log, plan):
    """A hold-out of few, and a campaign of two days."""
    with pytest.raises(rm.CannotSay, match="and 50 held out, its effect on purchases cannot"):
        rm.plan_campaign(log, coupon(shares={}), control_share=0.01)
    with pytest.raises(rm.CannotSay, match="and 250 held out, its effect on spend cannot"):
        rm.plan_campaign(log, coupon(shares={}, primary="spend"), control_share=0.05)
    short = coupon(end=dt.date(2024, 3, 2))
    with pytest.raises(rm.CannotSay, match=r"only a lift beyond .* would be found"):
        rm.plan_campaign(log, short, customers=plan.customers.index[:900])


def test_logs_without_a_window_before_the_campaign_are_refused(log, orders, tmp_path):
    """Too short, or begun too late."""
    with pytest.raises(rm.CannotSay, match="no window of 500 days"):
        rm.plan_campaign(log, coupon(end=coupon().start + dt.timedelta(days=499)))
    with pytest.raises(rm.CannotSay, match="no day before the campaign's start, 2022-03-01"):
        rm.plan_campaign(log, coupon(start=dt.date(2022, 3, 1), end=dt.date(2022, 3, 28)))
    young = orders[orders["date"] < dt.date(2023, 1, 9)]
    first_week = read_orders(young, tmp_path)
    second = coupon(start=dt.date(2023, 1, 9), end=dt.date(2023, 1, 15))
    with pytest.raises(rm.CannotSay, match="too few to tell how much"):
        backtest_outcomes(first_week, second)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"lift": 0.0}, "lift is 0.0"),
        ({"level": 0.7}, "level is 0.7"),
        ({"power": 0.01}, "power is 0.01"),
        ({"control_share": 1.0}, "control_share is 1.0"),
    ],
)
def test_what_is_asked_of_a_plan_is_checked(log, how, said):
    """The parameter is named."""
    with pytest.raises(rm.SettingsError, match=said):
        rm.plan_campaign(log, coupon(), **how)


@pytest.mark.slow
def test_profit_takes_a_margin(log):
    """Without one there is no row of it, and it cannot be what decides."""
    assert "profit" not in set(rm.plan_campaign(log, coupon()).table["outcome"])
    with pytest.raises(rm.SettingsError, match="margin is not given"):
        rm.plan_campaign(log, coupon(primary="profit"))
    assert rm.plan_campaign(log, coupon(primary="profit"), margin=0.3, lift=0.3).days_needed
