"""Rules by which survey answers and contacts are checked: as strict as the transactions'."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import ibis
import pandas as pd
from ibis.expr.types import BooleanValue, Column, StringValue, Table, Value

from retention_models.data.contract import NO_CUSTOMER, day_of, is_blank, text_id
from retention_models.data.engines import Source, to_frame
from retention_models.errors import DataError

_UP = ("up", "true", "yes", "1", "+1", "👍")
_DOWN = ("down", "false", "no", "0", "-1", "👎")
_HINTS = {
    "date not understood": (
        "Dates are expected as 2017-12-31 or 2017-12-31T09:30:00+03:00; for another format set "
        'date_format, for example date_format = "%d/%m/%Y". It is never guessed.'
    ),
    "score is not on the scale": (
        'Scores are expected as whole numbers from 0 to 10, or from 1 to 10 with scale = "1-10".'
    ),
    "thumb is neither up nor down": (
        f"Thumbs are expected as {', '.join(_UP)} or {', '.join(_DOWN)}."
    ),
    "amount is not a number": (
        "Amounts are expected as numbers from 0, such as 2.50; leave a cell empty where the campaign's "
        "cost of a redemption is meant."
    ),
}


Found = dict[str, Value]
Reasons = list[tuple[BooleanValue, str]]


def who_and_when(
    name: str,
    raw: Table,
    columns: Mapping[str, str | None],
    date: str,
    timezone: str,
    date_format: str | None,
) -> tuple[Found, Reasons]:
    """Customer, store, day and kind of every row, and what is wrong with them."""
    day = day_of(name, raw[str(columns[date])], date_format)
    today = ibis.literal(dt.datetime.now(tz=ZoneInfo(timezone)).date())
    found: Found = {
        "customer_id": text_id(name, raw, str(columns["customer_id"]), "customer_id"),
        "date": day,
    }
    for role in ("store_id", "kind"):
        column = columns[role]
        missing = ibis.null("string")
        if column is not None:
            text = text_id(name, raw, column, role)
            missing = ibis.ifelse(is_blank(raw[column]), ibis.null("string"), text)
        found[role] = missing
    reasons: Reasons = [
        (blank(raw, columns[date]), "no date"),
        (day.isnull(), "date not understood"),
        (day > today, "date in the future"),
    ]
    return found, reasons


def blank(raw: Table, column: str | None) -> BooleanValue:
    """Whether a row has nothing in a column; always where there is no column."""
    return ibis.literal(True) if column is None else is_blank(raw[column])


def _text(column: Column) -> StringValue:
    return column.cast("string").strip()


def score_of(raw: Table, column: str | None, lowest: int) -> Value:
    """Whole numbers from `lowest` to 10; null for everything else."""
    if column is None:
        return ibis.null("int64")
    number = _text(raw[column]).try_cast("float64")
    whole = (number == number.floor()) & number.between(lowest, 10)
    return ibis.ifelse(whole, number, ibis.null("float64")).cast("int64")


def up_of(raw: Table, column: str | None) -> Value:
    """True for a thumb up, false for one down; null for everything else."""
    if column is None:
        return ibis.null("boolean")
    text = _text(raw[column]).lower()
    return ibis.cases((text.isin(_UP), True), (text.isin(_DOWN), False), else_=ibis.null("boolean"))


def accepted(
    origin: Source,
    columns: Mapping[str, str | None],
    found: Found,
    reasons: Reasons,
    allowed: float,
    *,
    anonymous: bool = True,
) -> tuple[int, pd.DataFrame, Table]:
    """Rows read, the unusable ones by reason, and the usable ones; refused where too few are.

    Rows without a customer are left out and not held against the source, unless `anonymous` is False:
    then they are as good as `reasons` say.
    """
    name, raw = origin.name, origin.table
    if anonymous:
        reasons = [*reasons, (blank(raw, columns["customer_id"]), NO_CUSTOMER)]
    reason = ibis.cases(*reasons, else_=ibis.null("string"))
    checked = raw.select(**found, reason=reason)
    with origin.reading():
        if origin.in_process:
            # Text is read as days and numbers once, and the file may go.
            connection: Any = checked.get_backend()
            checked = connection.create_table(f"checked_{uuid4().hex}", checked, temp=True)
        counts = to_frame(checked.group_by("reason").aggregate(rows=checked.count()))
    rows = int(counts["rows"].sum())
    if rows == 0:
        raise DataError(f"{name}: holds no rows.")
    quality = counts[counts["reason"].notna()].sort_values("reason").reset_index(drop=True)
    nobody = (quality["reason"] == NO_CUSTOMER) & anonymous
    held_against = quality.loc[~nobody, "rows"].sum()
    if held_against > allowed * rows or quality["rows"].sum() == rows:
        raise DataError(_refusal(name, raw, columns, reason, quality, rows, allowed))
    return rows, quality, checked.filter(checked["reason"].isnull()).drop("reason")


def _refusal(
    name: str,
    raw: Table,
    columns: Mapping[str, str | None],
    reason: Value,
    quality: pd.DataFrame,
    rows: int,
    allowed: float,
) -> str:
    by_reason = quality.set_index("reason")["rows"].sort_values(ascending=False)
    reasons = "; ".join(f"{reason}: {count:,}" for reason, count in by_reason.items())
    shown = {role: column for role, column in columns.items() if column is not None}
    given = raw.select(
        row=ibis.row_number() + 1,
        reason=reason,
        **{f"given_{role}": raw[column].cast("string") for role, column in shown.items()},
    )
    lines = [
        f"{name}: {int(by_reason.sum()):,} of {rows:,} rows cannot be used ({reasons}).",
        "First of them:",
    ]
    bad = to_frame(given.filter(given["reason"].notnull()).order_by("row").limit(5))
    for row in bad.to_dict("records"):
        values = ((column, row[f"given_{role}"]) for role, column in shown.items())
        cells = ", ".join(f"{c} = {'missing' if pd.isna(v) else repr(v)}" for c, v in values)
        lines.append(f"  - row {row['row']} after the header: {row['reason']} ({cells})")
    lines += [hint for reason, hint in _HINTS.items() if reason in by_reason]
    lines.append(f"Mend the export, or allow more than {allowed:.1%} with max_unusable_share.")
    return "\n".join(lines)
