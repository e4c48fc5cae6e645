"""Which model a chain goes by: scores of past forecasts, one standard error, and what is kept."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import get_args

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import norm

import retention_models as rm
from purchase_samples import simulate_mid_life
from retention_models.pages.store.chosen import chosen_model
from retention_models.predictions import contest
from retention_models.predictions.candidates import BY_STORE, PLAIN, RULES
from retention_models.predictions.contest import Contest, choose, crps_of_total, hold_contest
from retention_models.predictions.past_forecasts import PastForecasts
from retention_models.settings.project import PurchaseModelName

BEGIN, WEEKS = dt.date(2023, 1, 1), 65
END = BEGIN + dt.timedelta(days=WEEKS * 7 - 1)


def scores(stores=12, seed=0, **gains):
    """Rows of `choose`: by rule what a customer's score and a store's total gain on the BG/NBD."""
    rng = np.random.default_rng(seed)
    rows = []
    for store in range(stores):
        log_score, crps = -100.0 + rng.normal(), 0.1 + 0.01 * rng.random()
        for rule in RULES:
            by_customer, by_total = gains.get(rule, (0.0, 0.0))
            # What a rule gains differs between stores by as much as it gains.
            luck = rng.normal(1.0, 1.0)
            gained = log_score + 100.0 * by_customer * luck, crps - by_total * luck
            rows.append((f"s{store}", "day", 100, rule, *gained))
    return pd.DataFrame(rows, columns=["store", "day", "customers", "rule", "log_score", "crps"])


@pytest.mark.parametrize(
    ("gains", "before", "chosen"),
    [
        ({}, None, PLAIN),
        ({"mid_life": (0.02, 0.03)}, None, "mid_life"),
        ({"mid_life": (0.02, 0.03), "mbg_nbd": (0.0195, 0.0295)}, None, "mbg_nbd"),
        ({"mid_life": (0.02, 0.03), "mbg_nbd": (0.0195, 0.0295)}, "mid_life", "mid_life"),
        ({"mid_life": (0.02, 0.03)}, "mbg_cnbd", "mid_life"),
        ({"mid_life": (-0.02, 0.03)}, None, "mid_life"),
    ],
    ids=["none better", "better", "simpler", "kept", "no more as good", "totals have the word"],
)
def test_the_simplest_within_one_standard_error_is_chosen(gains, before, chosen):
    """And what was used before, where it is as good."""
    assert choose(scores(**gains), before) == chosen


def test_the_score_of_a_total_is_the_integral_that_it_is_defined_by():
    """∫ (F(y) − 1[y ≥ came])² dy of a normal F, over what came; Gneiting & Raftery (2007), (20)."""
    expected, came = 120.0, 150.0
    spread = np.sqrt(2.0 * expected + (0.075 * expected) ** 2)
    below = quad(lambda y: norm.cdf(y, expected, spread) ** 2, 0.0, came)[0]
    above = quad(lambda y: norm.sf(y, expected, spread) ** 2, came, 400.0)[0]
    assert crps_of_total(expected, came) == pytest.approx((below + above) / came, rel=1e-6)


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """Five stores of one chain in mid-life, of regulars of before and of passers-by since."""
    rng = np.random.default_rng(3)
    parts = []
    for store in range(5):
        new, old = (0.6, 4.0, 0.5, 2.0), (0.9, 3.0, 0.2, 5.0)
        customers, times = simulate_mid_life(rng, new, old, 150.0, 4.0, float(WEEKS))[:2]
        days = pd.to_datetime(BEGIN) + pd.to_timedelta(np.floor(times * 7.0), unit="D")
        names = [f"{store}-{customer}" for customer in customers]
        parts.append(pd.DataFrame({"id": names, "day": days, "paid": 5.0, "store": f"s{store}"}))
    path = tmp_path_factory.mktemp("log") / "log.csv"
    pd.concat(parts).to_csv(path, index=False)
    return rm.read_transactions(path, customer_id="id", date="day", spend="paid", store_id="store")


@pytest.mark.slow
def test_a_chain_in_mid_life_goes_by_the_model_of_it(log):
    """The contest finds it; the page says so; within four weeks it stands without being held again."""
    past = PastForecasts(log, END, "W")
    found = hold_contest(past)
    assert found.rule == "mid_life"
    assert (found.days, found.stores, found.since) == (3, 5, END)
    assert found.gain > 0.0
    assert found.total_gain > 0.0
    assert "tells customers of before the data begin from newcomers" in chosen_model(found)
    soon = PastForecasts(log, END + dt.timedelta(days=27), "W")
    assert hold_contest(soon, found) is found
    assert "refits" not in soon.__dict__


def test_a_customers_score_is_the_chance_of_what_it_did(log):
    """Held against the fitter's own, customer by customer."""
    past = PastForecasts(log, END, "W", ["s0"])
    refit = past.refits[0]
    fitted = refit.history.plain
    history = refit.history.columns
    each = refit.log_scores(fitted)
    for n in (0, 1, 4):
        chance = fitted.conditional_probability_of_n_purchases_up_to_time(n, 13.0, *history)
        here = refit.came == n
        np.testing.assert_allclose(each[here], np.log(chance)[here], rtol=1e-9)
    assert refit.expected(fitted) == pytest.approx(fitted.predict(13.0, *history).sum())


def test_few_stores_tell_nothing_of_a_chain(log):
    """Then a store's own likelihood decides, and nothing is fitted to say so."""
    past = PastForecasts(log, END, "W", ["s0", "s1"])
    found = hold_contest(past)
    assert (found.rule, found.forecasts) == (BY_STORE, 0)
    assert "refits" not in past.__dict__
    assert "at least 5 stores" in chosen_model(found)
    assert Contest.from_content(found.content()) == found


def test_whoever_waits_is_told_how_many_past_forecasts_are_done(caplog, monkeypatch):
    """A line for each here, where silence may last no time at all."""
    monkeypatch.setattr(contest, "_SILENT", -1.0)
    monkeypatch.setattr(contest, "_scored", lambda refit: [])
    past = SimpleNamespace(end=END, days=[END] * 3, stores=["s"] * 5, refits=[None] * 3)
    with caplog.at_level("INFO"):
        assert BY_STORE == hold_contest(past).rule
    assert "3 of 3 past forecasts held against what came" == caplog.messages[-1]


@pytest.mark.parametrize("model", get_args(PurchaseModelName))
def test_a_model_that_the_project_file_names_is_used_and_nothing_is_tried(log, model):
    """A contest of before does not stand against it, nor it against one of later; the page says so."""
    past = PastForecasts(log, END, "W")
    chosen = Contest("by_store", END, END, 3, 8, 21)
    found = hold_contest(past, chosen, named=model)
    assert found.named
    assert found.rule in RULES
    assert "refits" not in past.__dict__
    assert "project file names" in chosen_model(found)
    assert Contest.from_content(found.content()) == found
    few = PastForecasts(log, END, "W", ["s0", "s1"])
    assert not hold_contest(few, found).named
    label = few_customers(log).by(found.rule).label
    assert model in label or label == "BG/NBD"


def few_customers(log):
    """The customers of one store."""
    return PastForecasts(log, END, "W", ["s0"]).refits[0].history
