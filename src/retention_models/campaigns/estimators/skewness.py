"""Whether few customers decide a mean: then an interval leaves out the truth more often than it says.

A t interval of a difference of means leaves out the truth more often than its level by about 0.25 κ²,
κ being the skewness of that difference (Hall, The Bootstrap and Edgeworth Expansion, Springer 1992, on
the two-sided interval of a Studentized mean): 2 φ(z) z (z⁴ + 2z² − 3) κ² ÷ 18 at z = 1.96, less a
little where tails are heavy. Two arms of equal size cancel each other's skewness; a small hold-out
beside many offered does not, and spend, where few customers buy much, is what suffers.
"""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from retention_models.campaigns.estimators.power import check_positive
from retention_models.campaigns.estimators.regression import read_arms
from retention_models.errors import CannotSay
from retention_models.languages import count, marked, phrase

# Intervals of 95% then leave out the truth at most about 6 times in 100.
LARGEST_SKEWNESS = 0.2


def outcome_skewness(
    outcome: ArrayLike,
    arm: ArrayLike,
    *,
    control: Hashable,
) -> float:
    """Skewness of the outcome within the arms.

    Σe³ ÷ n over (Σe² ÷ n)^1.5, e being all customers' distances from their arm's mean; 0 where
    there is no spread. Covariates would take some of it off, and leave the slopes to the few.

    Examples
    --------
    >>> outcome_skewness([0, 0, 0, 4, 0, 0, 0, 4], [0, 0, 0, 0, 1, 1, 1, 1], control=0).__round__(3)
    1.155
    """
    arms = read_arms(outcome, arm, None, control)
    means = np.bincount(arms.index, arms.outcome) / arms.counts
    residual = arms.outcome - means[arms.index]
    spread = float((residual**2).mean())
    # What rounding leaves of no spread is none.
    if spread <= 1e-24 * float((arms.outcome**2).mean()):
        return 0.0
    return float((residual**3).mean() / spread**1.5)


def difference_skewness(skewness: float, treated: int, control: int) -> float:
    """Skewness of the difference of two arms' mean outcomes.

    κ = γ (n_T⁻² − n_C⁻²) ÷ (n_T⁻¹ + n_C⁻¹)^1.5: third cumulants of means are γσ³ ÷ n², and those of
    a difference are subtracted.

    Examples
    --------
    >>> round(difference_skewness(6.0, 3600, 400), 3), difference_skewness(6.0, 500, 500)
    (-0.253, 0.0)
    """
    check_positive(treated=treated, control=control)
    fall = treated**-2.0 - control**-2.0
    return float(skewness * fall / (1.0 / treated + 1.0 / control) ** 1.5)


def fewest_held_out(skewness: float, treated: int) -> int:
    """Least hold-out beside so many offered, up to as many, whose interval is to be trusted.

    Examples
    --------
    >>> fewest_held_out(6.0, 3600), fewest_held_out(1.0, 900)
    (557, 24)
    """
    check_positive(treated=treated)

    def over(control: float) -> float:
        fall = control**-2.0 - treated**-2.0
        return abs(skewness) * fall / (1.0 / treated + 1.0 / control) ** 1.5 - LARGEST_SKEWNESS

    if over(1.0) <= 0.0:
        return 1
    return int(np.ceil(brentq(over, 1.0, treated, xtol=1e-6) - 1e-6))


def require_little_skewness(treated: int, control: int, skewness: float) -> None:
    """Refuse an interval that few customers decide.

    Examples
    --------
    >>> require_little_skewness(3600, 800, 6.0)
    """
    if abs(difference_skewness(skewness, treated, control)) <= LARGEST_SKEWNESS:
        return
    larger, smaller = max(treated, control), min(treated, control)
    sentence = (
        marked(
            "A few customers decide the mean of the {smaller} offered the campaign beside {larger} held "
            "out, so its interval would leave out the truth too often. It takes {fewest} offered the "
            "campaign, or arms of equal size."
        )
        if treated < control
        else marked(
            "A few customers decide the mean of the {smaller} held out beside {larger} offered the "
            "campaign, so its interval would leave out the truth too often. It takes {fewest} held out, "
            "or arms of equal size."
        )
    )
    fewest = count(fewest_held_out(skewness, larger))
    told = phrase(sentence, smaller=count(smaller), larger=count(larger), fewest=fewest)
    raise CannotSay(told)
