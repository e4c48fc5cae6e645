"""Attributes of customers, given beside the log: by which measures can be taken apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import ibis
import pandas as pd
from ibis.expr.types import Table

from retention_models.contract import require_columns, text_id
from retention_models.errors import DataError
from retention_models.sources import open_source, to_arrow, to_frame

Attributes: TypeAlias = "Table | pd.DataFrame | str | Path"

UNKNOWN = "unknown"


def customer_attributes(given: Attributes, names: Sequence[str], log: Table) -> Table:
    """Attributes as text, a row per customer, in the engine that holds a log.

    Parameters
    ----------
    given : ibis Table, DataFrame, str or Path
        A table with the column customer_id and the attributes, or a CSV or Parquet file of one.
    names : sequence of str
        The attributes wanted.
    log : ibis Table
        A table of the engine that is to hold them.

    Returns
    -------
    ibis Table
        customer_id and the attributes, all text; "unknown" where an attribute is missing.

    Raises
    ------
    DataError
        If a column is missing, ids are not text or whole numbers, or a customer has several rows.
    """
    source, table = _opened(given)
    require_columns(source, table, {name: name for name in ("customer_id", *names)})
    table = table.select(
        customer_id=text_id(source, table, "customer_id", "customer_id"),
        **{name: table[name].cast("string").fill_null(UNKNOWN) for name in names},
    )
    counts = table.group_by("customer_id").aggregate(rows=table.count())
    several = to_frame(counts.filter(counts["rows"] > 1).order_by("customer_id").limit(3))
    if len(several):
        ids = ", ".join(repr(name) for name in several["customer_id"])
        raise DataError(
            f"{source}: expected one row per customer; customer_id {ids} stands in several. A "
            "customer with two attributes would be counted twice: keep one row each."
        )
    return in_engine_of(log, table)


def _opened(given: Attributes) -> tuple[str, Table]:
    if isinstance(given, str | Path):
        return str(given), open_source(str(given), None, "UTC").table
    if isinstance(given, pd.DataFrame):
        return "attributes", ibis.memtable(given)
    return "attributes", given


def in_engine_of(log: Table, table: Table) -> Table:
    """A small table where a log is, so that the two can be joined."""
    return table if table.get_backend() is log.get_backend() else ibis.memtable(to_arrow(table))
