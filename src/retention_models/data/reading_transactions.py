"""Reads a transaction log and checks it against the data contract; refuses one that is unfit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import ibis
import pandas as pd
from ibis.expr.types import Table, Value

from retention_models.data.checked_sources import SourceCheck, require_usable
from retention_models.data.contract import (
    DUPLICATE,
    LARGEST_SPEND,
    NO_CUSTOMER,
    NO_ID,
    NO_NUMBER,
    NOBODY,
    NOT_KEPT,
    RUINED,
    Amounts,
    is_plain,
    is_ruined,
    number_of,
    repeats_are_unusable,
    require_types,
)
from retention_models.data.engines import Frame, Source, copied, open_source, to_frame
from retention_models.data.expressions import with_amount
from retention_models.data.id_rules import IdRule
from retention_models.data.misleading_logs import (
    DECIMALS,
    EITHER,
    mark_of_thousands,
    refuse_a_log_loaded_twice,
    refuse_doubtful_points,
    refuse_lines_of_no_one,
    refuse_lost_zeros,
    refuse_several_currencies,
    refuse_two_notations,
)
from retention_models.data.no_sales import left_out
from retention_models.data.refusals import SourceAsRead
from retention_models.data.stray_rows import (
    refuse_a_stray_first_day,
    refuse_a_stray_last_day,
    refuse_a_total_row,
)
from retention_models.data.transactions import LINES_AT_ONCE, Transactions
from retention_models.languages import marked

if TYPE_CHECKING:
    from retention_models.settings.project import Settings

ONLY_STORE = "all"
MEMORY = "3.5GB"
_ZERO = ord("0")
# Up to it a float holds every whole number.
_WHOLE_IN_FLOATS = 2.0**53
# One line in so many has its customer remembered: 20,000 of 100,000,000 lines.
_ONE_IN = 5_000
# Lines of typed columns that are checked once and held, at some 100 bytes each.
FEW_LINES = 2_000_000


def read_transactions(
    source: str | Path | Frame,
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
    thousands: str | None = None,
    currency_sign: str | None = None,
    minus: str = "front",
    duplicates: str = "keep",
    max_unusable_share: float = 0.01,
    only_store: str = ONLY_STORE,
    memory: str = MEMORY,
    anonymous: Sequence[str] = (),
    keep: Mapping[str, Sequence[str]] | None = None,
    where: str | None = None,
    mend_ids: bool = False,
    ignore_case: bool = False,
    encoding: str | None = None,
    sheet: str | None = None,
) -> Transactions:
    """Read a transaction log and check it against the data contract.

    Parameters
    ----------
    source : str, Path or frame
        CSV, JSON lines, Excel, Parquet (paths or globs) or DuckDB file; a URL of PostgreSQL or Spark,
        see `open_source`; a pandas, Polars or Arrow frame, or an Ibis table. A Parquet or DuckDB file
        with typed columns must stay as it is while the log is in use, also where its rows are held in
        memory, as up to two million are: a change of it is an error. A frame is copied.
    customer_id, date, spend : str
        Names of the columns: who bought, when (day, time, or time with offset), and the money paid
        (negative for a return). Spend may be arithmetic over columns, such as
        ``"Quantity * UnitPrice"``, see Notes.
    store_id, order_id, category : str, optional
        Names of further columns. Without `store_id` all rows belong to `only_store`.
    table : str, optional
        Table or view of a DuckDB file or a database.
    timezone : str
        IANA zone in which the shop's days begin. Times with an offset are moved to it; times
        without one are taken to be in it.
    date_format : str, optional
        strptime format of text dates that are not ISO 8601. Never guessed: 03/04 is two days. For
        numbers that count from 1970, "unix seconds", "unix milliseconds" or "unix microseconds".
    decimal : {".", ","}
        Decimal separator of spend given as text; with "," a "." or a space separates thousands.
    thousands : {",", ".", "'", " "}, optional
        What separates thousands of spend given as text; with it, 1,234.50 is a number.
    currency_sign : str, optional
        Taken off in front of spend given as text, or behind it, such as "$" of $12.50.
    minus : {"front", "behind", "brackets"}
        Where spend given as text has its minus besides in front: behind (12.50-), or as brackets
        around ((12.50)).
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
    anonymous : sequence of str
        Customer ids that stand for nobody, such as "GUEST" or "0": their rows are counted and left
        out, as those without an id.
    keep : mapping of str to sequence of str, optional
        Values of further columns that make a row a sale, such as ``{"status": ["completed"]}``; rows
        with others are counted and left out.
    where : str, optional
        Condition that a row of the log meets, such as ``"Country = 'Germany' and Quantity > 0"``, see
        Notes; other rows are counted and left out.
    mend_ids : bool
        Read ids that a tool turned into 17850.0 as 17850; refused where an id could be lost by it.
    ignore_case : bool
        Read customers' ids in lower case, so that Ada@x.de and ada@x.de, which are one address, are
        one customer.
    encoding : str, optional
        Encoding of CSV files or JSON lines that are not UTF-8, such as "cp1254".
    sheet : str, optional
        Worksheet of an Excel file; not needed where one only holds anything.

    Returns
    -------
    Transactions

    Raises
    ------
    SettingsError
        If spend or where is no expression, or a notation is none of those named.
    DataError
        If the source or a column is missing, a column has a type it cannot have, or too many rows
        are unusable: with the reasons counted and the first bad rows.

    Notes
    -----
    Expressions are read by a grammar of their own and computed by the engine of the source; nothing of
    them is run as code. Arithmetic has columns, numbers, + - * / and brackets. A condition has
    comparisons (=, <>, <, <=, >, >=, in) of columns with numbers, texts and days in single quotes, or
    true and false, joined by and, or, not. A column with a blank in its name stands in backquotes.
    Nothing is the empty text: ``"Customer <> ''"`` asks for rows with a customer.

    Examples
    --------
    >>> lines = {"who": ["a", "a", "b"], "day": ["2024-01-05", "2024-02-05", "2024-01-09"]}
    >>> lines |= {"Quantity": [2, 1, 3], "Unit price": [1.5, 4.0, 2.0]}
    >>> names = {"customer_id": "who", "date": "day", "spend": "Quantity * `Unit price`"}
    >>> log = read_transactions(pd.DataFrame(lines), **names, where="who = 'a'")
    >>> log.rows_read, float(log.table["spend"].sum().execute())
    (3, 7.0)
    """
    opened = open_source(
        source, table, timezone, memory, encoding=encoding, sheet=sheet, name="log"
    )
    amounts = Amounts(decimal, thousands, currency_sign, minus)
    with opened.reading():
        opened, paid, parts = with_amount(opened, spend, amounts)
    columns = {"customer_id": customer_id, "date": date, "spend": paid, "store_id": store_id}
    columns |= {"order_id": order_id, "category": category}
    rule = IdRule(mend_ids, ignore_case, anonymous)
    check = SourceCheck(
        *(opened, columns, "date", timezone, date_format, amounts, rule, where),
        parts={"spend": parts} if parts else {},
    )
    origin, raw = check.origin, check.raw
    with origin.reading():
        reason = _contract(check, only_store)
        reason = left_out(check, reason, keep or {})
        if duplicates == "drop":
            reason = repeats_are_unusable(raw, reason)
        point = mark_of_thousands(check, parts or (paid,))
        checked = raw.select(**check.found, reason=reason, point=point)
        typed = not any(raw[name].type().is_string() for name in (date, *(parts or (paid,))))
        if origin.in_process and (duplicates == "drop" or not typed):
            # Reading text as dates and numbers, or finding repeats, is too slow to be done anew by
            # each question.
            checked, origin = copied(checked), replace(origin, stamps={})
        elif origin.in_process and _lines(raw) <= FEW_LINES:
            # A page asks thirty times: to check so few anew each time takes longer than all the rest.
            checked = copied(checked)
        as_read = check.as_read(reason, "customer_id", "date", "spend")
        found = _counted(origin, checked)
        log = _accepted(origin, checked, found, as_read, max_unusable_share)
        refuse_doubtful_points(check, found)
        refuse_several_currencies(check, reason, tuple(keep or ()), spend)
        refuse_lines_of_no_one(check, found)
        refuse_lost_zeros(check, log.table, found)
        if duplicates == "keep" and origin.in_process:
            refuse_a_log_loaded_twice(check, log.table, found)
        refuse_a_stray_last_day(check, reason, log.table, int(log.stores["rows"].sum()))
        refuse_a_stray_first_day(check, reason, log)
        refuse_a_total_row(check, reason, found, log)
    return replace(log, repeats_kept=duplicates != "drop", ids=rule)


def _contract(check: SourceCheck, only_store: str) -> Value:
    """Finds the contract's columns of every row; why it is unusable, null where it is not."""
    name, raw, found = check.name, check.raw, check.found
    ids = [role for role in ("store_id", "customer_id") if check.columns[role] is not None]
    found["store_id"] = ibis.literal(only_store)
    for role in ids:
        found[role] = check.id_text(role)
    require_types(name, raw, {role: check.columns[role] for role in ("date", "spend")})
    refuse_two_notations(check)
    spend = number_of(name, check.column("spend"), check.amounts)
    found["number"] = spend
    for role in ("order_id", "category"):
        found[role] = ibis.null("string")
        if check.columns[role] is not None:
            text = check.column(role).cast("string")
            found[role] = ibis.ifelse(check.blank(role), ibis.null("string"), text)
    check.refuse_days_beyond()
    infinite = spend.isnan() | spend.isinf() | (spend.abs() >= LARGEST_SPEND)
    texts = [role for role in ids if check.column(role).type().is_string()]
    fault = ibis.cases(
        *check.empty(),
        *check.reasons,
        (check.blank("spend"), marked("no spend")),
        (spend.isnull(), NO_NUMBER),
        (infinite, marked("spend is not finite, or 1e12 and more")),
        *((check.blank(role), NO_ID[role]) for role in ids),
        *((is_ruined(found[role]), RUINED[role]) for role in texts),
        else_=ibis.null("string"),
    )
    # Nearly every row is seen to be sound at a glance, which takes a third of looking for each fault.
    sound = check.day_is_plain() & (spend.abs() < LARGEST_SPEND)
    for role in ids:
        sound = sound & is_plain(check.column(role))
    return ibis.ifelse(sound, ibis.null("string"), fault)


def _lines(rows: Table) -> int:
    """How many lines there are: Parquet says so without being read."""
    return int(to_frame(rows.aggregate(lines=rows.count()))["lines"].item())


def read_project_transactions(settings: Settings) -> Transactions:
    """Read the log that a project file describes; see `read_transactions`."""
    log = settings.transactions
    ids = settings.stores.ids
    apart = {"source", "columns", "first_seen_from"}
    found = read_transactions(
        settings.path(log.source),
        **log.columns.model_dump(),
        **log.model_dump(exclude=apart),
        only_store=ids[0] if ids is not None and len(ids) == 1 else ONLY_STORE,
    )
    return replace(found, first_seen_from=log.first_seen_from)


def _counted(origin: Source, checked: Table) -> pd.DataFrame:
    """Rows and what is said of them, by store and reason (null for usable rows); the only full look."""
    number = checked["number"]
    drawn = {}
    if origin.in_process and _lines(checked) > LINES_AT_ONCE:
        # Read here, where every id is looked at: another look for these alone takes half as long.
        drawn["drawn"] = checked["customer_id"].collect(where=ibis.random() < 1.0 / _ONE_IN)
    finite = ibis.ifelse(number.isnan() | number.isinf(), 0.0, number).fill_null(0.0)
    return to_frame(
        checked.group_by("store_id", "reason")
        .aggregate(
            **drawn,
            rows=checked.count(),
            spend=finite.sum(),
            sizes=finite.abs().sum(),
            largest=finite.max(),
            returns=(number < 0).sum(),
            zeros=(number == 0).sum(),
            # Days of unusable rows may be ones for which Python has no date.
            first_day=checked["date"].min(where=checked["reason"].isnull()),
            last_day=checked["date"].max(where=checked["reason"].isnull()),
            # Whether it is worth to look for ids that lost their zeros, or for thousands.
            zeros_in_front=(
                (checked["customer_id"].ascii_str() == _ZERO)
                | (checked["store_id"].ascii_str() == _ZERO)
            ).sum(),
            either=(checked["point"] == EITHER).sum(),
            decimals=(checked["point"] == DECIMALS).sum(),
            # Not shown: read here, so that a damaged column is found here.
            orders=checked["order_id"].count(),
            categories=checked["category"].count(),
        )
        .order_by("store_id", "reason")
    )


def _accepted(
    origin: Source,
    checked: Table,
    found: pd.DataFrame,
    as_read: SourceAsRead,
    max_unusable_share: float,
) -> Transactions:
    quality = require_usable(
        as_read, found, max_unusable_share, [NO_CUSTOMER, DUPLICATE, NOBODY, NOT_KEPT]
    )
    quality = quality[["store_id", "reason", "rows", "spend"]]
    usable = found["reason"].isna()
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
    drawn = found.loc[usable, "drawn"].dropna().explode().dropna() if "drawn" in found else ()
    return Transactions(
        *(table, quality, stores, origin), as_read=as_read, drawn_customers=tuple(sorted(drawn))
    )
