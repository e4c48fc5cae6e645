"""What a log says of a campaign's customers, asked of its engine.

Only a row a customer leaves the engine: the history up to the day before the campaign, where they were
last seen, and the purchases of the windows after it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
from ibis.expr.types import Table

from retention_models.campaigns.data.tables import Window
from retention_models.data.days import purchase_days
from retention_models.data.engines import kept, to_arrow
from retention_models.data.transactions import Transactions
from retention_models.settings.campaigns import Campaign
from retention_models.summaries.histories import customer_histories

Span = tuple[dt.date, dt.date]
_DAY = dt.timedelta(days=1)
_EPOCH = dt.date(1900, 1, 1)


def windows_of(campaign: Campaign, last_day: dt.date) -> dict[Window, Span]:
    """First and last day of what can be measured: the follow-up only where the log reaches its end.

    >>> campaign = Campaign(id="x", name="X", kind="coupon", design="randomised", follow_up=7,
    ...                     start=dt.date(2024, 3, 1), end=dt.date(2024, 3, 31))
    >>> list(windows_of(campaign, dt.date(2024, 4, 6))), list(windows_of(campaign, dt.date(2024, 4, 7)))
    (['campaign'], ['campaign', 'follow_up'])
    """
    found: dict[Window, Span] = {"campaign": (campaign.start, campaign.end)}
    later = campaign.end + dt.timedelta(days=campaign.follow_up)
    if campaign.end < later <= last_day:
        found["follow_up"] = (campaign.end + _DAY, later)
    return found


@contextmanager
def histories_upto(log: Transactions, cut: dt.date) -> Iterator[Table]:
    """Every customer's history up to a day, whenever first seen; see `customer_histories`.

    Three questions are put to it, so that DuckDB in this process keeps the answer meanwhile.
    """
    histories = customer_histories(replace(log, first_seen_from=None), None, cut, "one")
    with log.origin.reading(), kept(histories) as found:
        yield found


def gathered(
    log: Transactions,
    histories: Table,
    customers: pd.Index,
    cut: dt.date,
    windows: Mapping[Window, Span],
) -> pd.DataFrame:
    """History and outcomes of customers.

    Shapes: customers (n,), returned (n, …).
    """
    places = np.arange(len(customers), dtype=np.int64)
    ids = pa.array(customers.to_numpy(dtype=object), pa.string())
    asked = ibis.memtable(pa.table({"asked": ids, "place": places}))
    table = log.table
    # From here on a customer is a number, which engines group by much faster than by text.
    numbered = table.join(asked, table["customer_id"] == asked["asked"])
    numbered = numbered.select(
        "store_id", "date", "spend", "order_id", customer_id=numbered["place"]
    )
    few = replace(log, table=numbered)
    known = histories.join(asked, histories["customer_id"] == asked["asked"])
    known = known.select("frequency", "recency", "age", "repeat_spend", customer_id=known["place"])
    found = pd.DataFrame(index=customers)
    parts = [(known, np.nan), (_since(few, cut, windows), 0.0)]
    if len(log.store_ids()) > 1:
        parts.append((last_seen(few, cut), np.nan))
    for part, nothing in parts:
        answer = to_arrow(part)
        place = answer["customer_id"].to_numpy()
        for name in answer.column_names:
            if name != "customer_id":
                column = np.full(len(customers), nothing)
                column[place] = answer[name].fill_null(0).to_numpy()
                found[name] = column
    if "seen" not in found:
        # Whoever has a history was last seen at the only store.
        found["seen"] = found["frequency"] * 0.0
    return found


def known_customers_not_among(histories: Table, customers: pd.Index) -> list[str]:
    """Ids of customers with a history who are not among some."""
    asked = ibis.memtable(pd.DataFrame({"customer_id": customers.astype(object)}))
    rest = histories.anti_join(asked, "customer_id").select("customer_id")
    return to_arrow(rest)["customer_id"].to_pylist()


def _since(log: Transactions, cut: dt.date, windows: Mapping[Window, Span]) -> Table:
    """Days with a purchase after the cut, by window; a customer without any is not there."""
    until = max(last for _, last in windows.values())
    rows = log.rows(None, until)
    if not log.has_returns:  # a return may be of a purchase before the cut
        rows = rows.filter(rows["date"] > cut)
    days = purchase_days(rows, returns=log.has_returns)
    days = days.filter(days["date"] > cut)
    sums = {"bought_since": days.count()}
    for window, (first, last) in windows.items():
        inside = days["date"].between(ibis.literal(first), ibis.literal(last))
        sums[f"purchases_{window}"] = days.count(where=inside)
        sums[f"spend_{window}"] = days["spend"].sum(where=inside).cast("float64")
    return days.group_by("customer_id").aggregate(**sums)


def last_seen(log: Transactions, cut: dt.date) -> Table:
    """Place of the store of each customer's last purchase: one maximum, of day and place together."""
    stores = log.store_ids()
    rows = log.rows(None, cut)
    rows = rows.filter(rows["spend"] >= 0)
    if len(stores) == 1:
        return rows.group_by("customer_id").aggregate(seen=(rows["spend"] * 0).max())
    # By place, not by id: engines do not agree on the order of text.
    named = pd.DataFrame({"store": stores, "store_place": np.arange(len(stores), dtype=np.int64)})
    places = ibis.memtable(named)
    rows = rows.join(places, rows["store_id"] == places["store"])
    days = rows["date"].delta(ibis.literal(_EPOCH), unit="day").cast("int64")
    rows = rows.select("customer_id", code=days * len(stores) + rows["store_place"])
    latest = rows.group_by("customer_id").aggregate(code=rows["code"].max())
    return latest.select("customer_id", seen=latest["code"] % len(stores))
