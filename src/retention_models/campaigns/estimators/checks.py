"""Checks of a randomised test: sample ratio, balance, enough customers, and skewness of outcomes.

A t interval of a difference of means leaves out the truth more often than its level by about 0.25 κ²,
κ being the skewness of that difference (Hall, The Bootstrap and Edgeworth Expansion, Springer 1992, on
the two-sided interval of a Studentized mean): 2 φ(z) z (z⁴ + 2z² − 3) κ² ÷ 18 at z = 1.96, less a
little where tails are heavy. Two arms of equal size cancel each other's skewness; a small hold-out
beside many offered does not, and spend, where few customers buy much, is what suffers.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from retention_models.campaigns.estimators.doubly_robust import standardised_differences
from retention_models.campaigns.estimators.power import check_positive, minimum_detectable_effect
from retention_models.campaigns.estimators.regression import read_arms
from retention_models.errors import CannotSay, SettingsError
from retention_models.languages import count, counted, listed, marked, phrase, share


def ratio_words(table: pd.DataFrame, blocked: bool) -> str:
    """What a test of the sample ratio found."""
    if not blocked:
        return phrase("The arms have as many customers as were planned, but for chance.")
    parts = [
        phrase(
            "{arm} {n} where {expected} were expected",
            arm=arm,
            n=count(row.customers),
            expected=count(row.expected),
        )
        for arm, row in table.iterrows()
    ]
    return phrase(
        "The arms do not have the customers that were planned ({arms}): some were lost or added in one "
        "arm more than in another, so no effect is given. Find out where they went.",
        arms=listed(parts),
    )


MISMATCH = 0.001
HOLDOUT_SHARE, HOLDOUT_CUSTOMERS = 0.10, 400
# With 100 in each arm, simulated 95% intervals leave out the truth 5 to 6 times in 100, of money up to
# 7: that takes 400 (docs/campaign_simulations.md). And a lift that large is not a campaign's.
FEWEST_IN_ARM, FEWEST_IN_ARM_OF_MONEY, LARGEST_DETECTABLE_LIFT = 100, 400, 0.5


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """Whether the arms have as many customers as were planned.

    statistic, pvalue: Pearson's χ², of arms less 1 degrees of freedom.
    """

    table: pd.DataFrame
    statistic: float
    pvalue: float
    blocked: bool
    reason: str


def sample_ratio(counts: Mapping[Hashable, int], shares: Mapping[Hashable, float]) -> SampleRatio:
    """Test that customers fell into the arms in the planned ratio.

    Fabijan et al., "Diagnosing sample ratio mismatch in online controlled experiments", KDD 2019.
    """
    if set(counts) != set(shares) or len(counts) < 2:
        raise SettingsError(
            f"counts are of {list(counts)} and shares of {list(shares)}; expected the same two or "
            "more arms."
        )
    observed = np.array([counts[arm] for arm in counts], dtype=float)
    planned = np.array([shares[arm] for arm in counts], dtype=float)
    if not ((planned > 0.0).all() and (observed >= 0.0).all() and np.isfinite(planned).all()):
        raise SettingsError(
            f"shares are {dict(shares)} and counts {dict(counts)}; expected shares above 0 and "
            "counts from 0."
        )
    expected = observed.sum() * planned / planned.sum()
    from scipy.stats import binomtest, chisquare  # slow to import, and only lots are checked

    few = expected.min() < 5.0
    # Where χ² is none, each arm by the binomial: too small a p, shared by the arms, is a mismatch still.
    each = [
        binomtest(int(n), int(observed.sum()), share).pvalue
        for n, share in zip(observed, planned / planned.sum(), strict=True)
    ]
    by_arm = min(1.0, len(each) * float(min(each)))
    if few and by_arm >= MISMATCH:
        raise CannotSay(
            "With {n} in all, whether the arms have the planned ratio cannot be tested. It takes "
            "five expected in each.",
            n=counted(int(observed.sum()), "customer"),
        )
    found = chisquare(observed, expected)
    pvalue = by_arm if few else float(found.pvalue)
    table = pd.DataFrame(
        {"customers": observed.astype(int), "expected": expected},
        index=pd.Index(list(counts), name="arm"),
    )
    blocked = pvalue < MISMATCH
    return SampleRatio(table, float(found.statistic), pvalue, blocked, ratio_words(table, blocked))


def balance_table(covariates: pd.DataFrame, arm: ArrayLike, *, control: Hashable) -> pd.DataFrame:
    """How much each arm differed from control before the campaign.

    Austin, Statistics in Medicine 28 (2009), 3083–3107.

    One row a covariate and arm: covariate, arm, mean, mean_control, standardised_difference (m −
    m_C) ÷ √((s² + s_C²) ÷ 2), and chance, the standard deviation √(1 ÷ n + 1 ÷ n_C) that chance
    alone gives it: beyond three of them, randomisation is in doubt.
    Shapes: covariates (n, k), arm (n,).
    """
    if covariates.shape[1] == 0:
        raise SettingsError("covariates has no columns; expected what was known before.")
    arms = read_arms(np.zeros(len(covariates)), arm, covariates, control)
    if arms.counts.min() < 2:
        raise CannotSay("An arm with a single customer cannot be compared. Include more customers.")
    values = covariates.to_numpy(dtype=float)
    parts = [values[arms.index == g] for g in range(len(arms.labels))]
    tables = [
        pd.DataFrame(
            {
                "covariate": covariates.columns,
                "arm": label,
                "mean": part.mean(axis=0),
                "mean_control": parts[0].mean(axis=0),
                "standardised_difference": standardised_differences(part, parts[0]),
                "chance": math.sqrt(1.0 / len(part) + 1.0 / len(parts[0])),
            }
        )
        for label, part in zip(arms.labels[1:], parts[1:], strict=True)
    ]
    # By covariate, then arm.
    return pd.concat(tables).sort_index(kind="stable").reset_index(drop=True)


def holdout_floor(customers: int) -> int:
    """Customers to hold out of a campaign: at least 10%, and at least 400."""
    floor = max(math.ceil(HOLDOUT_SHARE * customers - 1e-9), HOLDOUT_CUSTOMERS)
    if 2 * floor > customers:
        sentence = marked(
            "With {n}, no test of a campaign can be planned: {held_out} are to be held out, and at "
            "least as many offered it. Pool stores."
        )
        told = phrase(sentence, n=counted(customers, "customer"), held_out=count(HOLDOUT_CUSTOMERS))
        raise CannotSay(told)
    return floor


def fewest_in_arm(outcome: str) -> int:
    """Customers that each arm needs before an interval of the outcome is to be trusted."""
    if outcome in ("purchases", "bought"):
        return FEWEST_IN_ARM
    if outcome in ("spend", "profit"):
        return FEWEST_IN_ARM_OF_MONEY
    raise SettingsError(
        f'outcome is {outcome!r}; expected "purchases", "bought", "spend" or "profit".'
    )


def require_enough_customers(
    treated: int,
    control: int,
    *,
    control_mean: float,
    standard_deviation: float,
    r_squared: float = 0.0,
    outcome: str = "purchases",
    skewness: float = 0.0,
) -> None:
    """Refuse a verdict that a test of this size cannot give."""
    fewest = fewest_in_arm(outcome)
    sizes = {"treated": count(treated), "control": count(control)}
    if min(treated, control) < fewest:
        raise CannotSay(
            "With {treated} offered the campaign and {control} held out, its effect on {outcome} cannot "
            "be told: it takes {fewest} in each arm. Pool stores, or include more customers.",
            **sizes,
            outcome=phrase(outcome),
            fewest=count(fewest),
        )
    # What is 0 or 1 has no few who decide it: simulated intervals hold with 100 beside 900.
    if outcome != "bought":
        require_little_skewness(treated, control, skewness)
    if not control_mean > 0.0:
        raise CannotSay(
            "Customers held out have no positive mean outcome, so a lift cannot be told. See the "
            "absolute effect."
        )
    effect = minimum_detectable_effect(standard_deviation, treated, control, r_squared=r_squared)
    if effect > LARGEST_DETECTABLE_LIFT * control_mean:
        raise CannotSay(
            "With {treated} offered the campaign and {control} held out, only a lift beyond {lift} "
            "would be found. Pool stores, or include more customers.",
            **sizes,
            lift=share(effect / control_mean),
        )


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
    """
    check_positive(treated=treated, control=control)
    fall = treated**-2.0 - control**-2.0
    return float(skewness * fall / (1.0 / treated + 1.0 / control) ** 1.5)


def fewest_held_out(skewness: float, treated: int) -> int:
    """Least hold-out beside so many offered, up to as many, whose interval is to be trusted."""
    check_positive(treated=treated)

    def over(control: float) -> float:
        fall = control**-2.0 - treated**-2.0
        return abs(skewness) * fall / (1.0 / treated + 1.0 / control) ** 1.5 - LARGEST_SKEWNESS

    if over(1.0) <= 0.0:
        return 1
    return int(np.ceil(brentq(over, 1.0, treated, xtol=1e-6) - 1e-6))


def require_little_skewness(treated: int, control: int, skewness: float) -> None:
    """Refuse an interval that few customers decide."""
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
