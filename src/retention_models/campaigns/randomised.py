"""The effect of a randomised campaign: on everyone who was offered it, whether they took it up or not.

The effect is the difference between an arm's mean outcome and control's, at the covariates of the
average customer of the test: the average effect on the customers in it (`arms.py` has the regression). A
good covariate, known before the campaign, takes off what customers differ by anyway and narrows the
interval; that customers were put in arms by chance is what makes it right, whatever the covariate.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from retention_models.campaigns.arms import (
    Arms,
    check_same_customers,
    fit_arms,
    fit_outcomes,
    read_arms,
    read_outcome,
)
from retention_models.campaigns.comparisons import Effect, RandomisedEffect, comparisons
from retention_models.errors import CannotSay, SettingsError

__all__ = ["Effect", "RandomisedEffect", "randomised_effect", "randomised_effects"]


def randomised_effect(
    outcome: ArrayLike,
    arm: ArrayLike,
    covariates: ArrayLike | pd.DataFrame | None = None,
    *,
    control: Hashable,
    interval: float = 0.95,
) -> RandomisedEffect:
    """Effect of each arm of a randomised campaign, with its interval and the covariates' gain.

    Parameters
    ----------
    outcome : array_like, shape (n,)
        One number a customer: purchases, spend, profit, or 0 and 1 for who bought.
    arm : array_like, shape (n,)
        The arm that each customer was put in, offered or not, redeemed or not.
    covariates : DataFrame or array_like, shape (n, k) or (n,), optional
        Known before the campaign, such as the BG/NBD expectation for its window.
    control : hashable
        The arm that got nothing.
    interval : float
        Level of the intervals.

    Returns
    -------
    RandomisedEffect

    Raises
    ------
    SettingsError, DataError
        Where the arms, the shapes or the numbers are not as expected.
    CannotSay
        Where an arm has too few customers, or all customers of two arms have the same outcome.

    Notes
    -----
    Lin, Annals of Applied Statistics 7 (2013), 295–318: the regression with treatment interacted
    with centred covariates is never less precise than the difference in means, for many customers.
    The standard errors are those of the effect on the customers of the test. p-values and intervals
    are of one comparison each; `pvalue_holm` holds for all together.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> expected = rng.gamma(1.0, 2.0, 4000)
    >>> arm = np.where(rng.random(4000) < 0.5, "coupon", "none")
    >>> bought = rng.poisson(expected * np.where(arm == "coupon", 1.2, 1.0))
    >>> found = randomised_effect(bought, arm, expected, control="none")
    >>> effect = found.of("coupon")
    >>> round(effect.lift_percent), bool(effect.lift_low < 20 < effect.lift_high)
    (17, True)
    >>> round(effect.gain, 1), round(found.r_squared, 1)
    (3.1, 0.7)
    """
    _check_interval(interval)
    arms = read_arms(outcome, arm, covariates, control)
    adjusted = fit_arms(arms)
    plain = adjusted if not arms.names else fit_arms(_with_covariates(arms, []))
    return comparisons(arms, adjusted, plain, interval)


def randomised_effects(
    outcomes: pd.DataFrame,
    arm: ArrayLike,
    covariates: pd.DataFrame | None = None,
    *,
    control: Hashable,
    adjusted_by: Mapping[Hashable, Sequence[Hashable]] | None = None,
    interval: float = 0.95,
) -> dict[Hashable, RandomisedEffect | CannotSay]:
    """Effects of a randomised campaign on several outcomes, such as four in each of three windows.

    Parameters
    ----------
    outcomes : DataFrame, shape (n, m)
        A column an outcome.
    arm, control, interval
        As in `randomised_effect`.
    covariates : DataFrame, shape (n, k), optional
        All that are used.
    adjusted_by : mapping, optional
        From an outcome to the names of its covariates; all covariates where it has no entry. Outcomes
        with the same covariates share a factorisation.

    Returns
    -------
    dict
        By outcome, in the columns' order, what `randomised_effect` finds; or the CannotSay that it
        raises, where one outcome carries no effect and others may.

    Raises
    ------
    SettingsError, DataError
        Where the arms, the shapes, the names or the numbers are not as expected.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> before = pd.DataFrame({"expected": rng.gamma(1.0, 2.0, 4000)})
    >>> arm = rng.integers(0, 2, 4000)
    >>> purchases = rng.poisson(before["expected"] * (1.0 + 0.2 * arm))
    >>> after = pd.DataFrame({"purchases": purchases, "bought": purchases > 0, "returned": 0})
    >>> found = randomised_effects(after, arm, before, control=0, adjusted_by={"bought": []})
    >>> {name: round(found[name].of(1).gain, 1) for name in ("purchases", "bought")}
    {'purchases': 3.1, 'bought': 1.0}
    >>> str(found["returned"]).split(",")[0]
    'Customers of 1 and 0 do not differ in the outcome beyond what the covariates say'
    """
    _check_interval(interval)
    check_same_customers(outcomes=outcomes, arm=arm, covariates=covariates)
    arms = read_arms(np.zeros(len(outcomes)), arm, covariates, control)
    values = {name: read_outcome(str(name), outcomes[name]) for name in outcomes.columns}
    sharing: dict[tuple[int, ...], list[Hashable]] = {}
    for name in outcomes.columns:
        sharing.setdefault(_places(name, adjusted_by or {}, arms.names), []).append(name)
    found: dict[Hashable, RandomisedEffect | CannotSay] = {}
    for places, names in sharing.items():
        y = np.column_stack([values[name] for name in names])
        found |= _of_all(_with_covariates(arms, list(places)), names, y, interval)
    return {name: found[name] for name in outcomes.columns}


def _of_all(
    arms: Arms, names: list[Hashable], outcomes: np.ndarray, interval: float
) -> dict[Hashable, RandomisedEffect | CannotSay]:
    """Effects on outcomes with the same covariates, or why there are none."""
    try:
        adjusted = fit_outcomes(arms, outcomes)
        plain = adjusted if not arms.names else fit_outcomes(_with_covariates(arms, []), outcomes)
    except CannotSay as reason:
        return dict.fromkeys(names, reason)
    found: dict[Hashable, RandomisedEffect | CannotSay] = {}
    for name, fitted, bare in zip(names, adjusted, plain, strict=True):
        try:
            found[name] = comparisons(arms, fitted, bare, interval)
        except CannotSay as reason:
            found[name] = reason
    return found


def _places(
    outcome: Hashable,
    adjusted_by: Mapping[Hashable, Sequence[Hashable]],
    names: tuple[str, ...],
) -> tuple[int, ...]:
    """Where an outcome's covariates stand among all."""
    asked = [str(name) for name in adjusted_by.get(outcome, names)]
    unknown = [name for name in asked if name not in names]
    if unknown:
        raise SettingsError(
            f"adjusted_by of {outcome!r} names {', '.join(unknown)}; the covariates are "
            f"{', '.join(names) or 'none'}."
        )
    return tuple(names.index(name) for name in asked)


def _check_interval(interval: float) -> None:
    if not 0.5 <= interval < 1.0:
        raise SettingsError(f"interval is {interval}; expected from 0.5 to below 1, such as 0.95.")


def _with_covariates(arms: Arms, places: list[int]) -> Arms:
    """The same test, with some of what is known of its customers, or nothing."""
    if places == list(range(len(arms.names))):
        return arms
    names = tuple(arms.names[place] for place in places)
    return Arms(
        arms.labels, arms.index, arms.outcome, arms.covariates[:, places], names, arms.counts
    )
