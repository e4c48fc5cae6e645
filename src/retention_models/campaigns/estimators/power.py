"""How large an effect a test can see, and how many customers it needs to see a given one.

The minimum detectable effect of a difference in means, at two-sided level α and power 1 − β, is

    (z_{1−α/2} + z_{1−β}) · √((1 − R²) · (s²_T ÷ n_T + s²_C ÷ n_C))        2.80 · … at 5% and 80%

where R² is the share of the outcome's variance between customers that the covariates explain, as
measured on a window before the campaign (Bloom, Evaluation Review 19 (1995), 547–556, for the
multiple of the standard error; R² as in Deng, Xu, Kohavi & Walker, WSDM 2013).

Of a proportion, such as of who bought at all, the variance is pooled where there is no effect and
each arm's own where there is one (Fleiss, Levin & Paik, Statistical Methods for Rates and
Proportions, 3rd ed. (2003), chapter 4). With covariates that explain R² of the outcome's variance,
n customers are worth n ÷ (1 − R²).
"""

from __future__ import annotations

import math

from scipy.optimize import brentq
from scipy.special import ndtri

from retention_models.errors import CannotSay, SettingsError
from retention_models.languages import count, share
from retention_models.levels import check_level, z_of_level


def detectable_multiple(power: float, level: float) -> float:
    """Standard errors of the minimum detectable effect: 2.80 at 80% and 5%."""
    check_level(level)
    if not level < power < 1.0:
        raise SettingsError(
            f"power is {power}; expected between the level, {level}, and 1, such as 0.8."
        )
    return float(z_of_level(level) + ndtri(power))


def explained(r_squared: float) -> float:
    """R², which a backtest can find a little below 0: then the covariates explain nothing."""
    if not r_squared < 1.0:
        raise SettingsError(f"r_squared is {r_squared}; expected below 1.")
    return max(r_squared, 0.0)


def check_positive(**numbers: float) -> None:
    """Raise for what is not above 0."""
    for name, value in numbers.items():
        if not (math.isfinite(value) and value > 0.0):
            raise SettingsError(f"{name} is {value}; expected a number above 0.")


def check_rates(difference: float, control_rate: float) -> None:
    """Raise for rates that are not between 0 and 1."""
    rates = (control_rate, control_rate + difference)
    if not all(0.0 < rate < 1.0 for rate in rates):
        raise SettingsError(
            f"control_rate is {control_rate} and difference {difference}; expected both the "
            "control's rate and the treated's between 0 and 1."
        )


def arm_shares(control_share: float) -> tuple[float, float]:
    """Of the treated, and of control."""
    if not 0.0 < control_share < 1.0:
        raise SettingsError(f"control_share is {control_share}; expected between 0 and 1.")
    return 1.0 - control_share, control_share


def arm_sizes(customers: float, shares: tuple[float, float]) -> tuple[int, int]:
    """Customers of the treated and of control, rounded up."""
    treated, control = (math.ceil(customers * share - 1e-9) for share in shares)
    return treated, control


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
    """Smallest difference in means that a test of this size finds with the given power."""
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
    """Customers of either arm that a difference in means of this size needs."""
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
    """Probability that a test finds a difference between two proportions, such as of who bought."""
    from statsmodels.stats.proportion import power_proportions_2indep  # slow to import

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
    """Smallest rise of a proportion that a test of this size finds with the given power."""
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
            "With {treated} treated and {control} held out, no rise from {rate} could be told from "
            "chance. Pool stores, or include more customers.",
            treated=count(treated),
            control=count(control),
            rate=share(control_rate),
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
    """Customers of either arm that a difference between two proportions of this size needs."""
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
