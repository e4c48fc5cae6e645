"""The price of a reward: against sums by hand, simulated shops, and at its limits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
from retention_models.levels import Interval
from shops_of_known_models import PURCHASES, known_models, simulated
from tiers import sized


@pytest.fixture(scope="module")
def shop():
    """Customers with the models they come from."""
    return *known_models(), simulated(200, np.random.default_rng(7))


def by_hand(purchases, spend, summary, days, margin):
    """Expected purchases, chance of one, spend of each customer, from other functions."""
    table = rm.predict_customers(
        purchases, spend, summary, horizon=days / 7, annual_discount_rate=0.0, interval=None
    )
    history = [summary[name] for name in ("frequency", "recency", "T")]
    none = purchases.conditional_probability_of_n_purchases_up_to_time(0, days / 7, *history)
    return table["expected_purchases"], 1.0 - np.asarray(none), table["expected_spend"]


@pytest.mark.parametrize(
    ("kind", "each"), [("coupon", False), ("gift", False), ("free shipping", True)]
)
def test_the_break_even_and_the_largest_reward_are_where_profit_is_nothing(shop, kind, each):
    """At the break-even lift, and at the largest size; sums as by hand."""
    purchases, spend, summary = shop
    told = {"days": 56, "margin": 0.4, "contact_cost": 0.01}
    first = rm.price_reward(purchases, spend, summary, kind, size=2.0, lift=0.3, **told)
    row = first.table.loc["all"]
    E, some, paid = by_hand(purchases, spend, summary, 56, 0.4)
    rewarded = E if each else some
    assert row["rewarded_anyway"] == pytest.approx(rewarded.sum())
    assert row["given_anyway"] == pytest.approx(2.0 * rewarded.sum())
    earned = 0.4 * (E * paid).sum()
    profit = 0.3 * earned - 1.3 * 2.0 * rewarded.sum() - 0.01 * len(summary)
    assert row["profit"] == pytest.approx(profit)
    even = rm.price_reward(
        purchases, spend, summary, kind, size=2.0, lift=row["break_even_lift"], **told
    )
    assert even.table.loc["all", "profit"] == pytest.approx(0.0, abs=1e-6 * earned)
    most = rm.price_reward(purchases, spend, summary, kind, size=row["largest"], lift=0.3, **told)
    assert most.table.loc["all", "profit"] == pytest.approx(0.0, abs=1e-6 * earned)


def test_a_share_of_every_purchase_breaks_even_by_the_textbook(shop):
    """D ÷ (m − d), whoever the customers are: 5% off at a margin of 30% wants 20% more purchases."""
    found = rm.price_reward(
        *shop, "free shipping", days=30, size=0.05, by_share=True, lift=0.25, margin=0.3
    )
    row = found.table.loc["all"]
    assert row["break_even_lift"] == pytest.approx(0.2)
    assert row["largest"] == pytest.approx(0.3 * 0.25 / 1.25)


def test_points_cost_less_the_sooner_they_expire(shop):
    """What never comes to be redeemed costs nothing; redemption and goods at cost scale the cost."""
    told = {"days": 30, "size": 1.0, "margin": 0.3}
    given = [
        rm.price_reward(*shop, "points", expiry_days=days, **told).table.loc["all", "given_anyway"]
        for days in (7, 90, 3_000)
    ]
    assert given == sorted(given)
    every = rm.price_reward(*shop, "free shipping", **told).table.loc["all", "given_anyway"]
    assert given[-1] < every
    half = rm.price_reward(
        *shop, "points", expiry_days=90, redemption=0.5, cost_share=0.5, **told
    ).table.loc["all", "given_anyway"]
    assert half == pytest.approx(given[1] / 4.0)


def test_segments_add_up_and_an_empty_one_says_so(shop):
    """Two halves sum to all; nobody is nobody."""
    summary = shop[2]
    often = summary["frequency"] > 2
    groups = pd.DataFrame({"often": often, "rest": ~often, "none": False}, index=summary.index)
    told = {"size": 1.0, "lift": 0.2, "margin": 0.5, "groups": groups}
    table = rm.price_reward(*shop, "cashback", days=30, expiry_days=60, **told).table
    for name in ("customers", "bought_anyway", "margin_anyway", "given_anyway", "profit"):
        assert table.loc["often", name] + table.loc["rest", name] == pytest.approx(
            table.loc["all", name]
        )
    assert "Nobody here" in table.loc["none", "refusal"]
    assert np.isnan(table.loc["none", "largest"])


def test_what_no_lift_pays_for_is_refused(shop):
    """A reward above the margin has no break-even; a lift below the contacts' cost no reward."""
    dear = rm.price_reward(
        *shop, "free shipping", days=30, size=0.4, by_share=True, margin=0.3
    ).table.loc["all"]
    assert np.isnan(dear["break_even_lift"])
    assert dear["refusal"].startswith("The reward costs 133% of what")
    lost = rm.price_reward(*shop, "gift", days=30, lift=0.01, margin=0.3, contact_cost=5.0)
    assert "do not even pay for contacting" in lost.table.loc["all", "refusal"]
    assert "not said" in repr(lost)


@pytest.mark.parametrize(
    ("kind", "wrong", "name"),
    [
        ("voucher", {}, "kind"),
        ("coupon", {"size": 0.0}, "size"),
        ("coupon", {"size": 1.5, "by_share": True}, "size"),
        ("coupon", {"expiry_days": 30}, "expiry_days"),
        ("points", {}, "expiry_days"),
        ("coupon", {"margin": 0.0}, "margin"),
        ("coupon", {"redemption": 0.0}, "redemption"),
        ("coupon", {"contact_cost": -1.0}, "contact_cost"),
        ("coupon", {"lift": -1.0}, "lift"),
    ],
)
def test_what_is_out_of_range_is_named(shop, kind, wrong, name):
    """The parameter, and what was expected."""
    with pytest.raises(rm.SettingsError, match=f"^{name}"):
        rm.price_reward(*shop, kind, days=30, **wrong)


def test_the_lift_s_doubt_widens_what_hangs_on_it_alone(shop):
    """The largest reward has the ends of the lift's own; what is given anyway has none of it."""
    lift = Interval(0.2, 0.05, 0.35)
    told = {"days": 30, "size": 0.04, "by_share": True, "margin": 0.3, "lift": lift}
    row = rm.price_reward(*shop, "free shipping", **told).table.loc["all"]
    assert row["largest_low"] == pytest.approx(0.3 * 0.05 / 1.05)
    assert row["largest_high"] == pytest.approx(0.3 * 0.35 / 1.35)
    assert row["given_anyway_low"] == pytest.approx(row["given_anyway"])
    assert row["profit_low"] < 0.0 < row["profit_high"]


def test_a_balance_of_nobody_known_is_refused(shop):
    """And nothing held is nothing owed."""
    purchases, _, summary = shop
    none = pd.Series(0.0, index=summary.index)
    assert rm.reward_liability(purchases, summary, none, expiry_days=30).cost.value == 0.0
    with pytest.raises(rm.SettingsError, match="not in the summary"):
        rm.reward_liability(purchases, summary, pd.Series([1.0], index=["x"]), expiry_days=30)
    with pytest.raises(rm.SettingsError, match="from 0"):
        rm.reward_liability(purchases, summary, none - 1.0, expiry_days=30)


def futures(summary, weeks, rng):
    """Purchases in the weeks ahead of customers of the known model, one draw of each."""
    purchases, _ = known_models()
    x, t_x, T = (summary[name].to_numpy() for name in ("frequency", "recency", "T"))
    theta = purchases.fit_.parameters
    alive = rng.random(x.size) < purchases.model.probability_alive(x, t_x, T, *theta)
    rate = rng.gamma(x + PURCHASES["r"]) / (PURCHASES["alpha"] + T)
    leave = rng.beta(PURCHASES["a"], PURCHASES["b"] + x)
    most = rng.geometric(np.clip(leave, 1e-12, 1.0))
    return alive * np.minimum(rng.poisson(rate * weeks), most)


@pytest.mark.slow
def test_the_liability_and_the_break_even_hold_what_comes(record_property):
    """90% intervals: of what is redeemed, chance and all, and of the break-even lift at the truth."""
    shops, inside = sized(30, 200), np.zeros(2)
    truth = known_models()
    for seed in range(shops):
        rng = np.random.default_rng(seed)
        summary = simulated(800, rng)
        balances = pd.Series(rng.gamma(1.0, 8.0, 800), index=summary.index)
        fitted = rm.BetaGeoFitter().fit(summary["frequency"], summary["recency"], summary["T"])
        back = summary[summary["frequency"] > 0]
        spend = rm.GammaGammaFitter().fit(back["frequency"], back["monetary_value"])
        found = rm.reward_liability(fitted, summary, balances, expiry_days=56)
        came = float(balances[futures(summary, 8.0, rng) > 0].sum())
        told = {"days": 56, "size": 4.0, "margin": 0.5}
        row = rm.price_reward(fitted, spend, summary, "coupon", **told).table.loc["all"]
        true = rm.price_reward(*truth, summary, "coupon", **told).table.loc["all"]
        inside += [
            found.redeemed.low <= came <= found.redeemed.high,
            row["break_even_lift_low"] <= true["break_even_lift"] <= row["break_even_lift_high"],
        ]
    for name, share in zip(("liability", "break-even lift"), inside / shops, strict=True):
        record_property(f"90% coverage of {name}", f"{share:.3f}")
        assert share >= 0.9 - 3.0 * np.sqrt(0.09 / shops)
