"""From a log, a campaign and its assignments to its effect, in one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from retention_models.campaign_data.customers import OUTCOMES
from retention_models.campaign_effects.estimate import effect_of
from retention_models.campaign_effects.result import CampaignEffect
from retention_models.campaign_settings import Campaign

if TYPE_CHECKING:
    from retention_models.campaign_data.reading import Assignments, Given, Redemptions
    from retention_models.transactions import Transactions


def campaign_effect(
    log: Transactions,
    campaign: Campaign,
    assignments: Given | Assignments,
    redemptions: Given | Redemptions | None = None,
    *,
    margin: float | None = None,
    outcomes: Sequence[str] = OUTCOMES,
    interval: float = 0.95,
    segments: pd.Series | str | None = None,
    others: Sequence[Campaign] = (),
    currency: str = "",
    timezone: str = "UTC",
) -> CampaignEffect:
    """What a campaign changed, how far to believe it, and whether it paid.

    Parameters
    ----------
    log : Transactions
        A checked log.
    campaign, assignments, redemptions, margin, others, timezone
        As in `read_campaign`.
    outcomes, interval, segments, currency
        As in `effect_of`.

    Returns
    -------
    CampaignEffect
        A refused one has `grade` None, an empty `table`, and the reason in `refusal`.

    Raises
    ------
    SettingsError, DataError
        As `read_campaign` and `effect_of`.
    """
    from retention_models.campaign_data.reading_campaign import read_campaign

    data = read_campaign(
        log,
        campaign,
        assignments,
        redemptions,
        margin=margin,
        others=others,
        timezone=timezone,
    )
    return effect_of(
        data,
        outcomes=outcomes,
        interval=interval,
        segments=segments,
        margin=margin,
        currency=currency,
    )
