"""Which of what was known before the campaign adjusts which outcome."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.campaign_settings import Outcome

# Chosen once on simulated shops: of the sets tried, those that narrow each outcome's interval most.
BY_OUTCOME: dict[Outcome, tuple[str, ...]] = {
    "purchases": ("expected_purchases",),
    "bought": ("expected_purchases", "probability_alive", "recency"),
    "spend": ("expected_spend", "expected_purchases"),
    "profit": ("expected_spend", "expected_purchases"),
}
WHERE_THERE = ("no_history", "other_campaigns")
# What decides who is chosen for a campaign, or joins it, is in a customer's history.
OF_CHOICE = (
    "expected_purchases",
    "probability_alive",
    "recency",
    "frequency",
    "log_T",
    "expected_spend",
)
# A slope that fewer customers of an arm decide is worse than none.
FEWEST_THAT_DIFFER = 20


def usable(covariates: pd.DataFrame, names: Sequence[str], arm: NDArray[np.intp]) -> list[str]:
    """Covariates among `names` and those told where they vary, that vary by themselves in every arm.

    Parameters
    ----------
    covariates : DataFrame, shape (n, k)
    names : sequence of str
        In order of preference: of two that say the same, the first is kept.
    arm : ndarray of int, shape (n,)
        Each customer's arm, numbered from 0.

    Returns
    -------
    list of str
        Without those that are missing, that are the same for all but 20 customers of an arm, or that
        others before them determine in an arm.

    Examples
    --------
    >>> before = pd.DataFrame({"expected_purchases": np.arange(90.0) % 7})
    >>> before["expected_spend"] = 3.0 * before["expected_purchases"]
    >>> usable(before, ["expected_spend", "expected_purchases"], np.arange(90) % 2)
    ['expected_spend']
    """
    wanted = [name for name in (*names, *WHERE_THERE) if name in covariates.columns]
    values = covariates[wanted].to_numpy(dtype=float)
    kept = list(range(len(wanted)))
    for label in range(int(arm.max()) + 1):
        kept = _apart(values[arm == label], kept)
    return [wanted[k] for k in kept]


def _apart(values: NDArray[np.float64], columns: list[int]) -> list[int]:
    """Columns that vary, and that those before do not determine, within one arm."""
    centred = values - values.mean(axis=0)
    scale = np.sqrt((centred**2).sum(axis=0))
    kept: list[int] = []
    gram = centred.T @ centred
    for column in columns:
        if _differing(values[:, column]) < FEWEST_THAT_DIFFER or not scale[column] > 0.0:
            continue
        rest = gram[column, column]
        if kept:
            with_kept = gram[np.ix_(kept, kept)] / np.outer(scale[kept], scale[kept])
            pull = gram[kept, column] / scale[kept]
            rest -= float(pull @ np.linalg.solve(with_kept, pull))
        if rest > 1e-8 * gram[column, column]:
            kept.append(column)
    return kept


def _differing(values: NDArray[np.float64]) -> int:
    """Customers who do not have the commonest value; a value that most have is the median."""
    return int((values != np.median(values)).sum()) if values.size else 0
