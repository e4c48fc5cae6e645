"""What a plan says, in plain words: pure functions of its numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd

from retention_models.languages import counted, day

if TYPE_CHECKING:
    from retention_models.campaign_plans.plan import CampaignPlan

OUTCOMES = {
    "purchases": "purchases",
    "bought": "the share of customers who buy",
    "spend": "spend",
    "profit": "profit",
}


def verdict(plan: CampaignPlan) -> str:
    """Whether the wished lift will be found, in few words."""
    hardest = _hardest(plan)
    if hardest["minimum_detectable_percent"] <= 100.0 * plan.wished_lift:
        return "it will be found"
    return "it takes longer" if plan.days_needed else "it takes more customers"


def summary(plan: CampaignPlan) -> str:
    """What to do, in a paragraph."""
    return " ".join([_what_it_finds(plan), _what_it_takes(plan), _holdout(plan), _source(plan)])


def _hardest(plan: CampaignPlan) -> pd.Series:
    """The row of the primary outcome whose arm finds least."""
    rows = plan.table[plan.table["outcome"] == plan.campaign.primary]
    return rows.loc[rows["minimum_detectable_percent"].fillna(math.inf).idxmax()]


def _what_it_finds(plan: CampaignPlan) -> str:
    row, campaign = _hardest(plan), plan.campaign
    least = row["minimum_detectable_percent"]
    found = (
        f"a lift of {OUTCOMES[campaign.primary]} from {least:.1f}% up, in {plan.power:.0%} of cases"
    )
    if math.isnan(least):
        found = f"no lift of {OUTCOMES[campaign.primary]}, for nearly all buy anyway"
    arms = ", ".join(f"{customers:,} {arm}" for arm, customers in plan.arms.items())
    return (
        f"With {counted(int(plan.arms.sum()), 'customer')} ({arms}) and {campaign.days} days, "
        f"{campaign.name} finds {found}."
    )


def _what_it_takes(plan: CampaignPlan) -> str:
    row, wished = _hardest(plan), f"{plan.wished_lift:.0%}"
    if verdict(plan) == "it will be found":
        return f"That is enough for the {wished} that you wish to find."
    said = f"For the {wished} that you wish to find that is too little:"
    more = "no number of customers would do"
    if not math.isnan(row["customers_needed"]):
        more = f"it takes {row['customers_needed']:,.0f} customers at this length"
    if plan.days_needed:
        return (
            f"{said} {more}, or {plan.days_needed} days with these, if the lift lasts as long as the "
            "campaign does."
        )
    if plan.no_model:
        return f"{said} {more}. What a longer campaign finds cannot be said: {plan.no_model}"
    return (
        f"{said} {more}, and not even 52 weeks do with these. Pool stores, or plan a larger offer."
    )


def _holdout(plan: CampaignPlan) -> str:
    held, floor = int(plan.arms.iloc[0]), plan.holdout_floor
    if held >= floor:
        return f"Held out are {held:,}; the least is {floor:,}."
    return (
        f"Held out are {held:,}, which is too few: hold out {floor:,} at least "
        f"({floor / int(plan.arms.sum()):.0%})."
    )


def _source(plan: CampaignPlan) -> str:
    past, row = plan.backtest, plan.backtest.table.loc[plan.campaign.primary]
    first, last = day(past.campaign.start), day(past.campaign.end)
    return (
        f"This rests on what {counted(past.customers, 'customer')} did from {first} to {last}: their "
        f"histories explain {max(row['r_squared'], 0.0):.0%} of how they differ, which the reading of "
        "the effect takes off."
    )
