"""A shop's transaction log: opened, checked against the contract, and refused where it is unfit."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import ibis
import pandas as pd
from ibis.expr.types import Table

from retention_models.contract import (
    DUPLICATE,
    NO_CUSTOMER,
    as_given,
    classified,
    repeats_are_unusable,
    require_columns,
)
from retention_models.errors import DataError
from retention_models.sources import open_source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retention_models.settings import Settings

ONLY_STORE = "all"


@dataclass(frozen=True)
class Transactions:
    """A checked transaction log.

    Attributes
    ----------
    table : ibis Table
        Usable rows: customer_id (text), store_id (text), date (day in the shop's zone), spend
        (decimal, six places), order_id and category (text, null where not given).
    quality : DataFrame
        Rows that could not be used: store_id, reason, rows, spend (of those rows, where it is a
        number).
    rows_read : int
        Rows in the source.
    returns, zeros : int
        Usable rows with a spend below 0, and with a spend of 0.
    source : str
        What was read, for messages.
    raw : ibis Table
        The source as it is, where its rows that repeat another were kept.
    """

    table: Table = field(repr=False)
    quality: pd.DataFrame = field(repr=False)
    rows_read: int
    returns: int
    zeros: int
    source: str
    raw: Table | None = field(default=None, repr=False)

    @property
    def has_returns(self) -> bool:
        """Whether any usable row is a return; a log that has none is summarised sooner."""
        return self.returns > 0

    @cached_property
    def repeats(self) -> int:
        """Rows that repeat another one exactly and were kept; counted when first asked for."""
        return (
            0 if self.raw is None else self.rows_read - int(self.raw.distinct().count().execute())
        )

    @property
    def remarks(self) -> tuple[str, ...]:
        """What was found and kept, for the reader: returns, zero-spend lines, repeats."""
        found = (
            (self.returns, "rows are returns (spend below 0): they lower spend"),
            (self.zeros, "rows have a spend of 0: they count as purchases"),
            (
                self.repeats,
                "rows repeat another row exactly: they were kept "
                '(duplicates = "drop" leaves them out)',
            ),
        )
        return tuple(f"{count:,} {text}" for count, text in found if count)

    @property
    def rows_unusable(self) -> int:
        """Rows that could not be used, for any reason."""
        return int(self.quality["rows"].sum())

    def store_ids(self) -> list[str]:
        """Ids of the stores in the log, sorted as text."""
        ids = self.table.select("store_id").distinct().order_by("store_id").execute()
        return [str(value) for value in ids["store_id"]]

    def last_day(self) -> dt.date:
        """Day of the last transaction of any store."""
        return pd.Timestamp(self.table["date"].max().execute()).date()

    def rows(self, store_id: str | None = None, until: dt.date | None = None) -> Table:
        """Usable rows of one store (or all), up to and including a day."""
        table = self.table
        if store_id is not None:
            table = table.filter(table["store_id"] == store_id)
        if until is not None:
            table = table.filter(table["date"] <= until)
        return table


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
) -> Transactions:
    """Read a transaction log and check it against the data contract.

    Parameters
    ----------
    source : str or Path
        CSV, Parquet (paths or globs) or DuckDB file.
    customer_id, date, spend : str
        Names of the columns: who bought, when (day, time, or time with offset), and the money paid
        (negative for a return).
    store_id, order_id, category : str, optional
        Names of further columns. Without `store_id` all rows belong to `only_store`.
    table : str, optional
        Table of a DuckDB file.
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

    Returns
    -------
    Transactions

    Raises
    ------
    DataError
        If the source or a column is missing, a column has a type it cannot have, or too many rows
        are unusable: with the reasons counted and the first bad rows.
    """
    name = str(source)
    connection, raw = open_source(name, table, timezone)
    columns = {
        "customer_id": customer_id,
        "date": date,
        "spend": spend,
        "store_id": store_id,
        "order_id": order_id,
        "category": category,
    }
    require_columns(name, raw, columns)
    try:
        found = classified(name, raw, columns, timezone, date_format, decimal, only_store)
        if duplicates == "drop":
            found["reason"] = repeats_are_unusable(raw, found["reason"])
        checked = connection.create_table("checked", raw.select(**found), temp=True)
    except duckdb.Error as error:
        first_line = str(error).strip().split("\n")[0]
        raise DataError(f"{name}: cannot be read. {first_line}") from None
    # Looked up only for a message: to number and keep every row as given takes half of the reading.
    given = raw.select(
        **as_given(raw, columns), customer_id=found["customer_id"], reason=found["reason"]
    )
    log = _accepted(name, checked, given, columns, max_unusable_share)
    return log if duplicates == "drop" else replace(log, raw=raw)


def read_project_transactions(settings: Settings) -> Transactions:
    """Read the log that a project file describes; see `read_transactions`."""
    log = settings.transactions
    ids = settings.stores.ids
    return read_transactions(
        settings.path(log.source),
        **log.columns.model_dump(),
        table=log.table,
        timezone=log.timezone,
        date_format=log.date_format,
        decimal=log.decimal,
        duplicates=log.duplicates,
        max_unusable_share=log.max_unusable_share,
        only_store=ids[0] if ids is not None and len(ids) == 1 else ONLY_STORE,
    )


def _accepted(
    name: str,
    checked: Table,
    given: Table,
    columns: Mapping[str, str | None],
    max_unusable_share: float,
) -> Transactions:
    finite = ibis.ifelse(
        checked["number"].isnan() | checked["number"].isinf(), 0.0, checked["number"]
    )
    found = (
        checked.group_by("store_id", "reason")
        .aggregate(
            rows=checked.count(),
            spend=finite.fill_null(0.0).sum(),
            returns=(checked["number"] < 0).sum(),
            zeros=(checked["number"] == 0).sum(),
        )
        .order_by("store_id", "reason")
        .execute()
    )
    rows = int(found["rows"].sum())
    if rows == 0:
        raise DataError(f"{name}: holds no rows.")
    usable = found["reason"].isna()
    quality = found.loc[~usable, ["store_id", "reason", "rows", "spend"]].reset_index(drop=True)
    held_against = quality.loc[~quality["reason"].isin([NO_CUSTOMER, DUPLICATE]), "rows"].sum()
    if held_against > max_unusable_share * rows or quality["rows"].sum() == rows:
        raise DataError(_refusal(name, given, quality, rows, columns, max_unusable_share))
    returns, zeros = (int(found.loc[usable, kind].sum()) for kind in ("returns", "zeros"))
    kept = checked.filter(checked["reason"].isnull())
    table = kept.select(
        "customer_id",
        "store_id",
        "date",
        # Decimals add up to the same sum in any order, so that a run can be repeated exactly.
        spend=kept["number"].cast("decimal(28, 6)"),
        order_id=kept["order_id"],
        category=kept["category"],
    )
    return Transactions(table, quality, rows, returns, zeros, name)


def _refusal(
    name: str,
    given: Table,
    quality: pd.DataFrame,
    rows: int,
    columns: Mapping[str, str | None],
    allowed: float,
) -> str:
    by_reason = quality.groupby("reason")["rows"].sum().sort_values(ascending=False)
    reasons = "; ".join(f"{reason}: {count:,}" for reason, count in by_reason.items())
    lines = [
        f"{name}: {int(by_reason.sum()):,} of {rows:,} rows cannot be used ({reasons}).",
        "First of them:",
    ]
    shown = ["customer_id", "given_date", "given_spend"]
    bad = given.filter(given["reason"].notnull())
    for row in bad.order_by("row").limit(5).execute().to_dict("records"):
        given = ", ".join(
            f"{columns[role.removeprefix('given_')]} = "
            f"{'missing' if pd.isna(row[role]) else repr(row[role])}"
            for role in shown
        )
        lines.append(f"  - row {row['row']} after the header: {row['reason']} ({given})")
    if "date not understood" in by_reason:
        lines.append(
            "Dates are expected as 2017-12-31 or 2017-12-31T09:30:00+03:00; for another format set "
            'date_format, for example date_format = "%d/%m/%Y". It is never guessed.'
        )
    if "spend is not a number" in by_reason:
        lines.append('Spend is expected as 1234.50; for 1.234,50 set decimal = ",".')
    lines.append(f"Mend the export, or allow more than {allowed:.1%} with max_unusable_share.")
    return "\n".join(lines)
