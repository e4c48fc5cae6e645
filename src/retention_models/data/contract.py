"""The data contract (data/README.md) as Ibis expressions: every row's types, and why it is unusable."""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Mapping
from zoneinfo import ZoneInfo

import ibis
from ibis.expr.types import BooleanValue, Column, StringColumn, StringValue, Table, Value

from retention_models.errors import DataError
from retention_models.languages import marked

# Shown on pages too.
NO_CUSTOMER = marked("no customer id")
DUPLICATE = marked("exact repeat of another row")
NO_DATE_FITS = marked("date not understood")
TOO_EARLY = marked("date before 1900")
NO_NUMBER = marked("spend is not a number")
# By the role of the column.
_NO_ID = {
    "customer_id": NO_CUSTOMER,
    "store_id": marked("no store id"),
}
_RUINED = {
    "customer_id": marked("customer id turned into a decimal number"),
    "store_id": marked("store id turned into a decimal number"),
}
# What a decimal of 18 digits, six of them behind the point, cannot hold.
_LARGEST_SPEND = 1e12
# Before it lie two-digit years that were read as four, and the zero days of other systems.
_EARLIEST_DAY = dt.date(1900, 1, 1)

_LIKE_DATA = r"^(\d{4}-\d{2}-\d{2}|[+-]?\d+([.,]\d+)*$)"

# What a spreadsheet or a data frame makes of a number that was an id: 1.23E+11, 42.0. Several ids become
# one, and zeros in front are lost. An id such as 12E4 is none of these.
_RUINED_ID = r"^\d+(\.\d+)?E\+\d+$|^\d+\.0$"

_NOT_FINITE = r"[+-]?([iI]nf(inity)?|[nN]a[nN])"
_POINT = rf"^([+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|{_NOT_FINITE})$"
# Thousands are groups of three: 1.5 is no number where the comma is the decimal separator.
_BLANKS = " \u00a0\u202f"
_COMMA = rf"^([+-]?(\d+|\d{{1,3}}([.{_BLANKS}]\d{{3}})+)(,\d*)?([eE][+-]?\d+)?|{_NOT_FINITE})$"


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def try_strptime(text: str, date_format: str) -> ibis.dtype("timestamp"):  # type: ignore[valid-type]
    """DuckDB's parser of dates by a format: null where the text does not follow it."""


def require_columns(name: str, raw: Table, columns: Mapping[str, str | None]) -> None:
    """Refuse a source without the columns that it is said to have; the error names them all."""
    missing = []
    for role, column in columns.items():
        if column is not None and column not in raw.columns:
            near = difflib.get_close_matches(column, raw.columns, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            missing.append(f"{role} = {column!r}{hint}")
    if missing:
        data = [column for column in raw.columns if re.search(_LIKE_DATA, column)]
        hint = " Its first line looks like data: is the header missing?" if data else ""
        raise DataError(
            f"{name}: no column for {'; '.join(missing)}. The file has: {', '.join(raw.columns)}.{hint}"
        )


def classified(
    name: str,
    raw: Table,
    columns: Mapping[str, str | None],
    timezone: str,
    date_format: str | None,
    decimal: str,
    only_store: str,
) -> dict[str, Value]:
    """The contract's columns of every row, and why it is unusable."""
    customer = _text_id(name, raw, str(columns["customer_id"]), "customer_id")
    store = (
        ibis.literal(only_store)
        if columns["store_id"] is None
        else _text_id(name, raw, columns["store_id"], "store_id")
    )
    _require_types(name, raw, {role: columns[role] for role in ("date", "spend")})
    day = _day(name, raw[str(columns["date"])], date_format)
    spend_source = raw[str(columns["spend"])]
    spend = _number(name, spend_source, decimal)
    today = ibis.literal(dt.datetime.now(tz=ZoneInfo(timezone)).date())
    blank = {role: _is_blank(raw[column]) for role, column in columns.items() if column is not None}
    ids = {
        role: raw[column]
        for role in ("store_id", "customer_id")
        if (column := columns[role]) is not None
    }
    # Nearly every row is seen to be sound at a glance, which takes a third of looking for each fault.
    sound = day.between(ibis.literal(_EARLIEST_DAY), today) & (spend.abs() < _LARGEST_SPEND)
    for column in ids.values():
        sound = sound & _is_plain(column)
    fault = ibis.cases(
        (blank["date"], marked("no date")),
        (day.isnull(), NO_DATE_FITS),
        (day > today, marked("date in the future")),
        (day < ibis.literal(_EARLIEST_DAY), TOO_EARLY),
        (blank["spend"], marked("no spend")),
        (spend.isnull(), NO_NUMBER),
        (
            spend.isnan() | spend.isinf() | (spend.abs() >= _LARGEST_SPEND),
            marked("spend is not finite, or 1e12 and more"),
        ),
        *((blank[role], _NO_ID[role]) for role in ids),
        *((_is_ruined(ids[role]), _RUINED[role]) for role in ids if ids[role].type().is_string()),
        else_=ibis.null("string"),
    )
    reason = ibis.ifelse(sound, ibis.null("string"), fault)
    found = {
        "customer_id": customer,
        "store_id": store,
        "date": day,
        "number": spend,
        "reason": reason,
    }
    for role in ("order_id", "category"):
        column = columns[role]
        found[role] = (
            ibis.null("string")
            if column is None
            else ibis.ifelse(blank[role], ibis.null("string"), raw[column].cast("string"))
        )
    return found


def _require_types(name: str, raw: Table, columns: Mapping[str, str | None]) -> None:
    """Text is read as dates and numbers where it comes from files; a database has types for them."""
    if raw.get_backend().name == "duckdb":
        return
    for role, column in columns.items():
        if raw[str(column)].type().is_string():
            raise DataError(
                f"{name}: column {column!r} ({role}) holds text. A database can say what it is: make a "
                f"view that casts it to {'timestamp or date' if role == 'date' else 'numeric'}, and "
                "name the view as table."
            )


def as_given(raw: Table, columns: Mapping[str, str | None]) -> dict[str, Value]:
    """Every row's number in the file, its date and its spend as they stand there: for messages."""
    return {
        "row": ibis.row_number() + 1,
        "given_date": raw[str(columns["date"])].cast("string"),
        "given_spend": raw[str(columns["spend"])].cast("string"),
    }


def _is_blank(column: Column) -> BooleanValue:
    missing = column.isnull()
    if not column.type().is_string():
        return missing
    # Most ids begin with what is no blank, which is seen ten times faster than searched for.
    blank = ibis.ifelse(column.ascii_str() > 32, ibis.literal(False), ~column.re_search(r"[^\s\v]"))
    return missing | blank


def _is_ruined(text: StringColumn) -> BooleanValue:
    # Only what begins with a digit is looked through.
    digit = text.ascii_str().between(ord("0"), ord("9"))
    return ibis.ifelse(digit, text.re_search(_RUINED_ID), ibis.literal(False))


def _is_plain(column: Column) -> BooleanValue:
    """Whether an id is seen to be neither blank nor ruined: it begins with a letter, as most do."""
    return column.ascii_str() > ord("9") if column.type().is_string() else column.notnull()


def _stripped(text: StringColumn) -> StringValue:
    """Text without blanks at its ends.

    DuckDB trims a set of characters ten times slower than it looks for one, and nearly no text needs
    it.
    """
    return ibis.ifelse(text.re_search(r"^[\s\v]|[\s\v]$"), text.strip(), text)


def _text_id(name: str, raw: Table, column: str, role: str) -> Column:
    kind = raw[column].type()
    if not (kind.is_string() or kind.is_integer() or kind.is_uuid()):
        raise DataError(
            f"{name}: column {column!r} ({role}) holds {kind}; expected text or whole numbers. A "
            "decimal id is not safe to turn into text: export it as text."
        )
    return raw[column].cast("string")


def _day(name: str, column: Column, date_format: str | None) -> Column:
    kind = column.type()
    if kind.is_date():
        return column
    if kind.is_timestamp():
        # A time with an offset is moved to the connection's zone by the cast.
        return column.cast("timestamp").date()
    if date_format is not None and (kind.is_string() or kind.is_integer()):
        text = _stripped(column.cast("string"))
        moment = try_strptime(text, date_format)
        if re.search(r"%[a-zA-Z]%[a-zA-Z]", date_format):
            # Without a mark between them, 2024115 would be taken for 15 January or 5 November.
            moment = ibis.ifelse(
                moment.strftime(date_format) == text, moment, ibis.null(moment.type())
            )
        return moment.date()
    if kind.is_string():
        text = _stripped(column)
        iso = text.re_search(r"^\d{4}-\d{2}-\d{2}([T ].*)?$")
        offset = text.re_search(r"\d{2}:\d{2}.*([+-]\d{2}(:?\d{2})?|Z)$")
        moved = text.try_cast("timestamp('UTC')").cast("timestamp")
        return ibis.cases(
            (iso & offset, moved.date()),
            (iso, text.try_cast("timestamp").date()),
            else_=ibis.null("date"),
        )
    raise DataError(
        f"{name}: column {column.get_name()!r} (date) holds {kind}; expected dates, times, or text. "
        'For numbers such as 20171231 set date_format = "%Y%m%d".'
    )


def _number(name: str, column: Column, decimal: str) -> Column:
    kind = column.type()
    if kind.is_numeric():
        return column.cast("float64")
    if not kind.is_string():
        raise DataError(
            f"{name}: column {column.get_name()!r} (spend) holds {kind}; expected numbers."
        )
    text = _stripped(column)
    fits = text.re_search(_COMMA if decimal == "," else _POINT)
    if decimal == ",":
        text = text.re_replace(rf"[.{_BLANKS}]", "").replace(",", ".")
    return ibis.ifelse(fits, text, ibis.null("string")).try_cast("float64")


def repeats_are_unusable(raw: Table, reason: Value) -> Value:
    """Rows that repeat an earlier one in every column of the source get a reason of their own."""
    earlier = ibis.row_number().over(group_by=list(raw.columns), order_by=raw[raw.columns[0]])
    return ibis.ifelse(reason.isnull() & (earlier > 0), DUPLICATE, reason)


# Other sources are checked as strictly as the transactions, by the same rules.
day_of, number_of, text_id = _day, _number, _text_id
is_blank, is_ruined = _is_blank, _is_ruined
