"""What came of a campaign for each of its customers: purchases, bought, spend, profit by window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.campaign_data.customers import Window
from retention_models.campaign_data.gathering import Span
from retention_models.campaign_data.reading import Redemptions
from retention_models.campaign_settings import Campaign
from retention_models.sources import to_frame

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Redeemed:
    """Redemptions of a campaign by customer and day.

    Attributes
    ----------
    rows : DataFrame
        customer_id, store_id (None where not given), date, redemptions (number), cost (discounts given;
        the campaign's cost of a redemption for those without an amount).
    place : ndarray of int, shape (rows,)
        Each row's customer, as a place among the campaign's; −1 for those who are not among them.
    """

    rows: pd.DataFrame
    place: NDArray[np.intp]

    def within(self, span: Span) -> NDArray[np.bool_]:
        """Which rows fall into a window."""
        days = self.rows["date"]
        return ((days >= span[0]) & (days <= span[1])).to_numpy(dtype=bool)

    def by_customer(self, column: str, span: Span, customers: int) -> Floats:
        """Sum of redemptions or of their cost in a window, shape (customers,)."""
        kept = self.within(span) & (self.place >= 0)
        amounts = self.rows.loc[kept, column].to_numpy(dtype=float)
        return np.bincount(self.place[kept], amounts, customers).astype(float)


def redeemed_of(
    redemptions: Redemptions | None, campaign: Campaign, customers: pd.Index
) -> Redeemed:
    """Redemptions of a campaign, and whose they are.

    Parameters
    ----------
    redemptions : Redemptions, optional
    campaign : Campaign
    customers : Index of str
        The campaign's.

    Returns
    -------
    Redeemed
    """
    if redemptions is None:
        names = ["customer_id", "store_id", "date", "redemptions", "cost"]
        return Redeemed(pd.DataFrame(columns=names), np.zeros(0, dtype=np.intp))
    table = redemptions.table
    table = table.filter(table["campaign_id"] == campaign.id)
    counted = table.group_by("customer_id", "store_id", "date").aggregate(
        redemptions=table.count(),
        amounts=table["amount"].count(),
        given=table["amount"].sum(),
    )
    rows = to_frame(counted)
    without = rows["redemptions"] - rows["amounts"]
    rows["cost"] = rows.pop("given").fillna(0.0) + without * campaign.costs.redemption
    order = ["date", "customer_id", "store_id"]
    rows = rows.drop(columns="amounts").sort_values(order, ignore_index=True)
    return Redeemed(rows, customers.get_indexer(pd.Index(rows["customer_id"], dtype=object)))


def outcomes_of(
    campaign: Campaign,
    margin: float,
    found: pd.DataFrame,
    offered: NDArray[np.bool_],
    redeemed: Redeemed,
    windows: Mapping[Window, Span],
) -> dict[Window, pd.DataFrame]:
    """Outcomes of each window.

    Parameters
    ----------
    campaign : Campaign
    margin : float
        Share of spend that is profit.
    found : DataFrame, shape (n, …)
        From `gathered`.
    offered : ndarray of bool, shape (n,)
        Whether the customer is of an arm other than control.
    redeemed : Redeemed
    windows : mapping from Window to (date, date)
        "campaign" and, where measured, "follow_up".

    Returns
    -------
    dict from Window to DataFrame
        purchases, bought (0 or 1), spend, profit: margin · spend − redemptions of the window − points
        on spend (of those offered) − contact (of those offered, in the campaign's window). "whole" is
        both windows, where both are measured; bought in it is bought in either.
    """
    costs, parts = campaign.costs, {}
    for window, span in windows.items():
        spend = found[f"spend_{window}"].to_numpy()
        purchases = found[f"purchases_{window}"].to_numpy()
        profit = (margin - costs.points_rate * offered) * spend
        profit -= redeemed.by_customer("cost", span, len(found))
        if window == "campaign":
            profit -= costs.contact * offered
        parts[window] = _outcomes(found.index, purchases, spend, profit)
    if "follow_up" in parts:
        both = parts["campaign"] + parts["follow_up"]
        parts["whole"] = _outcomes(
            found.index, *(both[name].to_numpy() for name in ("purchases", "spend", "profit"))
        )
    return parts


def _outcomes(
    customers: pd.Index, purchases: Floats, spend: Floats, profit: Floats
) -> pd.DataFrame:
    bought = (purchases > 0).astype(float)
    columns = {"purchases": purchases, "bought": bought, "spend": spend, "profit": profit}
    return pd.DataFrame(columns, index=customers)
