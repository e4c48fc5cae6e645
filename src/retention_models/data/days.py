"""Dates of a source → the shop's days, and lines → days with a purchase, net of what was returned.

A zone is never passed over. Every step is one Ibis expression that any engine can run; nothing
leaves the engine.
"""

from __future__ import annotations

import re
from typing import Literal

import ibis
import pandas as pd
from ibis.expr.types import Column, StringValue, Table, Value

from retention_models.data.engines import to_frame
from retention_models.errors import DataError, SettingsError

_CLOCK = r"[T ]\d{1,2}:\d{1,2}(:\d{1,2}(\.\d+)?)?"
_PLAIN = rf"^\d{{4}}-\d{{2}}-\d{{2}}({_CLOCK})?$"
_HOURS = r"[+-][01]\d(:?[0-5]\d)?"
# Zones of the IANA list have a "/"; of letters such as CST there are several in the world.
_ZONE = r"[A-Z][A-Za-z_]+/[A-Za-z0-9_/+-]+"
_ZONED = rf"^\d{{4}}-\d{{2}}-\d{{2}}{_CLOCK} ?([Zz]|UTC|utc|GMT|{_HOURS}|{_ZONE})$"

# Formats of numbers, by their parts of a second.
UNIX = {"unix seconds": 1, "unix milliseconds": 1_000, "unix microseconds": 1_000_000}
_YEAR_1980 = 315_532_800.0

# A format that ends with a zone in letters: strptime would pass over them.
_ENDS_WITH_ZONE = re.compile(rf"(%[MSfp]) ?(Z|UTC|GMT|{_HOURS}|{_ZONE})$")
_ENDS_WITH_LETTERS = re.compile(r"%[MSfp] ?([A-Z]{3,5})$")

# Fields of a format, and those of which one set of each says the year, and the day in it.
_FIELD = re.compile(r"%-?(.?)")
_FIELDS = "aAbBcdfgGHIjmMnpSuUVwWxXyYzZ%"
_YEAR = ({"Y"}, {"y"}, {"G"}, {"c"}, {"x"})
_DAY = (
    *({"d", month} for month in "mbB"),
    *({week, weekday} for week in "UWV" for weekday in "aAuw"),
    *({"j"}, {"c"}, {"x"}),
)


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def try_strptime(text: str, date_format: str) -> ibis.dtype("timestamp"):  # type: ignore[valid-type]
    """DuckDB's parser of dates by a format: null where the text does not follow it."""


def stripped(text: StringValue) -> StringValue:
    """Text without blanks at its ends.

    DuckDB trims a set of characters ten times slower than it looks for one, and nearly no text needs
    it.
    """
    return ibis.ifelse(text.re_search(r"^[\s\v]|[\s\v]$"), text.strip(), text)


def day_of(name: str, column: Column, date_format: str | None) -> Value:
    """A column's days: dates, times, or text in ISO 8601 or a format; null where not understood."""
    kind = column.type()
    if kind.is_date():
        return column
    if kind.is_timestamp():
        # A time with an offset is moved to the connection's zone by the cast.
        return column.cast("timestamp").date()
    if date_format in UNIX and (kind.is_string() or kind.is_numeric()):
        if column.get_backend().name != "duckdb":
            raise DataError(
                f"{name}: a database can say what its numbers are: make a view with a column of "
                f"timestamps in the place of {column.get_name()!r}, and name the view as table."
            )
        return _since_1970(column, UNIX[date_format])
    if date_format is not None and (kind.is_string() or kind.is_integer()):
        return _by_format(name, stripped(column.cast("string")), date_format)
    if kind.is_string():
        return _by_iso(stripped(column))
    raise DataError(
        f"{name}: column {column.get_name()!r} (date) holds {kind}; expected dates, times, or text. "
        'For numbers such as 20171231 set date_format = "%Y%m%d"; for seconds since 1970, "unix '
        'seconds".'
    )


def _since_1970(column: Column, per_second: int) -> Value:
    """Days in the session's zone of numbers that count seconds or their parts since 1970 (UTC)."""
    if column.type().is_string():
        text = stripped(column)
        column = ibis.ifelse(text.re_search(r"^\d{1,16}(\.\d+)?$"), text, ibis.null("string"))
    seconds = (column.try_cast("float64") / float(per_second)).floor()
    # Before 1980 lies what is counted in another unit; beyond the year 9999 engines have no moments.
    known = seconds.between(_YEAR_1980, 253_402_300_799.0)
    seconds = ibis.ifelse(known, seconds, ibis.null("float64"))
    moment = seconds.cast("int64").as_timestamp("s")
    return moment.cast("timestamp('UTC')").cast("timestamp").date()


def _by_iso(text: StringValue) -> Value:
    # The engine needs seconds and knows an offset only as +03:00, without a blank before it.
    whole = text.re_replace(r"([T ]\d{1,2}:\d{1,2})([^:\d]|$)", r"\1:00\2")
    whole = whole.re_replace(r"(\d) ?([Zz]|UTC|utc|GMT)$", r"\1+00:00")
    whole = whole.re_replace(r" ?([+-]\d{2}):?(\d{2})$", r"\1:\2").re_replace(
        r" ([+-]\d{2})$", r"\1"
    )
    return ibis.cases(
        (text.re_search(_PLAIN), text.try_cast("timestamp").date()),
        (text.re_search(_ZONED), whole.try_cast("timestamp('UTC')").cast("timestamp").date()),
        else_=ibis.null("date"),
    )


def _require_whole_days(date_format: str) -> None:
    """Refuse a format that names no day: dates without a year all fall into 1900, without a day on 1."""
    fields = _FIELD.findall(date_format)
    unknown = [field for field in fields if field == "" or field not in _FIELDS]
    if unknown or not fields:
        raise SettingsError(
            f'date_format = "{date_format}": '
            + (f'"%{unknown[0]}" is not known' if unknown else "it names no field")
            + '; expected one such as "%d/%m/%Y" or "%Y-%m-%d %H:%M".'
        )
    told = set(fields)
    lacking = [
        what
        for what, ways in (("year", _YEAR), ("day", _DAY))
        if not any(way <= told for way in ways)
    ]
    if lacking:
        raise SettingsError(
            f'date_format = "{date_format}" does not say the {" and the ".join(lacking)}, so that '
            "purchases of many days would be of one. Export whole dates, as 2017-12-31."
        )
    if "I" in told and "p" not in told:
        raise SettingsError(
            f'date_format = "{date_format}": "%I" counts to 12 and needs "%p"; "%H" counts to 24.'
        )


def _by_format(name: str, text: StringValue, date_format: str) -> Value:
    _require_whole_days(date_format)
    zone = _ENDS_WITH_ZONE.search(date_format)
    letters = None if zone else _ENDS_WITH_LETTERS.search(date_format)
    if letters is not None:
        raise DataError(
            f'{name}: date_format = "{date_format}" ends with {letters[1]!r}, which would be passed '
            "over as mere letters. Export times with an offset (%z), in UTC, or without a zone where "
            "they are the shop's own."
        )
    if zone is not None:
        tail = re.escape(date_format[zone.end(1) :]) + "$"
        hours = re.fullmatch(_HOURS, zone[2]) is not None
        told = zone[2] if hours else f" {'UTC' if zone[2] == 'Z' else zone[2]}"
        # Text with another ending keeps it, and does not fit.
        text = ibis.ifelse(text.re_search(tail), text.re_replace(tail, told), ibis.null("string"))
        date_format = date_format[: zone.end(1)] + ("%z" if hours else " %Z")
    if "%Z" in date_format:
        text = ibis.ifelse(text.re_search(rf"UTC|GMT|{_ZONE}"), text, ibis.null("string"))
    moment = try_strptime(text, date_format)
    if re.search(r"%[a-zA-Z]%[a-zA-Z]", date_format) and "%z" not in date_format:
        # Without a mark between them, 2024115 would be taken for 15 January or 5 November.
        moment = ibis.ifelse(moment.strftime(date_format) == text, moment, ibis.null(moment.type()))
    return moment.date()


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
