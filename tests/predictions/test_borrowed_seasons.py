"""A store too small for a model of its own borrows one from its chain, and follows the season."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import retention_models as rm
from retention_models.models.bg_nbd import BG_NBD
from retention_models.models.chain.season import on_its_clock, under_season
from retention_models.models.chain.stores import fit_stores
from retention_models.models.maximum_likelihood import ascend
from retention_models.models.seasons.chain import StoreDays, shared_seasons
from retention_models.models.seasons.likelihood import (
    log_likelihood_with_derivatives,
    seasonal_histories,
)
from retention_models.models.seasons.model import Seasonal
from retention_models.predictions.store_models import BorrowedModels, find_borrowed
from seasonal_shops import END, THETA, calendar_of, histories_of, seasonal_log

AHEAD = 91
HISTORY = "frequency", "recency", "T"


def simulated(seed, large=150, small=20, young=150):
    """Four stores over two years, and one of a few months: summaries in days, days, what came."""
    sizes = {f"s{k}": (large, 730) for k in range(4)} | {"new": (small, young)}
    summaries, days, came = {}, {}, {}
    for k, (store, (size, observed)) in enumerate(sizes.items()):
        log = seasonal_log(size, store, seed=100 * seed + k, days=observed, ahead=AHEAD)
        summary, bought, came[store] = histories_of(log, days=observed)
        # Every purchase of another price, so that there is a spend model to borrow.
        paid = np.random.default_rng(k).gamma(5.0, 2.0, len(summary))
        summary["monetary_value"] = np.where(summary["frequency"] > 0, paid, 0.0)
        summaries[store] = summary
        columns = [summary[name].to_numpy(float) for name in HISTORY]
        days[store] = StoreDays(*columns, None, calendar_of(bought, end=END))
    return summaries, days, came


@pytest.fixture(scope="module")
def chain():
    """Summaries, and the seasons of all stores together."""
    summaries, days, _ = simulated(5)
    return summaries, shared_seasons(days, 1.0)


@pytest.fixture(scope="module")
def lent(chain):
    """What the new store borrows."""
    return find_borrowed(chain[0], ["s0", "new"], chain[1])


def test_a_new_stores_quarter_follows_the_chains_season(chain, lent):
    """As the truth says, of which a plain loan expects a third more; large stores borrow none."""
    assert set(lent) == {"new"}
    summary = chain[0]["new"]
    columns = [summary[name] for name in HISTORY]
    fitter = lent["new"].purchases
    assert fitter.calendar_.harmonics == 1
    assert fitter.fit_.verdict == "shrunk"
    # The season and the model that the stores were made of.
    truth = Seasonal(BG_NBD, fitter.calendar_, 1.0)
    true = (*THETA, np.exp(0.6), 1.0, *[1.0] * (len(fitter.calendar_.names) - 2))
    expected = truth.conditional_expected_purchases(AHEAD, *columns, *true).sum()
    found = fitter.predict(AHEAD, *columns).sum()
    plain = find_borrowed(chain[0], ["new"])["new"].purchases.predict(AHEAD, *columns).sum()
    assert found == pytest.approx(expected, rel=0.25)
    assert plain > 1.3 * found
    assert lent["new"].spend is not None


def test_a_store_that_is_none_of_the_largest_follows_the_season_too(chain, lent, monkeypatch):
    """Next to the four largest, on their clocks: its forecast is that of a fit with it, nearly."""
    monkeypatch.setattr("retention_models.predictions.store_models._MOST_LENDERS", 4)
    summaries, seasons = chain
    columns = [summaries["new"][name] for name in HISTORY]
    among = lent["new"].purchases.predict(AHEAD, *columns).sum()
    beside = find_borrowed(summaries, ["new"], seasons)["new"].purchases
    assert beside.calendar_.harmonics == 1
    assert beside.predict(AHEAD, *columns).sum() == pytest.approx(among, rel=0.05)
    # Without a season of its own it borrows in days as they are.
    others = {store: season for store, season in seasons.items() if store != "new"}
    in_days = find_borrowed(summaries, ["new"], others)["new"].purchases
    assert in_days.calendar_ is None
    plain = find_borrowed(summaries, ["new"])["new"].purchases
    assert in_days.params_.equals(plain.params_)


def test_a_loan_is_the_same_once_it_was_written(chain, lent):
    """Its forecast to the digit, intervals too."""
    written = json.loads(json.dumps(lent["new"].content()))
    again = BorrowedModels.from_content(written)
    assert again.purchases.fit_.names == lent["new"].purchases.fit_.names
    both = [
        rm.predict_store(loan.purchases, loan.spend, chain[0]["new"], horizon=AHEAD, draws=50)
        for loan in (lent["new"], again)
    ]
    assert both[0].purchases == both[1].purchases
    assert both[0].value == both[1].value


def test_without_a_season_nothing_changes(chain):
    """No calendars, and calendars without a term, give the plain loan."""
    summaries, seasons = chain
    without = {
        store: replace(
            season,
            calendar=season.calendar.with_terms(harmonics=0, weekdays=False, events=(), prior=None),
            effects=np.zeros(0),
            covariance=np.zeros((0, 0)),
        )
        for store, season in seasons.items()
    }
    plain = fit_stores(summaries).purchase_model("new")
    for given in (None, {}, without):
        found = find_borrowed(summaries, ["new"], given)["new"].purchases
        assert found.calendar_ is None
        assert found.params_.equals(plain.params_)


def test_a_chain_whose_seasons_are_told_of_too_few_lends_nothing(chain):
    """A store without a season of its own days cannot lend on its clock."""
    summaries, seasons = chain
    some = {store: seasons[store] for store in ("s0", "s1", "new")}
    assert find_borrowed(summaries, ["new"], some) == {"new": None}


def test_the_doubt_about_the_season_moves_the_model_too(chain):
    """J by differences of the top of the posterior; the blocks of the covariance from it."""
    summaries, seasons = chain
    own = {s: tuple(summaries[s][name].to_numpy(float) for name in HISTORY) for s in summaries}
    clocks = {store: on_its_clock(own[store], seasons[store], 1.0) for store in summaries}
    warped = {s: summaries[s].assign(recency=clocks[s][1], T=clocks[s][2]) for s in summaries}
    fits = fit_stores(warped).purchases
    season, store = seasons["s3"], "s3"
    found = under_season(fits, store, own[store], season, 1.0)
    between = np.linalg.inv(fits.between)
    seen = seasonal_histories(*own[store], None, season.calendar, 1.0)
    start = np.log(fits.stores[store].parameters)
    # The centre at which the store's estimate is the top of its posterior.
    _, slope, _ = log_likelihood_with_derivatives(
        np.concatenate([start, season.effects]), seen, first=0
    )
    centre = start - np.linalg.solve(between, slope[:4])

    def top(effects):
        def objective(phi):
            both = np.concatenate([phi, effects])
            value, gradient, hessian = log_likelihood_with_derivatives(both, seen, first=0)
            off = between @ (phi - centre)
            return value - (phi - centre) @ off / 2.0, gradient[:4] - off, hessian[:4, :4] - between

        return ascend(objective, start, enough=1e-14, last_step=False).phi

    step = 1e-3
    k = season.effects.size
    moved = np.stack(
        [
            (top(season.effects + step * e) - top(season.effects - step * e)) / (2.0 * step)
            for e in np.eye(k)
        ],
        axis=1,
    )
    C = season.covariance
    np.testing.assert_allclose(found.log_covariance[4:, 4:], C, rtol=1e-12)
    np.testing.assert_allclose(found.log_covariance[:4, 4:], moved @ C, atol=2e-6)
    expected = fits.stores[store].log_covariance + moved @ C @ moved.T
    np.testing.assert_allclose(found.log_covariance[:4, :4], expected, atol=2e-5)
    np.testing.assert_allclose(np.log(found.parameters), np.concatenate([start, season.effects]))


@pytest.mark.nightly
def test_intervals_of_new_stores_hold(record_property):
    """Their quarters' 90% intervals, and all of their totals; a plain loan's are off by a third."""
    chains, inside, off = 150, 0, []
    totals = np.zeros(3)
    for seed in range(1, chains + 1):
        summaries, days, came = simulated(seed, 200)
        summary = summaries["new"]
        both = [
            find_borrowed(summaries, ["new"], told).get("new")
            for told in (shared_seasons(days, 1.0), None)
        ]
        if both[0] is None:  # ten or more came back: a store with a model of its own
            continue
        found, plain = (
            rm.predict_store(each.purchases, None, summary, horizon=AHEAD, draws=200).purchases
            for each in both
        )
        total = float(came["new"].sum())
        inside += found.low <= total <= found.high
        off.append(total - found.value)
        totals += [total, found.value, plain.value]
    tried = len(off)
    record_property("stores", f"{tried}")
    record_property("90% intervals hold", f"{inside / tried:.1%}")
    record_property("came over expected", f"{totals[0] / totals[1]:.2f}")
    record_property("came over expected by plain loans", f"{totals[0] / totals[2]:.2f}")
    error = np.std(off) * np.sqrt(tried)
    assert abs(totals[0] - totals[1]) < 0.05 * totals[1] + 3.0 * error
    assert totals[2] > 1.3 * totals[1]
    assert inside / tried > 0.90 - 3.0 * np.sqrt(0.09 / tried)
