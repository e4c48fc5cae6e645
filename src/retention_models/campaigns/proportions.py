"""How large a rise of a proportion, such as of who bought at all, a test of given size can see.

The variance is pooled where there is no effect and each arm's own where there is one (Fleiss, Levin &
Paik, Statistical Methods for Rates and Proportions, 3rd ed. (2003), chapter 4). With covariates that
explain R² of the outcome's variance, n customers are worth n ÷ (1 − R²).
"""

from __future__ import annotations

import math

from scipy.optimize import brentq
from statsmodels.stats.proportion import power_proportions_2indep

from retention_models.campaigns.ranges import (
    arm_shares,
    arm_sizes,
    check_positive,
    check_rates,
    detectable_multiple,
    explained,
)
from retention_models.errors import CannotSay
from retention_models.languages import count, phrase, share

_MOST = 1e12


def power_of_proportions(
    difference: float,
    control_rate: float,
    treated: float,
    control: float,
    *,
    r_squared: float = 0.0,
    level: float = 0.05,
) -> float:
    """Probability that a test finds a difference between two proportions, such as of who bought.

    Parameters
    ----------
    difference : float
        Rate of the treated less that of control.
    control_rate : float
        Between 0 and 1; so must be the treated's.
    treated, control : float
        Customers of the two arms.
    r_squared, level : float
        As in `minimum_detectable_effect`.

    Returns
    -------
    float

    Raises
    ------
    SettingsError
        Where a number is not of its range.

    Examples
    --------
    >>> round(power_of_proportions(-0.25, 0.75, 76.70692, 76.70692), 6)
    0.9
    """
    check_positive(treated=treated, control=control)
    check_rates(difference, control_rate)
    detectable_multiple(0.5, level)
    worth = treated / (1.0 - explained(r_squared))
    found = power_proportions_2indep(
        difference, control_rate, worth, ratio=control / treated, alpha=level, return_results=False
    )
    return float(found)


def minimum_detectable_difference(
    control_rate: float,
    treated: float,
    control: float,
    *,
    r_squared: float = 0.0,
    power: float = 0.8,
    level: float = 0.05,
) -> float:
    """Smallest rise of a proportion that a test of this size finds with the given power.

    Parameters
    ----------
    control_rate, treated, control, r_squared, level : float
        As in `power_of_proportions`.
    power : float
        Probability of finding the rise.

    Returns
    -------
    float
        As a difference of rates.

    Raises
    ------
    SettingsError
        Where a number is not of its range.
    CannotSay
        Where even a rise to nearly 1 would not be found.

    Examples
    --------
    >>> round(minimum_detectable_difference(0.30, 2000, 2000), 4)
    0.0413
    """
    detectable_multiple(power, level)
    check_rates(0.0, control_rate)

    def short(difference: float) -> float:
        found = power_of_proportions(
            difference, control_rate, treated, control, r_squared=r_squared, level=level
        )
        return found - power

    # At a difference of 0 the power is the level, below any that is asked for.
    most = (1.0 - control_rate) * (1.0 - 1e-9)
    if short(most) < 0.0:
        raise CannotSay(
            phrase(
                "With {treated} treated and {control} held out, no rise from {rate} could be told from "
                "chance. Pool stores, or include more customers.",
                treated=count(treated),
                control=count(control),
                rate=share(control_rate),
            )
        )
    return float(brentq(short, 1e-12, most, xtol=1e-12))


def sample_size_of_proportions(
    difference: float,
    control_rate: float,
    *,
    control_share: float = 0.5,
    r_squared: float = 0.0,
    power: float = 0.8,
    level: float = 0.05,
) -> tuple[int, int]:
    """Customers of either arm that a difference between two proportions of this size needs.

    Parameters
    ----------
    difference, control_rate, r_squared, level : float
        As in `power_of_proportions`; the difference not 0.
    control_share : float
        Share of the customers that is held out, between 0 and 1.
    power : float
        Probability of finding the difference.

    Returns
    -------
    treated, control : int
        Rounded up.

    Raises
    ------
    SettingsError
        Where a number is not of its range.

    Examples
    --------
    >>> sample_size_of_proportions(-0.25, 0.75, power=0.9)
    (77, 77)
    """
    check_positive(difference=abs(difference))
    detectable_multiple(power, level)
    shares = arm_shares(control_share)

    def short(log_customers: float) -> float:
        arms = [math.exp(log_customers) * share for share in shares]
        found = power_of_proportions(
            difference, control_rate, *arms, r_squared=r_squared, level=level
        )
        return found - power

    customers = math.exp(brentq(short, -10.0, math.log(_MOST), xtol=1e-12))
    return arm_sizes(customers, shares)
