"""The effect per redeemer: a secondary number, beside the effect of the offer.

Those who redeem are those who would have bought more anyway, so they are never compared with those who
do not. Instead the effect of the offer on everyone is divided by its effect on redemption (Bloom,
Evaluation Review 8 (1984), 225–246). That is the effect on redeemers if the offer changes nothing for
those who do not redeem it; where it reminds them of the shop, part of their purchases is counted as the
redeemers'.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import stdtr

from retention_models import languages
from retention_models.campaigns.estimators.regression import (
    ArmLabel,
    ArmMeans,
    fit_outcomes,
    flags,
    numbers,
    read_arms,
)
from retention_models.errors import CannotSay, SettingsError
from retention_models.levels import check_interval_of_effect, t_of_interval

# First-stage t² of 10: below, the ratio is not near normal (Staiger & Stock, Econometrica 65 (1997)).
_WEAKEST = 10.0


@dataclass(frozen=True, slots=True)
class RedeemerEffect:
    """Effect of the offer ÷ its effect on redemption. Secondary: the verdict is that of the offer."""

    arm: Hashable
    control: Hashable
    per_redeemer: float
    standard_error: float
    conf_low: float
    conf_high: float
    pvalue: float
    intention_to_treat: float
    redemption: float
    label: str = (
        "Secondary: per redeemer, if the offer changed nothing for those who did not redeem it."
    )


def effects_per_redeemer(
    outcomes: ArrayLike,
    redeemed: ArrayLike,
    arm: ArrayLike,
    covariates: ArrayLike | pd.DataFrame | None = None,
    *,
    treated: Hashable,
    control: Hashable,
    interval: float = 0.95,
) -> tuple[RedeemerEffect, ...]:
    """Effects per redeemer on several outcomes with the same covariates, from a randomised offer.

    With effects d_Y on the outcome and d_D on redemption, the delta method's variance of d_Y ÷ d_D
    is that of the effect on Y − (d_Y ÷ d_D)·D, over d_D².

    Shapes: outcomes (n, m).
    """
    check_interval_of_effect(interval)
    y = numbers("outcomes", outcomes, 2)
    arms = read_arms(np.zeros(len(y)), arm, covariates, control)
    if treated not in arms.labels or treated == control:
        raise SettingsError(
            f"treated is {treated!r} and control {control!r}; expected two of the arms, "
            f"{list(arms.labels)}."
        )
    i = arms.labels.index(treated)
    D = flags("redeemed", redeemed, len(y)) * 1.0
    on_redemption, *on_outcomes = fit_outcomes(arms, np.column_stack([D, y]))
    share = float(on_redemption.means[i] - on_redemption.means[0])
    if share <= 0.0 or share**2 < _WEAKEST * on_redemption.variances[[0, i]].sum():
        raise CannotSay(
            "{share} more of {treated} redeemed than of {control}: too few for an effect per redeemer. "
            "See the effect of the offer.",
            share=languages.share(share, 1),
            treated=ArmLabel(treated),
            control=ArmLabel(control),
        )
    offers = np.array([float(fitted.means[i] - fitted.means[0]) for fitted in on_outcomes])
    rests = fit_outcomes(arms, y - np.outer(D, offers / share))
    pair = (treated, control)
    return tuple(
        _ratio(pair, i, rest, offer, share, interval)
        for rest, offer in zip(rests, offers.tolist(), strict=True)
    )


def _ratio(
    pair: tuple[Hashable, Hashable],
    i: int,
    rest: ArmMeans,
    offer: float,
    share: float,
    interval: float,
) -> RedeemerEffect:
    """Offer ÷ share; `rest` is of the outcome less the ratio times who redeemed."""
    error = float(np.sqrt(rest.variances[[0, i]].sum())) / share
    if error == 0.0:
        raise CannotSay("No customer's outcome differs, so no doubt can be put on an effect.")
    freedom = rest.degrees_of_freedom(i, 0)
    half = float(t_of_interval(freedom, interval)) * error
    value = offer / share
    pvalue = float(2.0 * stdtr(freedom, -abs(value) / error))
    return RedeemerEffect(*pair, value, error, value - half, value + half, pvalue, offer, share)
