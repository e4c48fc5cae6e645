"""Orders that stand in a source twice, line for line: what a file that was loaded twice leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import pandas as pd
from ibis.expr.types import Table

from retention_models.sources import to_frame
from retention_models.transactions import Transactions

# A day with fewer orders may have all of them twice by chance.
_FEWEST_ORDERS = 3


@dataclass(frozen=True, slots=True)
class RepeatedOrders:
    """Orders whose every line stands in the source more than once.

    Attributes
    ----------
    orders : int
        Orders with an id.
    repeated : int
        Orders of which every line has an exact repeat, so that the whole order may be a copy.
    of_several_lines : int
        Those of them with two different lines or more: two equal items cannot explain these.
    whole_days : list of str
        Days, as they stand in the source, with three orders or more, all of them repeated.
    """

    orders: int
    repeated: int
    of_several_lines: int
    whole_days: list[str]


def repeated_orders(log: Transactions) -> RepeatedOrders | None:
    """Find orders that may have been loaded twice.

    Parameters
    ----------
    log : Transactions
        A checked log, read with duplicates = "keep".

    Returns
    -------
    RepeatedOrders or None
        None where the log has no order ids, or its exact repeats were dropped.

    Notes
    -----
    An order is what a customer's lines of one day and one order id (at one store, where there are
    several) make. A line is a copy only if it agrees in every column of the source.
    """
    raw, how = log.origin.table, log.as_read
    if not log.repeats_kept or how is None or how.columns["order_id"] is None:
        return None
    orders = _orders(raw, how.columns)
    copied = orders["copies"] > 1
    by_day = to_frame(
        orders.group_by("order_day")
        .aggregate(
            orders=orders.count(),
            repeated=copied.sum(),
            several=(copied & (orders["different_lines"] > 1)).sum(),
        )
        .order_by("order_day")
    )
    whole = (by_day["repeated"] == by_day["orders"]) & (by_day["orders"] >= _FEWEST_ORDERS)
    return RepeatedOrders(
        orders=int(by_day["orders"].sum()),
        repeated=int(by_day["repeated"].sum()),
        of_several_lines=int(by_day["several"].sum()),
        whole_days=[str(day) for day in by_day.loc[whole, "order_day"] if pd.notna(day)],
    )


def _orders(raw: Table, columns: Mapping[str, str | None]) -> Table:
    lines = raw.group_by(list(raw.columns)).aggregate(copies_of_line=raw.count())
    # Dates with a time begin with the day, in every format that names the year in four digits.
    day = lines[str(columns["date"])].cast("string").substr(0, 10)
    names = [columns[role] for role in ("customer_id", "order_id", "store_id") if columns[role]]
    lines = lines.filter(ibis.and_(*(lines[name].notnull() for name in names)))
    return lines.group_by(*dict.fromkeys(names), order_day=day).aggregate(
        copies=lines["copies_of_line"].min(), different_lines=lines.count()
    )
