"""Do 90% intervals hold what they promise? Simulated shops over a grid of parameters, pooled."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
from cdnow_data import cdnow_sample
from retention_models.models.bg_nbd import BG_NBD

pytestmark = pytest.mark.nightly

# r, α in weeks, (a, b): slow to brisk shops, of much and of little dropout.
GRID = [
    (r, alpha, a, b)
    for r, alpha, (a, b) in itertools.product(
        (0.3, 1.0, 2.0), (5.0, 10.0), ((0.8, 2.5), (0.5, 3.0))
    )
]
CUSTOMERS, SHOPS, HORIZON = 3_000, 50, 26.0


def shop(rng, r, alpha, a, b):
    """Histories of customers, and how often each then buys within the horizon."""
    T = rng.uniform(26.0, 78.0, CUSTOMERS)
    rate, leaves = rng.gamma(r, 1.0 / alpha, CUSTOMERS), rng.beta(a, b, CUSTOMERS)
    x, t_x = np.zeros(CUSTOMERS), np.zeros(CUSTOMERS)
    alive, clock = np.ones(CUSTOMERS, dtype=bool), np.zeros(CUSTOMERS)
    here = np.arange(CUSTOMERS)
    while here.size:
        clock[here] += rng.exponential(size=here.size) / rate[here]
        here = here[clock[here] <= T[here]]
        x[here] += 1
        t_x[here] = clock[here]
        left = rng.random(here.size) < leaves[here]
        alive[here[left]] = False
        here = here[~left]
    future = np.minimum(rng.poisson(rate * HORIZON), rng.geometric(leaves)) * alive
    return pd.DataFrame({"frequency": x, "recency": t_x, "T": T, "monetary_value": 0.0}), future


def randomised_coverage(fitted, table, future, rng):
    """Share of customers whose randomised PIT lies between .05 and .95.

    Counts are discrete, so that an interval of whole numbers holds more than it promises; the
    randomised PIT, uniform where the distribution is right, does not.
    Source: Czado, Gneiting & Held (2009), Biometrics 65, 1254–1261.
    """
    history = (table[name].to_numpy() for name in ("frequency", "recency", "T"))
    chances = BG_NBD.conditional_count_probabilities(
        HORIZON, *history, *fitted.fit_.parameters, tail=1e-6
    )
    rows = np.arange(future.size)
    seen = np.minimum(future.astype(int), chances.shape[1] - 1)
    upto = np.cumsum(chances, axis=1)[rows, seen]
    pit = upto - rng.random(future.size) * chances[rows, seen]
    return float(((pit >= 0.05) & (pit <= 0.95)).mean())


@pytest.fixture(scope="module")
def coverage():
    """Coverage of 90% intervals by shop: of the parameters, of means, of counts; and estimates."""
    found = []
    for place, truth in enumerate(GRID):
        for seed in range(SHOPS):
            rng = np.random.default_rng(10_000 * place + seed)
            table, future = shop(rng, *truth)
            fitted = rm.BetaGeoFitter().fit(table["frequency"], table["recency"], table["T"])
            error = 1.6448536 * np.sqrt(np.diag(fitted.fit_.log_covariance))
            away = np.log(fitted.fit_.parameters) - np.log(truth)
            some = table.iloc[::10]
            predicted = rm.predict_customers(
                fitted, None, some, horizon=HORIZON, interval=0.90, time_unit="W"
            )
            history = (some[name].to_numpy() for name in ("frequency", "recency", "T"))
            mean = BG_NBD.conditional_expected_purchases(HORIZON, *history, *truth)
            low, high = (predicted[f"expected_purchases_{end}"] for end in ("low", "high"))
            lowest, highest = predicted["purchases_low"], predicted["purchases_high"]
            found.append(
                {
                    "place": place,
                    "parameters": float((np.abs(away) <= error).mean()),
                    "mean": float(((low <= mean) & (mean <= high)).mean()),
                    "count": randomised_coverage(fitted, some, future[::10], rng),
                    "whole counts": float(
                        ((lowest <= future[::10]) & (future[::10] <= highest)).mean()
                    ),
                    **dict(zip(("r", "alpha", "a", "b"), away, strict=True)),
                }
            )
    return pd.DataFrame(found)


@pytest.mark.parametrize("what", ["parameters", "mean", "count"])
def test_ninety_percent_intervals_hold_ninety_percent(coverage, what, record_property):
    """Pooled over 12 parameter sets of 50 shops each: between 88% and 92%."""
    record_property(f"coverage of 90% intervals of {what}", f"{coverage[what].mean():.3f}")
    assert 0.88 <= coverage[what].mean() <= 0.92, coverage[what].mean()


def test_intervals_of_whole_counts_hold_no_less(coverage):
    """An interval of whole numbers holds at least what it promises."""
    assert coverage["whole counts"].mean() >= 0.90


def test_parameters_are_recovered(coverage):
    """Mean log-errors of each set are within 4 standard errors of nothing, bias included."""
    grouped = coverage.groupby("place")[["r", "alpha", "a", "b"]]
    errors = grouped.std() / np.sqrt(SHOPS)
    # A maximum-likelihood estimate of a log-parameter is biased by about half its variance.
    bias = grouped.var()
    assert (grouped.mean().abs() <= 4.0 * errors + bias).all(axis=None)


def test_count_intervals_hold_on_cdnows_holdout():
    """At least 90% of the sample's 2,357 customers bought within their interval in 39 weeks."""
    cdnow = cdnow_sample()
    fitted = rm.BetaGeoFitter().fit(cdnow["frequency"], cdnow["recency"], cdnow["T"])
    table = rm.predict_customers(fitted, None, cdnow, horizon=39, interval=0.90, time_unit="W")
    inside = cdnow["frequency_holdout"].between(table["purchases_low"], table["purchases_high"])
    assert inside.mean() >= 0.90
