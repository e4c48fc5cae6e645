"""The change of treated stores in percent of what they would have had, with its interval."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from retention_models.campaigns.stores import StoreEffect


def lift_of_stores(
    found: StoreEffect,
    y: NDArray[np.float64],
    treated: NDArray[np.bool_],
    after: NDArray[np.bool_],
    level: float,
) -> tuple[float, float, float]:
    """Treated stores' mean over what it would have been, less 1, in percent, with its interval.

    Returns
    -------
    lift, low, high : float
        NaN where a mean is not positive. The standard error of the log ratio is the jackknife over
        stores, as of the effect.
    """
    change = y[:, after].mean(axis=1) - y[:, ~after].mean(axis=1)
    late = y[:, after].mean(axis=1)
    mean = late[treated].mean()
    if not (mean > 0.0 and mean - found.att > 0.0):
        return (np.nan,) * 3

    def log_ratio(kept: NDArray[np.bool_]) -> float:
        here, there = kept & treated, kept & ~treated
        without = late[here].mean() - change[here].mean() + change[there].mean()
        return float(np.log(late[here].mean() / without)) if without > 0.0 else np.nan

    everyone = np.ones(len(y), dtype=bool)
    value = log_ratio(everyone)
    left_out = np.array([log_ratio(np.arange(len(y)) != store) for store in range(len(y))])
    error = np.sqrt((len(y) - 1.0) / len(y) * ((left_out - value) ** 2).sum())
    half = float(stdtrit(found.degrees_of_freedom, 1.0 - level / 2.0)) * error
    ends = 100.0 * (np.exp(value + np.array([0.0, -half, half])) - 1.0)
    return float(ends[0]), float(ends[1]), float(ends[2])
