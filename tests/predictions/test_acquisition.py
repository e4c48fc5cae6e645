"""What new customers of a channel are worth, beside what winning one costs."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad

import retention_models as rm
from purchase_samples import simulate_geometric
from retention_models.errors import CannotSay, SettingsError
from retention_models.models.bg_nbd import BG_NBD

SPEND = (6.0, 4.0, 15.0)
MEAN_SPEND = 6.0 * 15.0 / 3.0
SHOP = (0.6, 5.0, 0.8, 2.5)
TERMS = {"horizon": 52, "annual_discount_rate": 0.10, "margin": 0.3, "time_unit": "W"}


def channel(rng, size, purchases, name):
    """Customers of one channel, each observed for 20 to 60 weeks."""
    history = simulate_geometric(rng, size, *purchases, rng.uniform(20.0, 60.0, size), first=False)
    table = pd.DataFrame(dict(zip(("frequency", "recency", "T"), history, strict=True)))
    p, q, v = SPEND
    scale = rng.gamma(q, 1.0 / v, size)
    x = table["frequency"].to_numpy()
    table["monetary_value"] = rng.gamma(np.maximum(p * x, 1.0), 1.0) / scale / np.maximum(x, 1.0)
    return table.assign(channel=name)


def true_value(purchases, upto=52.0):
    """Of a new customer, by quadrature of the rate of purchases at the true parameters."""
    rate = np.log(1.1) * 7.0 / 365.25

    def slope(t):
        ends = BG_NBD.expected_purchases(np.array([t - 1e-4, t + 1e-4]), *purchases)
        return float(np.diff(ends)[0] / 2e-4) * np.exp(-rate * t)

    later = quad(slope, 2e-4, upto, limit=200)[0] if upto else 0.0
    return 0.3 * MEAN_SPEND * (1.0 + later)


@pytest.fixture(scope="module")
def shop():
    """Three channels: one loyal, one that leaves, one of a handful."""
    rng = np.random.default_rng(8)
    leaving = (0.6, 5.0, 2.5, 1.5)
    parts = [
        channel(rng, 3000, SHOP, "store"),
        channel(rng, 2000, leaving, "web"),
        channel(rng, 12, (0.05, 20.0, 2.0, 1.0), "fair"),
    ]
    return pd.concat(parts, ignore_index=True), {"store": SHOP, "web": leaving}


def test_values_costs_and_payback_are_those_of_the_truth(shop):
    """To within their intervals; a first purchase that brings the cost back says 0."""
    summary, truth = shop
    cost = {"store": 20.0, "web": 5.0}
    table = rm.new_customer_value(summary, summary["channel"], cost=cost, **TERMS)
    assert ["store", "web", "fair"] == table.index.tolist()
    for name, parameters in truth.items():
        row = table.loc[name]
        assert row["value_low"] < true_value(parameters) < row["value_high"]
        assert row["value_low"] < row["value"] < row["value_high"]
        assert row["value_per_cost"] == pytest.approx(row["value"] / cost[name])
    store = table.loc["store"]
    assert store["payback_low"] <= store["payback"] <= store["payback_high"]
    assert true_value(SHOP, store["payback"]) == pytest.approx(20.0, rel=0.05)
    assert table.loc["web", "payback"] == 0.0  # 9.00 of margin at the first purchase
    assert np.isnan(table.loc["fair", "value"])
    assert "fewer than 10 carry no model" in table.loc["fair", "note"]


def test_a_cost_that_is_never_back_has_no_payback_time(shop):
    """Infinite, with both ends; and without a cost there is a value alone."""
    summary, _ = shop
    dear = rm.new_customer_value(summary, summary["channel"], cost={"web": 500.0}, **TERMS)
    assert [np.inf] * 3 == dear.loc["web", ["payback_low", "payback", "payback_high"]].tolist()
    assert dear.loc["web", "value_per_cost"] < 0.1
    assert np.isnan(dear.loc["store", "payback"])
    assert dear.loc["store", "value"] > 0.0


def test_what_cannot_be_used_is_refused_by_name(shop):
    """A customer without a channel, a cost without customers, a cost of nothing, a list."""
    summary, _ = shop
    ask = rm.new_customer_value
    with pytest.raises(SettingsError, match="5012 have none, the first 0"):
        ask(summary, pd.Series(dtype=object), **TERMS)
    with pytest.raises(SettingsError, match="no customer is of the group 'tv'; there are fair"):
        ask(summary, summary["channel"], cost={"tv": 1.0}, **TERMS)
    with pytest.raises(SettingsError, match="above 0 for 'web'; got 0"):
        ask(summary, summary["channel"], cost={"web": 0}, **TERMS)
    with pytest.raises(SettingsError, match="expected a Series"):
        ask(summary, summary["channel"].tolist(), **TERMS)


@pytest.mark.nightly
def test_intervals_hold_the_truth_as_often_as_they_say():
    """Of 40 shops of 400 customers, 90% intervals of value hold it in 90%, within three errors."""
    truth = true_value(SHOP)
    held = 0
    for seed in range(40):
        summary = channel(np.random.default_rng(seed), 400, SHOP, "store")
        row = rm.new_customer_value(summary, summary["channel"], **TERMS).loc["store"]
        held += row["value_low"] <= truth <= row["value_high"]
    assert held >= 40 * 0.9 - 3.0 * np.sqrt(40 * 0.09)


def test_the_note_on_channels_runs_as_written(shop):
    """Every block of docs/models/channels.md; a channel that the data do not tell is refused."""
    few = shop[0].assign(monetary_value=5.0)
    dummies = pd.get_dummies(few["channel"])[["web", "fair"]]
    history = [few[name] for name in ("frequency", "recency", "T")]
    told = rm.BetaGeoFitter().fit(*history, covariates=dummies)
    last = few["channel"] == "fair"
    with pytest.raises(CannotSay, match="Of 12 customers with the same covariates"):
        rm.predict_customers(told, None, few[last], covariates=dummies[last], time_unit="W")
    summary = few.replace({"channel": {"fair": "web"}})
    summary.loc[summary.index[::4], "channel"] = "fair"
    summary.attrs["time_unit"] = "W"
    names = {"rm": rm, "pd": pd, "summary": summary, "channel": summary["channel"]}
    names["spend"] = rm.GammaGammaFitter.from_parameters(dict(zip("pqv", SPEND, strict=True)))
    text = (Path(__file__).parents[2] / "docs/models/channels.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        exec(compile(block, "channels.md", "exec"), names)
    value = names["customers"].groupby(summary["channel"])["clv"].mean()
    assert value["store"] > value["web"]
