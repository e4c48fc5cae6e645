"""The test for regular intervals: its moments by enumeration, its size, its power, its words."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
from regular_shops import erlang_shop
from retention_models.errors import CannotSay
from retention_models.models.regular.regularity import _of_moments, _on_days
from tiers import few, sized

# Purchases a week: 0.5 to 3, alike or as different as shops are.
RATES = [(0.5, 0.5), (2.0, 1.0), (2.0, 2.0), (2.0, 3.0), (20.0, 3.0)]


@pytest.mark.parametrize(("x", "t"), [(1, 4), (2, 5), (3, 7), (4, 9), (5, 5)])
def test_moments_on_days_are_those_of_all_compositions(x, t):
    """Every way to divide t days into x gaps, each as likely."""
    ways = [way for way in itertools.product(range(1, t + 1), repeat=x) if sum(way) == t]
    sums = np.array([np.log(way).sum() for way in ways])
    mean, variance = _on_days(np.array([float(x)]), np.array([float(t)]))
    assert mean[0] == pytest.approx(sums.mean(), rel=1e-12, abs=1e-12)
    assert variance[0] == pytest.approx(sums.var(), rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("x", [2, 7, 20])
def test_moments_are_those_of_uniform_divisions(x):
    """By 200,000 draws, within 4.5 standard errors; and days become moments where they are short."""
    mean, variance = _of_moments(np.array([float(x)]), np.array([30.0]))
    sums = np.log(30.0 * np.random.default_rng(x).dirichlet(np.ones(x), 200_000)).sum(axis=1)
    assert abs(sums.mean() - mean[0]) < 4.5 * sums.std() / np.sqrt(sums.size)
    assert sums.var() == pytest.approx(variance[0], rel=0.03)
    in_days, spread = _on_days(np.array([float(x)]), np.array([20_000.0]))
    assert in_days[0] - x * np.log(20_000.0 / 30.0) == pytest.approx(mean[0], abs=0.002 * x**2)
    assert spread[0] == pytest.approx(variance[0], rel=0.05)


@pytest.mark.sized
@pytest.mark.parametrize(("r", "rate"), few(2, RATES))
def test_plain_shops_counted_by_the_day_are_not_taken_for_regular(r, rate, record_property):
    """At 5% no more than 5% of shops, also where gaps of a day are common; nor is k above 1."""
    shops = sized(60, 2_000)
    rejected = above = 0
    for seed in range(shops):
        T = np.round(np.random.default_rng(seed).uniform(10.0, 52.0, 150) * 7.0) / 7.0
        shop = erlang_shop(seed, 150, 1, (r, r / rate, 0.3, 3.0), T, first=1, day=1.0 / 7.0)
        found = rm.regularity_test(shop.x, shop.t_x, log_gaps=shop.log_gaps)
        assert found.day == pytest.approx(1.0 / 7.0)
        rejected += found.regular
        if found.regular:
            fitter = rm.ModifiedBetaGeoCNBDFitter()
            fitter.fit(shop.x, shop.t_x, shop.T, log_gaps=shop.log_gaps)
            above += fitter.k_ > 1
    record_property("plain shops called regular", f"{rejected / shops:.3f}")
    record_property("of them with k above 1", f"{above / shops:.3f}")
    error = np.sqrt(0.05 * 0.95 / shops)
    assert rejected / shops < 0.05 + 3.0 * error
    assert above / shops <= 0.05


@pytest.mark.sized
def test_phases_are_counted_right_also_where_purchases_come_every_few_days():
    """Two and three phases at 1 to 3 purchases a week, by the day: k on average within a half."""
    for k, rate in itertools.product((2, 3), (1.0, 3.0)):
        found = []
        for seed in range(sized(2, 20)):
            T = np.round(np.random.default_rng(seed).uniform(10.0, 52.0, 1_000) * 7.0) / 7.0
            theta = (2.0, 2.0 / (rate * k), 0.3, 3.0)
            shop = erlang_shop(seed, 1_000, k, theta, T, first=1, day=1.0 / 7.0)
            fitter = rm.ModifiedBetaGeoCNBDFitter()
            history = (shop.x, shop.t_x, shop.T)
            found.append(fitter.fit(*history, log_gaps=shop.log_gaps).k_)
        assert abs(np.mean(found) - k) <= 0.5


def test_gaps_of_two_phases_are_regular_and_bursts_are_not():
    """300 customers suffice to see Erlang-2 gaps; purchases in pairs come out on the other side."""
    shop = erlang_shop(1, 300, 2, (2.0, 1.0, 0.3, 3.0), 30.0, first=0, day=1.0 / 7.0)
    found = rm.regularity_test(shop.x, shop.t_x, log_gaps=shop.log_gaps)
    assert found.pvalue < 1e-6
    assert found.summary().startswith("Customers buy at regular intervals")
    bursts = rm.regularity_test([9.0] * 20, [90.0] * 20, log_gaps=20 * 2 * np.log(43.0))
    assert not bursts.regular
    assert bursts.summary().startswith("Customers do not buy at regular intervals")


def test_counted_rows_and_a_told_unit_give_the_same():
    """Weights are customers; a column that says days is on their grid."""
    shop = erlang_shop(2, 200, 1, (2.0, 8.0, 0.3, 3.0), 200.0, first=0, day=1.0)
    rows = pd.DataFrame({"x": shop.x, "t": shop.t_x}).value_counts().reset_index(name="n")
    one = rm.regularity_test(shop.x, shop.t_x, log_gaps=shop.log_gaps)
    recency = pd.Series(rows["t"])
    recency.attrs["time_unit"] = "D"
    two = rm.regularity_test(rows["x"], recency, rows["n"], log_gaps=shop.log_gaps)
    assert one.statistic == pytest.approx(two.statistic, rel=1e-9)
    assert (one.customers, one.day) == (two.customers, 1.0)
    moments = rm.regularity_test(shop.x, shop.t_x + 0.0, log_gaps=shop.log_gaps, day=0.0)
    assert moments.statistic != one.statistic


def test_where_nobody_came_back_twice_nothing_can_be_said():
    """One repeat purchase each has one gap, and nothing to compare it with; so has one every day."""
    with pytest.raises(CannotSay, match="three times or more"):
        rm.regularity_test([1.0, 1.0, 0.0], [3.0, 5.0, 0.0], log_gaps=np.log(15.0))
    with pytest.raises(CannotSay, match="three times or more"):
        rm.regularity_test([5.0], [5.0], log_gaps=0.0)
    fitter = rm.BetaGeoCNBDFitter().fit(
        [1, 1, 0], [3.0, 5.0, 0.0], [9.0, 9.0, 9.0], log_gaps=np.log(15.0)
    )
    assert (fitter.k_, fitter.regularity_) == (1, None)
