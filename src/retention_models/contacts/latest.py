"""What each customer said last: the newest score, the newest event of a kind."""

from __future__ import annotations

import datetime as dt

import ibis
import pandas as pd
from ibis.expr.types import Table

from retention_models.contacts.reading import Events, Surveys
from retention_models.sources import to_frame

COMPLAINT = "complaint"


def last_scores(surveys: Surveys, store_id: str, end: dt.date) -> pd.DataFrame:
    """Each customer's last score.

    Parameters
    ----------
    surveys : Surveys
        From `read_surveys`.
    store_id : str
        Answers of this store, and those of no one store.
    end : date
        Last day that counts.

    Returns
    -------
    DataFrame
        customer_id, score. Of several on one day the lowest: a survey has days, so the last of them
        is not known.
    """
    table = _of_store(surveys.table, store_id, end)
    table = table.filter(table["score"].notnull())
    order = ibis.window(group_by="customer_id", order_by=[ibis.desc("date"), "score"])
    table = table.mutate(place=ibis.row_number().over(order))
    table = table.filter(table["place"] == 0).select("customer_id", "score")
    return to_frame(table.order_by("customer_id"))


def last_events(events: Events, kind: str, store_id: str, end: dt.date) -> pd.DataFrame:
    """Day of each customer's last event of a kind.

    Parameters
    ----------
    events : Events
        From `read_events`.
    kind : str
        Such as "complaint"; upper and lower case are the same.
    store_id, end
        As for `last_scores`.

    Returns
    -------
    DataFrame
        customer_id, day.
    """
    table = _of_store(events.table, store_id, end)
    table = table.filter(table["kind"].lower() == kind.lower())
    found = table.group_by("customer_id").aggregate(day=table["date"].max())
    return to_frame(found.order_by("customer_id"))


def _of_store(table: Table, store_id: str, end: dt.date) -> Table:
    here = table["store_id"].isnull() | (table["store_id"] == store_id)
    return table.filter(here & (table["date"] <= end))
