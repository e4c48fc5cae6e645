"""Shops with known truth, of every kind: what is found that is not there, and whether intervals hold.

Few shops at every change; nightly enough of them to tell 88% from 92%.
"""

from __future__ import annotations

import numpy as np
import pytest

import retention_models as rm
from seasonal_shops import calendar_of, histories_of, seasonal_log, seasonal_regular_shop
from tiers import sized

pytestmark = [pytest.mark.slow, pytest.mark.sized]

AHEAD = 91
CUSTOMERS, BEFORE = sized(250, 900), sized(100, 360)
DRAWS = sized(80, 300)


def columns(summary):
    """Frequency, recency and T."""
    return [summary[name] for name in ("frequency", "recency", "T")]


def mid_life_shop(seed, swing):
    """250 customers, 100 of whom were there already, over two years."""
    return histories_of(seasonal_log(250, "a", seed=seed, swing=swing, before=100, ahead=AHEAD))


def held(found, came):
    """Whether an interval of a forecast holds what came."""
    return found.low <= came <= found.high


def test_no_season_is_found_where_there_is_none(record_property):
    """Among customers of before and newcomers, and among regular buyers, in 5% of shops at most."""
    shops = sized(6, 400)
    found = {"mid-life": 0, "regular": 0}
    for seed in range(shops):
        summary, bought, _ = mid_life_shop(seed, 0.0)
        fitter = rm.BetaGeoFitter().fit(*columns(summary), calendar=calendar_of(bought))
        found["mid-life"] += bool(fitter.calendar_.names)
        summary, _, bought, _ = seasonal_regular_shop(100, 4, seed=seed, swing=0.0)
        fitter = rm.ModifiedBetaGeoFitter().fit(*columns(summary), calendar=calendar_of(bought))
        found["regular"] += bool(fitter.calendar_.names)
    for kind, number in found.items():
        record_property(f"{kind} shops given a season", f"{number} of {shops}")
        assert number <= 0.05 * shops + 2.5 * np.sqrt(0.05 * 0.95 * shops)


def test_no_regularity_is_found_where_there_is_only_a_season(record_property):
    """Busy quarters make gaps uneven, not even; k stays 1."""
    shops, found = sized(6, 400), 0
    for seed in range(shops):
        summary, gaps, bought, _ = seasonal_regular_shop(100, 1, seed=seed)
        fitter = rm.ModifiedBetaGeoCNBDFitter().fit(
            *columns(summary), log_gaps=gaps, calendar=calendar_of(bought)
        )
        found += fitter.k_ > 1
    record_property("seasonal shops called regular", f"{found} of {shops}")
    assert found <= 0.05 * shops + 2.5 * np.sqrt(0.05 * 0.95 * shops)


def test_forecasts_with_a_season_and_customers_of_before_hold(record_property):
    """90% intervals of known customers' and of the whole store's quarter, of N₀ and of the wave."""
    shops, names = sized(5, 150), ("known", "whole", "before", "year sin 1")
    inside = dict.fromkeys(names, 0)
    off = []
    for seed in range(shops):
        log = seasonal_log(CUSTOMERS, "a", seed=1_000 + seed, before=BEFORE, ahead=AHEAD)
        summary, bought, came = histories_of(log)
        fitter = rm.MidLifeFitter().fit(
            *columns(summary), calendar=calendar_of(bought, harmonics=1, weekdays=False)
        )
        known = rm.predict_store(fitter, None, summary, horizon=AHEAD, draws=DRAWS).purchases
        whole = rm.predict_whole_store(
            fitter, None, summary, horizon=AHEAD, draws=DRAWS, weekly=False
        )
        last = log.drop_duplicates(["customer", "day"])
        everybody = int((last["day"] > fitter.calendar_.end).sum())
        inside["known"] += held(known, came.sum())
        inside["whole"] += held(whole.purchases, everybody)
        errors = np.sqrt(np.diag(fitter.fit_.log_covariance))
        for name, truth in (("before", np.log(BEFORE)), ("year sin 1", 0.6)):
            at = fitter.fit_.names.index(name)
            away = abs(np.log(fitter.fit_.parameters[at]) - truth)
            inside[name] += bool(away < 1.645 * errors[at])
        off.append(np.log(came.sum() / known.value))
    record_property("log of came over expected, mean", f"{np.mean(off):+.3f}")
    for name, number in inside.items():
        record_property(f"90% intervals of {name}", f"{number / shops:.1%} of {shops}")
        assert number / shops > 0.90 - 3.0 * np.sqrt(0.09 / shops)
    assert abs(np.mean(off)) < 0.03 + 3.0 * np.std(off) / np.sqrt(shops)


def test_forecasts_of_regular_buyers_with_a_season_hold(record_property):
    """K is found, and 90% intervals of their quarter hold."""
    shops, inside, right, off = sized(5, 150), 0, 0, []
    for seed in range(shops):
        summary, gaps, bought, came = seasonal_regular_shop(
            CUSTOMERS // 2, 4, seed=seed, ahead=AHEAD
        )
        summary["monetary_value"] = 0.0
        fitter = rm.ModifiedBetaGeoCNBDFitter().fit(
            *columns(summary), log_gaps=gaps, calendar=calendar_of(bought)
        )
        found = rm.predict_store(fitter, None, summary, horizon=AHEAD, draws=DRAWS).purchases
        inside += held(found, came.sum())
        right += fitter.k_ == 4
        off.append(np.log(came.sum() / found.value))
    record_property("k found", f"{right} of {shops}")
    record_property("90% intervals of the quarter", f"{inside / shops:.1%} of {shops}")
    record_property("log of came over expected, mean", f"{np.mean(off):+.3f}")
    assert right >= 0.9 * shops
    assert inside / shops > 0.90 - 3.0 * np.sqrt(0.09 / shops)
    assert abs(np.mean(off)) < 0.03 + 3.0 * np.std(off) / np.sqrt(shops)
