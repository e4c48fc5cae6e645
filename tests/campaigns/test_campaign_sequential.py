"""Boundaries of declared looks and the confidence sequence, against published values and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

from retention_models.campaigns.estimators.sequential import (
    best_rho,
    confidence_sequence,
    obrien_fleming,
    stopping_probability,
)
from retention_models.errors import SettingsError

# Jennison & Turnbull, Group Sequential Methods (2000), table 2.3: C_B(K, .05).
PUBLISHED = {1: 1.960, 2: 1.977, 3: 2.004, 4: 2.024, 5: 2.040, 6: 2.053, 7: 2.063, 8: 2.072}
# Armitage, McPherson & Rowe (1969), table 2: looks at 1.96, and the probability that one is beyond.
PEEKING = {1: 0.050, 2: 0.083, 3: 0.107, 4: 0.126, 5: 0.142, 10: 0.193}


@pytest.mark.parametrize(("looks", "constant"), PUBLISHED.items())
def test_the_last_boundary_is_the_published_constant(looks, constant):
    """Three decimals, as printed."""
    found = obrien_fleming(looks)
    assert constant == pytest.approx(found.boundaries[-1], abs=5.1e-4)
    assert np.allclose(
        found.boundaries, found.boundaries[-1] * np.sqrt(looks / np.arange(1, looks + 1))
    )


@pytest.mark.parametrize(("looks", "chance"), PEEKING.items())
def test_peeking_has_the_published_chance_of_a_false_alarm(looks, chance):
    """Looks at the level of one look."""
    shares = np.arange(1, looks + 1) / looks
    found = stopping_probability(np.full(looks, stats.norm.ppf(0.975)), shares)
    assert chance == pytest.approx(found, abs=6e-4)


@pytest.mark.parametrize("share", [0.0002, 0.3, 0.9998])
def test_two_looks_agree_with_the_bivariate_normal(share):
    """An independent integral: Z_1 and Z_2 correlate by the root of the first share."""
    z = np.array([2.6, 2.0])
    pair = stats.multivariate_normal(cov=[[1.0, share**0.5], [share**0.5, 1.0]])
    inside = pair.cdf(z, lower_limit=-z)
    assert 1.0 - inside == pytest.approx(stopping_probability(z, [share, 1.0]), abs=1e-7)


def test_unequal_looks_keep_the_level():
    """Looks close together and far apart; shares as given."""
    found = obrien_fleming([0.1, 0.11, 0.6, 0.97, 1.0], level=0.02)
    assert 0.02 == pytest.approx(stopping_probability(found.boundaries, found.information))
    assert found.levels == pytest.approx(2.0 * stats.norm.sf(found.boundaries))


def test_an_interval_at_a_look_is_the_boundary_times_the_standard_error():
    """Of look 2 of 2: 1.977 standard errors."""
    low, high = obrien_fleming(2).interval(1.0, 0.1, 2)
    assert (0.8023, 1.1977) == pytest.approx((low, high), abs=1e-4)


def test_a_look_that_was_not_declared_is_refused():
    """With what to use instead."""
    with pytest.raises(SettingsError, match=r"look is 3; expected 1 to 2.*confidence_sequence"):
        obrien_fleming(2).interval(1.0, 0.1, 3)


@pytest.mark.parametrize(
    "looks", [0, 2.5, [], [0.5, 0.4, 1.0], [0.5, 0.9], [0.0, 1.0], [np.nan, 1], [0.99999, 1]]
)
def test_looks_that_are_no_shares_are_refused(looks):
    """Named, with what was expected."""
    with pytest.raises(SettingsError, match="looks is"):
        obrien_fleming(looks)


@pytest.mark.parametrize("level", [0.0, 0.5, 95, np.nan])
def test_a_level_that_is_none_is_refused(level):
    """An interval of 95 is not a level."""
    with pytest.raises(SettingsError, match="level is"):
        obrien_fleming(2, level=level)
    with pytest.raises(SettingsError, match="level is"):
        best_rho(100, level=level)


def test_boundaries_must_fit_the_looks():
    """As many, above 0."""
    with pytest.raises(SettingsError, match="expected 2 numbers above 0"):
        stopping_probability([1.96], [0.5, 1.0])


def test_the_sequence_reproduces_growthbook():
    """Its unit test of the sequential test on a relative effect, tuning parameter 1000."""
    n, totals, squares = np.array([3000, 3461]), (1396.87, 2422.7), (52377.9767, 134698.29)
    mean = np.array(totals) / n
    variance = (np.array(squares) - n * mean**2) / (n - 1)
    ratio = mean[1] / mean[0]
    standard_error = ratio * np.sqrt((variance / n / mean**2).sum())
    # Its rho: ln(−2 ln α + 1) where ours solves for the minimum.
    rho = np.sqrt((-2 * np.log(0.05) + np.log(-2 * np.log(0.05) + 1)) / 1000)
    low, high, pvalue = confidence_sequence(ratio - 1, standard_error, n.sum(), rho=rho)
    assert 0.50336 == pytest.approx((low + high) / 2.0, abs=5e-6)
    assert 0.33341 == pytest.approx(standard_error, abs=5e-6)
    assert (-0.55844, 1.56516) == pytest.approx((low, high), abs=5e-6)
    assert pvalue == 1.0


def test_rho_is_where_the_sequence_is_narrowest():
    """Against a search for the minimum."""

    def width(log_rho):
        low, high, _ = confidence_sequence(0.0, 1.0, 700, rho=np.exp(log_rho), level=0.1)
        return high - low

    found = optimize.minimize_scalar(
        width, bounds=(-6, 0), method="bounded", options={"xatol": 1e-9}
    )
    assert np.exp(found.x) == pytest.approx(best_rho(700, level=0.1), rel=1e-5)


def test_the_p_value_is_the_level_whose_interval_ends_at_nought():
    """The interval at level p ends at 0."""
    _, _, pvalue = confidence_sequence(0.3, 0.1, 900, rho=0.05)
    low, _, _ = confidence_sequence(0.3, 0.1, 900, rho=0.05, level=pvalue)
    assert 0.0 == pytest.approx(low, abs=1e-12)


@pytest.mark.parametrize("wrong", [{"standard_error": 0.0}, {"customers": 0}, {"rho": np.nan}])
def test_numbers_out_of_range_are_named(wrong):
    """The parameter, and what was expected."""
    given = {"effect": 1.0, "standard_error": 1.0, "customers": 10, "rho": 0.1} | wrong
    with pytest.raises(SettingsError, match=f"{next(iter(wrong))} is .* above 0"):
        confidence_sequence(**given)
    with pytest.raises(SettingsError, match="customers is 0"):
        best_rho(0)


def test_eight_looks_keep_five_percent_and_the_sequence_no_more():
    """Scores of 40,000 tests without effect; skewed increments, three Monte Carlo standard errors."""
    rng, tests, looks, step = np.random.default_rng(8), 40_000, 8, 250
    # The sum of `step` exponential differences an increment: gamma less gamma.
    parts = rng.gamma(step, size=(tests, looks)) - rng.gamma(step, size=(tests, looks))
    seen = step * np.arange(1, looks + 1)
    effect, standard_error = parts.cumsum(axis=1) / seen, np.sqrt(2.0 / seen)
    beyond = np.abs(effect / standard_error)
    three = 3.0 * np.sqrt(0.05 * 0.95 / tests)
    assert 0.05 == pytest.approx(
        (beyond >= obrien_fleming(8).boundaries).any(axis=1).mean(), abs=three
    )
    assert (beyond >= 1.96).any(axis=1).mean() > 0.16
    rho = best_rho(seen[3])
    ends = [
        confidence_sequence(0.0, s, n, rho=rho)[1]
        for s, n in zip(standard_error, seen, strict=True)
    ]
    left = (np.abs(effect) >= np.array(ends)).any(axis=1).mean()
    assert 0.0 < left <= 0.05
