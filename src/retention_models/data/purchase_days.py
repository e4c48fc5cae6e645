"""Transaction lines → days with a purchase, each net of what was returned of it.

Every step is one Ibis expression that any engine can run; nothing leaves the engine.
"""

from __future__ import annotations

from typing import Literal

import ibis
import pandas as pd
from ibis.expr.types import Table

from retention_models.data.engines import to_frame

SameDay = Literal["one", "each", "each_line"]

OWN_ORDER = "the order they name, on a later day"
SAME_DAY = "a purchase of the same day"
LAST_PURCHASE = "the last purchase before them"
NO_PURCHASE = "no purchase before them: left out"


def purchase_days(rows: Table, *, same_day: SameDay = "one", returns: bool = True) -> Table:
    """One row per customer and day with a purchase: customer_id, date, spend, purchases.

    A day is a purchase day if at least one line on it is not a return (spend ≥ 0), also where all of
    it came back: the customer was there, and that is what frequency counts. Its spend is what was paid
    on it less what was returned of it. A return belongs to

    1. the order that it names: the last day, up to its own, on which the customer bought under that
       order id, at whatever store;
    2. else its own day, if the customer bought on it;
    3. else the customer's last purchase day before it;
    4. else nothing: it is left out, see `returns_by_place`.

    A purchase is a day ("one"); an order ("each"), that is a day's lines of one order_id, or of none,
    of which one at least is no return; or a line that is no return ("each_line"). Where there are no
    `returns` the search for them is spared.
    """
    if returns:
        return _net_of_returns(rows, same_day)
    if same_day == "each":
        orders = rows.group_by("customer_id", "date", "order_id").aggregate(
            spend=rows["spend"].sum()
        )
        return orders.group_by("customer_id", "date").aggregate(
            spend=orders["spend"].sum(), purchases=orders.count()
        )
    days = rows.group_by("customer_id", "date").aggregate(
        spend=rows["spend"].sum(), purchases=rows.count()
    )
    if same_day == "each_line":
        return days
    return days.mutate(purchases=ibis.literal(1, "int64"))


def returns_by_place(rows: Table) -> pd.Series:
    """Return lines of a log by where they went, all four places; their sum is all that are returns."""
    orders = _with_purchase_date(_orders(rows))
    place = ibis.cases(
        (orders["purchase_date"].isnull(), NO_PURCHASE),
        (orders["purchase_date"] == orders["date"], SAME_DAY),
        (orders["purchase_date"] == orders["own_date"], OWN_ORDER),
        else_=LAST_PURCHASE,
    )
    found = to_frame(orders.group_by(place=place).aggregate(returns=orders["returned"].sum()))
    by_place = found.set_index("place")["returns"].astype("int64")
    return by_place.reindex([OWN_ORDER, SAME_DAY, LAST_PURCHASE, NO_PURCHASE], fill_value=0)


def _net_of_returns(rows: Table, same_day: SameDay) -> Table:
    orders = _with_purchase_date(_orders(rows))
    counted = {
        "one": ibis.literal(1, "int64"),
        "each": (orders["sold"] > 0).sum(),
        "each_line": orders["sold"].sum(),
    }
    return (
        orders.filter(orders["purchase_date"].notnull())
        .group_by("customer_id", date=orders["purchase_date"])
        .aggregate(spend=orders["spend"].sum(), purchases=counted[same_day])
    )


def _orders(rows: Table) -> Table:
    """A customer's lines of one day and one order id (or none): spend, lines sold and returned."""
    return rows.group_by("customer_id", "date", "order_id").aggregate(
        spend=rows["spend"].sum(),
        sold=(rows["spend"] >= 0).sum(),
        returned=(rows["spend"] < 0).sum(),
    )


def _with_purchase_date(orders: Table) -> Table:
    """Orders with the purchase day whose spend they are part of, null where there is none.

    own_date is the last day, up to the order's own, on which something was sold under its id.
    """
    sold_on = ibis.ifelse(orders["sold"] > 0, orders["date"], ibis.null("date"))
    # One order id has one row a day; of a customer's orders on a day, sales come first, so that the
    # rows up to a return hold them.
    of_id = ibis.window(
        group_by=["customer_id", "order_id"], order_by="date", preceding=None, following=0
    )
    of_customer = ibis.window(
        group_by="customer_id",
        order_by=["date", ibis.desc(orders["sold"])],
        preceding=None,
        following=0,
    )
    orders = orders.mutate(
        own_date=ibis.ifelse(
            orders["order_id"].notnull(), sold_on.max().over(of_id), ibis.null("date")
        ),
        last_date=sold_on.max().over(of_customer),
    )
    # Where something was sold, both are the order's own day.
    return orders.mutate(purchase_date=ibis.coalesce(orders["own_date"], orders["last_date"]))
