"""What retention is worth by some customers, in little time: beside the whole, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
from cdnow_data import cdnow_sample
from retention_models.errors import CannotSay
from retention_models.models.bg_nbd import BG_NBD
from retention_models.models.fitters import MidLifeFitter, ModifiedBetaGeoCNBDFitter
from retention_models.predictions.customers import rate_per_unit
from retention_models.predictions.loyalty_claims import loyalty_claims
from retention_models.predictions.repeat_in_short import repeat_in_short
from retention_models.predictions.retention_in_short import retention_in_short

TERMS = {"horizon": 39.0, "margin": 0.3}
COLUMNS = ["percent", "percent_low", "percent_high", "more", "more_low", "more_high"]


@pytest.fixture(scope="module")
def cdnow():
    """The CDNOW sample and its model of spend."""
    summary = cdnow_sample()
    back = summary[summary["frequency"] > 0]
    return summary, rm.GammaGammaFitter().fit(back["frequency"], back["monetary_value"])


def predicted(fitter, spend, summary):
    """The customers' predictions on the terms of a store's page."""
    return rm.predict_customers(
        fitter, spend, summary, interval=None, annual_discount_rate=0.1, **TERMS
    )


def in_short(fitter, spend, summary, predictions=None, **options):
    """As a store's page asks."""
    told = {"rate": rate_per_unit(0.1, "W"), "interval": 0.9, **TERMS, **options}
    if predictions is None:
        predictions = predicted(fitter, spend, summary)
    return retention_in_short(fitter, spend, summary, predictions, **told)


def fitted(kind, summary):
    """A model of the sample."""
    return kind().fit(summary["frequency"], summary["recency"], summary["T"])


@pytest.mark.parametrize(
    "kind",
    [
        rm.BetaGeoFitter,
        rm.ModifiedBetaGeoFitter,
        rm.ParetoNBDFitter,
        pytest.param(MidLifeFitter, marks=pytest.mark.slow),
    ],
)
def test_it_agrees_with_all_customers(cdnow, kind):
    """Retention to a third of a point, gains to 3% of themselves, ends to a tenth of their width."""
    summary, spend = cdnow
    if kind is MidLifeFitter:
        summary = summary.iloc[::4]
    fitter = fitted(kind, summary)
    found = in_short(fitter, spend, summary)
    whole = rm.retention_worth(fitter, spend, summary, annual_discount_rate=0.1, **TERMS)
    assert found.retention == pytest.approx(whole.retention.value, abs=0.0035)
    rows = whole.scenarios[whole.scenarios["refusal"] == ""].reset_index(drop=True)
    assert found.scenarios["points"].tolist() == rows["points"].tolist()
    for name in COLUMNS:
        width = rows[f"{name.split('_')[0]}_high"] - rows[f"{name.split('_')[0]}_low"]
        allowed = 0.03 * rows[name] + 0.1 * width
        assert (np.abs(found.scenarios[name] - rows[name]) <= allowed).all()


@pytest.mark.slow
def test_regular_buyers_have_a_worth_too():
    """Of two phases: the rows are the formulas at the smaller dropout, and the short way agrees."""
    rng = np.random.default_rng(5)
    n = 60
    T = rng.uniform(20.0, 50.0, n)
    fitter = regular(rng, T)
    summary, spend = fitter[1], fitter[2]
    whole = rm.retention_worth(fitter[0], spend, summary, annual_discount_rate=0.1, **TERMS)
    found = in_short(fitter[0], spend, summary)
    rows = whole.scenarios[whole.scenarios["refusal"] == ""].reset_index(drop=True)
    assert len(rows) > 0
    model, theta = fitter[0].model, fitter[0].fit_.parameters
    x, t_x, T = (summary[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T"))
    alive = model.probability_alive(x, t_x, T, *theta)
    ((_, (r, alpha, dropout, last, waited)),) = model.states(x, t_x, T, *theta)
    for _, row in rows.iterrows():
        new = (r, alpha, dropout * (1.0 - row["dropout_cut"]), last, waited)
        kept = alive @ model.alive.probability_alive_after(39.0, *new) / alive.sum()
        assert kept == pytest.approx(row["retention"], abs=1e-6)
    np.testing.assert_allclose(found.scenarios["percent"], rows["percent"], rtol=0.02)
    np.testing.assert_allclose(found.scenarios["percent_low"], rows["percent_low"], rtol=0.1)


def regular(rng, T):
    """A fitted model of buyers at Erlang gaps of two phases, their summary, and their spend."""
    rows, log_gaps = [], 0.0
    for end in T:
        rate, leave, at, x, last = rng.gamma(2.0) / 4.0, rng.beta(0.6, 3.0), 0.0, 0, 0.0
        while rng.random() >= leave:
            gap = max(1.0, np.rint(7.0 * rng.gamma(2.0) / rate)) / 7.0  # counted by the day
            if at + gap > end:
                break
            at, x, last, log_gaps = at + gap, x + 1, at + gap, log_gaps + np.log(gap)
        rows.append((float(x), last, end, rng.gamma(8.0, 2.0) if x else 0.0))
    names = ["frequency", "recency", "T", "monetary_value"]
    summary = pd.DataFrame(rows, columns=names)
    summary.attrs["time_unit"] = "W"
    history = [summary[name] for name in names[:3]]
    fitter = ModifiedBetaGeoCNBDFitter().fit(*history, log_gaps=log_gaps, k=2)
    back = summary[summary["frequency"] > 0]
    return fitter, summary, rm.GammaGammaFitter().fit(back["frequency"], back["monetary_value"])


def test_where_nothing_can_be_said_it_is_refused(cdnow):
    """Open parameters, nobody who leaves, no spend; and a claim takes the short answer."""
    summary, spend = cdnow
    fitter = fitted(rm.BetaGeoFitter, summary)
    found = in_short(fitter, spend, summary)
    line = loyalty_claims(worth=found).of("retention").lines()
    assert 1 == len(line)
    assert "more profit: here " in line[0]
    with pytest.raises(CannotSay, match="not even 80 more can be won"):
        in_short(fitter, spend, summary, points=(80.0,))
    limit, fit = fitted(rm.BetaGeoFitter, summary), fitter.fit_
    limit._publish(replace(fit, parameters=fit.parameters * np.array([1.0, 1.0, 0.0, 1.0])))
    with pytest.raises(CannotSay, match="Nobody is seen to leave"):
        in_short(limit, spend, summary)
    limit._publish(replace(fit, posterior=np.tile(fit.parameters, (4, 1))))
    with pytest.raises(CannotSay, match="leave open how fast"):
        in_short(limit, spend, summary)
    free = summary.assign(monetary_value=0.0)[summary["frequency"] > 0]
    with pytest.raises(CannotSay, match="spend tells anything"):
        in_short(fitter, spend, free)


def test_the_chance_to_stay_keeps_its_digits():
    """The series of positive terms against the integral that it is, of usual and frequent buyers."""
    p, weights = np.polynomial.legendre.leggauss(400)
    p, weights = (p + 1.0) / 2.0, weights / 2.0
    for r, a, b, ratio in ((0.3, 2.0, 3.0, 5.0), (40.0, 3.0, 60.0, 1.2), (250.0, 2.0, 90.0, 0.8)):
        dense = weights * p ** (a - 1.0) * (1.0 - p) ** (b - 1.0)
        exact = dense @ (1.0 + p * ratio) ** -r / dense.sum()
        found = float(BG_NBD.probability_alive_after(ratio * 7.0, r, 7.0, a, b))
        assert found == pytest.approx(exact, rel=1e-11)


@pytest.mark.parametrize("kind", [rm.BetaGeoFitter, rm.ParetoNBDFitter])
def test_first_orders_of_a_repeat_customer_agree_with_all_customers(cdnow, kind):
    """The value to a thousandth of itself, ends to a tenth of their width."""
    summary, spend = cdnow
    fitter = fitted(kind, summary)
    orders = np.random.default_rng(4).gamma(2.0, 15.0, len(summary))
    whole = rm.repeat_customer_worth(
        fitter, spend, summary, orders, annual_discount_rate=0.1, **TERMS
    )
    points = predicted(fitter, spend, summary)
    given = {"rate": rate_per_unit(0.1, "W"), "interval": 0.9, **TERMS}
    found = repeat_in_short(fitter, spend, summary, points, orders, **given)
    assert found.first_order == whole.first_order
    assert (found.customers, found.horizon) == (whole.customers, whole.horizon)
    for one, other in ((found.ratio, whole.ratio), (found.clv, whole.clv)):
        assert one.value == pytest.approx(other.value, rel=1e-3)
        width = 0.1 * (other.high - other.low)
        assert max(abs(one.low - other.low), abs(one.high - other.high)) < width
    with pytest.raises(CannotSay, match="No customer has come back"):
        repeat_in_short(fitter, spend, summary.assign(frequency=0), points, orders, **given)
    with pytest.raises(CannotSay, match="No repeat customer's spend"):
        repeat_in_short(fitter, spend, summary, points.assign(clv=np.nan), orders, **given)
    with pytest.raises(CannotSay, match="too few"):
        repeat_in_short(fitter, spend, summary, points, orders[:5], **given)


def test_predictions_in_another_order_are_the_same(cdnow):
    """A row belongs to its customer by its label, wherever it stands."""
    summary, spend = cdnow
    fitter = fitted(rm.BetaGeoFitter, summary)
    points = predicted(fitter, spend, summary)
    mixed = points.sample(frac=1.0, random_state=3)
    one, other = (in_short(fitter, spend, summary, predictions=told) for told in (points, mixed))
    assert one.retention == other.retention
    pd.testing.assert_frame_equal(one.scenarios, other.scenarios)
    given = {"rate": rate_per_unit(0.1, "W"), "interval": 0.9, **TERMS}
    orders = np.full(len(summary), 30.0)
    one, other = (
        repeat_in_short(fitter, spend, summary, told, orders, **given) for told in (points, mixed)
    )
    assert one.clv.value == pytest.approx(other.clv.value, rel=1e-12)
    assert one.ratio.value == pytest.approx(other.ratio.value, rel=1e-12)
