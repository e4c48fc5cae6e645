"""The effect of a randomised campaign: on everyone who was offered it, whether they took it up or not.

The effect is the difference between an arm's mean outcome and control's, at the covariates of the
average customer of the test: the average effect on the customers in it (`regression` has the
regression). A good covariate, known before the campaign, takes off what customers differ by anyway
and narrows the interval; that customers were put in arms by chance is what makes it right, whatever
the covariate.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import stdtr

from retention_models.campaigns.estimators.multiplicity import holm
from retention_models.campaigns.estimators.regression import (
    ArmDesign,
    ArmLabel,
    ArmMeans,
    check_same_customers,
    fit_arms,
    fit_outcomes,
    read_arms,
    read_outcome,
)
from retention_models.errors import CannotSay, SettingsError
from retention_models.languages import marked, phrase
from retention_models.levels import check_interval_of_effect, t_of_interval


@dataclass(frozen=True, slots=True)
class Effect:
    """What one arm did to the outcome, against another.

    gain: Variance of the effect without covariates ÷ with them: 1.5 means that without them half as
    many customers again would be needed. 1 without covariates.
    """

    arm: Hashable
    against: Hashable
    customers: int
    customers_against: int
    mean: float
    mean_against: float
    absolute_effect: float
    standard_error: float
    conf_low: float
    conf_high: float
    pvalue: float
    pvalue_holm: float
    degrees_of_freedom: float
    lift_percent: float
    lift_standard_error: float
    lift_low: float
    lift_high: float
    lift_refusal: str
    gain: float


@dataclass(frozen=True, slots=True)
class RandomisedEffect:
    """Effects of a randomised test: every arm against control, then the arms against each other."""

    effects: tuple[Effect, ...]
    control: Hashable
    interval: float
    covariates: tuple[str, ...]
    r_squared: float

    def of(self, arm: Hashable, against: Hashable | None = None) -> Effect:
        """The effect of one arm, against control unless another is named."""
        other = self.control if against is None else against
        for effect in self.effects:
            if (effect.arm, effect.against) == (arm, other):
                return effect
        pairs = ", ".join(f"{effect.arm!r} against {effect.against!r}" for effect in self.effects)
        raise SettingsError(f"No effect of {arm!r} against {other!r}; there are: {pairs}.")

    def table(self) -> pd.DataFrame:
        """One row a comparison, r_squared beside the gain; shape (comparisons, fields + 1)."""
        return pd.DataFrame([asdict(effect) for effect in self.effects]).assign(
            r_squared=self.r_squared
        )


def comparisons(
    arms: ArmDesign, adjusted: ArmMeans, plain: ArmMeans, interval: float
) -> RandomisedEffect:
    """Every arm against control, then the arms against each other."""
    pairs = [(i, 0) for i in range(1, len(arms.labels))]
    pairs += [(j, i) for i, j in combinations(range(1, len(arms.labels)), 2)]
    pvalues = [_pvalue(adjusted, arms, *pair) for pair in pairs]
    by_holm = holm(pvalues)
    effects = tuple(
        _effect(arms, adjusted, plain, pair, (pvalue, float(together)), interval)
        for pair, pvalue, together in zip(pairs, pvalues, by_holm, strict=True)
    )
    explained = 1.0 - adjusted.residual / plain.total if arms.names else 0.0
    return RandomisedEffect(effects, arms.labels[0], interval, arms.names, explained)


def _pvalue(fitted: ArmMeans, arms: ArmDesign, arm: int, against: int) -> float:
    """Two-sided, of no difference."""
    variance = fitted.variances[arm] + fitted.variances[against]
    difference = fitted.means[arm] - fitted.means[against]
    # What rounding leaves of a spread that is none.
    if variance <= 1e-24 * max(fitted.means[arm] ** 2, fitted.means[against] ** 2):
        sentence = marked(
            "Customers of {arm} and {against} do not differ in the outcome beyond what the covariates "
            "say, so no doubt can be put on their difference. Wait until some have bought."
        )
        raise CannotSay(
            sentence, arm=ArmLabel(arms.labels[arm]), against=ArmLabel(arms.labels[against])
        )
    freedom = fitted.degrees_of_freedom(arm, against)
    return float(2.0 * stdtr(freedom, -abs(difference) / np.sqrt(variance)))


def _effect(
    arms: ArmDesign,
    fitted: ArmMeans,
    plain: ArmMeans,
    pair: tuple[int, int],
    pvalues: tuple[float, float],
    interval: float,
) -> Effect:
    """One comparison."""
    i, j = pair
    both = list(pair)
    variance = float(fitted.variances[both].sum())
    freedom = fitted.degrees_of_freedom(i, j)
    quantile = float(t_of_interval(freedom, interval))
    difference = float(fitted.means[i] - fitted.means[j])
    half = quantile * np.sqrt(variance)
    lift = _lift(fitted.means[both], fitted.variances[both], quantile)
    return Effect(
        arms.labels[i],
        arms.labels[j],
        int(arms.counts[i]),
        int(arms.counts[j]),
        float(fitted.means[i]),
        float(fitted.means[j]),
        difference,
        float(np.sqrt(variance)),
        float(difference - half),
        float(difference + half),
        *pvalues,
        freedom,
        *lift,
        lift_refusal="" if np.isfinite(lift[0]) else phrase(_NO_LIFT),
        gain=float(plain.variances[both].sum() / variance),
    )


_NO_LIFT = marked("A lift in percent needs a positive mean in both arms; see the absolute effect.")


def _lift(
    means: np.ndarray, variances: np.ndarray, quantile: float
) -> tuple[float, float, float, float]:
    """Lift, its standard error and interval, in percent; NaN where a mean is not positive.

    With ratio m_T ÷ m_C, the variance of its log is V_T ÷ m_T² + V_C ÷ m_C².
    """
    if not (means > 0.0).all():
        return (np.nan,) * 4
    ratio, error = means[0] / means[1], np.sqrt((variances / means**2).sum())
    ends = ratio * np.exp(quantile * error * np.array([-1.0, 1.0]))
    low, high = (100.0 * (ends - 1.0)).tolist()
    return 100.0 * float(ratio - 1.0), 100.0 * float(ratio * error), low, high


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

    Lin, Annals of Applied Statistics 7 (2013), 295–318: the regression with treatment interacted
    with centred covariates is never less precise than the difference in means, for many customers.
    The standard errors are those of the effect on the customers of the test. p-values and intervals
    are of one comparison each; `pvalue_holm` holds for all together.

    Shapes: outcome (n,), arm (n,), covariates (n, k) or (n,).
    """
    check_interval_of_effect(interval)
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

    Shapes: outcomes (n, m), covariates (n, k).
    """
    check_interval_of_effect(interval)
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
    arms: ArmDesign, names: list[Hashable], outcomes: np.ndarray, interval: float
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


def _with_covariates(arms: ArmDesign, places: list[int]) -> ArmDesign:
    """The same test, with some of what is known of its customers, or nothing."""
    if places == list(range(len(arms.names))):
        return arms
    names = tuple(arms.names[place] for place in places)
    return ArmDesign(
        arms.labels, arms.index, arms.outcome, arms.covariates[:, places], names, arms.counts
    )
