"""The change of the same customers' rates: unbiased where there is one, and none told of none."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
import shops
from purchase_samples import simulate_orders
from retention_models.predictions.validation.rates import change_of
from retention_models.predictions.validation.store_changes import change_since, swing_over_time
from retention_models.summaries.holdout import StoreDays
from tiers import sized

YEAR = 365.25
SHOPS = [(1.5, 4.0, 0.3, 6.0), (1.0, 8.0, 0.5, 3.5), (0.5, 5.0, 0.8, 2.5)]


def days_of(customers, times, length):
    """What `read_holdout` makes of a log's days, without an engine."""
    rows = pd.DataFrame({"who": customers, "day": np.floor(times).astype(int)}).drop_duplicates()
    by_customer = rows.groupby("who")["day"]
    first, last = by_customer.transform("min"), by_customer.transform("max")
    index = pd.date_range("2022-01-01", periods=length)
    inner = rows.loc[(rows["day"] > first) & (rows["day"] < last), "day"]
    spans = pd.DataFrame(
        {"first": by_customer.min(), "last": by_customer.max(), "inner": by_customer.size() - 2}
    )
    spans = spans[spans["inner"] > 0].groupby(["first", "last"])["inner"].sum().reset_index()
    rate = spans["inner"] / (spans["last"] - spans["first"] - 1)
    steps = np.bincount(spans["first"] + 1, rate, length + 1)
    steps -= np.bincount(spans["last"], rate, length + 1)
    for name in ("first", "last"):
        spans[name] = index[spans[name]]
    return StoreDays(
        inner=pd.Series(np.bincount(inner, minlength=length), index),
        expected=pd.Series(np.maximum(np.cumsum(steps)[:length], 0.0), index),
        last_purchase=index[int(rows["day"].max())].date(),
        spans=spans,
    )


def shop(rng, which, change, years, size=1500):
    """A shop whose customers' rates change by a share a year, or not."""
    length = int(YEAR * years)
    who, time = simulate_orders(rng, size, *SHOPS[which % 3], begin=0.6 * length, end=float(length))
    first = pd.Series(time).groupby(who).transform("min").to_numpy() == time
    kept = first | (rng.random(time.size) < (1.0 + change) ** (time / YEAR))
    return days_of(who[kept], time[kept], length)


@pytest.mark.parametrize("change", [0.0, -0.25])
def test_a_drift_is_told_as_large_as_it_is(change):
    """Of an even regression a fall by 25% came out as 15%."""
    rng = np.random.default_rng(2)
    found = [swing_over_time(shop(rng, i, change, 2.2)) for i in range(3)]
    assert np.mean([each.drift for each in found]) == pytest.approx(change, abs=0.05)
    assert all(each.drift_low - 0.03 < change < each.drift_high + 0.03 for each in found)
    assert all(each.drifts for each in found) == (change < 0.0)


def test_too_few_purchases_tell_no_change():
    """Nor do those of one side alone."""
    rng = np.random.default_rng(3)
    days = shop(rng, 2, 0.0, 1.0, size=3)
    column = (np.arange(len(days.inner)) / YEAR)[:, None]
    assert change_of(days, column) is None
    days = shop(rng, 0, 0.0, 1.0, size=300)
    assert change_since(days, dt.date(2022, 12, 30)) is None


@pytest.mark.slow
def test_a_holdout_in_autumn_is_told_what_was_tested(tmp_path):
    """374 days of a shop with a season, held out its high weeks: more often, and what to try."""
    log = shops.with_season(
        shops.simulated_log(900, seed=5, r=1.5, alpha=4.0, days=374), 0.5, 5, peak=0.87
    )
    log.to_csv(tmp_path / "log.csv", index=False)
    read = rm.read_transactions(
        tmp_path / "log.csv", customer_id="customer", date="day", spend="amount", store_id="shop"
    )
    last = read.last_day()
    found = rm.validate_holdout(
        read, calibration_end=last - dt.timedelta(days=91), holdout_end=last
    )
    assert found.since is not None
    assert found.since.low > 0.1
    assert found.since.pvalue < 0.01
    assert "in the weeks held out the same customers bought" in found.reason
    assert "try a last day of data before those weeks" in found.reason


@pytest.mark.nightly
@pytest.mark.parametrize("years", [1.5, 2.5])
@pytest.mark.parametrize("change", [0.0, -0.10, -0.25, -0.40])
def test_drifts_are_unbiased_and_their_intervals_hold(record_property, change, years):
    """Forty shops of each: mean within .02, 90% intervals, and no drift told where there is none."""
    rng = np.random.default_rng(4)
    runs = sized(12, 40)
    found = [swing_over_time(shop(rng, i, change, years)) for i in range(runs)]
    mean = float(np.mean([each.drift for each in found]))
    held = float(np.mean([each.drift_low <= change <= each.drift_high for each in found]))
    record_property("mean drift", f"{mean:.3f}")
    record_property("90% intervals that hold", f"{held:.2f}")
    assert mean == pytest.approx(change, abs=0.02)
    assert held >= 0.90 - 2.0 * np.sqrt(0.09 / runs)
    if change == 0.0:
        assert not any(each.drifts for each in found)
