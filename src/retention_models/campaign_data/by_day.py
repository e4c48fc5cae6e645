"""Purchases of a campaign's arms up to each day, from sums that the engine forms."""

from __future__ import annotations

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa

from retention_models.campaign_data.arms import Arms
from retention_models.sources import to_frame
from retention_models.transactions import Transactions


def purchases_by_day(
    log: Transactions, customers: pd.Index, arms: Arms, first: dt.date, last: dt.date
) -> pd.DataFrame:
    """Sums over each arm's customers of the purchases until each day, and of their squares.

    Parameters
    ----------
    log : Transactions
        A checked log.
    customers : Index of str, shape (n,)
        Ids that differ.
    arms : Arms
        Of these customers.
    first, last : date
        Purchases are counted from the first day on.

    Returns
    -------
    DataFrame, shape (arms · days, 5)
        arm, day, purchases (Σ N_i, N_i being the days with a purchase until this one), squares (Σ N_i²)
        and customers, by arm and day; days without a purchase too.

    Notes
    -----
    A customer's k-th purchase lifts N_i² by k² − (k − 1)² = 2k − 1, so that the engine need only count
    purchases by arm and day, and sum 2k − 1.
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
