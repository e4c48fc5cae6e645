"""Ranges of what a test is planned with, and numbers that the plans for means and proportions share."""

from __future__ import annotations

import math

from scipy.special import ndtri

from retention_models.errors import SettingsError


def detectable_multiple(power: float, level: float) -> float:
    """Standard errors of the minimum detectable effect: 2.80 at 80% and 5%."""
    check_level(level)
    if not level < power < 1.0:
        raise SettingsError(
            f"power is {power}; expected between the level, {level}, and 1, such as 0.8."
        )
    return float(ndtri(1.0 - level / 2.0) + ndtri(power))


def explained(r_squared: float) -> float:
    """R², which a backtest can find a little below 0: then the covariates explain nothing."""
    if not r_squared < 1.0:
        raise SettingsError(f"r_squared is {r_squared}; expected below 1.")
    return max(r_squared, 0.0)


def check_level(level: float) -> None:
    """Raise unless the level is one of a test."""
    if not 0.0 < level < 0.5:
        raise SettingsError(f"level is {level}; expected between 0 and 0.5, such as 0.05.")


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
