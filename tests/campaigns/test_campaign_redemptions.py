"""Redemptions that are in no profit, or cost other than the file says: counted, and said."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

import retention_models as rm
from campaign_samples import CAMPAIGN, assigned, campaign, log_of, read_log
from tiers import few

IDS = [f"{i:04d}" for i in range(40)]
START, END = CAMPAIGN.start, CAMPAIGN.end
DAY = dt.timedelta(days=1)


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """Forty customers who bought before and after the start, the last beyond the follow-up."""
    lines = [(one, START - (20 + int(one)) * DAY, 5.0, f"b{one}") for one in IDS]
    lines += [(one, START + int(one) * DAY, 5.0, f"a{one}") for one in IDS]
    return log_of(tmp_path_factory.mktemp("log"), [*lines, ("x", END + 30 * DAY, 5.0, "x")])


def taken(days, amounts=None):
    """Redemptions of the offered, one a day of these."""
    rows = {"customer_id": IDS[1 : 2 * len(days) : 2], "redeemed_at": days}
    table = pd.DataFrame(rows).assign(campaign_id="spring")
    return table if amounts is None else table.assign(amount=amounts)


def found(log, redemptions, **changes):
    """The findings of the campaign by name, and its profit."""
    arms = {one: "coupon" if place % 2 else "control" for place, one in enumerate(IDS)}
    data = rm.read_campaign(log, campaign(**changes), assigned(arms), redemptions, margin=0.5)
    told = {one.check: one for one in data.findings}
    return told, data.outcomes["campaign"]["profit"].sum()


def test_redemptions_of_other_days_cost_nothing_and_are_said(log):
    """Before the start, and after the last day that is measured."""
    inside = [START, END, END + 14 * DAY]
    fine, _ = found(log, taken(inside, [1.0] * 3))
    assert "redemptions are of its days" not in fine
    told, profit = found(log, taken([START - DAY, *inside, END + 15 * DAY], [1.0] * 5))
    check = told["redemptions are of its days"]
    assert not check.passed
    assert not check.blocks
    assert "2 of 5 redemptions are not from the days that are measured" in check.words
    assert "1 August 2023 to 14 September 2023" in check.words
    _, none = found(log, taken([START - DAY], [1.0]))
    assert none - 2.0 == pytest.approx(profit)  # two in the campaign's own days


@pytest.mark.parametrize(
    ("amounts", "declared", "passed", "words"),
    few(
        2,
        [
            (
                [2.0, None, None],
                0.0,
                False,
                "2 of 3 redemptions tell no amount, and none is declared",
            ),
            ([None] * 3, 0.0, False, "3 of 3 redemptions tell no amount, and none is declared"),
            ([2.0, None, None], 1.5, True, "2 of 3 redemptions tell no amount, and cost 1.50 each"),
            ([None] * 3, 1.5, None, ""),
            ([2.0, 0.0, 1.0], 0.0, None, ""),
        ],
    ),
)
def test_redemptions_without_an_amount_are_said(log, amounts, declared, passed, words):
    """Free ones make the profit look better; where no row has an amount, the declared cost is meant."""
    costs = {"redemption": declared}
    told, profit = found(log, taken([START] * 3, amounts), costs=costs)
    check = told.get("redemptions have a cost")
    assert passed == (None if check is None else check.passed)
    assert check is None or words in check.words
    cost = sum(declared if one is None else one for one in amounts)
    assert found(log, taken([START], [0.0]))[1] - cost == pytest.approx(profit)


def test_points_are_a_cost_of_their_own(log):
    """Whoever pays by points gives no amount for a redemption."""
    told, _ = found(log, taken([START] * 3), costs={"points_rate": 0.01})
    assert "redemptions have a cost" not in told


@pytest.mark.slow
def test_in_a_roll_out_redemptions_of_others_than_a_stores_customers_are_said(tmp_path):
    """By a stranger, by a customer of another store, at a store that is not measured, on other days."""
    rows = [
        (f"{shop}{n}", START + (7 * week - 1) * DAY, 10.0, shop)
        for shop in "abcd"
        for n in range(6)
        for week in range(-8, 9)
    ]
    log = read_log(tmp_path, pd.DataFrame(rows, columns=["customer", "day", "amount", "shop"]))
    arms = pd.DataFrame({"store_id": list("abcd"), "arm": ["coupon", "control"] * 2})
    arms = arms.assign(campaign_id="spring", assigned_at=START)
    redeemed = pd.DataFrame(
        [
            ("a0", "a", START + DAY),
            ("c0", "c", START + 2 * DAY),
            ("stranger", "a", START + DAY),
            ("a1", "b", START + DAY),
            ("a2", "z", START + DAY),
            ("a3", "a", START - 3 * DAY),
        ],
        columns=["customer_id", "store_id", "redeemed_at"],
    ).assign(campaign_id="spring", amount=3.0)
    design = campaign(design="stores")
    data = rm.read_campaign(log, design, arms, redeemed, margin=0.5)
    told = {one.check: one.words for one in data.findings}
    assert (
        "3 of 6 redemptions are by customers who had not bought at that store"
        in (told["redemptions are by the stores' customers"])
    )
    assert "1 of 6 redemptions is not from the days" in told["redemptions are of its days"]
    free = rm.read_campaign(log, design, arms, redeemed.assign(amount=0.0), margin=0.5)
    lost = (free.outcomes["profit"] - data.outcomes["profit"]).sum(axis=1)
    assert [0.5, 0.0, 0.5, 0.0] == pytest.approx(lost.tolist())  # 3.00 over six customers
    nobody = redeemed.assign(customer_id=[None, *redeemed["customer_id"][1:]])
    named = rm.read_campaign(log, design, arms, nobody, margin=0.5).findings
    assert "redemptions name a customer" in {one.check for one in named}
