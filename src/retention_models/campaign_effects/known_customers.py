"""Customers without history can be compared only with others without history."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retention_models.campaign_data.customers import CampaignCustomers, Finding
from retention_models.campaign_effects.arms_by_lot import part_of
from retention_models.campaign_effects.covariates import FEWEST_THAT_DIFFER
from retention_models.languages import counted, phrase


def comparable_part(
    data: CampaignCustomers,
) -> tuple[CampaignCustomers, NDArray[np.bool_], list[Finding]]:
    """The campaign without those who had not bought before, where control has nobody like them.

    Parameters
    ----------
    data : CampaignCustomers
        Targeted or self-selected: controls often are those who had bought before and were not chosen.

    Returns
    -------
    data : CampaignCustomers
    known : ndarray of bool, shape (n,)
        Who of all customers is left.
    findings : list of Finding
        How many are left out.
    """
    everyone = np.ones(len(data.table), dtype=bool)
    if "no_history" not in data.covariates:
        return data, everyone, []
    new = data.covariates["no_history"].to_numpy(dtype=float) > 0.0
    control = (data.table["arm"] == data.campaign.control).to_numpy()
    if not new.any() or (new & control).sum() >= FEWEST_THAT_DIFFER:
        return data, everyone, []
    words = phrase(
        "{customers} had not bought before the campaign, and hardly anyone without the campaign is like "
        "them: they are left out, and nothing is said of them.",
        customers=counted(int(new.sum()), "customer"),
    )
    finding = Finding("customers with history", passed=False, blocks=False, words=words)
    return part_of(data, ~new), ~new, [finding]
