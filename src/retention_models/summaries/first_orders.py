"""What customers spent on the day of their first purchase."""

from __future__ import annotations

import ibis
import pandas as pd

from retention_models.data.days import purchase_days
from retention_models.data.engines import to_frame
from retention_models.data.transactions import Transactions
from retention_models.summaries.customers import Day, end_of


def first_orders(
    log: Transactions, *, store_id: str | None = None, observation_end: Day | None = None
) -> pd.Series:
    """Spend of each customer's first purchase day, less what was returned of it.

    Parameters
    ----------
    log, store_id, observation_end
        As for `customer_summary`.

    Returns
    -------
    Series of float
        Index customer_id (text, sorted); name first_order, in money. Where the log begins in the
        middle of customers' lives it is the first day seen.

    Raises
    ------
    SettingsError
        If a parameter is not understood.

    Examples
    --------
    >>> import tempfile
    >>> from retention_models.data.reading_transactions import read_transactions
    >>> days = ["2024-01-01", "2024-01-01", "2024-01-08"]
    >>> lines = pd.DataFrame({"id": ["a", "b", "b"], "day": days, "paid": [9, 3, 6]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     lines.to_csv(f"{folder}/log.csv")
    ...     log = read_transactions(f"{folder}/log.csv", customer_id="id", date="day", spend="paid")
    >>> first_orders(log).to_dict()
    {'a': 9.0, 'b': 3.0}
    """
    rows = log.rows(store_id, end_of(log, observation_end))
    days = purchase_days(rows, returns=log.has_returns)
    order = ibis.window(group_by="customer_id", order_by="date")
    days = days.mutate(place=ibis.row_number().over(order))
    first = days.filter(days["place"] == 0)
    found = first.select("customer_id", first_order=first["spend"].cast("float64"))
    return to_frame(found.order_by("customer_id")).set_index("customer_id")["first_order"]


def first_categories(
    log: Transactions, *, store_id: str | None = None, observation_end: Day | None = None
) -> pd.Series:
    """The category that each customer spent most on, on the day of the first purchase; else missing.

    Index customer_id, sorted; of categories with equal spend the first by its name.
    """
    rows = log.rows(store_id, end_of(log, observation_end))
    rows = rows.filter(rows["spend"] >= 0)
    first = rows["date"].min().over(ibis.window(group_by="customer_id"))
    rows = rows.filter(rows["date"] == first)
    spent = rows.group_by("customer_id", "category").aggregate(spend=rows["spend"].sum())
    told = spent["category"].notnull() & (spent["category"] != "")
    order = [ibis.desc(told), ibis.desc(spent["spend"]), "category"]
    spent = spent.mutate(
        place=ibis.row_number().over(ibis.window(group_by="customer_id", order_by=order))
    )
    found = spent.filter(spent["place"] == 0).select("customer_id", "category")
    of = to_frame(found.order_by("customer_id")).set_index("customer_id")["category"]
    return of.where(of != "")
