"""A chain's stores fitted together: small ones borrow, large ones are left alone."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
from purchase_samples import simulate_geometric
from retention_models.errors import CannotSay, SettingsError
from retention_models.models.chain.stores import lend_to
from retention_models.models.fitters import BetaGeoFitter, GammaGammaFitter

SIZES = {"ten": 10, "thirty": 30, "many": 150, "more": 400, "most": 700, "huge": 5000}
CENTRE = np.log([0.8, 4.0, 0.6, 3.0])


def simulated_summary(rng, size, parameters, spend=(6.0, 4.0, 15.0)):
    """A customer summary in weeks from given r, α, a, b and p, q, v."""
    T = rng.uniform(13.0, 52.0, size)
    x, t_x, T = simulate_geometric(rng, size, *parameters, T, first=False, days=True)
    p, q, v = spend
    level = rng.gamma(q, 1.0 / v, size)
    mean = np.where(x > 0, rng.gamma(p * np.maximum(x, 1.0)) / level / np.maximum(x, 1.0), 0.0)
    table = pd.DataFrame(
        {"frequency": x.astype(int), "recency": t_x, "T": T, "monetary_value": mean}
    )
    table.attrs = {"time_unit": "W"}
    return table


@pytest.fixture(scope="module")
def summaries():
    """Stores of very different sizes, and one of twelve customers of whom none came back."""
    rng = np.random.default_rng(11)
    found = {}
    for store, size in SIZES.items():
        parameters = np.exp(CENTRE + 0.3 * rng.standard_normal(4))
        level = 15.0 * np.exp(0.3 * rng.standard_normal())
        found[store] = simulated_summary(rng, size, parameters, (6.0, 4.0, level))
    nobody = pd.DataFrame(
        {"frequency": 0, "recency": 0.0, "T": np.arange(12.0), "monetary_value": 0.0}
    )
    nobody.attrs = {"time_unit": "W"}
    return {**found, "nobody": nobody}


@pytest.fixture(scope="module")
def fits(summaries):
    """The chain, fitted once."""
    return rm.fit_stores(summaries)


@pytest.fixture(scope="module")
def few(summaries):
    """Four stores of the chain that are quick to fit, and their fits."""
    chosen = {store: summaries[store] for store in ("ten", "thirty", "many", "nobody")}
    return chosen, rm.fit_stores(chosen)


def log_errors(fit):
    """Standard errors of the log-parameters."""
    return np.sqrt(np.diag(fit.log_covariance))


def test_a_store_of_five_thousand_is_left_alone(fits, summaries):
    """Within a sixth of a standard error of its own maximum of likelihood, purchases and spend."""
    huge = summaries["huge"]
    own = BetaGeoFitter().fit(huge["frequency"], huge["recency"], huge["T"]).fit_
    repeat = huge[huge["frequency"] > 0]
    own_spend = GammaGammaFitter().fit(repeat["frequency"], repeat["monetary_value"]).fit_
    for alone, shrunk in (
        (own, fits.purchases.stores["huge"]),
        (own_spend, fits.spend.stores["huge"]),
    ):
        moved = np.log(shrunk.parameters) - np.log(alone.parameters)
        assert np.all(np.abs(moved) < log_errors(alone) / 6.0)
        assert log_errors(shrunk) == pytest.approx(log_errors(alone), rel=0.1)


@pytest.mark.parametrize("store", ["ten", "nobody"])
def test_a_store_of_a_dozen_gets_usable_answers_with_wide_intervals(fits, summaries, store):
    """Also where nobody came back: predictions are finite, and the parameters' doubt is large."""
    summary = summaries[store]
    purchases, spend = fits.purchase_model(store), fits.spend_model(store)
    table = rm.predict_customers(purchases, spend, summary)
    assert np.isfinite(table.drop(columns=["clv_low", "clv_high"])).all(axis=None)
    assert np.all(log_errors(purchases.fit_) > 2 * log_errors(fits.purchases.stores["most"]))
    forecast = rm.predict_store(purchases, spend, summary, draws=200)
    assert forecast.purchases.low < 0.75 * forecast.purchases.value
    assert forecast.purchases.high > 1.3 * forecast.purchases.value


def test_a_store_where_nobody_came_back_buys_less_than_the_centre(fits):
    """Twelve customers without a second purchase say that much."""
    r, alpha, _, _ = fits.purchases.stores["nobody"].parameters
    centre_r, centre_alpha, _, _ = fits.purchases.centre
    assert r / alpha < centre_r / centre_alpha


def test_what_is_the_stores_own_grows_with_its_customers(fits):
    """From little to nearly all, in every parameter, and the message says so in words."""
    share = fits.purchases.own_share
    assert share.ge(0.0).all(axis=None)
    assert share.le(1.0).all(axis=None)
    assert share.loc["ten"].max() < 0.75
    assert share.loc["huge"].min() > 0.85
    for _, of_parameter in share.loc[["ten", "many", "huge"]].items():
        assert of_parameter.is_monotonic_increasing
    fit = fits.purchases.stores["ten"]
    assert "shrunk" == fit.verdict
    assert re.match(
        r"the store's own customers tell \d+% of how often customers come back and \d+% of whether "
        r"they leave, and the rest is taken from the 6 other stores of the chain$",
        fit.message,
    )


def test_estimators_know_their_fit_and_their_unit(fits):
    """As after a fit of their own, but without customers' data."""
    fitter = fits.purchase_model("ten")
    assert fits.purchases.stores["ten"] is fitter.fit_
    assert "W" == fitter.time_unit_
    assert fitter.predict(13.0, 2, 10.0, 20.0) > 0
    assert fits.spend.stores["ten"] is fits.spend_model("ten").fit_


def test_the_unit_of_time_does_not_matter(few):
    """In days alpha is seven times as large, and nothing else changes."""
    summaries, fits = few
    in_days = {}
    for store, summary in summaries.items():
        scaled = summary.assign(recency=7.0 * summary["recency"], T=7.0 * summary["T"])
        scaled.attrs = {"time_unit": "D"}
        in_days[store] = scaled
    found = rm.fit_stores(in_days).purchases
    for store, fit in fits.purchases.stores.items():
        expected = fit.parameters * [1.0, 7.0, 1.0, 1.0]
        assert found.stores[store].parameters == pytest.approx(expected, rel=1e-4)
        covariance = found.stores[store].log_covariance
        assert covariance == pytest.approx(fit.log_covariance, rel=1e-2, abs=1e-4)


def test_the_currency_does_not_matter(few):
    """In cents v is a hundred times as large, and nothing else changes."""
    summaries, fits = few
    in_cents = {
        store: summary.assign(monetary_value=100.0 * summary["monetary_value"])
        for store, summary in summaries.items()
    }
    found = rm.fit_stores(in_cents).spend
    for store, fit in fits.spend.stores.items():
        expected = fit.parameters * [1.0, 1.0, 100.0]
        assert found.stores[store].parameters == pytest.approx(expected, rel=1e-4)


def test_neither_order_nor_form_matters(few):
    """Stores in reverse, or all in one table with a column or an index level: the same to the digit."""
    summaries, expected = few
    reverse = dict(reversed(list(summaries.items())))
    table = pd.concat(summaries, names=["store_id", "customer_id"])
    table.attrs = {"time_unit": "W"}
    for given in (reverse, table, table.reset_index("store_id")):
        found = rm.fit_stores(given)
        assert expected.store_ids == found.store_ids
        for store, fit in expected.purchases.stores.items():
            assert np.array_equal(fit.parameters, found.purchases.stores[store].parameters)
            assert np.array_equal(fit.log_covariance, found.purchases.stores[store].log_covariance)
        assert "W" == found.purchase_model("ten").time_unit_


def test_one_store_alone_keeps_its_own_estimate(summaries):
    """There is nothing to borrow, and the message says so."""
    more = summaries["more"]
    alone = BetaGeoFitter().fit(more["frequency"], more["recency"], more["T"]).fit_
    found = rm.fit_stores({"more": more}).purchases.stores["more"]
    moved = np.log(found.parameters) - np.log(alone.parameters)
    assert np.all(np.abs(moved) < log_errors(alone) / 6.0)
    assert "there is no other store to borrow from" in found.message


def test_stores_that_are_the_same_get_the_pooled_estimate(summaries):
    """Ten copies of one store differ by nothing: little between them, and the chain's own estimate."""
    found = rm.fit_stores({f"{i}": summaries["many"] for i in range(10)}).purchases
    alone = log_errors(found.chain) * np.sqrt(10.0)
    assert np.all(np.sqrt(np.diag(found.between)) < alone / 2.0)
    for fit in found.stores.values():
        moved = np.log(fit.parameters) - np.log(found.chain.parameters)
        assert np.all(np.abs(moved) < log_errors(found.chain) / 6.0)
        assert np.all(log_errors(fit) < alone)


def test_a_store_without_visible_dropout_stays_inside_the_model(few):
    """Its own maximum is at no dropout; given the other stores a little is likely."""
    summaries, _ = few
    rng = np.random.default_rng(4)
    stays = simulated_summary(rng, 60, (0.8, 4.0, 0.005, 5.0))
    alone = BetaGeoFitter().fit(stays["frequency"], stays["recency"], stays["T"]).fit_
    assert "boundary" == alone.verdict
    found = rm.fit_stores({**summaries, "stays": stays}).purchases.stores["stays"]
    _, _, a, b = found.parameters
    assert 1e-3 < a / (a + b) < 0.15
    assert np.all(np.isfinite(found.log_covariance))


def test_without_money_there_is_no_spend_model(summaries):
    """Purchases are modelled all the same."""
    bare = {store: summaries[store].drop(columns="monetary_value") for store in ("many", "ten")}
    fits = rm.fit_stores(bare)
    assert fits.spend is None
    with pytest.raises(CannotSay, match="hold no money"):
        fits.spend_model("ten")
    assert fits.purchase_model("ten").params_["r"] > 0


def test_spend_that_never_varies_is_said(summaries):
    """In the words of the spend model itself."""
    same = {
        store: summaries[store].assign(
            monetary_value=summaries[store]["frequency"].clip(upper=1) * 5.0
        )
        for store in ("many", "ten")
    }
    with pytest.raises(CannotSay, match="all spend the same per purchase"):
        rm.fit_stores(same).spend_model("ten")


def test_a_chain_where_nobody_came_back_is_refused(summaries):
    """No model of when customers come back can be had from it."""
    with pytest.raises(CannotSay, match="has bought a second time"):
        rm.fit_stores({"a": summaries["nobody"], "b": summaries["nobody"]})


def spoiled(summary, **columns):
    """A copy of a summary with one bad value in its first row."""
    changed = summary.copy()
    for column, value in columns.items():
        changed[column] = changed[column].astype(float)
        changed.iloc[0, changed.columns.get_loc(column)] = value
    return changed


def test_what_is_wrong_names_the_store(summaries):
    """With the column and the first bad rows."""
    ten, many = summaries["ten"], summaries["many"]
    came_back = many.loc[many["frequency"] > 0]
    in_days = many.copy()
    in_days.attrs = {"time_unit": "D"}
    for bad, message in (
        (spoiled(many, recency=1e6), r"store 'bad': recency: expected no more than T; 1 of 150"),
        (spoiled(many, frequency=-1.0), r"store 'bad': frequency: expected 0 or more"),
        (
            spoiled(came_back, monetary_value=np.nan),
            r"store 'bad': monetary_value: expected a finite",
        ),
        (many.iloc[:0], r"store 'bad': .*there are no customers"),
        (many.drop(columns="T"), r"store 'bad': columns are missing: T"),
        (many.drop(columns="monetary_value"), r"store 'bad': the column monetary_value is missing"),
        (in_days, r"expected one unit of time; got 'bad' in D, 'ten' in W"),
    ):
        with pytest.raises(SettingsError, match=message):
            rm.fit_stores({"ten": ten, "bad": bad})


def test_what_is_no_chain_is_said(summaries, fits):
    """No store, no store_id, the same id twice, an unknown store."""
    with pytest.raises(SettingsError, match="there is no store"):
        rm.fit_stores({})
    with pytest.raises(SettingsError, match="expected store_id among the columns"):
        rm.fit_stores(summaries["ten"])
    with pytest.raises(SettingsError, match="the same as text"):
        rm.fit_stores({7: summaries["ten"], "7": summaries["many"]})
    with pytest.raises(SettingsError, match=r"no store 'eleven' was fitted; there are huge, many"):
        fits.purchase_model("eleven")


def odd_store(few, spend):
    """A store like one of the chain's, whose repeat customers spend what is given."""
    store = few["many"].copy()
    came_back = store["frequency"] > 0
    store.loc[came_back, "monetary_value"] = spend(int(came_back.sum()))
    return store


@pytest.mark.parametrize(
    ("spend", "reason"),
    [
        (lambda n: np.full(n, 9.99), "all spend the same per purchase"),
        (lambda n: np.where(np.arange(n) % 50, 9.99, 10.0), "spend nearly the same per purchase"),
        (lambda n: np.linspace(1e299, 1e300, n), "which is no amount of any money"),
        (lambda n: np.linspace(1e-300, 2e-300, n), "which is no amount of any money"),
    ],
)
def test_a_store_whose_spend_cannot_be_modelled_keeps_nobody_elses_from_it(few, spend, reason):
    """The others' models are what they are without it, and its own page says why."""
    few, without = few
    with_odd = rm.fit_stores({**few, "odd": odd_store(few, spend)})
    with pytest.raises(CannotSay, match=reason):
        with_odd.spend_model("odd")
    assert with_odd.purchase_model("odd").fit_.verdict == "shrunk"
    for store in few:
        pd.testing.assert_series_equal(
            with_odd.spend_model(store).params_, without.spend_model(store).params_
        )
    assert with_odd.store_ids == tuple(sorted([*few, "odd"]))


def test_a_handful_who_spend_the_same_still_borrow(few):
    """By chance two customers may spend the same."""
    few, _ = few
    history = {"frequency": [1, 1], "recency": [5.0, 5.0], "T": [30.0, 30.0]}
    handful = pd.DataFrame({**history, "monetary_value": [9.99, 9.99]})
    fits = rm.fit_stores({**few, "handful": handful})
    assert np.isfinite(fits.spend_model("handful").params_).all()


def test_where_all_that_is_left_breaks_down_it_is_said(few, monkeypatch):
    """In a sentence, where no store can be told from another as the cause."""
    few, _ = few

    def broken(*_):
        raise np.linalg.LinAlgError("Singular matrix")

    monkeypatch.setattr("retention_models.models.chain.fits.shrink", broken)
    with pytest.raises(CannotSay, match="so unlike those of the chain's other stores"):
        rm.fit_stores(few)


def test_identical_histories_do_not_stop_the_chain(few):
    """A store of subscribers, all alike."""
    few, _ = few
    row = {"frequency": 3, "recency": 10.0, "T": 30.0, "monetary_value": 12.5}
    fits = rm.fit_stores({**few, "odd": pd.DataFrame([row] * 150)})
    for store in few:
        assert np.isfinite(fits.purchase_model(store).params_).all()
        assert np.isfinite(fits.spend_model(store).params_).all()


@pytest.fixture(scope="module")
def twenty():
    """A chain of twenty stores, fitted together."""
    rng = np.random.default_rng(12)
    stores = {}
    for i in range(20):
        parameters = np.exp(CENTRE + 0.3 * rng.standard_normal(4))
        stores[f"{i:02d}"] = simulated_summary(rng, 100, parameters)
    return stores, rm.fit_stores(stores)


@pytest.mark.parametrize("store", ["ten", "thirty", "nobody"])
def test_a_store_borrows_nearly_the_same_without_taking_part(twenty, summaries, store):
    """Of twenty others one more moves the centre by a twentieth of what is not known of it."""
    stores, chain = twenty
    lent, joint = (
        lend_to(chain, store, summaries[store]),
        rm.fit_stores({**stores, store: summaries[store]}),
    )
    for kind in ("purchases", "spend"):
        alone, among = (getattr(fits, kind).stores[store] for fits in (lent, joint))
        deviation = np.sqrt(np.diag(among.log_covariance))
        assert np.abs(np.log(alone.parameters / among.parameters) / deviation).max() < 0.2
        assert np.sqrt(np.diag(alone.log_covariance)) / deviation == pytest.approx(1.0, abs=0.05)
        assert alone.customers == among.customers
        assert alone.gradient_norm < 1e-6
        assert "20 other stores" in alone.message
    assert lent.store_ids == (store,)
    assert lent.purchase_model(store).time_unit_ == "W"


@pytest.mark.parametrize(
    ("spend", "reason"),
    [
        (lambda n: np.full(n, 9.99), "all spend the same per purchase"),
        (lambda n: np.linspace(1e299, 1e300, n), "which is no amount of any money"),
    ],
)
def test_what_cannot_be_lent_is_said(twenty, few, spend, reason):
    """A fixed price, and spend beyond any money: there are purchases, and no spend."""
    _, chain = twenty
    lent = lend_to(chain, "odd", odd_store(few[0], spend))
    assert lent.purchase_model("odd").fit_.verdict == "shrunk"
    with pytest.raises(CannotSay, match=reason):
        lent.spend_model("odd")


def test_a_store_that_breaks_the_search_is_lent_nothing(twenty, few, monkeypatch):
    """And what was fitted stays as it was."""
    _, chain = twenty

    def broken(*_):
        raise np.linalg.LinAlgError

    monkeypatch.setattr("retention_models.models.chain.fits.borrow", broken)
    lent = lend_to(chain, "ten", few[0]["ten"])
    with pytest.raises(CannotSay, match="unlike those of the chain"):
        lent.purchase_model("ten")
    assert chain.purchase_model("00").fit_.verdict == "shrunk"
