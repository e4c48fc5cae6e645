"""Which whole weeks of a roll-out to stores are the campaign's, and which its follow-up's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retention_models.campaign_data.customers import Window
from retention_models.campaign_settings import Campaign


def weeks_of(campaign: Campaign, weeks: NDArray[np.int64]) -> dict[Window, NDArray[np.bool_]]:
    """Whole weeks of the campaign, of its follow-up, and of both.

    Parameters
    ----------
    campaign : Campaign
    weeks : ndarray of int, shape (w,)
        Counted from the campaign's first day.

    Returns
    -------
    dict from window to ndarray of bool, shape (w,)
        Windows with a week in them; a week that is part campaign and part not is in "whole" only.
    """
    last, first_after = campaign.days // 7, -(-campaign.days // 7)
    end = (campaign.days + campaign.follow_up) // 7
    found: dict[Window, NDArray[np.bool_]] = {"campaign": (weeks >= 0) & (weeks < last)}
    # Only where the log reaches the follow-up's end.
    if campaign.follow_up and weeks.max() >= end - 1 and end > first_after:
        found["follow_up"] = (weeks >= first_after) & (weeks < end)
        found["whole"] = (weeks >= 0) & (weeks < end)
    return {window: inside for window, inside in found.items() if inside.any()}
