"""What customers and the store will do: values against published numbers, intervals by simulation."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cdnow_data import cdnow_sample
from retention_models.errors import CannotSay, SettingsError
from retention_models.models.bg_nbd import BG_NBD
from retention_models.models.fitters import BetaGeoFitter, GammaGammaFitter
from retention_models.predictions.customers import (
    mean_dropout,
    mean_purchase_rate,
    predict_customers,
)
from retention_models.predictions.stores import predict_path, predict_store

PURCHASES = (0.9, 6.0, 0.6, 2.5)
SPEND = (5.0, 4.0, 30.0)
COLUMNS = [
    "probability_alive",
    "expected_purchases",
    "expected_purchases_low",
    "expected_purchases_high",
    "purchases_low",
    "purchases_high",
    "expected_spend",
    "clv",
    "clv_low",
    "clv_high",
]


def simulated_shop(size, rng, *, past=52.0, horizon=26.0, annual_rate=0.10):
    """Customers of known parameters, their past as a summary and their future as it happened.

    Times are in weeks. The future's worth is discounted purchase by purchase.
    """
    (r, alpha, a, b), (p, q, v) = PURCHASES, SPEND
    T = rng.uniform(0.3 * past, past, size)
    rate, leaves = rng.gamma(r, 1.0 / alpha, size), rng.beta(a, b, size)
    level, delta = rng.gamma(q, 1.0 / v, size), np.log1p(annual_rate) * 7.0 / 365.25
    table = {name: np.zeros(size) for name in ("frequency", "recency", "spent", "count", "value")}
    clock, here = np.zeros(size), np.ones(size, dtype=bool)
    while here.any():
        clock[here] += rng.exponential(1.0 / np.maximum(rate[here], 1e-300))
        here &= clock <= T + horizon
        paid = rng.gamma(p, 1.0, size) / level
        before, after = here & (clock <= T), here & (clock > T)
        table["frequency"][before] += 1
        table["recency"][before] = clock[before]
        table["spent"][before] += paid[before]
        table["count"][after] += 1
        table["value"][after] += (paid * np.exp(-delta * (clock - T)))[after]
        here &= rng.random(size) >= leaves
    x = table["frequency"]
    summary = pd.DataFrame(
        {
            "frequency": x.astype(int),
            "recency": table["recency"],
            "T": T,
            "monetary_value": np.where(x > 0, table["spent"] / np.maximum(x, 1), 0.0),
        }
    )
    summary.attrs["time_unit"] = "W"
    return summary, table["count"], table["value"]


def fitted(summary):
    """Both models, fitted to a summary."""
    repeat = summary[(summary["frequency"] > 0) & (summary["monetary_value"] > 0)]
    purchases = BetaGeoFitter().fit(summary["frequency"], summary["recency"], summary["T"])
    return purchases, GammaGammaFitter().fit(repeat["frequency"], repeat["monetary_value"])


@pytest.fixture(scope="module")
def cdnow():
    """The CDNOW sample in weeks."""
    return cdnow_sample()


@pytest.fixture(scope="module")
def models(cdnow):
    """Both models of the CDNOW sample."""
    return fitted(cdnow)


@pytest.fixture(scope="module")
def predicted(cdnow, models):
    """The CDNOW sample's predictions for 39 weeks."""
    return predict_customers(*models, cdnow, horizon=39)


def test_holdout_total_of_the_cdnow_sample(predicted):
    """39 weeks: 1,653.4 repeat purchases predicted (REF)."""
    assert predicted["expected_purchases"].sum() == pytest.approx(1653.4, abs=0.05)


def test_predictions_carry_their_columns_index_and_settings(cdnow, predicted):
    """One row per customer, in the summary's order."""
    assert predicted.columns.tolist() == COLUMNS
    assert predicted.index.equals(cdnow.index)
    assert predicted.attrs["horizon"] == 39
    assert predicted.attrs["interval"] == 0.90
    assert predicted.attrs["time_unit"] == "W"


def test_expected_spend_of_the_first_ten_customers(predicted):
    """Fader & Hardie (2013); REF."""
    published = [24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17]
    assert predicted["expected_spend"].head(10).to_numpy() == pytest.approx(published, abs=0.006)


def test_value_is_spend_times_discounted_purchases(cdnow, models):
    """Without discounting it is margin · expected spend · expected purchases; with, less."""
    plain = predict_customers(*models, cdnow, horizon=39, annual_discount_rate=0.0, margin=0.3)
    product = 0.3 * plain["expected_spend"] * plain["expected_purchases"]
    assert plain["clv"].to_numpy() == pytest.approx(product.to_numpy(), rel=1e-12)
    less = predict_customers(*models, cdnow, horizon=39, annual_discount_rate=0.2, margin=0.3)
    ratio = less["clv"] / plain["clv"]
    assert ratio.max() < 1.0
    assert ratio.min() > 1.2 ** (-39 * 7 / 365.25)


@pytest.mark.parametrize(("unit", "factor"), [("D", 7.0), ("M", 7.0 / 30.4375)])
def test_value_does_not_depend_on_the_unit_of_time(cdnow, models, unit, factor):
    """10% a year in weeks, days and months: the same clv, intervals included."""
    weeks = predict_customers(*models, cdnow, horizon=52)
    other = cdnow.assign(recency=factor * cdnow["recency"], T=factor * cdnow["T"])
    other.attrs["time_unit"] = unit
    got = predict_customers(*fitted(other), other, horizon=52 * factor)
    for column in COLUMNS:
        assert got[column].to_numpy() == pytest.approx(weeks[column].to_numpy(), rel=1e-5)


def test_bounds_enclose_and_widen(cdnow, models, predicted):
    """Lows are below highs, whole numbers, and a higher level is never narrower."""
    wide = predict_customers(*models, cdnow, horizon=39, interval=0.99)
    for kind in ("purchases", "clv"):
        low, high = f"{kind}_low", f"{kind}_high"
        assert (predicted[low] <= predicted[high]).all()
        assert (wide[low] <= predicted[low]).all()
        assert (wide[high] >= predicted[high]).all()
    assert (predicted["purchases_low"] == predicted["purchases_low"].round()).all()
    silent = predicted["purchases_high"] == 0
    assert (predicted.loc[silent, "clv_high"] == 0.0).all()
    assert (predicted.loc[~silent, "clv_high"] > 0.0).all()


def test_without_a_spend_model_money_is_not_a_number(cdnow, models):
    """Purchases are predicted all the same."""
    got = predict_customers(models[0], None, cdnow, horizon=39)
    assert got[["expected_spend", "clv", "clv_low", "clv_high"]].isna().all(axis=None)
    assert got["expected_purchases"].sum() == pytest.approx(1653.4, abs=0.05)  # REF
    forecast = predict_store(models[0], None, cdnow, horizon=39, draws=50)
    assert forecast.value is None
    assert forecast.top_tenth_share is None


@pytest.mark.parametrize("spend", [0.0, -3.0, np.nan])
def test_customers_whose_repeat_spend_tells_nothing_have_no_money(cdnow, models, spend):
    """Repeat spend of 0, below it, or missing: NaN money for them, and for nobody else."""
    some = cdnow.head(50).copy()
    back = some.index[some["frequency"] > 0][:3]
    some.loc[back, "monetary_value"] = spend
    got = predict_customers(*models, some, horizon=39)
    money = got[["expected_spend", "clv", "clv_low", "clv_high"]]
    assert money.loc[back].isna().all(axis=None)
    assert money.drop(index=back).notna().all(axis=None)
    assert got.drop(columns=money.columns).notna().all(axis=None)
    forecast = predict_store(*models, some, horizon=39, draws=50)
    assert forecast.value.value == pytest.approx(got["clv"].sum())


def test_a_store_of_customers_whose_spend_tells_nothing_is_worth_nothing_known(cdnow, models):
    """No customer is priced: the value is 0, without a division by zero on the way."""
    some = cdnow[cdnow["frequency"] > 0].head(5).assign(monetary_value=0.0)
    some.attrs["time_unit"] = "W"
    forecast = predict_store(*models, some, horizon=39, draws=50)
    assert forecast.purchases.value > 0
    assert forecast.value is None or forecast.value.value == 0.0


@pytest.mark.parametrize("predict", [predict_customers, predict_store])
def test_unknown_unit_of_time_is_an_error_that_says_what_to_pass(predict, cdnow, models):
    """A summary without its unit, and a unit that is none."""
    bare = cdnow.copy()
    bare.attrs = {}
    with pytest.raises(SettingsError, match=r"^time_unit: the summary does not carry its unit"):
        predict(*models, bare)
    with pytest.raises(SettingsError, match=r"^time_unit: .*got 'fortnight'"):
        predict(*models, bare, time_unit="fortnight")


@pytest.mark.parametrize("predict", [predict_customers, predict_store])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("horizon", 0),
        ("horizon", -1.0),
        ("horizon", np.nan),
        ("horizon", np.inf),
        ("annual_discount_rate", -0.01),
        ("annual_discount_rate", 1.0),
        ("annual_discount_rate", np.nan),
        ("margin", 0.0),
        ("margin", 1.01),
        ("margin", np.nan),
        ("interval", 0.0),
        ("interval", 1.0),
        ("interval", 90),
        ("interval", np.nan),
    ],
)
def test_parameters_out_of_range_are_refused_by_name(predict, name, value, cdnow, models):
    """The error begins with the parameter's name."""
    with pytest.raises(SettingsError, match=rf"^{name}: "):
        predict(*models, cdnow.head(20), **{name: value})


def test_number_of_draws_out_of_range_is_refused_by_name(cdnow, models):
    """No interval comes from no draws."""
    with pytest.raises(SettingsError, match=r"^draws: "):
        predict_store(*models, cdnow.head(20), draws=0)


def test_missing_columns_are_refused_by_name(cdnow, models):
    """A summary without T."""
    with pytest.raises(SettingsError, match=r"^summary: columns are missing: T"):
        predict_customers(*models, cdnow.drop(columns="T"))


def test_mean_rate_and_dropout_follow_from_the_parameters(models):
    """r/α and a/(a+b) of FHL's estimates: .055 a week and .246 a purchase, inside their intervals."""
    rate, dropout = mean_purchase_rate(models[0].fit_), mean_dropout(models[0].fit_)
    assert rate.value == pytest.approx(0.2425945 / 4.4136, rel=1e-4)
    assert dropout.value == pytest.approx(0.79292 / (0.79292 + 2.42590), rel=1e-4)
    for interval in (rate, dropout):
        assert 0.0 < interval.low < interval.value < interval.high


def test_interval_of_the_mean_rate_agrees_with_draws_of_the_parameters(models):
    """40,000 draws of r/α and a/(a+b): the same 95% bounds, to 2%."""
    draws = models[0].fit_.draws(40_000, np.random.default_rng(5))
    for interval, sample in (
        (mean_purchase_rate(models[0].fit_), draws[:, 0] / draws[:, 1]),
        (mean_dropout(models[0].fit_), draws[:, 2] / (draws[:, 2] + draws[:, 3])),
    ):
        bounds = np.quantile(sample, [0.025, 0.975])
        assert [interval.low, interval.high] == pytest.approx(bounds, rel=0.02)


def test_customers_intervals_cover_what_they_then_do():
    """4,000 simulated customers: 90% intervals of count and value cover 90%, or a little more."""
    summary, count, value = simulated_shop(4_000, np.random.default_rng(90))
    got = predict_customers(*fitted(summary), summary, horizon=26)
    covered = (count >= got["purchases_low"]) & (count <= got["purchases_high"])
    assert 0.89 <= covered.mean() <= 0.985
    # Those whose interval of the count is {0} have value 0 for certain, by the same interval.
    covered = (value >= got["clv_low"] - 1e-9) & (value <= got["clv_high"] + 1e-9)
    assert 0.88 <= covered.mean() <= 0.985
    above = (value > got["clv_high"]).mean()
    assert 0.03 <= above <= 0.07  # the upper tail is continuous: 5%


def test_customers_expectations_sum_to_what_they_then_do():
    """The same shop's totals are within 4 standard errors of the predicted ones, money included."""
    summary, count, value = simulated_shop(8_000, np.random.default_rng(91))
    got = predict_customers(*fitted(summary), summary, horizon=26)
    for column, actual in (("expected_purchases", count), ("clv", value)):
        # Chance of the future and doubt about the parameters, which is of like size.
        error = np.sqrt(2.0) * np.sqrt(len(actual)) * (actual - got[column]).std()
        assert got[column].sum() == pytest.approx(actual.sum(), abs=4 * error)


def test_store_forecast_centres_on_the_customers_sums(cdnow, models, predicted):
    """Values are the sums over customers; each lies in its interval; the level is kept."""
    forecast = predict_store(*models, cdnow, horizon=39, draws=200)
    assert forecast.still_customers.value == pytest.approx(predicted["probability_alive"].sum())
    assert forecast.purchases.value == pytest.approx(1653.4, abs=0.05)  # REF
    assert forecast.value.value == pytest.approx(predicted["clv"].sum())
    top = predicted["clv"].nlargest(236).sum() / predicted["clv"].sum()
    assert forecast.top_tenth_share.value == pytest.approx(top)
    assert forecast.interval == 0.90
    for name in ("still_customers", "purchases", "active_customers", "value", "top_tenth_share"):
        interval = getattr(forecast, name)
        assert interval.low < interval.value < interval.high


def test_store_forecast_repeats_exactly(cdnow, models):
    """The seed is fixed: two runs agree to the last digit."""
    first = predict_store(*models, cdnow.head(300), horizon=39, draws=50)
    assert first == predict_store(*models, cdnow.head(300), horizon=39, draws=50)


def test_active_customers_are_those_with_a_purchase(cdnow, models):
    """Σ (1 − P(0)), P(0) = 1 − P(alive) + P(alive)·P(X = 0), in plain numbers."""
    forecast = predict_store(models[0], None, cdnow, horizon=39, draws=20)
    r, alpha, a, b = models[0].fit_.parameters
    x, t_x, T = (cdnow[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T"))
    alive = BG_NBD.probability_alive(x, t_x, T, r, alpha, a, b)
    none = ((alpha + T) / (alpha + T + 39)) ** (r + x)
    assert forecast.active_customers.value == pytest.approx((alive * (1 - none)).sum(), rel=1e-7)


def test_path_ends_at_the_stores_total_and_never_falls(cdnow, models):
    """Cumulative purchases: 1,653.4 after 39 weeks (REF), bounds around them."""
    path = predict_path(models[0], cdnow, np.array([1.0, 13.0, 26.0, 39.0]), draws=100)
    assert path.index.tolist() == [1.0, 13.0, 26.0, 39.0]
    assert path["forecast"].iloc[-1] == pytest.approx(1653.4, abs=0.05)
    assert (path.diff().dropna() >= 0).all(axis=None)
    assert (path["low"] < path["forecast"]).all()
    assert (path["forecast"] < path["high"]).all()


def test_forecast_without_dropout_keeps_every_customer():
    """At the boundary a = 0 nearly all stay; the interval tells how many may have left all the same."""
    rng = np.random.default_rng(8)
    T = rng.uniform(30.0, 60.0, 500)
    x = rng.poisson(rng.gamma(1.2, 1 / 8.0, 500) * T)
    summary = pd.DataFrame(
        {"frequency": x, "recency": np.where(x > 0, T, 0.0), "T": T, "monetary_value": 5.0}
    )
    model = BetaGeoFitter().fit(summary["frequency"], summary["recency"], summary["T"])
    assert model.fit_.verdict == "boundary"
    forecast = predict_store(model, None, summary, time_unit="W", draws=50)
    still = forecast.still_customers
    assert 490.0 < still.low <= still.value <= 500.0
    assert still.value > 498.0
    assert still.high <= 500.0
    assert 0.0 < mean_dropout(model.fit_).high < 0.01
    assert forecast.purchases.low < forecast.purchases.value < forecast.purchases.high


@pytest.mark.parametrize("size", [10, pytest.param(30, marks=pytest.mark.slow)])
def test_a_handful_of_customers_is_predicted_without_a_warning(size):
    """At whatever limit the fit of a small shop ends, predictions are finite, or refused in words."""
    told, refusals = 0, set()
    for seed in range(12):
        few = cdnow_sample().sample(size, random_state=1_000 * size + seed)
        if not (few["frequency"] > 0).any():
            continue
        model = BetaGeoFitter().fit(few["frequency"], few["recency"], few["T"])
        try:
            got = predict_customers(model, None, few, horizon=13)[COLUMNS[:6]]
        except CannotSay as refusal:
            refusals.add("too short to say" in str(refusal))
            continue
        told += 1
        assert np.isfinite(got).all(axis=None)
        assert (got["purchases_low"] <= got["purchases_high"]).all()
    assert told > 0
    assert refusals <= {True}


@pytest.mark.nightly
def test_stores_intervals_cover_what_their_customers_then_do():
    """100 simulated shops of 400 customers: the 90% intervals miss no more than chance explains."""
    hits = {"purchases": 0, "active_customers": 0, "value": 0}
    shops = 100
    for seed in range(shops):
        summary, count, value = simulated_shop(400, np.random.default_rng(7_000 + seed))
        forecast = predict_store(*fitted(summary), summary, horizon=26, draws=400)
        actual = {
            "purchases": count.sum(),
            "active_customers": (count > 0).sum(),
            "value": value.sum(),
        }
        for name, happened in actual.items():
            interval = getattr(forecast, name)
            hits[name] += interval.low <= happened <= interval.high
    # Of 100 intervals at .90, fewer than the .001 quantile is a failure and not bad luck.
    fewest = stats.binom.ppf(0.001, shops, 0.90)
    assert min(hits.values()) >= fewest, hits


def test_another_model_is_refused_by_name(cdnow):
    """Its parameters of the same names would give plausible wrong numbers."""
    other = SimpleNamespace(params_=pd.Series([0.5, 6.0, 0.9, 1.6], index=["r", "alpha", "a", "b"]))
    for model in (other, BetaGeoFitter()):
        with pytest.raises(SettingsError, match="purchases: expected a fitted"):
            predict_customers(model, None, cdnow)


def test_points_alone_are_those_of_the_table_with_intervals(cdnow):
    """`interval=None` leaves out what takes the time."""
    purchases = BetaGeoFitter().fit(cdnow["frequency"], cdnow["recency"], cdnow["T"])
    whole = predict_customers(purchases, None, cdnow, horizon=39)
    points = predict_customers(purchases, None, cdnow, horizon=39, interval=None)
    assert ["probability_alive", "expected_purchases", "expected_spend", "clv"] == list(points)
    pd.testing.assert_frame_equal(points, whole[list(points)])
    with pytest.raises(SettingsError, match="horizon"):
        predict_customers(purchases, None, cdnow, horizon=-1, interval=None)
