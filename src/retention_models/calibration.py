"""Are the model's probabilities right? Chances to buy and intervals of counts against what came."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from statsmodels.stats.proportion import proportion_confint

from retention_models.models.fitters import PurchaseFitter
from retention_models.models.known_customers import known_customers
from retention_models.models.predictive_intervals import distribution_at
from retention_models.predictions import Interval

Array = NDArray[np.float64]

# Customers of a group by P(alive): enough that the interval of a share says something.
_FEWEST_IN_GROUP = 20
_GROUPS = 10
_BARS = 10
_Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class CountCalibration:
    """Predictive intervals of customers' counts, held against the counts that came.

    Attributes
    ----------
    interval : float
        Level of the intervals, such as 0.90.
    covered : Interval
        Share of customers whose count lay inside their own interval, ends included, with its 95%
        interval (Wilson).
    expected : float
        The share that the model itself expects inside. Counts are whole, so it is the level or more.
    pit : Interval
        Share of the probability integral transform within the central `interval`, with its 95%
        interval. Of a right model it is the level exactly.
    histogram : ndarray, shape (10,)
        Heights of the transform's histogram over tenths; 1 everywhere for a right model, high at
        both ends for intervals that are too narrow, high in the middle for too wide ones.

    Notes
    -----
    With F the distribution function of a customer's count and y what came, the randomised transform
    is F(y − 1) + V · P(y), V uniform: uniform for a right model although counts are discrete. Here
    V's mean is taken instead of a draw, the nonrandomised transform, so that a page does not change
    from run to run. Source: Czado, Gneiting & Held (2009), "Predictive model assessment for count
    data", Biometrics 65, 1254–1261.
    """

    interval: float
    covered: Interval
    expected: float
    pit: Interval
    histogram: Array = field(repr=False)


def count_calibration(
    purchases: PurchaseFitter, customers: pd.DataFrame, horizon: float, interval: float = 0.90
) -> CountCalibration:
    """Hold the predictive intervals of counts against what came.

    Parameters
    ----------
    purchases : BetaGeoFitter, ModifiedBetaGeoFitter or ParetoNBDFitter
        Fitted to the calibration period.
    customers : DataFrame
        frequency, recency, T; frequency_holdout, what came; purchases_low and purchases_high, from
        `predict_customers` with the same interval.
    horizon : float
        Length of the holdout, in the unit of T.
    interval : float
        Level of the intervals, equal-tailed.

    Returns
    -------
    CountCalibration
    """
    known = known_customers(*_history(customers))
    model, parameters = purchases.model, purchases.fit_.parameters
    came, low, high = (
        customers[name].to_numpy(dtype=float)
        for name in ("frequency_holdout", "purchases_low", "purchases_high")
    )
    inside = int(((low <= came) & (came <= high)).sum())
    (below_low, _, less), (_, upto_high, at_most) = distribution_at(
        model, parameters, known, horizon, np.stack([low, high, came])
    )
    tails = (1.0 - interval) / 2.0, (1.0 + interval) / 2.0
    central = _transformed(less, at_most, tails[1]) - _transformed(less, at_most, tails[0])
    half = _Z95 * float(central.std()) / np.sqrt(central.size)
    mean = float(central.mean())
    steps = np.linspace(0.0, 1.0, _BARS + 1)
    return CountCalibration(
        interval=interval,
        covered=_share(inside, came.size),
        expected=float((upto_high - below_low).mean()),
        pit=Interval(mean, max(mean - half, 0.0), min(mean + half, 1.0)),
        histogram=_BARS * np.diff([_transformed(less, at_most, u).mean() for u in steps]),
    )


def alive_calibration(
    purchases: PurchaseFitter, customers: pd.DataFrame, horizon: float
) -> pd.DataFrame:
    """Chances to buy in the holdout, by P(alive), against the share who did.

    Whether a customer is alive cannot be seen; whether it buys can. So what is compared is the
    probability of at least one purchase in the holdout, P(alive) · P(a purchase | alive).

    Parameters
    ----------
    purchases : BetaGeoFitter, ModifiedBetaGeoFitter or ParetoNBDFitter
        Fitted to the calibration period.
    customers : DataFrame
        frequency, recency, T, probability_alive and frequency_holdout.
    horizon : float
        Length of the holdout, in the unit of T.

    Returns
    -------
    DataFrame
        A row per group from lowest to highest P(alive): customers; probability_alive, its mean;
        expected, the mean probability of a purchase in the holdout; observed, the share who made
        one, with its 95% interval (Wilson), low and high.

    Notes
    -----
    Groups are tenths of the customers, fewer where a tenth would have under 20. Customers of the
    same P(alive) stay together: those of the BG/NBD who never bought again all have 1, and make up
    one group.
    """
    known = known_customers(*_history(customers))
    alive = customers["probability_alive"].to_numpy(dtype=float)
    _, nothing = distribution_at(
        purchases.model, purchases.fit_.parameters, known, horizon, np.zeros(alive.size)
    )
    bought = customers["frequency_holdout"].to_numpy() > 0
    table = pd.DataFrame({"alive": alive, "expected": 1.0 - nothing, "bought": bought})
    grouped = table.groupby(_groups(alive))
    count, buyers = grouped.size(), grouped["bought"].sum()
    low, high = proportion_confint(buyers, count, alpha=0.05, method="wilson")
    result = pd.DataFrame(
        {
            "customers": count,
            "probability_alive": grouped["alive"].mean(),
            "expected": grouped["expected"].mean(),
            "observed": buyers / count,
            "low": low,
            "high": high,
        }
    ).reset_index(drop=True)
    result.index.name = "group"
    return result


def _history(customers: pd.DataFrame) -> tuple[Array, Array, Array]:
    x, t_x, T = (customers[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T"))
    return x, t_x, T


def _transformed(less: Array, at_most: Array, u: float) -> Array:
    """P(randomised transform ≤ u | what came), per customer; Czado, Gneiting & Held (2009)."""
    chance = at_most - less
    # Where what came had no chance, the transform is a point.
    part = np.where(chance > 0.0, (u - less) / np.where(chance > 0.0, chance, 1.0), u >= at_most)
    return np.asarray(np.clip(part, 0.0, 1.0))


def _groups(values: Array) -> NDArray[np.intp]:
    """Group of each value by its rank, equal values together at the middle of their ranks."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    middle = (np.cumsum(count) - count / 2.0) / values.size
    groups = int(np.clip(values.size // _FEWEST_IN_GROUP, 1, _GROUPS))
    return np.asarray(np.floor(groups * middle).astype(np.intp)[place])


def _share(some: int, of: int) -> Interval:
    low, high = proportion_confint(some, of, alpha=0.05, method="wilson")
    return Interval(some / of, float(low), float(high))
