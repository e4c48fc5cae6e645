"""Are the model's probabilities right? Chances to buy and intervals of counts against what came.

How far a forecast was off, customer by customer: the model's, and rules of thumb's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.languages import marked
from retention_models.levels import Z95, Interval, tails_of, wilson_ends
from retention_models.models.fitters import PurchaseFitter
from retention_models.models.histories import known_customers
from retention_models.models.intervals import distribution_at

Array = NDArray[np.float64]

# Customers of a group by P(alive): enough that the interval of a share says something.
_FEWEST_IN_GROUP = 20
_GROUPS = 10
_BARS = 10


@dataclass(frozen=True, slots=True)
class CountCalibration:
    """Predictive intervals of customers' counts, held against the counts that came.

    With F the distribution function of a customer's count and y what came, the randomised transform
    is F(y − 1) + V · P(y), V uniform: uniform for a right model although counts are discrete. Here
    V's mean is taken instead of a draw, the nonrandomised transform, so that a page does not change
    from run to run. Source: Czado, Gneiting & Held (2009), "Predictive model assessment for count
    data", Biometrics 65, 1254–1261.
    """

    interval: float  # level of the intervals, such as 0.90
    # share whose count lay inside their own interval, ends included; 95% interval (Wilson)
    covered: Interval
    # share that the model itself expects inside; the level or more, as counts are whole
    expected: float
    # share of the transform within the central `interval`; the level exactly of a right model
    pit: Interval
    # (10,), of the transform by tenths: 1 if right, high at both ends if intervals are too narrow
    histogram: Array = field(repr=False)


def count_calibration(
    purchases: PurchaseFitter, customers: pd.DataFrame, horizon: float, interval: float = 0.90
) -> CountCalibration:
    """Hold the predictive intervals of counts against what came, frequency_holdout.

    `customers` has purchases_low and purchases_high of `predict_customers` with the same interval.
    """
    by_recency = purchases.model.recency_counts
    known = known_customers(*_history(customers), by_recency=by_recency)
    model, parameters = purchases.model, purchases.fit_.parameters
    came, low, high = (
        customers[name].to_numpy(dtype=float)
        for name in ("frequency_holdout", "purchases_low", "purchases_high")
    )
    inside = int(((low <= came) & (came <= high)).sum())
    (below_low, _, less), (_, upto_high, at_most) = distribution_at(
        model, parameters, known, horizon, np.stack([low, high, came])
    )
    tails = tails_of(interval)
    central = _transformed(less, at_most, tails[1]) - _transformed(less, at_most, tails[0])
    half = Z95 * float(central.std()) / np.sqrt(central.size)
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

    A row per group from lowest to highest P(alive): customers, probability_alive and expected
    (means), observed with its 95% interval (Wilson), low and high. Groups are tenths of the
    customers, fewer where a tenth would have under 20. Customers of the same P(alive) stay
    together: those of the BG/NBD who never bought again all have 1, and make up one group.
    """
    by_recency = purchases.model.recency_counts
    known = known_customers(*_history(customers), by_recency=by_recency)
    alive = customers["probability_alive"].to_numpy(dtype=float)
    none = partial(purchases.model.alive.purchase_count_probability, 0, horizon)
    nothing = known.of_alive(purchases.model, purchases.fit_.parameters, none)[known.cell]
    expected = alive * (1.0 - nothing[known.row])
    bought = customers["frequency_holdout"].to_numpy() > 0
    table = pd.DataFrame({"alive": alive, "expected": expected, "bought": bought})
    grouped = table.groupby(_groups(alive))
    count, buyers = grouped.size(), grouped["bought"].sum()
    low, high = wilson_ends(buyers, count)
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
    low, high = wilson_ends(some, of)
    return Interval(some / of, float(low), float(high))


_MOST_GROUPS = 7  # frequency groups 0, 1, …, 6 and 7 or more, as FHL (2005), figure 3


def baseline_errors(customers: pd.DataFrame, window: float) -> pd.DataFrame:
    """Errors per customer of the model and of rules that need no model; window in the unit of T.

    Rules: always zero; own historic rate, frequency / T · window; last period repeated, see
    `read_holdout`; store mean, Σ frequency / Σ T · window. better_by: by how many standard errors
    the squared error is smaller than the model's, customer by customer; negative where the model's
    is.

    The model forecasts a mean, and squared error is what a mean minimises. Absolute error is what a
    median minimises, which for most customers is 0; it is given because the literature does.
    Source: Gneiting (2011), "Making and evaluating point forecasts", JASA 106, 746–762.
    """
    actual = customers["frequency_holdout"]
    age = customers["T"].where(customers["T"] > 0, np.nan)
    mean_rate = customers["frequency"].sum() / customers["T"].sum()
    rules = {
        "model": customers["predicted"],
        marked("always zero"): 0.0 * actual,
        marked("own historic rate"): (customers["frequency"] / age * window).fillna(0.0),
        marked("last period repeated"): customers["last_period"],
        marked("store mean"): 0.0 * actual + mean_rate * window,
    }
    errors = pd.DataFrame({name: actual - rule for name, rule in rules.items()})
    gain = (errors**2).rsub(errors["model"] ** 2, axis=0)
    doubt = gain.std(ddof=0) / np.sqrt(len(gain))
    return pd.DataFrame(
        {
            "absolute_error": errors.abs().mean(),
            "squared_error": (errors**2).mean(),
            "better_by": (gain.mean() / doubt.where(doubt > 0.0)).fillna(0.0),
        }
    )


def errors_by_frequency(customers: pd.DataFrame) -> pd.DataFrame:
    """Mean purchases in the holdout by purchases before it (0, 1, …, 7+), actual and predicted.

    low and high are the actual mean's 95% interval by chance.
    """
    group = customers["frequency"].clip(upper=_MOST_GROUPS)
    grouped = customers.groupby(group)
    table = pd.DataFrame(
        {
            "customers": grouped.size(),
            "actual": grouped["frequency_holdout"].mean(),
            "predicted": grouped["predicted"].mean(),
        }
    )
    # The actual mean's own standard error: how far chance moves it in a group of that size.
    error = grouped["frequency_holdout"].std() / np.sqrt(grouped.size())
    half = Z95 * error
    table["low"] = (table["actual"] - half).clip(lower=0.0)
    table["high"] = table["actual"] + half
    table.index = [f"{i}" if i < _MOST_GROUPS else f"{_MOST_GROUPS}+" for i in table.index]
    table.index.name = "frequency"
    return table
