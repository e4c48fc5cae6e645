"""Levels: intervals' and tests' probabilities checked, the normal's quantiles, a value with its ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri, stdtrit

from retention_models.errors import SettingsError

# Standard errors to either side of a normal estimate that hold 95%: Φ⁻¹(0.975).
Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with the ends of its interval."""

    value: float
    low: float
    high: float


def tails_of(interval: float) -> tuple[float, float]:
    """Probabilities below the two ends of a central interval."""
    return (1.0 - interval) / 2.0, (1.0 + interval) / 2.0


def z_of_interval(interval: float) -> float:
    """Standard errors to either side that hold `interval`: Φ⁻¹((1 + interval) ÷ 2)."""
    return float(ndtri(tails_of(interval)[1]))


def z_of_level(level: float) -> float:
    """Standard errors beyond which a two-sided test at `level` rejects: Φ⁻¹(1 − level ÷ 2)."""
    return float(ndtri(1.0 - level / 2.0))


def t_of_interval(freedom: Any, interval: float) -> Any:
    """Standard errors to either side that hold `interval`, of Student's t; shape of `freedom`."""
    return stdtrit(freedom, tails_of(interval)[1])


def t_of_level(freedom: Any, level: float) -> Any:
    """Standard errors beyond which a two-sided t test at `level` rejects; shape of `freedom`."""
    return stdtrit(freedom, 1.0 - level / 2.0)


def wilson_ends(count: Any, total: Any) -> tuple[Any, Any]:
    """Ends of a proportion's 95% interval by Wilson's score; shape of count ÷ total, total above 0.

    (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) ÷ (1 + z²/n): Brown, Cai & DasGupta (2001), Statistical
    Science 16(2), 101–133, equation (4).
    """
    rate, squared = count / total, Z95**2
    most = 1.0 + squared / total
    centre = (rate + squared / (2.0 * total)) / most
    half = Z95 * np.sqrt(rate * (1.0 - rate) / total + squared / (4.0 * total**2)) / most
    return centre - half, centre + half


def check_interval(interval: Any) -> None:
    """Refuse what is no probability of an interval."""
    if isinstance(interval, str) or not 0.0 < interval < 1.0:
        raise SettingsError(f"interval: expected a level between 0 and 1; got {interval!r}.")


def check_interval_of_effect(interval: float) -> None:
    """Refuse, of an effect, intervals that hold less than half: they would be taken for findings."""
    if not 0.5 <= interval < 1.0:
        raise SettingsError(f"interval is {interval}; expected from 0.5 to below 1, such as 0.95.")


def check_level(level: float) -> None:
    """Refuse what is no level of a two-sided test."""
    if not 0.0 < level < 0.5:
        raise SettingsError(f"level is {level}; expected between 0 and 0.5, such as 0.05.")
