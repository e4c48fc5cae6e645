"""Levels of intervals and tests, and the quantiles that belong to them, against scipy.stats."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from retention_models import levels
from retention_models.errors import SettingsError


@pytest.mark.parametrize("interval", [0.5, 0.9, 0.95, 0.999])
def test_quantiles_are_those_of_the_normal_and_of_t(interval):
    """By the interval's level and by the test's, which is what the interval leaves out."""
    low, high = levels.tails_of(interval)
    assert interval == pytest.approx(high - low)
    assert stats.norm.interval(interval)[1] == pytest.approx(levels.z_of_interval(interval))
    assert stats.norm.isf((1 - interval) / 2) == pytest.approx(levels.z_of_level(1 - interval))
    freedom = np.array([1.0, 7.0, 300.0])
    expected = stats.t.interval(interval, freedom)[1]
    np.testing.assert_allclose(levels.t_of_interval(freedom, interval), expected)
    np.testing.assert_allclose(levels.t_of_level(freedom, 1 - interval), expected)


def test_the_constant_is_the_normals():
    """Of 95%, to the last digit."""
    assert levels.z_of_interval(0.95) == pytest.approx(levels.Z95, rel=1e-15)


@pytest.mark.parametrize(
    ("check", "taken", "refused"),
    [
        (levels.check_interval, [0.01, 0.5, 0.99], [0.0, 1.0, -1.0, 95.0, np.nan]),
        (levels.check_interval_of_effect, [0.5, 0.99], [0.49, 1.0, 95.0, np.nan]),
        (levels.check_level, [0.001, 0.05], [0.0, 0.5, 0.95, np.nan]),
    ],
)
def test_what_is_no_level_is_refused_by_name(check, taken, refused):
    """Percents and levels of the other kind above all."""
    for value in taken:
        check(value)
    for value in refused:
        with pytest.raises(SettingsError, match=r"^(interval|level).*expected"):
            check(value)
