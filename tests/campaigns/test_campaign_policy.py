"""Whom to treat: scores, gains and the area against known effects, and when the data cannot tell."""

from __future__ import annotations

import numpy as np
import pytest

import retention_models as rm
from campaign_effect_samples import campaign, randomised
from retention_models.campaigns.estimators.policy import area, gain, share_below, treatment_scores
from retention_models.errors import CannotSay
from tiers import sized


def world(rng, n, spread):
    """Outcomes, arms, covariates and true effects, of mean −.1 and a spread by the first covariate."""
    x = rng.normal(size=(n, 2))
    z = rng.random(n) < 0.4
    effect = -0.1 + spread * x[:, 0]
    y = 1.0 + x[:, 1] + z * effect + rng.normal(size=n) * np.exp(0.2 * x[:, 1])
    return y, z, x, effect


def test_the_ranking_tells_who_gains_and_the_area_says_so():
    """A spread of .5: the area is E[effect (F − 1/2)] = .5 ÷ (2√π), and everyone loses."""
    y, z, x, effect = world(np.random.default_rng(2), 6_000, 0.5)
    found = treatment_scores(y, z, x)
    told = area(found, 0.95)
    assert told.low <= 0.5 / (2.0 * np.sqrt(np.pi)) <= told.high
    assert told.low > 0.0
    chosen = (found.foreseen > 0.0).astype(float)
    mine = gain(found.score, chosen, 0.95)
    assert mine.low <= float((effect[found.tested] * chosen).mean()) <= mine.high
    assert gain(found.score, chosen - 1.0, 0.95).low > 0.0


def test_the_area_is_the_mean_over_the_curve():
    """By the definition: what the curve has above treating at random, over all shares."""
    y, z, x, _ = world(np.random.default_rng(3), 800, 0.3)
    found = treatment_scores(y, z, x)
    below = share_below(found)
    parts = (np.arange(4_000) + 0.5) / 4_000
    curve = [(found.score * (below > 1.0 - part)).mean() for part in parts]
    by_hand = float(np.mean(curve - parts * found.score.mean()))
    assert area(found, 0.95).value == pytest.approx(by_hand, abs=2e-3)


def test_a_campaign_says_whom_it_pays_for():
    """Within a budget the highest foreseen alone; the table's policies add up."""
    data = randomised(4)
    found = rm.whom_to_treat(data, outcome="spend")
    policies = found.policies
    assert policies.loc["against everyone", "gain"] == pytest.approx(
        policies.loc["whose contact pays", "gain"] - policies.loc["everyone", "gain"]
    )
    assert policies["total"].to_numpy() == pytest.approx(len(data.table) * policies["gain"])
    few = rm.whom_to_treat(data, outcome="spend", budget=100)
    assert few.customers["treat"].head(100).all()
    assert few.customers["treat"].sum() == 100
    assert found.curve["gain"].iloc[-1] == pytest.approx(policies.loc["everyone", "gain"])
    assert found.verdict.rstrip(".") in repr(found)


def test_the_verdict_leaves_out_only_whom_that_is_shown_to_gain():
    """Half lose: they are left out. All gain, some more: nobody is, and a short budget has its order."""
    data = randomised(6, 6_000, lift=0.0)
    treated = (data.table["arm"] == "coupon").to_numpy()
    rate = data.covariates["expected_purchases"].to_numpy()
    outcomes = data.outcomes["campaign"]
    before = outcomes["spend"].copy()
    outcomes["spend"] = before + treated * 20.0 * (rate - np.median(rate))
    assert rm.whom_to_treat(data, outcome="spend").verdict.startswith("Treat the ")
    outcomes["spend"] = before + treated * 20.0 * rate
    assert "begin at the top of the list" in rm.whom_to_treat(data, outcome="spend").verdict


def test_where_the_data_cannot_tell_it_says_so():
    """No effect at all, few customers, and a campaign without a lot."""
    data = randomised(5, 1_000, lift=0.0)
    assert "cannot tell" in rm.whom_to_treat(data, outcome="purchases").verdict
    with pytest.raises(CannotSay, match="too few to tell who gains most"):
        rm.whom_to_treat(randomised(5, 300))
    with pytest.raises(rm.SettingsError, match="arm: expected"):
        rm.whom_to_treat(data, arm="sms")
    with pytest.raises(rm.SettingsError, match="budget"):
        rm.whom_to_treat(data, budget=0)
    object.__setattr__(data, "campaign", campaign("targeted"))
    with pytest.raises(CannotSay, match="not drawn by lot"):
        rm.whom_to_treat(data)


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.0, 0.3])
def test_the_claimed_gain_covers_the_true_one(spread, record_property):
    """Of those whose contact pays, against everyone, and of the area, at 95%."""
    worlds, inside, found_some = sized(60, 400), np.zeros(3), 0
    true_area = spread / (2.0 * np.sqrt(np.pi))
    for seed in range(worlds):
        y, z, x, _ = world(np.random.default_rng(seed), 2_000, spread)
        found = treatment_scores(y, z, x)
        chosen = (found.foreseen > 0.0).astype(float)
        told = gain(found.score, chosen, 0.95), gain(found.score, chosen - 1.0, 0.95)
        of_area = area(found, 0.95)
        # Of the policy itself, whoever comes: slopes and a threshold for each part.
        true = _true_gains(found, x, spread)
        inside += [
            told[0].low <= true[0] <= told[0].high,
            told[1].low <= true[1] <= told[1].high,
            of_area.low <= true_area <= of_area.high,
        ]
        found_some += of_area.low > 0.0
    for name, part in zip(("gain", "gain against everyone", "area"), inside / worlds, strict=True):
        record_property(f"95% coverage of the {name}, spread {spread}", f"{part:.3f}")
        # The ranking is estimated too, so that the true area of it is a little below the ideal's.
        assert part >= 0.95 - 3.0 * np.sqrt(0.05 / worlds)
    record_property(f"areas above 0, spread {spread}", f"{found_some / worlds:.3f}")
    if spread == 0.0:
        assert found_some / worlds <= 0.025 + 3.0 * np.sqrt(0.025 / worlds)


def _true_gains(found, x, spread):
    """Gains of each part's policy over a large population, averaged over parts."""
    rng = np.random.default_rng(0)
    many = rng.normal(size=(20_000, 2))
    effect, gains = -0.1 + spread * many[:, 0], []
    for k in np.unique(found.part):
        here = found.part == k
        design = np.column_stack([np.ones(here.sum()), x[found.tested[here]]])
        slopes = np.linalg.lstsq(design, found.foreseen[here], rcond=None)[0]
        chosen = slopes[0] + many @ slopes[1:] > 0.0
        gains.append(((effect * chosen).mean(), (effect * (chosen - 1.0)).mean()))
    return np.mean(gains, axis=0)
