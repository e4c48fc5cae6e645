"""A verdict in few words on the outcome that was declared to decide."""

from __future__ import annotations

import pandas as pd

from retention_models.campaign_effects.rows import arms_of, primary_row
from retention_models.campaign_settings import Campaign
from retention_models.campaigns.ranges import detectable_multiple
from retention_models.languages import catalogue, phrase, share

MORE = catalogue(
    {
        "purchases": "more purchases",
        "bought": "more customers who bought",
        "spend": "more spend",
    }
)
FEWER = catalogue(
    {
        "purchases": "fewer purchases",
        "bought": "fewer customers who bought",
        "spend": "less spend",
    }
)


def detectable_lift(row: pd.Series, level: float = 0.05) -> float:
    """Lift that the test would have found in 80 of 100 cases, in percent; NaN without a mean.

    Parameters
    ----------
    row : Series
        Of the table.
    level : float
        Two-sided.

    Returns
    -------
    float

    Examples
    --------
    >>> round(detectable_lift(pd.Series({"standard_error": 0.05, "mean_against": 2.0})), 1)
    7.0
    """
    if not row["mean_against"] > 0.0:
        return float("nan")
    multiple = detectable_multiple(0.8, level)
    return float(100.0 * multiple * row["standard_error"] / row["mean_against"])


def found_in(row: pd.Series, level: float) -> int:
    """1 where the arm did more beyond chance, −1 less, 0 neither; all arms of a test allowed for."""
    if not row["pvalue_holm"] < level:
        return 0
    return 1 if row["absolute_effect"] > 0.0 else -1


def verdict_of(
    campaign: Campaign, table: pd.DataFrame, economics: pd.DataFrame, level: float
) -> str:
    """Verdict of each arm against control, in the campaign's days; for profit that of its economics.

    Parameters
    ----------
    campaign : Campaign
    table, economics : DataFrame
        As of `CampaignEffect`.
    level : float
        Two-sided, of this look.

    Returns
    -------
    str
        "more purchases", "no difference found (a lift of 12% would have been)" and the like; with
        several arms each behind its name.
    """
    words = {}
    for arm in arms_of(table, campaign.control):
        row = primary_row(table, campaign.primary, "campaign", campaign.control, arm)
        if row is None:
            continue
        paid = economics.loc[economics["arm"] == arm, "verdict"]
        if campaign.primary == "profit" and not paid.empty:
            words[arm] = phrase(str(paid.iloc[0]))
        else:
            words[arm] = _direction(row, level)
    if len(words) == 1:
        return next(iter(words.values()))
    return "; ".join(
        phrase("{arm}: {verdict}", arm=arm, verdict=text) for arm, text in words.items()
    )


def _direction(row: pd.Series, level: float) -> str:
    sign = found_in(row, level)
    if sign:
        return phrase((MORE if sign > 0 else FEWER)[row["outcome"]])
    lift = detectable_lift(row, level)
    if lift != lift:
        return phrase("no difference found")
    return phrase(
        "no difference found (a lift of {lift} would have been)", lift=share(lift / 100.0)
    )
