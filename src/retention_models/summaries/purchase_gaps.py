"""Purchases by the day of the one before and their own, for regular buyers' season."""

from __future__ import annotations

import ibis
import pandas as pd

from retention_models.data.days import purchase_days
from retention_models.data.engines import to_frame
from retention_models.data.transactions import Transactions
from retention_models.summaries.customers import Day, end_of


def count_purchase_gaps(
    log: Transactions, *, store_id: str | None = None, observation_end: Day | None = None
) -> pd.DataFrame:
    """Count repeat purchases by the day of the customer's purchase before and their own, in the engine.

    Parameters
    ----------
    log, store_id, observation_end
        As for `customer_summary`, with which it goes where that counts a day as one purchase.

    Returns
    -------
    DataFrame
        before, date: two days; purchases: how many customers bought on both and not in between. A
        customer first seen before the log's first_seen_from is left out.

    Raises
    ------
    SettingsError
        If a parameter is not understood.

    Examples
    --------
    >>> import retention_models as rm
    >>> days = ["2024-01-01", "2024-01-08", "2024-01-01", "2024-01-08"]
    >>> lines = pd.DataFrame({"id": ["a", "a", "b", "b"], "day": days, "paid": [9, 3, 6, 1]})
    >>> log = rm.read_transactions(lines, customer_id="id", date="day", spend="paid")
    >>> count_purchase_gaps(log)["purchases"].tolist()
    [2]
    """
    end = end_of(log, observation_end)
    days = purchase_days(log.rows(store_id, end), returns=log.has_returns)
    of_customer = ibis.window(group_by="customer_id", order_by="date")
    days = days.select(
        "date",
        before=days["date"].lag().over(of_customer),
        first=days["date"].min().over(ibis.window(group_by="customer_id")),
    )
    if log.first_seen_from is not None:
        days = days.filter(days["first"] >= ibis.literal(log.first_seen_from))
    again = days.filter(days["before"].notnull())
    counted = again.group_by("before", "date").aggregate(purchases=again.count())
    table = to_frame(counted.order_by("before", "date")).astype(
        {"before": "datetime64[ns]", "date": "datetime64[ns]", "purchases": "int64"}
    )
    table.attrs = {"observation_end": end.isoformat()}
    return table
