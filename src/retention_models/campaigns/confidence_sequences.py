"""Looking at a test at any time, and however often, without being fooled.

The asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas,
Annals of Statistics 52 (2024), "Time-uniform central limit theory and asymptotic confidence
sequences": with s the standard error of the effect when n customers are seen, the interval

    effect ± s · √(2 (nρ² + 1) ÷ (nρ²) · ln(√(nρ² + 1) ÷ α))

covers the effect at all n at once with probability 1 − α, for large n. It is wider than a declared
look's interval; ρ decides at which n it is narrowest.
"""

from __future__ import annotations

import numpy as np
from scipy.special import lambertw

from retention_models.campaigns.ranges import check_level, check_positive
from retention_models.errors import SettingsError


def best_rho(customers: float, *, level: float = 0.05) -> float:
    """ρ of the confidence sequence that is narrowest when so many customers are seen.

    Parameters
    ----------
    customers : float
        Customers of all arms at the look that matters most.
    level : float
        1 less the probability of covering the effect throughout.

    Returns
    -------
    float
        ρ with nρ² = −W₋₁(−α² ÷ e) − 1, W₋₁ the lower branch of Lambert's function: the root of the
        derivative of the width by ρ.

    Raises
    ------
    SettingsError

    Examples
    --------
    >>> round(best_rho(1000), 5)
    0.09062
    """
    check_level(level)
    if not customers >= 1:
        raise SettingsError(f"customers is {customers}; expected the number at a look, at least 1.")
    return float(np.sqrt((-lambertw(-(level**2) / np.e, -1).real - 1.0) / customers))


def confidence_sequence(
    effect: float, standard_error: float, customers: int, *, rho: float, level: float = 0.05
) -> tuple[float, float, float]:
    """Interval and p-value of an effect that hold at whatever time, and however often, one looks.

    Parameters
    ----------
    effect, standard_error : float
        As of now.
    customers : int
        Customers of all arms seen until now, n.
    rho : float
        From `best_rho`, fixed before the test starts.
    level : float
        1 less the probability of covering the effect throughout.

    Returns
    -------
    low, high : float
    pvalue : float
        The smallest level whose interval, with the same ρ, leaves out 0; at most 1.

    Raises
    ------
    SettingsError
        Where a number is not of its range.

    Notes
    -----
    Asymptotic: it holds from a few hundred customers an arm on, not from the first.

    Examples
    --------
    >>> low, high, pvalue = confidence_sequence(0.50, 0.10, 4000, rho=best_rho(4000))
    >>> round(low, 3), round(high, 3), round(pvalue, 5)
    (0.196, 0.804, 4e-05)
    """
    check_level(level)
    check_positive(standard_error=standard_error, customers=customers, rho=rho)
    known = customers * rho**2
    root = np.sqrt(known + 1.0)
    half = standard_error * np.sqrt(2.0 * (known + 1.0) / known * np.log(root / level))
    exponent = (effect / standard_error) ** 2 * known / (2.0 * (known + 1.0))
    return float(effect - half), float(effect + half), float(min(1.0, root * np.exp(-exponent)))
