"""Many campaigns in one table: adjusted p-values, and means over those of one kind."""

from __future__ import annotations

import numpy as np
import pytest

import campaign_effect_samples as samples
import retention_models as rm
from retention_models.campaigns.effects.effect import effect_of
from retention_models.campaigns.estimators.multiplicity import (
    benjamini_hochberg,
    pooled_effect,
)
from retention_models.errors import SettingsError


@pytest.fixture(scope="module")
def effects():
    """Three coupons, of which one has two arms, one too small, and one self-selected."""
    data = [
        samples.randomised(seed=1, n=2000, id="a"),
        samples.randomised(seed=2, n=2000, id="b", arms=("control", "coupon", "gift")),
        samples.randomised(seed=3, n=2000, id="c"),
        samples.randomised(seed=4, n=200, id="d"),
        samples.targeted(seed=5, n=2000, id="e", design="self_selected"),
    ]
    return [effect_of(one) for one in data]


def test_each_campaign_has_its_row_and_adjusted_p_value(effects):
    """Five rows of those with an effect, in order; a refused one has none."""
    table = rm.pooled_campaigns(effects)
    each = table[table["campaign_id"] != "all campaigns"]
    assert ["a", "b", "b", "c", "e"] == each["campaign_id"].tolist()
    assert benjamini_hochberg(each["pvalue"]) == pytest.approx(each["pvalue_adjusted"].to_numpy())
    row = effects[0].table.query("outcome == 'purchases' and window == 'campaign'").iloc[0]
    assert row["absolute_effect"] == each["absolute_effect"].iloc[0]


def test_campaigns_of_one_kind_are_pooled_by_lift(effects):
    """On logarithms; two arms of one campaign enter once, with the larger of their errors."""
    table = rm.pooled_campaigns(effects)
    pooled = table[(table["campaign_id"] == "all campaigns") & (table["design"] == "randomised")]
    row = pooled.iloc[0]
    logs, errors = {}, {}
    for effect in effects[:3]:
        found = effect.table[
            (effect.table["outcome"] == "purchases")
            & (effect.table["window"] == "campaign")
            & (effect.table["estimand"] == "itt")
            & (effect.table["against"] == "control")
        ]
        ends = np.log1p(found[["lift_low", "lift_high"]].to_numpy() / 100.0)
        logs[effect.campaign.id] = np.log1p(found["lift_percent"] / 100.0).mean()
        errors[effect.campaign.id] = ((ends[:, 1] - ends[:, 0]) / (2 * 1.959963985)).max()
    expected = pooled_effect(list(logs.values()), list(errors.values()))
    assert 100.0 * np.expm1(expected.effect) == pytest.approx(row["lift_percent"])
    assert 100.0 * np.expm1(expected.conf_low) == pytest.approx(row["lift_low"])
    assert (3, expected.tau) == (row["campaigns"], pytest.approx(row["tau"], abs=1e-8))
    assert np.isnan(row["absolute_effect"])
    assert "3 of 4 campaigns of the kind “coupon”; 1 were refused and are left out." == row["words"]


def test_designs_are_not_mixed_and_one_campaign_is_not_pooled(effects):
    """The self-selected one stands by itself, and says why."""
    table = rm.pooled_campaigns(effects)
    row = table[(table["campaign_id"] == "all campaigns") & (table["design"] == "self_selected")]
    assert row["lift_percent"].isna().all()
    assert "there is nothing to pool" in row["words"].item()


def test_profit_is_pooled_as_money(effects):
    """It has no lift; the self-selected campaign has no profit."""
    table = rm.pooled_campaigns(effects, "profit")
    each = table[(table["campaign_id"] != "all campaigns")]
    assert ["a", "b", "b", "c"] == each["campaign_id"].tolist()
    row = table[(table["campaign_id"] == "all campaigns")].iloc[0]
    assert each["absolute_effect"].min() < row["absolute_effect"] < each["absolute_effect"].max()
    assert np.isnan(row["lift_percent"])


def test_nothing_but_refused_campaigns(effects):
    """A row of words."""
    table = rm.pooled_campaigns([effects[3]])
    assert 1 == len(table)
    assert "0 of 1 campaigns" in table["words"].item()


def test_what_is_asked_is_checked(effects):
    """No effects, an outcome that is none."""
    with pytest.raises(SettingsError, match="0 effects"):
        rm.pooled_campaigns([])
    with pytest.raises(SettingsError, match="outcome 'clv'"):
        rm.pooled_campaigns(effects, "clv")


def test_a_store_with_too_few_customers_for_money_has_no_verdict():
    """400 in each arm for spend and profit; such a store counts in the pooled row."""
    data = samples.randomised(seed=6, n=1200)
    found = rm.campaign_effect_by_store(data, "spend").set_index("store_id")
    assert "it takes 400" in found.loc["367", "refusal"]
    assert np.isfinite(found.loc["all stores", "absolute_effect"])
