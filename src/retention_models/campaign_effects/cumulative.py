"""How a randomised campaign's effect on purchases came about, day by day."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from retention_models.campaign_effects.result import CUMULATIVE


def cumulative_differences(
    by_day: pd.DataFrame, control: str, arms: Sequence[str], level: float
) -> pd.DataFrame:
    """Difference in purchases a customer until each day, of each arm against control.

    Parameters
    ----------
    by_day : DataFrame
        From `purchases_by_day`: arm, day, purchases, squares, customers.
    control : str
    arms : sequence of str
        Others.
    level : float
        Two-sided, of each day by itself: the last day's interval is the campaign's, those before show
        how it came about and are no further tests.

    Returns
    -------
    DataFrame
        arm, day, difference, conf_low, conf_high; no interval where nobody, or everybody alike, had
        bought.

    Notes
    -----
    Not adjusted for covariates: means, with s² = (Σ N² − (Σ N)² ÷ n) ÷ (n − 1) in each arm and Welch's
    degrees of freedom. The adjusted effect, in the table, has a narrower interval.

    Examples
    --------
    >>> sums = pd.DataFrame({"arm": ["control", "coupon"], "day": [1, 1], "purchases": [2.0, 3.0],
    ...                      "squares": [2.0, 5.0], "customers": [4, 4]})
    >>> cumulative_differences(sums, "control", ["coupon"], 0.05).round(3).to_numpy().tolist()
    [['coupon', 1, 0.25, -1.193, 1.693]]
    """
    tables = []
    of_control = by_day.loc[by_day["arm"] == control]
    mean_control, part_control = _means(of_control)
    freedom_control = of_control["customers"].to_numpy() - 1.0
    for arm in arms:
        mine = by_day.loc[by_day["arm"] == arm]
        mean, part = _means(mine)
        variance = part + part_control
        varies = variance > 0.0
        rest = part**2 / (mine["customers"].to_numpy() - 1.0) + part_control**2 / freedom_control
        freedom = np.divide(variance**2, rest, out=np.full(mean.size, np.nan), where=varies)
        half = stdtrit(freedom, 1.0 - level / 2.0) * np.sqrt(variance)
        columns = (mean - mean_control, mean - mean_control - half, mean - mean_control + half)
        told = dict(zip(CUMULATIVE, (arm, mine["day"].to_numpy(), *columns), strict=True))
        tables.append(pd.DataFrame(told))
    return pd.concat(tables, ignore_index=True)


def _means(sums: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Mean of each day, and its variance."""
    n, total, squares = (
        sums[name].to_numpy(dtype=float) for name in ("customers", "purchases", "squares")
    )
    return total / n, (squares - total**2 / n) / (n - 1.0) / n
