"""How many categories of products each customer has bought."""

from __future__ import annotations

import pandas as pd
from ibis.expr.types import Table

from retention_models.customer_summaries import Day, as_day
from retention_models.sources.answers import to_frame
from retention_models.transactions import Transactions


def category_counts(
    log: Transactions, *, store_id: str | None = None, observation_end: Day | None = None
) -> pd.DataFrame:
    """Count the categories that each customer has bought, up to the end of observation.

    Parameters
    ----------
    log : Transactions
        A checked log.
    store_id : str, optional
        One store; all of them together unless given.
    observation_end : date or str, optional
        Last day that counts, included. The log's last day, of any store, unless given.

    Returns
    -------
    DataFrame
        Index customer_id (text, sorted). categories: number of distinct categories bought;
        category: the first of them in the order of the text. Returns (spend below 0) and lines
        without a category do not count; customers who have only those are left out.

    Examples
    --------
    >>> import tempfile
    >>> from retention_models.log_reading import read_transactions
    >>> names = {"customer_id": "id", "date": "day", "spend": "paid", "category": "shelf"}
    >>> lines = pd.DataFrame({"id": ["a", "a", "b"], "day": "2024-01-01", "paid": [9, 3, 6],
    ...                       "shelf": ["tea", "jam", "tea"]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     lines.to_csv(f"{folder}/log.csv")
    ...     log = read_transactions(f"{folder}/log.csv", **names)
    >>> category_counts(log).to_dict("index")
    {'a': {'categories': 2, 'category': 'jam'}, 'b': {'categories': 1, 'category': 'tea'}}
    """
    end = log.last_day() if observation_end is None else as_day(observation_end, "observation_end")
    found = categories_bought(log.rows(store_id, end))
    return to_frame(found).set_index("customer_id").sort_index()


def categories_bought(rows: Table) -> Table:
    """Categories of each customer, in the engine that has the rows; columns as above."""
    rows = rows.filter(rows["spend"] >= 0, rows["category"].notnull(), rows["category"] != "")
    return rows.group_by("customer_id").aggregate(
        categories=rows["category"].nunique().cast("int64"), category=rows["category"].min()
    )
