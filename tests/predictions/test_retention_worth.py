"""What retention is worth: against formulas, futures simulated, known parameters, and at its limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
from cdnow_data import cdnow_sample
from retention_models.levels import Interval
from shops_of_known_models import PURCHASES, SPEND, known_models, simulated
from tiers import sized

_PARETO = {"r": 0.8, "alpha": 6.0, "s": 0.6, "beta": 20.0}


@pytest.fixture(scope="module")
def cdnow():
    """The CDNOW sample with its models, of the Pareto/NBD and of spend."""
    summary = cdnow_sample()
    back = summary[summary["frequency"] > 0]
    spend = rm.GammaGammaFitter().fit(back["frequency"], back["monetary_value"])
    fitter = rm.ParetoNBDFitter().fit(summary["frequency"], summary["recency"], summary["T"])
    return summary, fitter, spend


@pytest.fixture(scope="module")
def worth(cdnow):
    """Of CDNOW, at a margin of .3."""
    summary, fitter, spend = cdnow
    return rm.retention_worth(fitter, spend, summary, margin=0.3)


@pytest.mark.parametrize(
    ("fitter", "parameters"),
    [
        (rm.BetaGeoFitter, PURCHASES),
        (rm.ModifiedBetaGeoFitter, PURCHASES),
        (rm.ParetoNBDFitter, _PARETO),
    ],
)
def test_rows_are_the_formulas_at_the_smaller_dropout(fitter, parameters):
    """P(alive) · spend · discounted purchases of new customers whose third parameter is cut."""
    rng = np.random.default_rng(4)
    summary = simulated(120, rng, fitter, parameters)
    purchases, spend = known_models(fitter, parameters)
    told = {"horizon": 26.0, "annual_discount_rate": 0.1, "margin": 0.4}
    found = rm.retention_worth(purchases, spend, summary, **told)
    predicted = rm.predict_customers(purchases, spend, summary, interval=None, **told)
    assert found.profit.value == pytest.approx(predicted["clv"].sum(), rel=1e-9)
    model, theta = purchases.model, purchases.fit_.parameters
    x, t_x, T = (summary[name].to_numpy() for name in ("frequency", "recency", "T"))
    alive = model.probability_alive(x, t_x, T, *theta)
    ((_, (r, alpha, dropout, last)),) = model.states(x, t_x, T, *theta)
    for _, row in found.scenarios[found.scenarios["refusal"] == ""].iterrows():
        new = (r, alpha, dropout * (1.0 - row["dropout_cut"]), last)
        kept = alive @ model.alive.probability_alive_after(26.0, *new) / alive.sum()
        assert row["retention"] == pytest.approx(kept, abs=1e-6)
        assert kept == pytest.approx(found.retention.value + row["points"] / 100.0, abs=1e-6)
        rate = np.log(1.1) * 7 / 365.25
        bought = model.alive.discounted_purchases(26.0, rate, *new)
        profit = 0.4 * float(alive * predicted["expected_spend"] @ bought)
        assert row["profit"] == pytest.approx(profit, rel=1e-4)


def test_a_cut_is_worth_what_simulated_futures_bring():
    """Futures of the cut's dropout, drawn: as many stay, and as much more is bought."""
    rng = np.random.default_rng(5)
    summary = simulated(300, rng)
    purchases, spend = known_models()
    spend.params_ = {"p": 1e6, "q": 1e6, "v": 1e6}  # every purchase worth the same
    found = rm.retention_worth(
        purchases, spend, summary, horizon=26, annual_discount_rate=0.0, points=(5,)
    )
    row = found.scenarios.iloc[0]
    model, theta = purchases.model, purchases.fit_.parameters
    x, t_x, T = (summary[name].to_numpy() for name in ("frequency", "recency", "T"))
    alive = model.probability_alive(x, t_x, T, *theta)
    ((_, (r, alpha, a, b)),) = model.states(x, t_x, T, *theta)
    draws, bought, stayed = 1_500, {}, {}
    for cut in (0.0, row["dropout_cut"]):
        shape = (draws, x.size)
        rate = rng.gamma(np.broadcast_to(r, shape)) / alpha
        leave = rng.geometric(np.clip(rng.beta(a * (1.0 - cut), b, shape), 1e-12, 1.0))
        wished = rng.poisson(26.0 * rate)
        bought[cut] = float((alive * np.minimum(wished, leave)).sum()) / draws
        stayed[cut] = float((alive * (wished < leave)).sum()) / draws / alive.sum()
    assert stayed[0.0] == pytest.approx(found.retention.value, abs=0.004)
    assert stayed[row["dropout_cut"]] == pytest.approx(row["retention"], abs=0.004)
    gain = 100.0 * (bought[row["dropout_cut"]] / bought[0.0] - 1.0)
    assert gain == pytest.approx(row["percent"], abs=0.7)


def test_cdnow_at_the_margin_agrees_with_a_point(worth):
    """The elasticity is what a small number of points brings, per percent of retention."""
    row = worth.scenarios.iloc[0]
    slope = np.log1p(row["percent"] / 100.0) / np.log(row["retention"] / worth.retention.value)
    assert worth.elasticity.value == pytest.approx(slope, rel=0.02)
    assert worth.scenarios["percent"].is_monotonic_increasing


def test_percent_does_not_depend_on_the_margin_and_money_does(cdnow, worth):
    """A margin of 1 is all of spend; of 0 nothing is earned, and that is refused by name."""
    summary, fitter, spend = cdnow
    whole = rm.retention_worth(fitter, spend, summary, margin=1.0, points=(5,))
    row, other = whole.scenarios.iloc[0], worth.scenarios.iloc[1]
    assert row["percent"] == pytest.approx(other["percent"])
    assert row["more"] == pytest.approx(other["more"] / 0.3)
    with pytest.raises(rm.SettingsError, match="margin"):
        rm.retention_worth(fitter, spend, summary, margin=0.0)


def test_where_nobody_leaves_there_is_nothing_to_win():
    """A sentence, with what stays at least, in place of numbers; also in the claim's line."""
    summary = simulated(80, np.random.default_rng(1))
    purchases, spend = known_models()
    fit = purchases.fit_
    purchases._publish(replace(fit, parameters=fit.parameters * [1.0, 1.0, 0.0, 1.0]))
    found = rm.retention_worth(purchases, spend, summary, horizon=13)
    assert found.retention == Interval(1.0, 1.0, 1.0)
    assert found.elasticity is None
    assert found.refusal.startswith("Nobody is seen to leave for good")
    assert found.scenarios["percent"].isna().all()
    line = rm.loyalty_claims(worth=found).lines()[0]
    assert "Nobody is seen to leave" in line


@pytest.mark.slow
def test_a_store_without_visible_dropout_says_how_little_is_left_to_win():
    """Its fit is at the limit: retention is near 1, with what the data allow, and rows are refused."""
    rng = np.random.default_rng(3)
    T = rng.uniform(20.0, 60.0, 120)
    x = rng.poisson(T * rng.gamma(2.0, 0.1, T.size)).astype(float)
    t_x = T * np.where(x > 0, rng.beta(np.maximum(x, 1.0), 1.0), 0.0)
    summary = pd.DataFrame({"frequency": x, "recency": t_x, "T": T, "monetary_value": 9.0})
    summary.attrs["time_unit"] = "W"
    fitter = rm.BetaGeoFitter().fit(x, t_x, T)
    assert fitter.fit_.verdict in {"boundary", "not identified"}
    found = rm.retention_worth(fitter, known_models()[1], summary, horizon=26)
    assert found.retention.value > 0.95
    assert found.retention.low < found.retention.value
    assert "more than all" in found.scenarios["refusal"].iloc[-1]


def test_more_points_than_there_are_left_are_refused(worth, cdnow):
    """Row by row; the others stand."""
    summary, fitter, spend = cdnow
    found = rm.retention_worth(fitter, spend, summary, margin=0.3, points=(5, 40)).scenarios
    assert "62.4% already" in found["refusal"][1]
    assert found["percent"][0] == pytest.approx(worth.scenarios["percent"][1])
    for points in (0, 100, -5):
        with pytest.raises(rm.SettingsError, match="points"):
            rm.retention_worth(fitter, spend, summary, points=(points,))


def test_repeat_customers_are_valued_in_first_orders(cdnow):
    """Mean CLV of who came back over the mean first order; the margin cancels."""
    summary, fitter, spend = cdnow
    rng = np.random.default_rng(2)
    orders = rng.gamma(2.0, 15.0, 400)
    found = rm.repeat_customer_worth(fitter, spend, summary, orders, margin=0.3)
    clv = rm.predict_customers(fitter, spend, summary, margin=0.3, interval=None)["clv"]
    mean = clv[summary["frequency"] > 0].mean()
    assert found.clv.value == pytest.approx(mean)
    assert found.ratio.value == pytest.approx(mean / (0.3 * orders.mean()))
    whole = rm.repeat_customer_worth(fitter, spend, summary, orders)
    assert whole.ratio.low == pytest.approx(found.ratio.low)
    assert found.ratio.high / found.ratio.low > found.clv.high / found.clv.low
    with pytest.raises(rm.CannotSay, match="too few"):
        rm.repeat_customer_worth(fitter, spend, summary, orders[:9])
    nobody = summary[summary["frequency"] == 0]
    with pytest.raises(rm.CannotSay, match="come back"):
        rm.repeat_customer_worth(fitter, spend, nobody, orders)


def test_a_claim_names_the_input_that_is_missing(worth):
    """Without anything, without a campaign, and with a campaign that is refused."""
    lines = rm.loyalty_claims().lines()
    assert ["models of purchases" in line for line in lines] == [True, True, False]
    assert "acquisition cost" in lines[2]
    assert rm.loyalty_claims(worth="It is withheld.").lines()[0].endswith(": It is withheld.")
    assert "campaign" in rm.loyalty_claims(acquisition_cost=30.0).lines()[2]
    refused = pd.DataFrame({"arm": ["sms"], "refusal": ["It may have retained nobody."]})
    found = rm.loyalty_claims(worth=worth, acquisition_cost=30.0, economics=refused)
    assert found.lines()[2].endswith("It may have retained nobody.")
    assert found.table["verdict"].tolist() == ["less than is said", "", ""]
    assert len(repr(found).split("\n")) == 2
    with pytest.raises(rm.SettingsError, match="acquisition_cost"):
        rm.loyalty_claims(acquisition_cost=0.0)


def test_a_claim_is_judged_by_the_whole_interval():
    """Above, below, or open; every arm has its line."""
    arms = pd.DataFrame(
        [("a", 10.0, 9.0, 11.0), ("b", 1.0, 0.9, 1.2), ("c", 4.0, 2.0, 9.0)],
        columns=["arm", *(f"cost_per_retained{end}" for end in ("", "_low", "_high"))],
    )
    found = rm.loyalty_claims(acquisition_cost=20.0, economics=arms).table.iloc[2:]
    assert found["verdict"].tolist() == ["less than is said", "more than is said", "open"]
    assert found[["value", "low", "high"]].iloc[0].tolist() == pytest.approx(
        [2.0, 20.0 / 11.0, 20.0 / 9.0]
    )


@pytest.mark.nightly
def test_intervals_hold_the_worth_at_the_true_parameters(record_property):
    """90% intervals of elasticity, of 5 points in percent and of retention, over simulated shops."""
    shops, inside = sized(6, 200), np.zeros(3)
    spend_true = rm.GammaGammaFitter.from_parameters(SPEND)
    told = {"horizon": 26, "margin": 0.3, "points": (5,)}
    for seed in range(shops):
        summary = simulated(1_500, np.random.default_rng(seed))
        truth = rm.retention_worth(known_models()[0], spend_true, summary, **told)
        fitted = rm.BetaGeoFitter().fit(summary["frequency"], summary["recency"], summary["T"])
        back = summary[summary["frequency"] > 0]
        spend = rm.GammaGammaFitter().fit(back["frequency"], back["monetary_value"])
        found = rm.retention_worth(fitted, spend, summary, **told)
        row, true = found.scenarios.iloc[0], truth.scenarios.iloc[0]
        inside += [
            found.elasticity.low <= truth.elasticity.value <= found.elasticity.high,
            row["percent_low"] <= true["percent"] <= row["percent_high"],
            found.retention.low <= truth.retention.value <= found.retention.high,
        ]
    names = ("elasticity", "percent of 5 points", "retention")
    for name, share in zip(names, inside / shops, strict=True):
        record_property(f"90% coverage of {name}", f"{share:.3f}")
        assert share >= 0.9 - 3.0 * np.sqrt(0.09 / shops)
