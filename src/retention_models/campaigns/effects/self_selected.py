"""Customers who chose to join: compared as if chosen by a rule, with what a hidden cause could do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from retention_models.campaigns.data.tables import CampaignCustomers, Check
from retention_models.campaigns.effects.customers import NAMES, comparable_part, for_choice
from retention_models.campaigns.effects.tables import (
    SENSITIVITY,
    DesignEstimates,
    EffectRequest,
    primary_row,
)
from retention_models.campaigns.effects.targeted import (
    arms_with_campaign,
    choice_of,
    targeted_estimates,
)
from retention_models.campaigns.estimators.sensitivity import (
    e_value,
    hidden_bounds,
    ratio_of_difference,
)
from retention_models.errors import CannotSay
from retention_models.languages import decimals, marked, phrase, spoken
from retention_models.settings.campaigns import Outcome

# Measures of what a hidden cause could do.
BOUND, EXPLAINED = marked("bound"), marked("explained away")
E_VALUE, E_VALUE_OF_INTERVAL = marked("e-value"), marked("e-value of the interval")
_RATIOS = ("purchases", "bought")


def self_selected_estimates(data: CampaignCustomers, asked: EffectRequest) -> DesignEstimates:
    """Effects among customers who joined by themselves; no profit, and never without sensitivity."""
    outcomes = tuple(outcome for outcome in asked.outcomes if outcome != "profit")
    if not outcomes or data.campaign.primary == "profit":
        raise CannotSay(
            "Customers chose for themselves to join, and those who join are those who would have "
            "bought more. Whether that paid cannot be said from who joined. No profit is given. "
            "Offer it to customers drawn by lot the next time."
        )
    found = targeted_estimates(data, EffectRequest(outcomes, asked.level))
    rows: list[dict[str, Any]] = []
    checks = list(found.checks)
    data, _, _ = comparable_part(data)
    for arm in arms_with_campaign(data):
        for outcome in outcomes:
            try:
                rows += _sensitivity(data, found.table, arm, outcome)
            except CannotSay as reason:
                name = phrase("sensitivity of {outcome}", outcome=phrase(NAMES[outcome]))
                checks.append(Check(name, False, False, str(reason)))
    return DesignEstimates(
        table=found.table,
        checks=tuple(checks),
        members=found.members,
        balance=found.balance,
        naive=found.naive,
        sensitivity=pd.DataFrame(rows, columns=list(SENSITIVITY)),
    )


def _sensitivity(
    data: CampaignCustomers, table: pd.DataFrame, arm: str, outcome: Outcome
) -> list[dict[str, Any]]:
    """Of one outcome in the campaign's days."""
    estimate = primary_row(table, outcome, "campaign", data.campaign.control, arm)
    if estimate is None:
        return []
    both = data.table["arm"].isin([arm, data.campaign.control]).to_numpy()
    treated, covariates = choice_of(data, arm, both)
    y = data.outcomes["campaign"][outcome].to_numpy(dtype=float)[both]
    bounds = hidden_bounds(
        y, treated, covariates, propensity_covariates=for_choice(covariates, treated)
    )
    names = {"outcome": outcome, "window": "campaign", "arm": arm}
    rows: list[dict[str, Any]] = [names | one for one in _e_values(estimate, y)]
    for strength, ends in bounds.table.iterrows():
        words = phrase(
            "Where something unknown makes the odds of joining up to {strength} times as high for some "
            "customers as for others like them.",
            strength=spoken().figures(f"{strength:g}"),
        )
        if strength == 1.0:
            words = phrase("Without anything unknown.")
        low, high = float(ends["att_low"]), float(ends["att_high"])
        rows.append(
            names
            | {"measure": BOUND, "strength": strength, "effect_low": low, "effect_high": high}
            | {"conf_low": ends["conf_low"], "conf_high": ends["conf_high"], "words": words}
        )
    return [*rows, names | _explained(bounds.explained_at)]


def _explained(strength: float) -> dict[str, Any]:
    """How strong the unknown must be to leave nothing of the effect."""
    if strength == 1.0:
        words = phrase("Chance alone explains the difference, without anything unknown.")
    elif np.isinf(strength):
        words = phrase(
            "Even what makes the odds of joining 20 times as high does not explain the difference."
        )
    else:
        words = phrase(
            "Something unknown that makes the odds of joining {strength} times as high for some "
            "customers as for others like them explains all of the difference.",
            strength=decimals(strength, 2),
        )
    return {"measure": EXPLAINED, "strength": strength, "words": words}


def _e_values(estimate: pd.Series, y: np.ndarray) -> list[dict[str, Any]]:
    """Of the ratio, and of the end of its interval that is nearer to none."""
    if estimate["outcome"] in _RATIOS:
        lifts = estimate[["lift_percent", "lift_low", "lift_high"]].to_numpy(dtype=float)
        ratios = tuple((1.0 + lifts / 100.0).tolist())
    else:
        ratios = ratio_of_difference(
            estimate["absolute_effect"], estimate["standard_error"], float(y.std(ddof=1))
        )
    if not np.isfinite(ratios).all():
        return []
    found = e_value(*ratios)
    return [
        {
            "measure": E_VALUE,
            "strength": found.estimate,
            "words": phrase(
                "Something unknown would have to make both joining and buying so many times as likely "
                "to explain the difference away."
            ),
        },
        {
            "measure": E_VALUE_OF_INTERVAL,
            "strength": found.interval,
            "words": phrase(
                "Something unknown would have to make both joining and buying so many times as likely "
                "to explain away that there is any difference beyond chance."
            ),
        },
    ]
