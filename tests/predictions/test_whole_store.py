"""A whole store's total: customers known today, and those yet to come."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
from purchase_samples import simulate_mid_life
from retention_models.errors import CannotSay, SettingsError
from retention_models.levels import z_of_interval
from retention_models.predictions.arrivals import arrivals_of, spend_of_newcomers, trended
from tiers import sized

NEW, OLD = (0.6, 4.0, 0.5, 2.0), (0.9, 3.0, 0.2, 5.0)
OBSERVED, AHEAD = 52.0, 13.0
Z90 = z_of_interval(0.90)


def store(rng, before=300.0, arrivals=8.0):
    """A summary at week 52, and what came after it: purchases, those of unknown people, how many."""
    customer, time, _ = simulate_mid_life(rng, NEW, OLD, before, arrivals, OBSERVED + AHEAD)
    seen = time < OBSERVED
    told = pd.Series(time[seen]).groupby(customer[seen]).agg(["min", "max", "count"])
    summary = pd.DataFrame(
        {
            "frequency": told["count"] - 1,
            "recency": told["max"] - told["min"],
            "T": OBSERVED - told["min"],
            "monetary_value": np.where(told["count"] > 1, 10.0, 0.0),
        }
    )
    summary.attrs["time_unit"] = "W"
    late = customer[~seen]
    unknown = ~np.isin(late, told.index)
    return summary, late.size, int(unknown.sum()), np.unique(late[unknown]).size


def fitted(summary, fitter, **options):
    """A model of a summary."""
    return fitter.fit(summary["frequency"], summary["recency"], summary["T"], **options)


@pytest.mark.slow
@pytest.mark.sized
def test_totals_and_newcomers_come_out(record_property):
    """Everybody, those not known today, and how many of them: in the share that 90% promise."""
    rng, stores = np.random.default_rng(12), sized(12, 150)
    inside, found = np.zeros(3), np.zeros((stores, 3, 2))
    for i in range(stores):
        summary, total, others, people = store(rng)
        model = fitted(summary, rm.MidLifeFitter(), observed=OBSERVED)
        ahead = rm.predict_whole_store(model, None, summary, draws=100)
        came = (total, others, people)
        for j, told in enumerate((ahead.purchases, ahead.others, ahead.newcomers)):
            inside[j] += told.low <= came[j] <= told.high
            found[i, j] = told.value, came[j]
    shares = inside / stores
    record_property("inside: all, others, new people", str(shares.round(2).tolist()))
    bias = found[..., 0].sum(axis=0) / found[..., 1].sum(axis=0) - 1.0
    record_property("bias: all, others, new people", str(bias.round(3).tolist()))
    assert (shares >= 0.9 - 3.5 * np.sqrt(0.09 / stores)).all()
    assert (np.abs(bias) < (0.05 if stores < 100 else 0.02)).all()


def test_where_nobody_was_there_before_it_is_campbells_sum():
    """∫ μ (1 + E X) by a fine sum; and the parts make the whole."""
    summary, *_ = store(np.random.default_rng(3), before=0.0, arrivals=30.0)
    model = fitted(summary, rm.ModifiedBetaGeoFitter())
    ahead = rm.predict_whole_store(model, None, summary, draws=50)
    middle = (np.arange(20_000) + 0.5) * AHEAD / 20_000
    rates = arrivals_of(model, summary).rates(AHEAD - middle)
    each = 1.0 + model.expected_number_of_purchases_up_to_time(middle)
    slow = AHEAD * (rates * each).mean()
    assert ahead.others.value == pytest.approx(slow, rel=1e-6)
    assert ahead.purchases.value == pytest.approx(ahead.known.value + ahead.others.value)
    assert ahead.newcomers.value == pytest.approx(AHEAD * rates.mean())
    assert (ahead.by_week["purchases"].diff().dropna() > 0).all()
    assert ahead.by_week.index.tolist() == [float(week) for week in range(1, 14)]
    wider = rm.predict_whole_store(model, None, summary, draws=50, scatter=0.2)
    assert wider.purchases.value == ahead.purchases.value
    assert wider.purchases.high > ahead.purchases.high
    assert wider.purchases.low < ahead.purchases.low


@pytest.mark.slow
def test_revenue_is_known_customers_value_and_newcomers_at_the_mean():
    """Where everybody spends alike, purchases times that."""
    rng = np.random.default_rng(4)
    summary, *_ = store(rng)
    back = summary["frequency"] > 0
    summary["monetary_value"] = np.where(back, rng.gamma(400.0, 10.0 / 400.0, len(summary)), 0.0)
    model = fitted(summary, rm.MidLifeFitter(), observed=OBSERVED)
    spend = rm.GammaGammaFitter().fit(
        summary.loc[back, "frequency"], summary.loc[back, "monetary_value"]
    )
    ahead = rm.predict_whole_store(model, spend, summary, draws=100)
    assert ahead.revenue.value == pytest.approx(10.0 * ahead.purchases.value, rel=0.03)
    assert ahead.revenue.low < ahead.revenue.value < ahead.revenue.high
    assert ahead.known_revenue.value == pytest.approx(10.0 * ahead.known.value, rel=0.03)
    at_once = rm.predict_whole_store(model, spend, summary, draws=100, weekly=False)
    assert at_once.purchases.value == pytest.approx(ahead.purchases.value)
    assert at_once.by_week.index.tolist() == [13.0]


def test_what_is_too_short_or_wrong_is_refused():
    """Eleven weeks say nothing of arrivals; parameters by name."""
    summary, *_ = store(np.random.default_rng(5))
    young = summary.loc[summary["T"] < 11.0]
    young.attrs = summary.attrs
    model = fitted(young, rm.BetaGeoFitter())
    with pytest.raises(CannotSay, match="too few to say how many newcomers come"):
        rm.predict_whole_store(model, None, young)
    for broken in ({"scatter": -1.0}, {"horizon": 0.0}, {"interval": 2.0}):
        with pytest.raises(SettingsError, match=next(iter(broken))):
            rm.predict_whole_store(model, None, summary, **broken)


@pytest.mark.slow
@pytest.mark.sized
@pytest.mark.parametrize("change", [0.0, 0.30, -0.23, -0.65], ids="{:+.0%} a year".format)
@pytest.mark.parametrize("week", [1.0, 7.0], ids=["weeks", "days"])
def test_newcomers_go_on_as_they_grow_or_fade(record_property, change, week):
    """Poisson counts of 26 weeks, 100 a week at the end: 90% intervals of 13 more hold what comes."""
    rng, shops = np.random.default_rng(2), sized(60, 1000)
    ago, ahead = np.arange(26) + 0.5, np.arange(13) + 0.5
    pace = np.log1p(change) / 52.0
    expected, came, inside = np.zeros(shops), np.zeros(shops), 0
    for i in range(shops):
        found = trended(rng.poisson(100.0 * np.exp(-pace * ago)).astype(float), week)
        came[i] = rng.poisson(100.0 * np.exp(pace * ahead).sum())
        expected[i] = week * found.rates(ahead * week).sum()
        error = expected[i] * found.log_error(13.0 * week)
        inside += abs(came[i] - expected[i]) <= Z90 * np.hypot(np.sqrt(expected[i]), error)
    bias = expected.sum() / came.sum() - 1.0
    record_property("bias, share inside", f"{bias:+.3f}, {inside / shops:.3f}")
    assert abs(bias) < 0.03
    assert inside / shops >= 0.9 - 3.0 * np.sqrt(0.09 / shops)


def test_of_a_fast_growth_half_of_what_exceeds_a_usual_one_goes_on():
    """3% a week: it is 2% that is expected to go on, and all or none of the rest in its doubt."""
    ago = np.arange(26) + 0.5
    found = trended(200.0 * np.exp(-0.03 * ago), 1.0)
    usual = 0.3 / (365.25 / 7.0)
    assert found.rate == pytest.approx(200.0)
    assert found.trend == pytest.approx((0.03 + usual) / 2.0)
    assert np.sqrt(found.covariance[1][1]) > (0.03 - usual) / np.sqrt(12.0)
    far = found.rates(np.array([520.0, 5200.0]))
    assert far[1] / found.rate == pytest.approx(np.exp(found.trend * 104.0))
    assert found.rate < far[0] < far[1]


@pytest.mark.slow
def test_what_past_forecasts_tell_of_newcomers_is_allowed_for():
    """Half as many, and the doubt of that in the interval."""
    summary = shop_of_a_year()
    fitted = rm.BetaGeoFitter().fit(*(summary[name] for name in ("frequency", "recency", "T")))
    ask = {"horizon": 13, "weekly": False, "draws": 50}
    usual = rm.predict_whole_store(fitted, None, summary, **ask).newcomers
    half = rm.predict_whole_store(
        fitted, None, summary, newcomers=0.5, newcomers_error=0.3, **ask
    ).newcomers
    assert half.value == pytest.approx(usual.value / 2.0)
    assert half.high / half.value > usual.high / usual.value
    with pytest.raises(SettingsError, match="newcomers: expected a finite ratio"):
        rm.predict_whole_store(fitted, None, summary, newcomers=0.0, **ask)


def shop_of_a_year():
    """300 customers who came evenly within a year."""
    rng = np.random.default_rng(1)
    T = rng.integers(0, 52, 300).astype(float)
    x = rng.poisson(0.2 * T * rng.gamma(1.0, 1.0, 300)).astype(float)
    t_x = np.where(x > 0, np.ceil(T * rng.random(300)), 0.0)
    summary = pd.DataFrame({"frequency": x, "recency": t_x, "T": T, "monetary_value": 0.0})
    summary.attrs["time_unit"] = "W"
    return summary


@pytest.mark.parametrize(("paid", "expected"), [(1.0, 1.0), (0.5, 0.5)])
def test_newcomers_spend_what_newcomers_of_before_did(paid, expected):
    """Half of what the others do where they did, as near as their number tells."""
    rng = np.random.default_rng(8)
    T = np.repeat([50.0, 10.0], 400)
    level = 60.0 / rng.gamma(4.0, 1.0, T.size) * np.where(T > 25.0, 1.0, paid)
    summary = pd.DataFrame({"frequency": 5.0, "monetary_value": level, "T": T})
    spend = rm.GammaGammaFitter.from_parameters({"p": 6.0, "q": 4.0, "v": 10.0})
    found, error = spend_of_newcomers(spend, summary)
    assert found == pytest.approx(20.0 * expected, rel=0.12)
    assert 0.02 < error < 0.06


def test_of_one_newcomer_the_mean_of_all_is_as_good():
    """The model's p v/(q − 1), with the usual doubt."""
    spend = rm.GammaGammaFitter.from_parameters({"p": 6.0, "q": 4.0, "v": 10.0})
    summary = pd.DataFrame(
        {"frequency": [5.0, 3.0, 2.0], "monetary_value": [9.0, 7.0, 1.0], "T": [50.0, 49.0, 3.0]}
    )
    assert spend_of_newcomers(spend, summary) == (pytest.approx(20.0), 0.3)
