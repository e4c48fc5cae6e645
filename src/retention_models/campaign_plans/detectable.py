"""What lift a campaign of given arms finds, and how many customers a wished lift takes.

A lift that comes from more purchases widens the treated's spread with their mean: purchases by chance
have a variance in proportion to their mean. So the treated's variance is (1 + lift) times control's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.optimize import brentq

from retention_models.campaigns.power import minimum_detectable_effect, sample_size
from retention_models.campaigns.proportions import (
    minimum_detectable_difference,
    sample_size_of_proportions,
)
from retention_models.errors import CannotSay


@dataclass(frozen=True, slots=True)
class Moments:
    """An outcome without the campaign.

    Attributes
    ----------
    mean, standard_deviation : float
        Between customers.
    r_squared : float
        Share of the variance that the covariates explain.
    proportion : bool
        Whether it is 0 or 1 for each customer.
    """

    mean: float
    standard_deviation: float
    r_squared: float
    proportion: bool


def detectable_effect(
    moments: Moments, treated: float, control: float, *, power: float, level: float
) -> float:
    """Minimum detectable effect, in the outcome's unit; NaN where none would be found.

    Parameters
    ----------
    moments : Moments
    treated, control : float
        Customers of the arms.
    power, level : float
        As in `minimum_detectable_effect`.

    Examples
    --------
    >>> visits = Moments(mean=1.0, standard_deviation=1.5, r_squared=0.3, proportion=False)
    >>> round(detectable_effect(visits, 4000, 4000, power=0.8, level=0.05), 4)
    0.0802
    """
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
    """Customers that a campaign takes, all arms together, to find a lift; NaN where it is none.

    Parameters
    ----------
    moments : Moments
    lift : float
        Relative, such as 0.10.
    shares : (float, float)
        Of the treated arm and of control, of all customers of the campaign.
    power, level : float
        As in `sample_size`.

    Examples
    --------
    >>> visits = Moments(mean=1.0, standard_deviation=1.5, r_squared=0.3, proportion=False)
    >>> customers_for_lift(visits, 0.08, (0.5, 0.5), power=0.8, level=0.05)
    8036.0
    """
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
