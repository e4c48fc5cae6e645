"""The minimum detectable lift of a campaign, the customers and the days that a wished lift takes.

A lift that comes from more purchases widens the treated's spread with their mean: purchases by chance
have a variance in proportion to their mean. So the treated's variance is (1 + lift) times control's.

How long a campaign must run: the backtest measures one window, of the campaign's length. The BG/NBD
model of the same customers says how the mean of their purchases, and what chance leaves unforeseen
of them, grow with the window; the backtest's numbers are moved by these ratios, so that at its own
length they are the backtest's. Spend and profit grow as purchases do. For a customer alive with
probability A, whose purchases, if alive, have mean m, second moment s and no purchase with
probability π:

    purchases  mean A·m            unforeseen A·s − (A·m)²
    bought     mean A·(1 − π)      unforeseen A·(1 − π)·(1 − A·(1 − π))
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Any

import pandas as pd
from scipy.optimize import brentq

from retention_models.campaigns.estimators.power import (
    minimum_detectable_difference,
    minimum_detectable_effect,
    sample_size,
    sample_size_of_proportions,
)
from retention_models.data.transactions import Transactions
from retention_models.errors import CannotSay
from retention_models.models.fitters import BetaGeoFitter
from retention_models.models.histories import KnownCustomers, known_customers
from retention_models.models.intervals import count_moments
from retention_models.summaries.counts import count_customers


@dataclass(frozen=True, slots=True)
class Moments:
    """An outcome without the campaign."""

    mean: float
    standard_deviation: float
    r_squared: float
    proportion: bool


def detectable_effect(
    moments: Moments, treated: float, control: float, *, power: float, level: float
) -> float:
    """Minimum detectable effect, in the outcome's unit; NaN where none would be found."""
    if moments.proportion:
        if not 0.0 < moments.mean < 1.0:
            return math.nan
        try:
            return minimum_detectable_difference(
                moments.mean,
                treated,
                control,
                r_squared=moments.r_squared,
                power=power,
                level=level,
            )
        except CannotSay:
            return math.nan
    if not moments.standard_deviation > 0.0:
        return math.nan

    def found(effect: float) -> float:
        return minimum_detectable_effect(
            moments.standard_deviation,
            treated,
            control,
            standard_deviation_treated=_of_treated(moments, effect),
            r_squared=moments.r_squared,
            power=power,
            level=level,
        )

    # The variance grows as the effect, its root slower: one crossing.
    most = found(0.0)
    while found(most) > most:
        most *= 2.0
    return float(brentq(lambda effect: found(effect) - effect, 0.0, most, xtol=1e-14 * most))


def customers_for_lift(
    moments: Moments,
    lift: float,
    shares: tuple[float, float],
    *,
    power: float,
    level: float,
) -> float:
    """Customers that a campaign takes, all arms together, to find a lift; NaN where it is none."""
    if not (moments.mean > 0.0 and moments.standard_deviation > 0.0):
        return math.nan
    effect, pair = lift * moments.mean, shares[1] / sum(shares)
    if moments.proportion:
        if not moments.mean + effect < 1.0:
            return math.nan
        treated, control = sample_size_of_proportions(
            effect,
            moments.mean,
            control_share=pair,
            r_squared=moments.r_squared,
            power=power,
            level=level,
        )
    else:
        treated, control = sample_size(
            effect,
            moments.standard_deviation,
            control_share=pair,
            standard_deviation_treated=_of_treated(moments, effect),
            r_squared=moments.r_squared,
            power=power,
            level=level,
        )
    return float(math.ceil(max(treated / shares[0], control / shares[1]) - 1e-9))


def _of_treated(moments: Moments, effect: float) -> float:
    if not moments.mean > 0.0:
        return moments.standard_deviation
    return moments.standard_deviation * math.sqrt(1.0 + effect / moments.mean)


WEEKS = (1, 2, 4, 6, 8, 12, 16, 26, 39, 52)


@dataclass(frozen=True, slots=True)
class Amount:
    """Mean of what customers do in a window, and mean variance of what is unforeseen of it."""

    mean: float
    unforeseen: float


@dataclass(frozen=True)
class Growth:
    """A model of a campaign's customers, to move what was measured in one window to another."""

    model: BetaGeoFitter
    known: KnownCustomers

    def at(self, days: int) -> tuple[Amount, Amount]:
        """What a customer does in a window of some days: purchases, and whether any."""
        fitter: Any = self.model
        parameters = fitter.fit_.parameters
        none, mean, second = count_moments(fitter.model, parameters, self.known, days / 7.0)
        alive, cell = self.known.alive(fitter.model, parameters), self.known.cell
        weights = self.known.customers_by_row / self.known.customers_by_row.sum()
        counts, buys = alive * mean[cell], alive * (1.0 - none[cell])
        return (
            Amount(float(weights @ counts), float(weights @ (alive * second[cell] - counts**2))),
            Amount(float(weights @ buys), float(weights @ (buys * (1.0 - buys)))),
        )


def moved(moments: Moments, measured: Amount, wished: Amount) -> Moments:
    """What was measured in one window, for another.

    >>> month = Moments(mean=0.5, standard_deviation=1.0, r_squared=0.36, proportion=False)
    >>> twice = moved(month, Amount(0.4, 0.6), Amount(0.8, 1.2))
    >>> twice.mean, round(twice.standard_deviation**2, 6)
    (1.0, 1.28)
    """
    mean = moments.mean * wished.mean / measured.mean
    rest = moments.standard_deviation**2 * (1.0 - max(moments.r_squared, 0.0))
    rest *= wished.unforeseen / measured.unforeseen
    if not moments.proportion:
        return Moments(mean, math.sqrt(rest), 0.0, False)
    mean = min(mean, 1.0 - 1e-9)
    variance = mean * (1.0 - mean)
    return Moments(mean, math.sqrt(variance), max(1.0 - rest / variance, 0.0), True)


def growth_of(log: Transactions, last: dt.date, found: pd.DataFrame) -> Growth:
    """Fit the model of all customers, for those of a campaign."""
    rows = count_customers(log, observation_end=last, time_unit="W")
    fitter = BetaGeoFitter().fit(
        rows["frequency"], rows["recency"], rows["T"], weights=rows["customers"]
    )
    if fitter.fit_.verdict == "not identified":
        raise CannotSay("The data leave the model open: {reason}.", reason=fitter.fit_.message)
    seen = found[found["frequency"].notna()]
    x = seen["frequency"].to_numpy(dtype=float)
    t_x, T = (seen[name].to_numpy(dtype=float) / 7.0 for name in ("recency", "age"))
    return Growth(fitter, known_customers(x, t_x, T))
