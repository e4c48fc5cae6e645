"""Funnel limits against counted probabilities, and which stores they let out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from retention_models.errors import CannotSay
from retention_models.measures.chain import (
    INNER,
    OUTER,
    Funnel,
    binomial_limits,
    find_funnel,
)


def slow_limit(n: int, rate: float, p: float) -> float:
    """Where the cumulative probability, drawn as a line between whole counts, reaches p."""
    below = 0.0
    for r in range(n + 1):
        at = math.comb(n, r) * rate**r * (1 - rate) ** (n - r)
        if below + at >= p:
            return max(r - (below + at - p) / at, 0.0) / n
        below += at
    raise AssertionError("a distribution sums up to 1")


@pytest.mark.parametrize("n", [5, 17, 60, 400])
@pytest.mark.parametrize("level", [INNER, OUTER])
def test_limits_are_those_of_counted_probabilities(n, level):
    """Term by term."""
    low, high = binomial_limits([n], 0.3, level)
    p = (1 - level) / 2
    expected = [slow_limit(n, 0.3, p), 1 - slow_limit(n, 0.7, p)]
    assert expected == pytest.approx([low[0], high[0]], abs=1e-9)


@pytest.mark.parametrize("n", [6, 23, 150])
def test_a_store_is_outside_where_so_much_or_more_is_improbable(n):
    """Its tail probability is below 2.5%."""
    probability = [math.comb(n, r) * 0.3**r * 0.7 ** (n - r) for r in range(n + 1)]
    counts = np.arange(n + 1)
    found = Funnel(0.3, 0.0, counts / n, np.full(n + 1, float(n))).outside(INNER)
    expected = [
        -1 if sum(probability[: r + 1]) < 0.025 else int(sum(probability[r:]) < 0.025)
        for r in counts
    ]
    assert expected == list(found)


def test_limits_narrow_as_stores_grow():
    """Towards ± 1.96 standard errors."""
    low, high = binomial_limits([20, 200, 200_000], 0.4, INNER)
    assert list(high - low) == sorted(high - low, reverse=True)
    assert 0.4 + 1.959964 * math.sqrt(0.24 / 200_000) == pytest.approx(high[2], abs=1e-5)


def chain(stores: int, spread: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Customers who came back and all, of stores of 20 to 5,000 customers and a rate about 0.35."""
    rng = np.random.default_rng(seed)
    n = np.exp(rng.uniform(np.log(20), np.log(5000), stores)).astype(int)
    m = 0.35 * 0.65 / spread**2 - 1 if spread else None
    rate = rng.beta(0.35 * m, 0.65 * m, stores) if m else np.full(stores, 0.35)
    return rng.binomial(n, rate), n


@pytest.mark.parametrize("spread", [0.0, 0.04])
def test_so_many_stores_are_outside_as_the_limits_say(spread):
    """2,000 stores without one out of the ordinary: 5% and 0.2% of them, whether they differ or not."""
    funnel = find_funnel(*chain(2000, spread, seed=11))
    assert 0.35 == pytest.approx(funnel.centre, abs=0.005)
    assert spread == pytest.approx(funnel.spread, abs=0.004)
    # Three standard errors of each share.
    assert 0.05 == pytest.approx(np.mean(funnel.outside(INNER) != 0), abs=0.015)
    assert np.mean(funnel.outside(OUTER) != 0) <= 0.002 + 0.003


def test_outliers_do_not_hide_themselves():
    """Three stores of forty with half the rate: found, and the spread of the others stays small."""
    y, n = chain(40, 0.0, seed=3)
    n[:3] = 1000
    y[:3] = 175
    y[3:], n[3:] = np.random.default_rng(5).binomial(800, 0.35, 37), 800
    funnel = find_funnel(y, n)
    # A seventh of how far they are out; the standard deviation of all rates would be 0.047.
    assert funnel.spread < 0.025
    assert [-1, -1, -1] == list(funnel.outside(OUTER)[:3])
    assert not funnel.outside(OUTER)[3:].any()


def test_a_small_store_with_the_same_rate_is_within():
    """0.5 of 10 customers is no news where it is of 1,000."""
    funnel = Funnel(0.35, 0.0, np.array([0.5, 0.5]), np.array([10.0, 1000.0]))
    assert [0, 1] == list(funnel.outside(OUTER))


def test_a_rate_of_none_or_all_is_no_outlier_where_the_funnel_reaches_it():
    """The limits of few customers reach 0 and 1."""
    funnel = Funnel(0.5, 0.0, np.array([0.0, 1.0]), np.array([5.0, 5.0]))
    assert [0, 0] == list(funnel.outside(OUTER))


@pytest.mark.parametrize(
    ("count", "total", "why"),
    [([1, 2], [5, 6], "needs 5"), ([5] * 6, [5] * 6, "alike"), ([0] * 6, [5] * 6, "alike")],
)
def test_a_chain_without_a_funnel_says_why(count, total, why):
    """Few stores, or nothing that differs."""
    with pytest.raises(CannotSay, match=why):
        find_funnel(count, total)
