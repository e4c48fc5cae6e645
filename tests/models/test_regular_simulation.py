"""Shops of regular buyers with known truth: what intervals of parameters, counts and customers hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
from regular_shops import box_shop
from tiers import sized

pytestmark = [pytest.mark.slow, pytest.mark.sized]

# k, and r, α, a, b: a gap of 2 to 4 weeks on average, of much and of little dropout.
GRID = [(2, (2.0, 3.0, 0.8, 2.5)), (4, (3.0, 2.0, 0.5, 3.0)), (12, (5.0, 1.5, 0.7, 6.0))]
CUSTOMERS, HORIZON = 1_500, 16.0


def shop(rng, k, theta):
    """Histories of MBG/CNBD-k customers with the sum of their log gaps, and what each then buys."""
    r, alpha, a, b = theta
    T = rng.uniform(20.0, 60.0, CUSTOMERS)
    rate, most = rng.gamma(r, 1.0 / alpha, CUSTOMERS), rng.geometric(rng.beta(a, b, CUSTOMERS)) - 1
    size = int(3.0 * (rate.max() / k) * (60.0 + HORIZON)) + 20
    gaps = rng.gamma(k, 1.0, (CUSTOMERS, size)) / rate[:, None]
    times = np.where(np.arange(size) < most[:, None], np.cumsum(gaps, axis=1), np.inf)
    seen = times <= T[:, None]
    x = seen.sum(axis=1).astype(float)
    t_x = np.where(seen, times, 0.0).max(axis=1)
    future = (times <= T[:, None] + HORIZON).sum(axis=1) - x
    table = pd.DataFrame({"frequency": x, "recency": t_x, "T": T, "monetary_value": 0.0})
    return table, float(np.log(gaps[seen]).sum()), future


def randomised_coverage(fitted, table, future, rng):
    """Share of randomised PITs from .05 to .95; Czado, Gneiting & Held (2009), Biometrics 65, 1254."""
    history = (table[name].to_numpy() for name in ("frequency", "recency", "T"))
    chances = fitted.model.conditional_count_probabilities(
        HORIZON, *history, *fitted.fit_.parameters, tail=1e-6
    )
    rows, seen = np.arange(future.size), np.minimum(future.astype(int), chances.shape[1] - 1)
    upto = np.cumsum(chances, axis=1)[rows, seen]
    pit = upto - rng.random(future.size) * chances[rows, seen]
    return float(((pit >= 0.05) & (pit <= 0.95)).mean())


def test_ninety_percent_intervals_hold_ninety_percent(record_property):
    """Of counts and parameters, pooled over the grid; k is found in every shop but for a neighbour."""
    shops = sized(2, 40)
    counts, parameters, near = [], [], []
    for place, (k, theta) in enumerate(GRID):
        for seed in range(shops):
            rng = np.random.default_rng(1_000 * place + seed)
            table, log_gaps, future = shop(rng, k, theta)
            history = (table[name] for name in ("frequency", "recency", "T"))
            fitted = rm.ModifiedBetaGeoCNBDFitter().fit(*history, log_gaps=log_gaps)
            near.append(abs(fitted.k_ - k) / k)
            counts.append(randomised_coverage(fitted, table, future, rng))
            if fitted.k_ == k:
                error = 1.6448536 * np.sqrt(np.diag(fitted.fit_.log_covariance))
                away = np.abs(np.log(fitted.fit_.parameters / theta))
                parameters += (away <= error).tolist()
    record_property("coverage of 90% intervals of counts", f"{np.mean(counts):.3f}")
    record_property("of parameters", f"{np.mean(parameters):.3f}")
    record_property("shops whose k is the truth", f"{np.mean(np.array(near) == 0.0):.3f}")
    assert max(near) <= 0.25
    assert 0.88 <= np.mean(counts) <= 0.92
    spread = 3.0 * np.sqrt(0.09 / shops / len(GRID) / 2.0)  # four parameters, not independent
    assert abs(np.mean(parameters) - 0.90) < spread


def test_intervals_of_those_still_subscribed_hold_the_truth(record_property):
    """Boxes every 30 ± 1.5 days: the 95% interval of customers, and the BG/NBD's far from it."""
    shops = sized(1, 30)
    inside, plain_inside, errors = 0, 0, []
    for seed in range(shops):
        truth = box_shop(1_000 + seed)
        summary = truth.summary()
        history = (summary["frequency"], summary["recency"], summary["T"])
        regular = rm.ModifiedBetaGeoCNBDFitter().fit(*history, log_gaps=truth.log_gaps)
        plain = rm.BetaGeoFitter().fit(*history)
        options = {"horizon": 1, "interval": 0.95, "time_unit": "D", "draws": 200}
        one = rm.predict_store(regular, None, summary, **options).still_customers
        other = rm.predict_store(plain, None, summary, **options).still_customers
        still = truth.alive.sum()
        inside += one.low <= still <= one.high
        plain_inside += other.low <= still <= other.high
        errors.append((one.value - still) / still)
    record_property("coverage of the 95% interval of subscribers", f"{inside / shops:.3f}")
    record_property("mean error of their number", f"{np.mean(errors):+.3f}")
    record_property("the same of the BG/NBD's interval", f"{plain_inside / shops:.3f}")
    assert inside / shops >= 0.95 - 3.0 * np.sqrt(0.95 * 0.05 / shops)
    assert np.abs(np.mean(errors)) < 0.02
    assert plain_inside == 0
