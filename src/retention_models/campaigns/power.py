"""How large an effect a test can see, and how many customers it needs to see a given one.

The minimum detectable effect of a difference in means, at two-sided level α and power 1 − β, is

    (z_{1−α/2} + z_{1−β}) · √((1 − R²) · (s²_T ÷ n_T + s²_C ÷ n_C))        2.80 · … at 5% and 80%

where R² is the share of the outcome's variance between customers that the covariates explain, as
measured on a window before the campaign (Bloom, Evaluation Review 19 (1995), 547–556, for the multiple
of the standard error; R² as in Deng, Xu, Kohavi & Walker, WSDM 2013).
"""

from __future__ import annotations

import math

from retention_models.campaigns.ranges import (
    arm_shares,
    arm_sizes,
    check_positive,
    detectable_multiple,
    explained,
)


def minimum_detectable_effect(
    standard_deviation: float,
    treated: float,
    control: float,
    *,
    standard_deviation_treated: float | None = None,
    r_squared: float = 0.0,
    power: float = 0.8,
    level: float = 0.05,
) -> float:
    """Smallest difference in means that a test of this size finds with the given power.

    Parameters
    ----------
    standard_deviation : float
        Of the outcome between customers of the control arm.
    treated, control : float
        Customers of the two arms.
    standard_deviation_treated : float, optional
        Of the treated arm; by default as in control.
    r_squared : float
        Share of the outcome's variance that the covariates explain, from a window before.
    power : float
        Probability of finding the effect.
    level : float
        Two-sided level of the test.

    Returns
    -------
    float
        In the outcome's unit. Divide by the control's mean for a lift.

    Raises
    ------
    SettingsError
        Where a number is not of its range.

    Examples
    --------
    >>> round(minimum_detectable_effect(1.0, 1000, 1000), 4)
    0.1253
    >>> round(minimum_detectable_effect(1.0, 1000, 1000, r_squared=0.6), 4)
    0.0792
    """
    of_treated = standard_deviation_treated
    of_treated = standard_deviation if of_treated is None else of_treated
    check_positive(
        standard_deviation=standard_deviation,
        standard_deviation_treated=of_treated,
        treated=treated,
        control=control,
    )
    variance = of_treated**2 / treated + standard_deviation**2 / control
    return detectable_multiple(power, level) * math.sqrt((1.0 - explained(r_squared)) * variance)


def sample_size(
    effect: float,
    standard_deviation: float,
    *,
    control_share: float = 0.5,
    standard_deviation_treated: float | None = None,
    r_squared: float = 0.0,
    power: float = 0.8,
    level: float = 0.05,
) -> tuple[int, int]:
    """Customers of either arm that a difference in means of this size needs.

    Parameters
    ----------
    effect : float
        Difference in means, in the outcome's unit; not 0.
    control_share : float
        Share of the customers that is held out, between 0 and 1.
    standard_deviation, standard_deviation_treated, r_squared, power, level : float
        As in `minimum_detectable_effect`.

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
    >>> sample_size(0.1253, 1.0)
    (1000, 1000)
    >>> sample_size(0.1253, 1.0, control_share=0.1)
    (5000, 556)
    """
    check_positive(effect=abs(effect))
    shares = arm_shares(control_share)
    of_one = minimum_detectable_effect(
        standard_deviation,
        *shares,
        standard_deviation_treated=standard_deviation_treated,
        r_squared=r_squared,
        power=power,
        level=level,
    )
    return arm_sizes((of_one / effect) ** 2, shares)
