"""Who is an active customer of a shop without contracts: whoever bought within the activity window.

The window is the store's own 90th percentile of the days between a customer's purchases unless one is
given: nine gaps in ten are shorter, so that whoever has been away for longer is later than usual.
"""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import pandas as pd
from ibis.expr.types import IntegerValue, Table

from retention_models.data.engines import to_frame
from retention_models.data.transactions import Transactions
from retention_models.errors import CannotSay, SettingsError
from retention_models.summaries.customers import Day, end_of, purchase_days
from retention_models.summaries.periods import Periods

# Fewer gaps have no tenth that lies above the 90th percentile.
FEWEST_GAPS = 10


def activity_window(
    log: Transactions, *, store_id: str | None = None, end: Day | None = None
) -> int:
    """Days within which a customer who is still one buys again, nine times in ten.

    Parameters
    ----------
    log : Transactions
        A checked log.
    store_id : str, optional
        One store; all of them together unless given.
    end : date or str, optional
        Last day that counts; the log's last day unless given.

    Returns
    -------
    int
        The 90th percentile (smallest number of days that at least 90% of them do not exceed) of
        the days from one purchase day of a customer to the next. Gaps that are not over by `end`
        are not among them, so a young log's window is short.

    Raises
    ------
    CannotSay
        If customers came back fewer than 10 times.

    Examples
    --------
    >>> import datetime as dt
    >>> import retention_models as rm
    >>> shop = rm.SimulatedShop(500, dt.date(2023, 1, 1), joining_days=200, seed=3)
    >>> log = shop.log(until="2023-12-30")
    >>> rm.activity_window(log)
    107
    """
    last = end_of(log, end, "end")
    days = purchase_days(log.rows(store_id, last), returns=log.has_returns)
    found = to_frame(windows_of(days, ()))
    if found.empty:
        raise CannotSay(
            "Customers came back fewer than {fewest} times up to {day}, too few to tell after how "
            "long one is lost. Give activity_window in days.",
            fewest=FEWEST_GAPS,
            day=last,
        )
    return int(found["activity_window"].iloc[0])


def check_window(days: int | None) -> None:
    """Refuse an activity window that is not a whole number of days above 0."""
    if days is not None and (not isinstance(days, int) or isinstance(days, bool) or days < 1):
        raise SettingsError(
            f"activity_window: expected a whole number of days above 0; got {days!r}."
        )


def windows_of(days: Table, keys: Sequence[str]) -> Table:
    """Activity window by keys: the keys, activity_window (days), gaps; no row where gaps are few."""
    customer = ibis.window(group_by=[*keys, "customer_id"], order_by="date")
    later = days.mutate(later=days["date"].lead().over(customer))
    later = later.filter(later["later"].notnull())
    gap = later["later"].delta(later["date"], unit="day").cast("int64")
    counts = later.group_by(*keys, gap=gap).aggregate(rows=later.count())
    upto_gap = ibis.window(group_by=list(keys) or None, order_by="gap", preceding=None, following=0)
    everything = ibis.window(group_by=list(keys) or None)
    counts = counts.mutate(
        upto=counts["rows"].sum().over(upto_gap), gaps=counts["rows"].sum().over(everything)
    )
    # In whole numbers: 0.9 · n is not exact.
    enough = (counts["upto"] * 10 >= counts["gaps"] * 9) & (counts["gaps"] >= FEWEST_GAPS)
    beyond = counts.filter(enough)
    found = beyond.aggregate(
        activity_window=beyond["gap"].min(), gaps=beyond["gaps"].max(), by=list(keys)
    )
    return found.filter(found["gaps"].notnull())


def window_by_group(
    days: Table, keys: Sequence[str], given: int | None
) -> tuple[Table, dict[str, int]]:
    """Purchase days with their activity window, and each store's window ("" for all as one).

    Days of a store that has no window are left out.
    """
    if given is not None:
        return days.mutate(activity_window=ibis.literal(given, "int64")), {"": given}
    found = windows_of(days, keys)
    table: pd.DataFrame = to_frame(found)
    if not keys:
        length = 1 if table.empty else int(table["activity_window"].iloc[0])
        with_window = days.mutate(activity_window=ibis.literal(length, "int64"))
        if table.empty:
            return with_window.filter(ibis.literal(False)), {}
        return with_window, {"": length}
    joined = days.join(found.drop("gaps"), list(keys), how="inner")
    windows = dict(zip(table[keys[0]], table["activity_window"].astype(int), strict=True))
    return joined.select(*days.columns, "activity_window"), windows


def kept_customers(days: Table, keys: Sequence[str], periods: Periods, numbers: range) -> Table:
    """Customers active (1) at each period's start, and whether they were at its end (kept, 0 or 1)."""
    customer = ibis.window(group_by=[*keys, "customer_id"], order_by="date")
    later = days.mutate(
        later=days["date"].lead().over(customer),
        # The first day on which a customer who does not come back is no longer active.
        lapsed=(days["date"] + days["activity_window"].as_interval("D")).cast("date"),
    )
    later = later.mutate(
        upto=ibis.least(later["lapsed"], later["later"].fill_null(later["lapsed"]))
    )
    # A purchase keeps its customer active at the ends of the periods from its own to the one before
    # that of the next purchase or of the lapse, whose own ends are no longer this purchase's.
    first = ibis.greatest(periods.number_of(later["date"]), numbers.start - 1)
    stop = ibis.least(periods.number_of(later["upto"]), numbers.stop)
    ends = later.mutate(number=every_number(first, stop))
    order = ibis.window(group_by=[*keys, "customer_id"], order_by="number")
    ends = ends.select(*keys, "customer_id", "number")
    ends = ends.mutate(next_number=ends["number"].lead().over(order))
    kept = (ends["next_number"] == ends["number"] + 1).ifelse(1, 0).fill_null(0)
    found = ends.select(
        *keys,
        "customer_id",
        period=ends["number"] + 1,
        active=ibis.literal(1, "int64"),
        kept=kept.cast("int64"),
    )
    return found.filter(found["period"] < numbers.stop)


def every_number(first: IntegerValue, stop: IntegerValue) -> IntegerValue:
    """A row for every whole number from first to before stop."""
    # As casts: Ibis sets no brackets around the ends when it writes PostgreSQL's and Spark's series.
    return ibis.range(first.cast("int64"), stop.cast("int64")).unnest()
