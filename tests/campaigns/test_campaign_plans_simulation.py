"""Simulations: a campaign of the planned size finds the lift as often as planned."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
from plan_samples import coupon, read_orders
from retention_models.campaigns.data.outcomes import outcomes_of, redeemed_of
from retention_models.campaigns.effects.customers import BY_OUTCOME
from retention_models.campaigns.estimators.randomised import randomised_effect
from retention_models.campaigns.plans.backtest import backtest_outcomes, customers_on
from retention_models.campaigns.plans.detectable import customers_for_lift
from retention_models.campaigns.plans.tables import moments_of

CAMPAIGN = coupon(margin=0.3)
RATE = 0.2  # more purchases a day for whoever is offered it


@pytest.fixture(scope="module")
def two_worlds(tmp_path_factory):
    """Of 60,000 customers: the plan's numbers, covariates, outcomes without the campaign and with it."""
    shop = rm.SimulatedShop(60_000, dt.date(2023, 1, 1), joining_days=400, seed=5)
    everyone = pd.DataFrame({"customer_id": shop.ids(), "arm": "coupon"})
    last, window = dt.date(2024, 2, 29), {"campaign": (CAMPAIGN.start, CAMPAIGN.end)}
    outcomes, logs = [], []
    for rate in (0.0, RATE):
        orders = shop.orders(
            CAMPAIGN.end, campaign=CAMPAIGN, assignments=everyone, lift={"coupon": rate}
        )
        logs.append(read_orders(orders, tmp_path_factory.mktemp("log")))
        found, known = customers_on(logs[-1], CAMPAIGN, last, None, None)
        nobody = np.zeros(len(found), dtype=bool)
        nothing = redeemed_of(None, CAMPAIGN, found.index)
        outcomes.append(outcomes_of(CAMPAIGN, 0.3, found, nobody, nothing, window)["campaign"])
    return backtest_outcomes(logs[0], CAMPAIGN), known, *outcomes


@pytest.mark.nightly
@pytest.mark.parametrize("outcome", ["purchases", "bought", "spend"])
def test_a_campaign_of_the_planned_size_finds_the_lift_in_four_of_five(two_worlds, outcome):
    """80% within three standard errors, by the estimator that reads the effect; 600 campaigns."""
    backtest, covariates, without, with_it = two_worlds
    control, treated = (world[outcome].to_numpy(dtype=float) for world in (without, with_it))
    lift = treated.mean() / control.mean() - 1.0
    how = {"power": 0.8, "level": 0.05}
    customers = customers_for_lift(moments_of(backtest, outcome), lift, (0.5, 0.5), **how)
    known = covariates[list(BY_OUTCOME[outcome])].to_numpy()
    rng, replications, found = np.random.default_rng(1), 600, 0
    arm = np.arange(2 * int(customers / 2)) % 2
    for _ in range(replications):
        who = rng.choice(control.size, arm.size, replace=False)
        seen = np.where(arm == 1, treated[who], control[who])
        found += randomised_effect(seen, arm, known[who], control=0).effects[0].pvalue < 0.05
    assert abs(found / replications - 0.8) < 3.0 * np.sqrt(0.8 * 0.2 / replications)


@pytest.mark.nightly
def test_without_the_covariates_the_planned_size_finds_less(two_worlds):
    """The plan counts on them: the same size finds about 70% without, where they explain a fifth."""
    backtest, _, without, with_it = two_worlds
    control, treated = (world["spend"].to_numpy() for world in (without, with_it))
    lift = treated.mean() / control.mean() - 1.0
    customers = customers_for_lift(
        moments_of(backtest, "spend"), lift, (0.5, 0.5), power=0.8, level=0.05
    )
    rng, replications, found = np.random.default_rng(2), 600, 0
    arm = np.arange(2 * int(customers / 2)) % 2
    for _ in range(replications):
        who = rng.choice(control.size, arm.size, replace=False)
        seen = np.where(arm == 1, treated[who], control[who])
        found += randomised_effect(seen, arm, control=0).effects[0].pvalue < 0.05
    assert found / replications < 0.8 - 2.0 * np.sqrt(0.8 * 0.2 / replications)
