"""A randomised campaign's arms as numbers, and which covariates adjust which outcome, found once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.campaign_data.customers import CampaignCustomers
from retention_models.campaign_effects.covariates import BY_OUTCOME, usable
from retention_models.campaign_settings import Outcome

# Every text of a million customers is slow to look at: the regressions get the arms as numbers.
CONTROL = 0


@dataclass(frozen=True)
class ByLot:
    """Customers by arm.

    Attributes
    ----------
    labels : tuple of str
        Control first, then the others in order.
    codes : ndarray of int, shape (n,)
        Each customer's arm, as a place in `labels`.
    names : mapping from outcome to list of str
        Covariates of each outcome.
    """

    labels: tuple[str, ...]
    codes: NDArray[np.intp]
    names: Mapping[Outcome, list[str]]

    @property
    def counts(self) -> NDArray[np.intp]:
        """Customers of each arm."""
        return np.bincount(self.codes, minlength=len(self.labels))


def arms_by_lot(data: CampaignCustomers, outcomes: tuple[Outcome, ...]) -> ByLot:
    """The arms of a campaign and the covariates that vary in each of them.

    Parameters
    ----------
    data : CampaignCustomers
    outcomes : tuple of str

    Returns
    -------
    ByLot
    """
    control = data.campaign.control
    found, values = pd.factorize(data.table["arm"])
    labels = (control, *sorted(str(value) for value in values if value != control))
    place = np.array([labels.index(str(value)) for value in values], dtype=np.intp)
    codes = place[found]
    by_names: dict[tuple[str, ...], list[str]] = {}
    for outcome in outcomes:
        asked = BY_OUTCOME[outcome]
        if asked not in by_names:
            by_names[asked] = usable(data.covariates, asked, codes)
    return ByLot(labels, codes, {outcome: by_names[BY_OUTCOME[outcome]] for outcome in outcomes})


def part_of(data: CampaignCustomers, kept: NDArray[np.bool_]) -> CampaignCustomers:
    """Some of the campaign's customers.

    Parameters
    ----------
    data : CampaignCustomers
    kept : ndarray of bool, shape (n,)

    Returns
    -------
    CampaignCustomers
    """
    return CampaignCustomers(
        campaign=data.campaign,
        table=data.table.loc[kept],
        covariates=data.covariates.loc[kept],
        outcomes={window: frame.loc[kept] for window, frame in data.outcomes.items()},
        findings=data.findings,
        last_day=data.last_day,
    )
