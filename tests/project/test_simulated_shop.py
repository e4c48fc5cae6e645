"""The made-up shop: a past that no campaign changes, and a lift that is the one asked for."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
from plan_samples import coupon

LAST = dt.date(2024, 2, 29)


@pytest.fixture(scope="module")
def shop():
    """Four thousand customers."""
    return rm.SimulatedShop(4000, dt.date(2023, 1, 1), joining_days=300, seed=2)


@pytest.fixture(scope="module")
def everyone(shop):
    """All of them offered the coupon."""
    return pd.DataFrame({"customer_id": shop.ids(), "arm": "coupon"})


def test_the_past_is_the_same_whatever_follows(shop, everyone):
    """Orders before the campaign do not know of it."""
    campaign = coupon()
    after = shop.orders(campaign.end, campaign=campaign, assignments=everyone, lift={"coupon": 0.5})
    past = after[after["date"] <= LAST].reset_index(drop=True)
    pd.testing.assert_frame_equal(shop.orders(LAST), past)


def test_customers_who_never_leave_buy_faster_by_the_lift(everyone):
    """Orders of the campaign's days: a half more, within four standard errors."""
    shop = rm.SimulatedShop(4000, dt.date(2023, 1, 1), joining_days=300, seed=2, a=1e-9, b=1.0)
    campaign = coupon()
    counts = []
    for lift in (0.0, 0.5):
        orders = shop.orders(
            campaign.end, campaign=campaign, assignments=everyone, lift={"coupon": lift}
        )
        counts.append((orders["date"] >= campaign.start).sum())
    ratio = counts[1] / counts[0]
    assert abs(ratio - 1.5) < 4.0 * 1.5 * np.sqrt(1 / counts[0] + 1 / counts[1])


def test_the_true_lift_is_of_those_offered_it(shop, everyone):
    """Near that of the rate, of some 500 purchases; 0 for control."""
    arms = everyone.assign(arm=np.where(np.arange(4000) % 2, "coupon", "control"))
    lift = shop.true_lift(coupon(), arms, {"coupon": 0.5})
    assert 0.0 == lift["control"]
    assert 0.3 < lift["coupon"] < 0.6


def test_redemptions_are_orders_of_those_offered_it(shop, everyone):
    """In the campaign's days, by no one of control."""
    campaign = coupon()
    arms = everyone.assign(arm=np.where(np.arange(4000) % 2, "coupon", "control"))
    orders = shop.orders(campaign.end, campaign=campaign, assignments=arms, lift={"coupon": 0.1})
    found = shop.redemptions(orders, campaign, arms)
    assert len(found) > 50
    assert found["redeemed_at"].between(campaign.start, campaign.end).all()
    assert set(found["customer_id"]) <= set(arms.loc[arms["arm"] == "coupon", "customer_id"])


def test_the_log_is_read_as_a_shops_is(shop):
    """Every order up to the day, checked; a fit recovers the rate of the first purchases."""
    log = shop.log(until=LAST)
    assert len(shop.orders(LAST)) == log.rows_read
    assert 0 == log.rows_unusable
    assert log.last_day() <= LAST
    assert 4000 == len(rm.customer_summary(log, observation_end=LAST))


def test_a_written_project_is_the_shop_and_its_campaign(tmp_path):
    """Its file describes the campaign that was given, its data are the orders with the lift."""
    shop = rm.SimulatedShop(60, dt.date(2023, 1, 1), seed=2)
    stated = {"costs": {"contact": 0.15}, "shares": {"control": 1, "coupon": 1}, "margin": None}
    campaign = coupon(follow_up=7, **stated)
    arms = pd.DataFrame({"customer_id": shop.ids(), "arm": ["control", "coupon"] * 30})
    project = shop.write_project(tmp_path / "new", campaign, arms, lift={"coupon": 4.0})
    assert rm.read_settings(project).campaigns == (campaign,)
    opened = rm.open_campaign(project, campaign.id)
    last = campaign.end + dt.timedelta(days=7)
    with_lift = shop.orders(last, campaign=campaign, assignments=arms, lift={"coupon": 4.0})
    assert len(opened.log.rows().to_pandas()) == len(with_lift) > len(shop.orders(last))
    assert opened.data.table["arm"].value_counts().to_dict() == {"control": 30, "coupon": 30}
