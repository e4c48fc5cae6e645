"""A customer's own gaps: quantiles of the time to the next purchase, of whoever stays."""

import mpmath
import numpy as np
import pytest

from action_samples import World
from retention_models.errors import SettingsError
from retention_models.models.fitters import BetaGeoFitter
from retention_models.models.gaps import gap_quantile

R, ALPHA = 0.9, 3.0


@pytest.mark.parametrize(("x", "t_x"), [(0, 0.0), (1, 0.4), (12, 50.0)])
def test_a_gap_is_longer_than_its_quantile_as_often_as_the_posterior_says(x, t_x):
    """REF: e^(−λs) averaged over λ's posterior ∝ λ^(r−1+x) e^(−λ(α+t_x)), by quadrature."""
    gap = float(gap_quantile(0.95, x, t_x, R, ALPHA))

    def posterior(rate):
        return rate ** (R - 1 + x) * mpmath.exp(-rate * (ALPHA + t_x))

    centre = (R + x) / (ALPHA + t_x)
    nodes = [0, *(centre * k / 4 for k in range(1, 13)), mpmath.inf]
    longer = mpmath.quad(lambda rate: posterior(rate) * mpmath.exp(-rate * gap), nodes)
    assert 0.05 == pytest.approx(float(longer / mpmath.quad(posterior, nodes)), rel=1e-6)


def test_five_in_a_hundred_gaps_of_those_who_stay_are_longer():
    """Judged on the day that each gap begins, after 0, 1, 2, … purchases; who leaves does not matter."""
    rng, size = np.random.default_rng(3), 20_000
    rate, leave = rng.gamma(R, 1.0 / ALPHA, size), rng.beta(0.6, 4.0, size)
    now, stays, longer, all_gaps = np.zeros(size), np.ones(size, dtype=bool), 0, 0
    for x in range(60):
        gap = rng.exponential(size=size) / rate
        begun = stays & (now < 52.0)
        longer += int((gap > gap_quantile(0.95, x, now, R, ALPHA))[begun].sum())
        all_gaps += int(begun.sum())
        now = now + gap
        stays &= rng.random(size) >= leave
    assert all_gaps > 70_000
    # Gaps judged by a history each are uncorrelated: the standard error is that of as many coins.
    assert abs(longer / all_gaps - 0.05) < 4.0 * np.sqrt(0.05 * 0.95 / all_gaps)


def test_five_in_a_hundred_are_longer_by_the_estimates_of_a_store():
    """Parameters are those of 500 customers seen for half a year to a year, in 40 stores."""
    shares = []
    for seed in range(40):
        world = World(np.random.default_rng(seed), 500)
        s = world.summary()
        r, alpha = BetaGeoFitter().fit(s["frequency"], s["recency"], s["T"]).fit_.parameters[:2]
        # The gap after the second repeat purchase. Whoever left then would have had one like the
        # others; to choose those who stayed until today would choose slow buyers.
        second = world.times[:, 1]
        known = np.isfinite(second)
        gaps = world.rng.exponential(size=int(known.sum())) / world.rate[known]
        shares.append((gaps > gap_quantile(0.95, 2, second[known], r, alpha)).mean())
    assert abs(np.mean(shares) - 0.05) < 0.005


def test_silence_so_far_does_not_make_itself_usual():
    """The gap is that of the day of the last purchase, whatever came after."""
    usual = gap_quantile(0.5, 10, 40.0, R, ALPHA)
    assert usual < gap_quantile(0.5, 10, 80.0, R, ALPHA)
    assert 0.0 == gap_quantile(0.0, 10, 40.0, R, ALPHA)


def test_a_gap_beyond_every_number_is_infinite():
    """Whoever bought once in a store of rare purchases has no usual time."""
    assert np.isinf(gap_quantile(0.95, 0, 0.0, 0.001, ALPHA))


@pytest.mark.parametrize("level", [-0.1, 1.0, 1.5])
def test_levels_that_are_no_share_are_refused(level):
    """By name."""
    with pytest.raises(SettingsError, match="level: expected a share"):
        gap_quantile(level, 1, 1.0, R, ALPHA)
