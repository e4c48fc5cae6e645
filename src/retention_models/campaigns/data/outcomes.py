"""Outcomes of a campaign by customer: purchases, bought, spend, profit by window, purchases by day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from retention_models.campaigns.data.assignments import Redemptions
from retention_models.campaigns.data.gathering import Span
from retention_models.campaigns.data.tables import ArmAssignment, Window
from retention_models.data.engines import to_frame
from retention_models.data.transactions import Transactions
from retention_models.settings.campaigns import Campaign

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Redeemed:
    """Redemptions of a campaign by customer and day.

    Shapes: place (rows,).
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
    """Redemptions of a campaign, and whose they are."""
    if redemptions is None:
        names = ["customer_id", "store_id", "date", "redemptions", "cost", "unpriced"]
        return Redeemed(pd.DataFrame(columns=names), np.zeros(0, dtype=np.intp))
    table = redemptions.table
    table = table.filter(table["campaign_id"] == campaign.id)
    counted = table.group_by("customer_id", "store_id", "date").aggregate(
        redemptions=table.count(),
        amounts=table["amount"].count(),
        given=table["amount"].sum(),
    )
    rows = to_frame(counted)
    rows["unpriced"] = rows["redemptions"] - rows.pop("amounts")
    rows["cost"] = rows.pop("given").fillna(0.0) + rows["unpriced"] * campaign.costs.redemption
    order = ["date", "customer_id", "store_id"]
    rows = rows.sort_values(order, ignore_index=True)
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

    Shapes: found (n, …), offered (n,).
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


def purchases_by_day(
    log: Transactions, customers: pd.Index, arms: ArmAssignment, first: dt.date, last: dt.date
) -> pd.DataFrame:
    """Sums over each arm's customers of the purchases until each day, and of their squares.

    A customer's k-th purchase lifts N_i² by k² − (k − 1)² = 2k − 1, so that the engine need only count
    purchases by arm and day, and sum 2k − 1.

    arm, day, purchases (Σ N_i, N_i being the days with a purchase until this one), squares (Σ N_i²)
    and customers, by arm and day; days without a purchase too.
    Shapes: customers (n,), returned (arms · days, 5).
    """
    codes, labels = pd.factorize(pd.Series(arms.arm), sort=True)
    places = np.arange(len(customers), dtype=np.int64)
    ids = pa.array(customers.to_numpy(dtype=object), pa.string())
    asked = ibis.memtable(pa.table({"asked": ids, "place": places, "code": codes.astype(np.int64)}))
    rows = log.rows(None, last)
    rows = rows.filter(rows["date"] >= ibis.literal(first), rows["spend"] >= 0)
    days = rows.join(asked, rows["customer_id"] == asked["asked"])
    days = days.select("place", "code", "date").distinct()
    so_far = ibis.row_number().over(ibis.window(group_by="place", order_by="date"))
    days = days.mutate(step=2 * so_far + 1)
    found = to_frame(
        days.group_by("code", "date").aggregate(
            purchases=days.count(), squares=days["step"].sum().cast("int64")
        )
    )
    sums = np.zeros((2, len(labels), (last - first).days + 1))
    since = np.array([(day - first).days for day in found["date"]], dtype=np.intp)
    for total, name in zip(sums, ("purchases", "squares"), strict=True):
        total[found["code"], since] = found[name]
    purchases, squares = sums.cumsum(axis=2)
    span = [first + dt.timedelta(days=day) for day in range(sums.shape[2])]
    table = pd.DataFrame(
        {
            "arm": np.repeat([str(label) for label in labels], len(span)),
            "day": span * len(labels),
            "purchases": purchases.ravel(),
            "squares": squares.ravel(),
        }
    )
    return table.assign(customers=np.bincount(codes).repeat(len(span)))
