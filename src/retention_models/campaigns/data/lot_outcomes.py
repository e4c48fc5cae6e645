"""What customers of the lists' tests bought after their lots, and whether they were contacted.

A row of the assignments is a lot: a customer, a list, a day, an arm. Its outcomes are of the days
after it, as many for every lot, at whichever of the chain's stores; a lot whose days are not over yet
has none.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
from ibis.expr.types import Table

from retention_models.data.contacts import Events
from retention_models.data.days import purchase_days
from retention_models.data.engines import to_frame
from retention_models.data.transactions import Transactions

OUTCOMES = ("purchases", "spend", "purchases_before", "spend_before")


def list_test_outcomes(
    log: Transactions,
    assigned: pd.DataFrame,
    *,
    days: int,
    last_day: dt.date,
    events: Events | None = None,
    contacts: Sequence[str] = (),
) -> pd.DataFrame:
    """The lots whose days are over, with OUTCOMES, contacted and contacts (NaN where not recorded).

    purchases: days with a purchase; spend: net of returns. Both of the days 1 to `days` after the lot,
    and, before it, of as many days up to its own. contacts: days with one, that of the lot among them.
    Shapes: assigned (n, columns), returned (m, columns + 6), in the order in which their days ended.
    """
    since = pd.to_datetime(assigned["assigned_at"])
    over = since + pd.Timedelta(days=days) <= pd.Timestamp(last_day)
    found = assigned.loc[over].sort_values("assigned_at", kind="stable", ignore_index=True)
    found = found.assign(**dict.fromkeys(OUTCOMES, 0.0), contacted=np.nan, contacts=np.nan)
    if found.empty:
        return found
    asked = _asked(found, days)
    rows, ids = log.rows(None, last_day), asked.select("asked").distinct()
    rows = rows.semi_join(ids, rows["customer_id"] == ids["asked"])
    with log.origin.reading():
        table = purchase_days(rows, returns=log.has_returns)
        near = table.join(asked, table["customer_id"] == asked["asked"])
        near = near.filter(near["date"] > near["from"], near["date"] <= near["until"])
        after = near["date"] > near["since"]
        sums = near.group_by("place").aggregate(
            purchases=near.count(where=after),
            spend=near["spend"].sum(where=after).cast("float64"),
            purchases_before=near.count(where=~after),
            spend_before=near["spend"].sum(where=~after).cast("float64"),
        )
        answer = to_frame(sums).fillna(0.0)
    for name in OUTCOMES:
        found.loc[answer["place"], name] = answer[name].to_numpy(dtype=float)
    if events is not None and contacts:
        made = _contacts(events, asked, contacts)
        found["contacts"] = made.reindex(found.index, fill_value=0).astype(float)
        found["contacted"] = (found["contacts"] > 0.0).astype(float)
    return found


def _asked(found: pd.DataFrame, days: int) -> Table:
    """The lots for an engine: whose, of which store, their place, and their days."""
    since = pd.to_datetime(found["assigned_at"])
    ahead = pd.Timedelta(days=days)
    return ibis.memtable(
        pa.table(
            {
                "asked": pa.array(found["customer_id"].astype(object), pa.string()),
                "of_store": pa.array(found["store_id"].astype(object), pa.string()),
                "place": np.arange(len(found), dtype=np.int64),
                "since": pa.array(since.dt.date, pa.date32()),
                "from": pa.array((since - ahead).dt.date, pa.date32()),
                "until": pa.array((since + ahead).dt.date, pa.date32()),
            }
        )
    )


def _contacts(events: Events, asked: Table, contacts: Sequence[str]) -> pd.Series:
    """Days with a contact of one of these kinds, at a lot's store or at none, by place where any is."""
    table = events.table
    table = table.filter(table["kind"].lower().isin([kind.lower() for kind in contacts]))
    joined = table.join(asked, table["customer_id"] == asked["asked"])
    here = joined["store_id"].isnull() | (joined["store_id"] == joined["of_store"])
    inside = (joined["date"] >= joined["since"]) & (joined["date"] <= joined["until"])
    days = to_frame(joined.filter(here & inside).select("place", "date").distinct())
    return days.groupby("place").size()
