"""Customer summaries of all stores of a chain, in one pass over the log."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import pandas as pd

from retention_models.customer_summaries import Day, SameDay, customer_summary, without_warm_up
from retention_models.transactions import Transactions


def customer_summary_by_store(
    log: Transactions,
    *,
    store_ids: Collection[str] | None = None,
    observation_end: Day | None = None,
    time_unit: str = "W",
    same_day: SameDay = "one",
    first_seen_from: Day | None = None,
) -> dict[str, pd.DataFrame]:
    """Summarise each customer's purchases at each store.

    Parameters
    ----------
    log : Transactions
        A checked log.
    store_ids : collection of str, optional
        The stores; all in the log unless given.
    observation_end, time_unit, same_day
        As for `customer_summary`.
    first_seen_from : date or str, optional
        As for `customer_summary`: whoever first bought at a store before this day is left out of
        that store's summary.

    Returns
    -------
    dict of str to DataFrame
        By store id, sorted: what `customer_summary` gives for that store. Stores without a purchase
        by then, or with nobody first seen from the day on, are left out. A customer of several
        stores is in the summary of each.

    Raises
    ------
    SettingsError
        If a parameter is not understood.
    """
    log = log.whole
    table = log.table
    if store_ids is not None:
        table = table.filter(table["store_id"].isin(list(store_ids)))
    # The engine takes a customer at two stores for two. The length of the store's id stands before it,
    # so that the two are told apart again whatever characters they hold.
    length = table["store_id"].length().cast("string")
    both = length.concat(":", table["store_id"], table["customer_id"])
    end = log.last_day() if observation_end is None else observation_end
    together = customer_summary(
        replace(log, table=table.mutate(customer_id=both), first_seen_from=None),
        observation_end=end,
        time_unit=time_unit,
        same_day=same_day,
    )
    cuts = [name.partition(":") for name in together.index]
    stores = [rest[: int(size)] for size, _, rest in cuts]
    customers = [rest[int(size) :] for size, _, rest in cuts]
    summaries = {}
    # A list of one store would be taken for a list of columns, and its name for a tuple.
    for store, place in sorted(
        pd.Series(range(len(stores))).groupby(pd.Series(stores, dtype=object))
    ):
        summary = together.iloc[place.to_numpy()]
        summary.index = pd.Index([customers[i] for i in place], name="customer_id", dtype=object)
        summary.attrs = dict(together.attrs)
        summary = without_warm_up(summary.sort_index(), first_seen_from or log.first_seen_from)
        if len(summary):
            summaries[str(store)] = summary
    return summaries
