"""Which stores get the model of customers of before and newcomers."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
from purchase_samples import simulate_mid_life
from retention_models.predictions.store_models import StoreModels

BEGIN, WEEKS = dt.date(2023, 1, 1), 52
END = BEGIN + dt.timedelta(days=WEEKS * 7 - 1)
NEW, OLD = (0.6, 4.0, 0.5, 2.0), (0.9, 3.0, 0.2, 5.0)


def lines(store, customers, times, *, first_day=0):
    """Rows of a log, a purchase a row."""
    days = pd.to_datetime(BEGIN) + pd.to_timedelta(np.floor(times * 7.0) + first_day, unit="D")
    names = [f"{store}-{customer}" for customer in customers]
    return pd.DataFrame({"customer": names, "day": days, "paid": 5.0, "store": store})


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """A store in mid-life, one that opened in April, and one whose customers all came in one quarter."""
    rng = np.random.default_rng(3)
    life = simulate_mid_life(rng, NEW, OLD, 300.0, 8.0, float(WEEKS))
    opened = simulate_mid_life(rng, NEW, OLD, 300.0, 8.0, 38.0)
    cohort = simulate_mid_life(rng, NEW, OLD, 0.0, 60.0, float(WEEKS))
    first = pd.Series(cohort[1]).groupby(cohort[0]).transform("min").to_numpy()
    early = first < 13.0
    parts = [
        lines("life", *life[:2]),
        lines("opened", *opened[:2], first_day=14 * 7),
        lines("cohort", cohort[0][early], cohort[1][early]),
    ]
    path = tmp_path_factory.mktemp("log") / "log.csv"
    pd.concat(parts).to_csv(path, index=False)
    names = {"customer_id": "customer", "date": "day", "spend": "paid", "store_id": "store"}
    return rm.read_transactions(path, **names)


@pytest.mark.parametrize(
    ("store", "fitter"),
    [("life", rm.MidLifeFitter), ("opened", rm.BetaGeoFitter), ("cohort", rm.BetaGeoFitter)],
)
def test_a_store_gets_it_where_its_data_ask_for_it(log, store, fitter):
    """By the log's first day, by arrivals to its end, and by the likelihood of the histories."""
    found = StoreModels(log, store, END, "W").purchases
    assert type(found) is fitter
    assert found.fit_.verdict == "converged"


def test_where_customers_of_before_are_left_out_the_others_need_no_second_kind(log):
    """The project file's own choice stands."""
    newcomers = replace(log, first_seen_from=BEGIN + dt.timedelta(weeks=13))
    assert type(StoreModels(newcomers, "life", END, "W").purchases) is rm.BetaGeoFitter


@pytest.mark.slow
def test_it_holds_on_what_it_has_not_seen_where_the_plain_model_is_off(log):
    """The check of the page: the plain model takes regulars for newcomers."""
    split = END - dt.timedelta(weeks=13)
    ask = {"store_id": "life", "calibration_end": split, "holdout_end": END}
    both = rm.validate_holdout(log, **ask, model="mid_life")
    plain = rm.validate_holdout(log, **ask)
    assert both.verdict == "use"
    assert abs(both.relative_error) < abs(plain.relative_error)
    assert "mixture" in plain.causes
    tracked = rm.weekly_tracking(log, both, store_id="life")
    before = tracked.loc[: pd.Timestamp(split)]
    assert before["expected"].iloc[-1] == pytest.approx(before["actual"].iloc[-1], rel=0.08)


@pytest.mark.slow
def test_all_models_are_compared_and_the_likelier_one_recommended(log):
    """Log-likelihoods are given when customers were first seen, so they compare."""
    found = rm.compare_models(
        log, store_id="life", calibration_end=END - dt.timedelta(weeks=13), holdout_end=END
    )
    assert found.recommended == "mid-life BG/NBD"
    assert list(found.validations) == ["BG/NBD", "MBG/NBD", "Pareto/NBD", "mid-life BG/NBD"]
