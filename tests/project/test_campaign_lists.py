"""Whom to offer a campaign next time, as a file; and its effect with heavy spend capped, as declared."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import campaign_effect_samples as samples
import retention_models as rm
from retention_models.pages.campaign import words
from retention_models.project.campaign import ProjectCampaign
from retention_models.project.campaign_outputs import TO_TREAT


def opened(data):
    """A project's campaign with these data."""
    money = SimpleNamespace(margin=0.3, currency="EUR")
    found = ProjectCampaign(
        data.campaign, SimpleNamespace(money=money, name="Shops"), None, None, None
    )
    vars(found)["data"] = data
    return found


def gaining(spread):
    """A campaign that brings some customers money and takes it from others."""
    data = samples.randomised(6, 6_000, lift=0.0)
    treated = (data.table["arm"] == "coupon").to_numpy()
    rate = data.covariates["expected_purchases"].to_numpy()
    for name in ("spend", "profit"):
        before = data.outcomes["campaign"][name].to_numpy()
        data.outcomes["campaign"][name] = before + spread * treated * (rate - np.median(rate))
    return data


def test_whom_it_pays_for_is_a_file_beside_the_page(tmp_path):
    """Those for whom it pays, the most gaining first, with ids as text; and a sentence."""
    found = opened(gaining(20.0))
    table = found.to_treat
    chosen = found.whom_to_treat.customers
    assert chosen["treat"].sum() == len(table) > 100
    assert table["foreseen"].is_monotonic_decreasing
    assert table["foreseen"].min() > 0.0
    rm.write_campaign_outputs(found.effect, tmp_path, table)
    read = pd.read_csv(tmp_path / TO_TREAT, dtype={"customer_id": str})
    assert read["customer_id"].tolist() == table["customer_id"].tolist()
    said = words.to_treat(table)
    assert f"{len(table):,} customers, the most gaining first: {TO_TREAT}." in said
    assert "customers" not in words.to_treat(table.head(3))


def test_where_customers_cannot_be_told_apart_there_is_no_list(tmp_path):
    """Nor does one of an earlier run stay."""
    found = opened(samples.randomised(6, 2_000, lift=0.0))
    assert found.whom_to_treat.area.low <= 0.0
    assert found.to_treat is None
    (tmp_path / TO_TREAT).write_text("customer_id\n0042\n")
    rm.write_campaign_outputs(found.effect, tmp_path, found.to_treat)
    assert not (tmp_path / TO_TREAT).exists()
    assert "There is no list" in words.to_treat(None)
    assert opened(samples.targeted(n=800)).to_treat is None


def test_a_declared_cap_is_told_beside_the_effect():
    """Of each arm; without one nothing is, and of whole stores it is refused."""
    data = samples.randomised(7, 2_000, cap=0.99)
    (one,) = opened(data).capped
    assert one.quantile == data.campaign.cap
    said = words.capped([one])
    assert "With spend capped at the 99.0% quantile" in said[0]
    assert "declared in the project file" in said[-1]
    assert words.capped([one, one])[0].startswith("Of “coupon”: ")
    assert () == opened(samples.randomised(7, 500)).capped
    assert [] == words.capped(())
    assert () == opened(samples.randomised(7, 40, cap=0.99)).capped  # its effect is refused
    with pytest.raises(rm.CannotSay, match="whole stores"):
        _ = opened(samples.stores(cap=0.99)).capped
