"""Which of many stores' changes are more than chance, when all of them are looked at."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm
from statsmodels.stats.multitest import multipletests

from retention_models.measures.intervals import NORMAL_95

Floats = NDArray[np.float64]

FALSE_DISCOVERIES = 0.05


def change_pvalues(change: ArrayLike, low: ArrayLike, high: ArrayLike) -> Floats:
    """P-values of no change, from 95% intervals.

    Parameters
    ----------
    change, low, high : array_like, shape (n,)

    Returns
    -------
    ndarray, shape (n,)
        1 where there is no change; NaN where there is no interval.

    Notes
    -----
    The half of the interval on the side of 0 is 1.96 standard errors, z = 1.96 |change| ÷ half, and
    p = 2 Φ(−z). It is below 0.05 exactly where 0 lies outside the interval.

    Examples
    --------
    >>> change_pvalues([1.0, -2.0, 0.0], [0.0, -3.0, -1.0], [2.0, -1.0, 1.0]).round(4).tolist()
    [0.05, 0.0001, 1.0]
    """
    change, low, high = (np.asarray(values, dtype=float) for values in (change, low, high))
    half = np.where(change > 0, change - low, high - change)
    z = np.divide(np.abs(change), half, out=np.full(change.shape, np.inf), where=half > 0)
    p = 2.0 * norm.sf(NORMAL_95 * z)
    p = np.where(change == 0, 1.0, p)
    return np.where(np.isnan(low) | np.isnan(high) | np.isnan(change), np.nan, p)


def beyond_chance(changes: pd.DataFrame) -> pd.DataFrame:
    """The changes that chance does not explain, largest first.

    Parameters
    ----------
    changes : DataFrame
        A row per store and measure; columns value_before, change, low and high (95%), and any others.

    Returns
    -------
    DataFrame
        Of those rows the ones found, with least_change: how much of value_before the interval leaves
        no doubt about, by which they are ordered.

    Notes
    -----
    With hundreds of stores, one change in twenty leaves its 95% interval by chance. These are picked so
    that among those named, one in twenty at most is expected to be chance (Benjamini & Hochberg, Journal
    of the Royal Statistical Society B 57, 1995).
    """
    pvalue = change_pvalues(changes["change"], changes["low"], changes["high"])
    usable = ~np.isnan(pvalue) & (changes["value_before"].to_numpy(dtype=float) > 0)
    rows, pvalue = changes.loc[usable], pvalue[usable]
    if rows.empty:
        return rows.assign(least_change=[])
    found = rows.loc[multipletests(pvalue, FALSE_DISCOVERIES, method="fdr_bh")[0]]
    nearest = np.where(found["change"] > 0, found["low"], -found["high"])
    found = found.assign(least_change=nearest / found["value_before"].to_numpy(dtype=float))
    return found.sort_values("least_change", ascending=False, kind="stable")
