"""Dates of a source → the shop's days, as Ibis expressions; a zone is never passed over."""

from __future__ import annotations

import re

import ibis
from ibis.expr.types import Column, StringValue, Value

from retention_models.errors import DataError

_CLOCK = r"[T ]\d{1,2}:\d{1,2}(:\d{1,2}(\.\d+)?)?"
_PLAIN = rf"^\d{{4}}-\d{{2}}-\d{{2}}({_CLOCK})?$"
_HOURS = r"[+-][01]\d(:?[0-5]\d)?"
# Zones of the IANA list have a "/"; of letters such as CST there are several in the world.
_ZONE = r"[A-Z][A-Za-z_]+/[A-Za-z0-9_/+-]+"
_ZONED = rf"^\d{{4}}-\d{{2}}-\d{{2}}{_CLOCK} ?([Zz]|UTC|utc|GMT|{_HOURS}|{_ZONE})$"

# A format that ends with a zone in letters: strptime would pass over them.
_ENDS_WITH_ZONE = re.compile(rf"(%[MSfp]) ?(Z|UTC|GMT|{_HOURS}|{_ZONE})$")
_ENDS_WITH_LETTERS = re.compile(r"%[MSfp] ?([A-Z]{3,5})$")


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
    if date_format is not None and (kind.is_string() or kind.is_integer()):
        return _by_format(name, stripped(column.cast("string")), date_format)
    if kind.is_string():
        return _by_iso(stripped(column))
    raise DataError(
        f"{name}: column {column.get_name()!r} (date) holds {kind}; expected dates, times, or text. "
        'For numbers such as 20171231 set date_format = "%Y%m%d".'
    )


def _by_iso(text: StringValue) -> Value:
    # The engine needs seconds and knows an offset only as +03:00, without a blank before it.
    whole = text.re_replace(r"([T ]\d{1,2}:\d{1,2})([^:\d]|$)", r"\1:00\2")
    whole = whole.re_replace(r" ?([Zz]|UTC|utc|GMT)$", "+00:00")
    whole = whole.re_replace(r" ?([+-]\d{2}):?(\d{2})$", r"\1:\2").re_replace(
        r" ([+-]\d{2})$", r"\1"
    )
    return ibis.cases(
        (text.re_search(_PLAIN), text.try_cast("timestamp").date()),
        (text.re_search(_ZONED), whole.try_cast("timestamp('UTC')").cast("timestamp").date()),
        else_=ibis.null("date"),
    )


def _by_format(name: str, text: StringValue, date_format: str) -> Value:
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
