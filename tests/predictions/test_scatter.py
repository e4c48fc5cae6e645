"""Scatter beyond the model: learned from a chain's past forecasts, and what it does to intervals."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
from purchase_samples import simulate_orders
from retention_models.levels import Interval
from retention_models.predictions import scatter
from retention_models.predictions.candidates import PLAIN
from retention_models.predictions.past_forecasts import QUARTER, PastForecasts
from retention_models.predictions.scatter import Scatter, learn_scatter
from retention_models.predictions.stores import scattered

BEGIN, DAYS = dt.date(2022, 1, 1), 72 * 7


def chain_log(path, deviation, stores=6):
    """Stores of BG/NBD customers, of whose purchases a quarter keeps its own random share."""
    rng = np.random.default_rng(7)
    parts = []
    for store in range(stores):
        customers, times = simulate_orders(
            rng, 700, 1.5, 4.0, 0.3, 6.0, begin=30.0, end=float(DAYS)
        )
        quarter = (times // QUARTER.days).astype(int)
        share = np.exp(-2.5 * deviation - np.abs(rng.normal(0.0, deviation, 20)))
        first = pd.Series(times).groupby(customers).transform("min").to_numpy() == times
        kept = first | (rng.random(times.size) < share[quarter])
        days = pd.to_datetime(BEGIN) + pd.to_timedelta(np.floor(times[kept]), unit="D")
        names = [f"{store}-{customer}" for customer in customers[kept]]
        parts.append(pd.DataFrame({"id": names, "day": days, "paid": 4.0, "store": f"s{store}"}))
    pd.concat(parts).to_csv(path, index=False)
    return rm.read_transactions(path, customer_id="id", date="day", spend="paid", store_id="store")


def learned_of(log, end):
    """What past forecasts of the BG/NBD tell on a day."""
    return learn_scatter(PastForecasts(log, end, "W").refits, PLAIN)


@pytest.fixture(scope="module", params=[0.0, 0.4])
def learned(request, tmp_path_factory):
    """What a chain tells whose quarters keep an equal share of purchases, or shares of their own."""
    log = chain_log(tmp_path_factory.mktemp("log") / "log.csv", request.param)
    return request.param, learned_of(log, log.last_day())


@pytest.mark.slow
def test_a_chain_that_follows_its_model_scatters_less_than_usual(learned):
    """Drawn towards the usual by ten forecasts' worth; one that does not scatters more."""
    deviation, found = learned
    assert found.stores == 6
    assert 20 <= found.forecasts <= 24
    if deviation == 0.0:
        assert found.deviation < 0.075
    else:
        assert found.deviation > 0.1


def test_without_a_past_it_is_the_usual(tmp_path):
    """A log of less than half a year has no day to have forecast from."""
    log = chain_log(tmp_path / "log.csv", 0.0, stores=1)
    found = learned_of(log, BEGIN + dt.timedelta(weeks=20))
    assert found == Scatter(pytest.approx(0.075), 0, 0)
    assert learned_of(log, BEGIN).forecasts == 0


def test_days_before_customers_count_are_no_past(tmp_path):
    """Where customers of before are left out, forecasts begin a quarter after that day."""
    log = chain_log(tmp_path / "log.csv", 0.0, stores=1)
    late = replace(log, first_seen_from=log.last_day() - 3 * QUARTER)
    assert learned_of(late, late.last_day()).forecasts <= 1
    assert learned_of(replace(log, first_seen_from=log.last_day()), log.last_day()) == (
        Scatter(pytest.approx(0.075), 0, 0)
    )


def test_it_grows_as_a_random_walk_and_is_written_whole():
    """Four quarters ahead twice as far."""
    found = Scatter(0.08, 18, 6)
    assert found.ahead(4 * QUARTER.days) == pytest.approx(0.16)
    by_day = {BEGIN: found}
    assert scatter.from_content(scatter.content(by_day)) == by_day


def test_an_interval_allows_for_it_on_the_log_scale():
    """The squares of both half-widths add up; nothing expected stays nothing."""
    wide = scattered(Interval(100.0, 90.0, 110.0), 0.1, 0.90)
    half = 1.6448536269514722 * 0.1
    assert np.log(wide.high / 100.0) == pytest.approx(np.hypot(np.log(1.1), half))
    assert np.log(100.0 / wide.low) == pytest.approx(np.hypot(np.log(100.0 / 90.0), half))
    assert scattered(Interval(100.0, 90.0, 110.0), 0.0, 0.90) == Interval(100.0, 90.0, 110.0)
    assert scattered(Interval(0.0, 0.0, 3.0), 0.1, 0.90) == Interval(0.0, 0.0, 3.0)
