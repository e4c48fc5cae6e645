"""Effects of campaigns on simulated BG/NBD customers: level, coverage, and what covariates gain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from purchase_samples import simulate_geometric
from retention_models.campaigns.estimators.randomised import randomised_effect
from retention_models.campaigns.estimators.regression import fit_arms, read_arms
from retention_models.campaigns.estimators.sequential import obrien_fleming
from retention_models.models.bg_nbd import BG_NBD

WEEKS, POPULATION = 8.0, 60_000
SHOPS = {
    "shop": (1.0, 10.0, 0.5, 3.5),
    "CDNOW": (0.243, 4.414, 0.793, 2.426),
    "grocery": (1.5, 4.0, 0.3, 6.0),
}
# Spend of an order is gamma with shape p and a rate that is gamma(q, v), as CDNOW's (p, q, v).
P, Q, V = 6.25, 3.744, 15.44


@dataclass(frozen=True)
class Customers:
    """Who they are when the campaign starts; expected purchases in its weeks at two rates."""

    history: tuple[np.ndarray, np.ndarray, np.ndarray]
    parameters: tuple[float, float, float, float]
    expected: np.ndarray
    expected_lifted: np.ndarray
    mean_spend: np.ndarray
    expected_mean_spend: np.ndarray

    def outcomes(self, rows, offered, lift, rng):
        """Purchases and spend in the weeks of the campaign, of those offered at a higher rate.

        Given its history a customer that is alive has a gamma rate and a beta dropout: so the count is
        the smaller of a Poisson one and a geometric one.
        """
        (x, t_x, T), (r, alpha, a, b) = (h[rows] for h in self.history), self.parameters
        alive = rng.random(x.size) < BG_NBD.probability_alive(x, t_x, T, r, alpha, a, b)
        rate = rng.gamma(r + x, 1.0 / (alpha + T)) * np.where(offered, 1.0 + lift, 1.0)
        dropout = np.clip(rng.beta(a, b + x), 1e-12, 1.0)
        count = np.minimum(rng.poisson(rate * WEEKS), rng.geometric(dropout)) * alive
        spend = rng.gamma(np.maximum(P * count, 1e-12), self.mean_spend[rows] / P) * (count > 0)
        return count.astype(float), spend


def customers_of(name, *, lift=0.1, seed=1):
    """A population with between a quarter and a year and a quarter of history."""
    rng, parameters = np.random.default_rng(seed), SHOPS[name]
    T = rng.uniform(13.0, 65.0, POPULATION)
    x, t_x, T = simulate_geometric(rng, POPULATION, *parameters, T, first=False)
    # A rate raised by a lift for w weeks is the same rate for (1 + lift)·w weeks.
    expected, lifted = (
        BG_NBD.conditional_expected_purchases(weeks, x, t_x, T, *parameters)
        for weeks in (WEEKS, WEEKS * (1.0 + lift))
    )
    mean_spend = P * V / rng.gamma(Q, 1.0, POPULATION)
    total = rng.gamma(np.maximum(P * x, 1e-12), mean_spend / P) * (x > 0)
    known = P * (V + total) / (P * x + Q - 1.0)
    return Customers((x, t_x, T), parameters, expected, lifted, mean_spend, known)


def rejections(customers, lift, tests, size, seed):
    """Whether each test's interval leaves out the true effect: columns purchases, spend, lift."""
    rng, out = np.random.default_rng(seed), np.empty((tests, 3), dtype=bool)
    E, S = customers.expected, customers.expected_mean_spend
    more = customers.expected_lifted - E if lift else np.zeros(POPULATION)
    truth = more.mean(), (more * customers.mean_spend).mean()
    true_lift = 100.0 * more.mean() / E.mean()
    for k in range(tests):
        rows = rng.integers(0, POPULATION, size)
        offered = rng.random(size) < 0.5
        count, spend = customers.outcomes(rows, offered, lift, rng)
        found = [
            randomised_effect(y, offered, covariate[rows], control=False).of(True)
            for y, covariate in ((count, E), (spend, E * S))
        ]
        out[k, :2] = [not f.conf_low <= t <= f.conf_high for f, t in zip(found, truth, strict=True)]
        out[k, 2] = not found[0].lift_low <= true_lift <= found[0].lift_high
    return out.mean(axis=0)


@pytest.mark.nightly
@pytest.mark.parametrize("lift", [0.0, 0.1])
@pytest.mark.parametrize("name", ["shop", "grocery"])
def test_intervals_of_skewed_outcomes_keep_their_level(name, lift):
    """1,500 tests of 4,000 customers: false positives at no effect, coverage at +10%."""
    tests = 1500
    found = rejections(customers_of(name), lift, tests, 4000, seed=7)
    assert 0.05 == pytest.approx(found, abs=3.0 * np.sqrt(0.05 * 0.95 / tests))


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("name", "expectation", "frequency"),
    # REF: gains of the expectation and of purchases in all history; 4,000 customers, +10%.
    [("shop", 1.41, 1.25), ("CDNOW", 1.55, 1.32), ("grocery", 2.50, 1.65)],
)
def test_the_expectation_gains_more_than_a_count(name, expectation, frequency):
    """Ratio of mean squared standard errors, 25 tests."""
    customers, rng = customers_of(name), np.random.default_rng(3)
    variances = np.zeros(3)
    for _ in range(25):
        rows = rng.integers(0, POPULATION, 4000)
        offered = rng.random(4000) < 0.5
        count, _ = customers.outcomes(rows, offered, 0.1, rng)
        for k, covariate in enumerate((None, customers.expected[rows], customers.history[0][rows])):
            arms = read_arms(count, offered, covariate, False)
            variances[k] += fit_arms(arms).variances.sum()
    gains = variances[0] / variances[1:]
    assert gains[0] > gains[1]
    assert (expectation, frequency) == pytest.approx(tuple(gains), rel=0.08)


@pytest.mark.nightly
def test_eight_declared_looks_keep_five_percent():
    """Customers arrive an eighth at a time; 1,000 tests of the shop without an effect."""
    customers, rng, tests = customers_of("shop"), np.random.default_rng(9), 1000
    boundaries, stopped, peeked = obrien_fleming(8).boundaries, 0, 0
    for _ in range(tests):
        rows = rng.integers(0, POPULATION, 4000)
        offered = rng.random(4000) < 0.5
        count, _ = customers.outcomes(rows, offered, 0.0, rng)
        z = np.empty(8)
        for k in range(8):
            seen = slice(0, 500 * (k + 1))
            arms = read_arms(count[seen], offered[seen], customers.expected[rows[seen]], False)
            fitted = fit_arms(arms)
            z[k] = abs(fitted.means[1] - fitted.means[0]) / np.sqrt(fitted.variances.sum())
        stopped += bool((z >= boundaries).any())
        peeked += bool((z >= 1.96).any())
    assert 0.05 == pytest.approx(stopped / tests, abs=3.0 * np.sqrt(0.05 * 0.95 / tests))
    # REF: 17.5% of tests looked at eight times at the level of one.
    assert 0.175 == pytest.approx(peeked / tests, abs=3.0 * np.sqrt(0.175 * 0.825 / tests))
