"""The arms that a campaign plans, and the share of customers that each is to get."""

from __future__ import annotations

import math

from retention_models.campaign_settings import Campaign
from retention_models.errors import SettingsError


def planned_shares(campaign: Campaign) -> dict[str, float]:
    """Share of each arm of a randomised campaign, control first; scaled to add up to 1.

    Parameters
    ----------
    campaign : Campaign

    Returns
    -------
    dict of str to float

    Raises
    ------
    SettingsError
        Where the campaign is not randomised, or its shares are not of two or more arms, control
        among them, all above 0.
    """
    shares = campaign.shares
    if campaign.design != "randomised":
        raise SettingsError(
            f"campaign {campaign.id!r}: design is {campaign.design!r}; customers are put in arms by "
            'chance only where it is "randomised".'
        )
    above = all(math.isfinite(share) and share > 0.0 for share in shares.values())
    if len(shares) < 2 or campaign.control not in shares or not above:
        raise SettingsError(
            f"campaign {campaign.id!r}: shares are {shares}; expected the share of each arm, that of "
            f"{campaign.control!r} among them, all above 0, such as "
            f"{{ {campaign.control} = 0.5, coupon = 0.5 }}."
        )
    total = sum(shares.values())
    first = {campaign.control: shares[campaign.control] / total}
    return first | {arm: share / total for arm, share in shares.items() if arm != campaign.control}
