"""A transaction log opened, checked against the contract, and refused where it is unfit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import ibis
from ibis.expr.types import Table

from retention_models.as_read import AsRead, refusal
from retention_models.contract import (
    DUPLICATE,
    NO_CUSTOMER,
    as_given,
    classified,
    repeats_are_unusable,
    require_columns,
)
from retention_models.errors import DataError
from retention_models.sources import Source, open_source, to_frame
from retention_models.transactions import LINES_AT_ONCE, Transactions

if TYPE_CHECKING:
    from retention_models.settings import Settings

ONLY_STORE = "all"
MEMORY = "3.5GB"
# Up to it a float holds every whole number.
_WHOLE_IN_FLOATS = 2.0**53
# One line in so many has its customer remembered: 20,000 of 100,000,000 lines.
_ONE_IN = 5_000


def read_transactions(
    source: str | Path,
    *,
    customer_id: str,
    date: str,
    spend: str,
    store_id: str | None = None,
    order_id: str | None = None,
    category: str | None = None,
    table: str | None = None,
    timezone: str = "UTC",
    date_format: str | None = None,
    decimal: str = ".",
    duplicates: str = "keep",
    max_unusable_share: float = 0.01,
    only_store: str = ONLY_STORE,
    memory: str = MEMORY,
) -> Transactions:
    """Read a transaction log and check it against the data contract.

    Parameters
    ----------
    source : str or Path
        CSV, Parquet (paths or globs) or DuckDB file; or a URL of PostgreSQL or Spark, see
        `open_source`. A Parquet or DuckDB file with typed columns is not copied: it must stay as it is
        while the log is in use, and a change of it is an error.
    customer_id, date, spend : str
        Names of the columns: who bought, when (day, time, or time with offset), and the money paid
        (negative for a return).
    store_id, order_id, category : str, optional
        Names of further columns. Without `store_id` all rows belong to `only_store`.
    table : str, optional
        Table of a DuckDB file or a database.
    timezone : str
        IANA zone in which the shop's days begin. Times with an offset are moved to it; times
        without one are taken to be in it.
    date_format : str, optional
        strptime format of text dates that are not ISO 8601. Never guessed: 03/04 is two days.
    decimal : {".", ","}
        Decimal separator of spend given as text; with "," a "." or a space separates thousands.
    duplicates : {"keep", "drop"}
        What to do with rows that repeat another in every column. Kept and counted by default: two
        equal items in one basket look the same as a row exported twice.
    max_unusable_share : float
        Share of unusable rows above which the log is refused. Rows without a customer id are
        counted but not held against the log: anonymous sales are no mistake.
    only_store : str
        Id of the one store where there is no store column.
    memory : str
        Most that DuckDB may hold in this process; beyond it spills to disk.

    Returns
    -------
    Transactions

    Raises
    ------
    DataError
        If the source or a column is missing, a column has a type it cannot have, or too many rows
        are unusable: with the reasons counted and the first bad rows.
    """
    origin = open_source(str(source), table, timezone, memory)
    raw = origin.table
    columns = {
        "customer_id": customer_id,
        "date": date,
        "spend": spend,
        "store_id": store_id,
        "order_id": order_id,
        "category": category,
    }
    require_columns(origin.name, raw, columns)
    with origin.reading():
        found = classified(origin.name, raw, columns, timezone, date_format, decimal, only_store)
        if duplicates == "drop":
            found["reason"] = repeats_are_unusable(raw, found["reason"])
        checked = raw.select(**found)
        if origin.in_process and (duplicates == "drop" or _holds_text(raw, date, spend)):
            # Reading text as dates and numbers, or finding repeats, is too slow to be done anew by
            # each question.
            checked, origin = _copied(checked), replace(origin, stamps={})
        # Looked up only for a message: to number and keep every row as given takes half of the reading.
        given = raw.select(
            **as_given(raw, columns), customer_id=found["customer_id"], reason=found["reason"]
        )
        as_read = AsRead(origin.name, given, columns, date_format, decimal)
        log = _accepted(origin, checked, as_read, max_unusable_share)
    return replace(log, repeats_kept=duplicates != "drop")


def _holds_text(raw: Table, *columns: str) -> bool:
    return any(raw[column].type().is_string() for column in columns)


def _lines(rows: Table) -> int:
    """How many lines there are: Parquet says so without being read."""
    return int(to_frame(rows.aggregate(lines=rows.count()))["lines"].item())


def _copied(rows: Table) -> Table:
    connection: Any = rows.get_backend()
    return connection.create_table(f"checked_{uuid4().hex}", rows, temp=True)


def read_project_transactions(settings: Settings) -> Transactions:
    """Read the log that a project file describes; see `read_transactions`."""
    log = settings.transactions
    ids = settings.stores.ids
    found = read_transactions(
        settings.path(log.source),
        **log.columns.model_dump(),
        table=log.table,
        timezone=log.timezone,
        date_format=log.date_format,
        decimal=log.decimal,
        duplicates=log.duplicates,
        max_unusable_share=log.max_unusable_share,
        memory=log.memory,
        only_store=ids[0] if ids is not None and len(ids) == 1 else ONLY_STORE,
    )
    return replace(found, first_seen_from=log.first_seen_from)


def _accepted(
    origin: Source,
    checked: Table,
    as_read: AsRead,
    max_unusable_share: float,
) -> Transactions:
    number = checked["number"]
    drawn = {}
    if origin.in_process and _lines(checked) > LINES_AT_ONCE:
        # Read here, where every id is looked at: another look for these alone takes half as long.
        drawn["drawn"] = checked["customer_id"].collect(where=ibis.random() < 1.0 / _ONE_IN)
    finite = ibis.ifelse(number.isnan() | number.isinf(), 0.0, number).fill_null(0.0)
    found = to_frame(
        checked.group_by("store_id", "reason")
        .aggregate(
            **drawn,
            rows=checked.count(),
            spend=finite.sum(),
            sizes=finite.abs().sum(),
            returns=(number < 0).sum(),
            zeros=(number == 0).sum(),
            first_day=checked["date"].min(),
            last_day=checked["date"].max(),
            # Not shown: read here, so that a damaged column is found here.
            orders=checked["order_id"].count(),
            categories=checked["category"].count(),
        )
        .order_by("store_id", "reason")
    )
    rows = int(found["rows"].sum())
    if rows == 0:
        raise DataError(f"{as_read.name}: holds no rows.")
    usable = found["reason"].isna()
    quality = found.loc[~usable, ["store_id", "reason", "rows", "spend"]].reset_index(drop=True)
    held_against = quality.loc[~quality["reason"].isin([NO_CUSTOMER, DUPLICATE]), "rows"].sum()
    if held_against > max_unusable_share * rows or quality["rows"].sum() == rows:
        raise DataError(refusal(as_read, quality, rows, max_unusable_share))
    stores = found.loc[usable, ["store_id", "rows", "returns", "zeros", "first_day", "last_day"]]
    stores = stores.set_index("store_id").sort_index()
    # A file stays as it was found here, and is not looked through for what it does not hold.
    clean = origin.in_process and quality.empty
    kept = checked if clean else checked.filter(checked["reason"].isnull())
    columns = {
        # Decimals add up to the same sum in any order, so that a run can be repeated exactly.
        "spend": kept["number"].cast("decimal(18, 6)"),
        "order_id": kept["order_id"],
        "category": kept["category"],
    }
    # What rounding each line to millionths may add is far below the margin.
    if origin.in_process and found.loc[usable, "sizes"].sum() * 1e6 < 0.99 * _WHOLE_IN_FLOATS:
        columns["spend_millionths"] = (kept["number"] * 1e6).cast("int64").cast("float64")
    table = kept.select("customer_id", "store_id", "date", **columns)
    drawn_ids = found.loc[usable, "drawn"].dropna().explode().dropna() if drawn else ()
    return Transactions(
        *(table, quality, stores, origin),
        as_read=as_read,
        drawn_customers=tuple(sorted(drawn_ids)),
    )
