"""Money held against the weeks not seen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
from retention_models.levels import Interval
from retention_models.predictions.validation.value import check_value
from retention_models.predictions.validation.verdicts import is_failed
from tiers import few


@pytest.fixture(scope="module")
def models():
    """Customers of both models, with their next 13 weeks drawn from them."""
    rng = np.random.default_rng(9)
    n, T = 3000, 52.0
    rate, leave = rng.gamma(1.2, 1.0 / 5.0, n), rng.beta(0.3, 6.0, n)
    level = rng.gamma(4.0, 1.0 / 60.0, n)
    rows = []
    for i in range(n):
        times, spent = [], []
        t = 0.0
        while t < T + 13.0:
            times.append(t)
            spent.append(rng.gamma(6.0, 1.0 / level[i]))
            if len(times) > 1 and rng.random() < leave[i]:
                break
            t += rng.exponential(1.0 / rate[i])
        times, spent = np.array(times), np.array(spent)
        early, late = (times > 0) & (times < T), times >= T
        rows.append(
            (
                early.sum(),
                times[times < T].max(),
                T,
                spent[early].mean() if early.any() else 0.0,
                late.sum(),
                spent[late].mean() if late.any() else 0.0,
                ((times >= T - 13.0) & (times < T)).sum(),
            )
        )
    names = ["frequency", "recency", "T", "monetary_value", "frequency_holdout"]
    split = pd.DataFrame(rows, columns=[*names, "monetary_value_holdout", "last_period"])
    split.attrs["time_unit"] = "W"
    purchases = rm.BetaGeoFitter().fit(split["frequency"], split["recency"], split["T"])
    repeat = split.loc[split["frequency"] > 0]
    spend = rm.GammaGammaFitter().fit(repeat["frequency"], repeat["monetary_value"])
    return purchases, spend, split


def test_value_of_customers_of_the_model_is_inside(models):
    """And what came is the sum of counts times means."""
    purchases, spend, split = models
    found = check_value(purchases, spend, split, 13.0)
    paid = (split["frequency_holdout"] * split["monetary_value_holdout"]).sum()
    assert found.actual == pytest.approx(paid)
    assert found.verdict == "use"
    assert abs(found.relative_error) < 0.1
    assert abs(found.of_spend) < 0.05
    assert found.reason.startswith("in money ")


@pytest.mark.parametrize(
    ("factor", "verdict", "words"),
    few(
        1,
        [
            (0.5, "do not use", "off by more than 20%"),
            (0.87, "use with care", "outside the expected"),
        ],
    ),
)
def test_dearer_than_what_came_is_told(models, factor, verdict, words):
    """Customers who spend less on each purchase than before."""
    purchases, spend, split = models
    changed = split.assign(monetary_value_holdout=split["monetary_value_holdout"] * factor)
    changed.attrs = split.attrs
    found = check_value(purchases, spend, changed, 13.0)
    assert found.verdict == verdict
    assert words in found.reason
    assert found.of_spend == pytest.approx(1.0 / factor - 1.0, abs=0.06)


def test_nothing_told_is_none_and_nothing_spent_infinitely_off(models):
    """Customers whose repeat spend is nothing are on neither side."""
    purchases, spend, split = models
    free = split.loc[split["frequency"] > 0].assign(monetary_value=0.0)
    free.attrs = split.attrs
    assert check_value(purchases, spend, free, 13.0) is None
    nothing = split.assign(frequency_holdout=0)
    nothing.attrs = split.attrs
    found = check_value(purchases, spend, nothing, 13.0)
    assert (found.actual, found.relative_error) == (0.0, float("inf"))
    assert found.verdict == "do not use"


def test_a_total_fails_beyond_its_99_percent_interval_and_a_fifth():
    """By both, not by one."""
    total = Interval(100.0, 95.0, 105.0)
    assert is_failed(total, 130.0)
    assert not is_failed(total, 110.0)
    assert not is_failed(Interval(100.0, 60.0, 160.0), 130.0)
