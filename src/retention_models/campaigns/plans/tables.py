"""The tables of a plan: what lift is found, by outcome and arm, and by the length of the campaign."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import pandas as pd

from retention_models.campaigns.plans.backtest import Backtest
from retention_models.campaigns.plans.detectable import (
    WEEKS,
    Growth,
    Moments,
    customers_for_lift,
    detectable_effect,
    moved,
)
from retention_models.settings.campaigns import Campaign

DURATIONS = ("outcome", "days", "minimum_detectable_percent", "found")


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked of a plan: arms and their customers, the wished lift, power and level."""

    arms: pd.Series
    lift: float
    power: float
    level: float

    @property
    def control(self) -> float:
        """Customers held out."""
        return float(self.arms.iloc[0])

    @property
    def each_level(self) -> float:
        """Level of each comparison, so that all of them together keep it (Bonferroni)."""
        return self.level / (len(self.arms) - 1)

    def detectable(self, moments: Moments, treated: float) -> float:
        """Minimum detectable effect of an arm of so many customers, in the outcome's unit."""
        return detectable_effect(
            moments, treated, self.control, power=self.power, level=self.each_level
        )

    def percent(self, moments: Moments) -> float:
        """Detectable lift of the smallest arm, in percent of the mean."""
        effect = self.detectable(moments, float(self.arms.iloc[1:].min()))
        return 100.0 * effect / moments.mean if moments.mean > 0.0 else math.nan


def moments_of(backtest: Backtest, outcome: str) -> Moments:
    """What the backtest measured of an outcome."""
    row = backtest.table.loc[outcome]
    return Moments(
        float(row["mean"]),
        float(row["standard_deviation"]),
        float(row["r_squared"]),
        outcome == "bought",
    )


def outcome_table(backtest: Backtest, terms: Terms, shares: dict[str, float]) -> pd.DataFrame:
    """`CampaignPlan.table`: a row an outcome and arm other than control, the first of `shares`."""
    rows = []
    control = next(iter(shares))
    for outcome in backtest.table.index:
        moments = moments_of(backtest, outcome)
        for arm in list(shares)[1:]:
            effect = terms.detectable(moments, float(terms.arms[arm]))
            rows.append(
                {
                    "outcome": outcome,
                    "arm": arm,
                    "mean": moments.mean,
                    "standard_deviation": moments.standard_deviation,
                    "r_squared": moments.r_squared,
                    "customers": int(terms.arms[arm] + terms.arms[control]),
                    "minimum_detectable_effect": effect,
                    "minimum_detectable_percent": 100.0 * effect / moments.mean
                    if moments.mean > 0.0
                    else math.nan,
                    "customers_needed": customers_for_lift(
                        moments,
                        terms.lift,
                        (shares[arm], shares[control]),
                        power=terms.power,
                        level=terms.each_level,
                    ),
                }
            )
    return pd.DataFrame(rows)


def duration_table(
    backtest: Backtest, campaign: Campaign, growth: Growth, terms: Terms
) -> tuple[pd.DataFrame, int | None]:
    """Detectable lift by length, and the shortest length at which the wished one is found."""
    target = 100.0 * terms.lift
    amounts = functools.cache(growth.at)  # the same for every outcome, and slow to find

    def percent(outcome: str, days: int) -> float:
        moments = moments_of(backtest, outcome)
        measured, wished = amounts(campaign.days), amounts(days)
        return terms.percent(
            moved(moments, measured[moments.proportion], wished[moments.proportion])
        )

    lengths = sorted({7 * week for week in WEEKS} | {campaign.days})
    rows = [
        {"outcome": outcome, "days": days, "minimum_detectable_percent": percent(outcome, days)}
        for outcome in backtest.table.index
        for days in lengths
    ]
    table = pd.DataFrame(rows)
    table["found"] = table["minimum_detectable_percent"] <= target
    of_primary = table[table["outcome"] == campaign.primary].set_index("days")["found"]
    if not of_primary.any():
        return table, None
    if of_primary[campaign.days] and not of_primary[: campaign.days - 1].any():
        return table, campaign.days
    first = int(of_primary.idxmax())
    begin = max((days for days in lengths if days < first), default=0) // 7 + 1
    between = (7 * week for week in range(begin, 53) if 7 * week < first)
    found = (days for days in between if percent(campaign.primary, days) <= target)
    return table, next(found, first)
