"""Simulated customers and stores of campaigns with a known effect, for tests of several rooms."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from retention_models.campaigns.data.tables import CampaignCustomers, CampaignStores, Check
from retention_models.settings.campaigns import Campaign

MARGIN = 0.3
END = dt.date(2017, 4, 9)


def campaign(design="randomised", **changes):
    """38 days with four weeks of follow-up, a tenth of a unit a contact, two a redemption."""
    given = {
        "id": "spring",
        "name": "Spring coupon",
        "kind": "coupon",
        "design": design,
        "start": dt.date(2017, 3, 3),
        "end": END,
        "follow_up": 28,
        "margin": MARGIN,
        "costs": {"contact": 0.1, "redemption": 2.0, "fixed": 500.0},
    }
    if design == "randomised":
        given["shares"] = {"control": 0.5, "coupon": 0.5}
    return Campaign.model_validate(given | changes)


def history(rng, n, *, new=0.0):
    """What is known of customers before: those without history have 0 throughout, and say so."""
    rate = rng.gamma(1.5, 0.8, n)
    known = rng.random(n) >= new
    before = pd.DataFrame(
        {
            "expected_purchases": rate,
            "probability_alive": np.clip(0.3 + 0.25 * rate, 0.0, 1.0) * rng.uniform(0.8, 1.0, n),
            "recency": rng.uniform(0.0, 50.0, n),
            "frequency": rng.poisson(4.0 * rate).astype(float),
            "log_T": np.log(rng.uniform(10.0, 60.0, n)),
            "expected_spend": rate * rng.gamma(5.0, 4.0, n),
        },
        index=pd.Index([f"{i:06d}" for i in range(n)], name="customer_id"),
    )
    before.loc[~known] = 0.0
    if new:
        before["no_history"] = (~known).astype(float)
    return before, np.where(known, rate, 0.3)


def outcomes_of(rng, before, rate, lift, redemptions, offered, costs):
    """Purchases at a rate raised by the lift, spend for each, profit by the declared costs."""
    value = np.where(
        before["expected_purchases"] > 0,
        before["expected_spend"] / before["expected_purchases"].clip(lower=1e-9),
        20.0,
    )
    frames = {}
    for window, share in (("campaign", 1.0), ("follow_up", 0.7)):
        raised = 1.0 + lift * (window == "campaign")
        purchases = rng.poisson(rate * share * raised).astype(float)
        spend = rng.gamma(np.maximum(4.0 * purchases, 1e-12), value / 4.0) * (purchases > 0)
        profit = (MARGIN - costs.points_rate * offered) * spend
        if window == "campaign":
            profit = profit - costs.contact * offered - costs.redemption * redemptions
        frames[window] = pd.DataFrame(
            {"purchases": purchases, "bought": purchases > 0, "spend": spend, "profit": profit},
            index=before.index,
        ).astype(float)
    whole = frames["campaign"] + frames["follow_up"]
    frames["whole"] = whole.assign(bought=(whole["purchases"] > 0).astype(float))
    return frames


def randomised(seed=1, n=4000, *, lift=0.15, arms=("control", "coupon"), new=0.0, **changes):
    """Customers put in arms by lot; each further arm raises the rate by the lift once more."""
    rng = np.random.default_rng(seed)
    shares = {arm: 1.0 / len(arms) for arm in arms}
    declared = campaign(**({"shares": shares} | changes))
    before, rate = history(rng, n, new=new)
    place = rng.permutation(np.arange(n) % len(arms))
    return _data(rng, declared, before, rate, np.asarray(arms, dtype=object)[place], place, lift)


def targeted(seed=1, n=4000, *, lift=0.0, design="targeted", strength=1.2, **changes):
    """Customers chosen by what they were expected to buy; the lift is the same for all."""
    rng = np.random.default_rng(seed)
    before, rate = history(rng, n)
    scaled = before["expected_purchases"] - 1.2
    chosen = (rng.random(n) < 1.0 / (1.0 + np.exp(-strength * scaled))).astype(int).to_numpy()
    arm = np.asarray(["control", "coupon"], dtype=object)[chosen]
    return _data(rng, campaign(design, **changes), before, rate, arm, chosen, lift)


def _data(rng, declared, before, rate, arm, place, lift):
    offered = (place > 0).astype(float)
    redemptions = np.where(rng.random(len(before)) < 0.2, offered, 0.0)
    raised = lift * place
    outcomes = outcomes_of(rng, before, rate, raised, redemptions, offered, declared.costs)
    table = pd.DataFrame({"arm": arm, "store_id": "367", "redemptions": redemptions})
    table["store_id"] = np.where(rng.random(len(before)) < 0.5, "367", "406")
    return CampaignCustomers(
        campaign=declared,
        table=table.set_index(before.index),
        covariates=before,
        outcomes=outcomes,
        findings=(Check("one arm a customer", True, True, "Every customer is in one arm."),),
        last_day=dt.date(2017, 6, 30),
    )


def stores(seed=1, *, starts=(0,), per_group=12, effect=0.3, trend=0.0, **changes):
    """Stores with levels of their own, common weeks, and an effect from their start on."""
    rng = np.random.default_rng(seed)
    first = np.repeat([*starts, np.inf], per_group).astype(float)
    weeks = np.arange(-12, 9)
    level = rng.normal(2.0, 0.4, (first.size, 1)) + rng.normal(0.0, 0.2, weeks.size)
    mean = level + rng.normal(0.0, 0.15, (first.size, weeks.size))
    mean = mean + effect * (weeks >= first[:, None])
    mean = mean + trend * np.isfinite(first)[:, None] * weeks
    declared = campaign("stores", **({"follow_up": 21, "costs": {"contact": 0.1}} | changes))
    spend = 10.0 * mean
    cost = 0.1 / 7.0 * (weeks >= first[:, None])
    table = pd.DataFrame(
        {
            "arm": np.where(np.isfinite(first), "coupon", "control"),
            "first_week": first,
            "customers": rng.integers(200, 400, first.size),
        },
        index=pd.Index([f"{i:03d}" for i in range(first.size)], name="store_id"),
    )
    return CampaignStores(
        campaign=declared,
        stores=table,
        weeks=weeks,
        outcomes={
            "purchases": mean,
            "bought": np.clip(mean / 5.0, 0.0, 1.0),
            "spend": spend,
            "profit": MARGIN * spend - cost,
        },
        findings=(),
        last_day=dt.date(2017, 5, 4),
    )
