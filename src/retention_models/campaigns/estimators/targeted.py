"""A campaign for customers chosen by rule, with eligible others left out: doubly robust effects (AIPW).

Robins, Rotnitzky & Zhao, Journal of the American Statistical Association 89 (1994); for the effect
on the treated, Sant'Anna & Zhao, Journal of Econometrics 219 (2020), section 2. Preconditions: what
decided who got the campaign is among the covariates, measured before it; every kind of customer had
some chance of either. The estimate is right where the model of the choice (logit) or the linear
models of the outcome are right; nothing in the data shows that no cause was left out (see
`sensitivity`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.special import ndtr

from retention_models.campaigns.estimators.doubly_robust import (
    Choice,
    ate,
    att,
    balance,
    effective_size,
    refuse_thin_weights,
    within_overlap,
)
from retention_models.campaigns.estimators.regression import Flags, Floats, flags, numbers
from retention_models.errors import CannotSay, SettingsError
from retention_models.levels import Z95

Estimand = Literal["att", "ate"]


@dataclass(frozen=True, slots=True)
class TargetedEffect:
    """Doubly robust effect of a targeted campaign, with what its credibility rests on.

    effective_controls: Kish's size of the weighted controls, (Σw)² ÷ Σw².
    Shapes: propensity (customers,), influence (treated + control,), used (customers,).
    """

    estimand: str
    effect: float
    standard_error: float
    conf_low: float
    conf_high: float
    pvalue: float
    treated: int
    control: int
    trimmed_share: float
    effective_controls: float
    balance: pd.DataFrame
    propensity: Floats
    influence: Floats
    used: Flags


@dataclass(frozen=True, slots=True)
class Comparable:
    """Customers with overlap and their fitted choice: any number of outcomes share it.

    Shapes: treated (used customers,), design (used customers, 1 + k), propensity (customers,), used
    (customers,).
    """

    estimand: str
    treated: Flags
    design: Floats
    choice: Choice
    propensity: Floats
    used: Flags
    trimmed_share: float
    effective_controls: float
    balance: pd.DataFrame
    small_sample: bool

    def effect(self, outcome: Any) -> TargetedEffect:
        """Effect on one outcome.

        Shapes: outcome (customers,).
        """
        y, z = numbers("outcome", outcome, 1, self.used.size)[self.used], self.treated
        estimate = att if self.estimand == "att" else ate
        effect, influence = estimate(y, z, self.design, self.choice, small_sample=self.small_sample)
        error = float(np.sqrt((influence**2).mean() / y.size))
        if not error > 0:
            raise CannotSay(
                "The outcome has no spread beyond what the covariates tell, so the campaign's "
                "effect has no standard error; check that the outcome was measured customer by "
                "customer."
            )
        half, pvalue = Z95 * error, 2.0 * float(ndtr(-abs(effect) / error))
        return TargetedEffect(
            *(self.estimand, effect, error, effect - half, effect + half, pvalue),
            *(int(z.sum()), int((~z).sum()), self.trimmed_share, self.effective_controls),
            *(self.balance, self.propensity, influence, self.used),
        )


def comparable(
    treated: Any,
    covariates: Any,
    *,
    estimand: Estimand = "att",
    propensity_covariates: Any = None,
    link: Literal["logit", "probit"] = "logit",
    trim: tuple[float, float] = (0.02, 0.98),
    small_sample: bool = True,
) -> Comparable:
    """Customers with overlap and their fitted choice, whatever the outcome."""
    names = list(map(str, getattr(covariates, "columns", [])))
    x = numbers("covariates", covariates, 2)
    z = flags("treated", treated, len(x))
    w = x
    if propensity_covariates is not None:
        w = numbers("propensity_covariates", propensity_covariates, 2, len(x))
    _check_choices(estimand, link, trim)
    x, w = (np.column_stack([np.ones(len(x)), part]) for part in (x, w))
    choice = Choice.fitted(z, w, link)
    propensity = choice.chance
    used, trimmed = within_overlap(propensity, z, trim, estimand)
    if not used.all():
        z, x, w = z[used], x[used], w[used]
        choice = Choice.fitted(z, w, link)
    weights = _weights(choice.chance, z, estimand)
    refuse_thin_weights(weights, z)
    sides = balance(x[:, 1:], z, weights, names)
    size = effective_size(weights[~z])
    return Comparable(estimand, z, x, choice, propensity, used, trimmed, size, sides, small_sample)


def _weights(chance: Floats, z: Flags, estimand: Estimand) -> Floats:
    """What makes both sides alike in their covariates."""
    if estimand == "att":
        return np.where(z, 1.0, chance / (1.0 - chance))
    return np.where(z, 1.0 / chance, 1.0 / (1.0 - chance))


def _check_choices(estimand: str, link: str, trim: tuple[float, float]) -> None:
    if estimand not in ("att", "ate"):
        raise SettingsError(f'estimand: expected "att" or "ate"; got {estimand!r}.')
    if link not in ("logit", "probit"):
        raise SettingsError(f'link: expected "logit" or "probit"; got {link!r}.')
    if not 0.0 <= trim[0] < trim[1] <= 1.0:
        raise SettingsError(f"trim: expected two ascending chances from 0 to 1; got {trim}.")
