"""The data contract (data/README.md) as Ibis expressions: columns as numbers and ids."""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd
from ibis.expr.types import BooleanValue, Column, StringColumn, StringValue, Table, Value

from retention_models.data.days import stripped
from retention_models.data.engines import to_arrow, to_frame
from retention_models.errors import DataError, SettingsError
from retention_models.languages import marked
from retention_models.settings.types import DECIMALS, MINUS, THOUSANDS

# Shown on pages too.
NO_CUSTOMER = marked("no customer id")
DUPLICATE = marked("exact repeat of another row")
NOBODY = marked("customer id that stands for nobody")
NOT_KEPT = marked("row of a kind that is not kept")
UNTOLD = marked("row of which where cannot be told: a number is missing")
NO_DATE_FITS = marked("date not understood")
TOO_EARLY = marked("date before 1900")
NO_NUMBER = marked("spend is not a number")
# By the role of the column.
NO_ID = {"customer_id": NO_CUSTOMER, "store_id": marked("no store id")}
RUINED = {
    "customer_id": marked("customer id turned into a decimal number"),
    "store_id": marked("store id turned into a decimal number"),
}
# What a decimal of 18 digits, six of them behind the point, cannot hold.
LARGEST_SPEND = 1e12
# Before it lie two-digit years that were read as four, and the zero days of other systems.
EARLIEST_DAY = dt.date(1900, 1, 1)

_LIKE_DATA = r"^(\d{4}-\d{2}-\d{2}|[+-]?\d+([.,]\d+)*$)"

# What a spreadsheet or a data frame makes of a number that was an id: 1.23E+11, 1,23E+11 where the
# comma is the decimal separator, 1.23E11 in Java, 42.0. Several ids become one, and zeros in front are
# lost. An id such as 12E4 is none of these.
_RUINED_ID = r"^\d+([.,]\d+)?[Ee]\+\d+$|^\d[.,]\d+[Ee]\d+$|^\d+\.0$"
# An id that can be told from 17850.0: up to 15 digits a tool keeps exactly.
MENDABLE = r"^\d{1,15}\.0+$"

_NOT_FINITE = r"[+-]?([iI]nf(inity)?|[nN]a[nN])"
_EXPONENT = r"([eE][+-]?\d+)?"
# Thousands are groups of three: 1.5 is no number where the comma is the decimal separator.
_BLANKS = " \u00a0\u202f"


@dataclass(frozen=True)
class Amounts:
    """How amounts are written where they are text."""

    decimal: str = "."
    thousands: str | None = None
    currency_sign: str | None = None
    minus: str = "front"

    def __post_init__(self) -> None:
        marks = tuple(mark for mark in THOUSANDS if mark != self.decimal)
        for name, given, known in (
            ("decimal", self.decimal, DECIMALS),
            ("thousands", self.thousands, (*marks, None)),
            ("minus", self.minus, MINUS),
        ):
            if given not in known:
                shown = ", ".join(repr(value) for value in known if value is not None)
                raise SettingsError(f"{name}: expected one of {shown}; got {given!r}.")

    @property
    def separators(self) -> str:
        """What may stand between thousands, as a class of characters."""
        if self.decimal == "," and self.thousands is None:
            return rf"[.{_BLANKS}]"
        if self.thousands == " ":
            return f"[{_BLANKS}]"
        if self.thousands == "'":
            return "['\u2019]"  # what Switzerland types, and what its programs write
        return "" if self.thousands is None else f"[{re.escape(self.thousands)}]"

    @property
    def pattern(self) -> str:
        """What a whole number's text follows, once its sign and its currency are put in order."""
        grouped = rf"|\d{{1,3}}({self.separators}\d{{3}})+" if self.separators else ""
        point = re.escape(self.decimal)
        bare = rf"|{point}\d+" if self.decimal == "." else ""
        digits = rf"((\d+{grouped})({point}\d*)?{bare})"
        return rf"^([+-]?{digits}{_EXPONENT}|{_NOT_FINITE})$"

    def plain(self, text: StringValue) -> StringValue:
        """The text with its minus in front and without its currency; a minus sign is a hyphen."""
        text = text.replace("\u2212", "-")
        if self.minus == "behind":
            text = text.re_replace(r"^(.*\S) ?-$", r"-\1")
        if self.minus == "brackets":
            text = text.re_replace(r"^\((.*)\)$", r"-\1")
        if self.currency_sign is not None:
            sign = re.escape(self.currency_sign)
            text = text.re_replace(rf"^([+-]?) ?{sign} ?([+-]?)", r"\1\2")
            text = text.re_replace(rf"[ {_BLANKS}]?{sign}$", "")
        return text


def require_columns(
    name: str, raw: Table, columns: Mapping[str, str | None], remark: str = ""
) -> None:
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
            f"{name}: no column for {'; '.join(missing)}. The file has: {', '.join(raw.columns)}."
            f"{hint}{remark}"
        )


def require_types(name: str, raw: Table, columns: Mapping[str, str | None]) -> None:
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


def is_blank(column: Column) -> BooleanValue:
    """Whether a cell is null, or text of blanks only."""
    missing = column.isnull()
    if not column.type().is_string():
        return missing
    # Most ids begin with what is no blank, which is seen ten times faster than searched for.
    blank = ibis.ifelse(column.ascii_str() > 32, ibis.literal(False), ~column.re_search(r"[^\s\v]"))
    return missing | blank


def is_ruined(text: StringColumn) -> BooleanValue:
    """Whether an id went through a spreadsheet or a data frame that took it for a number."""
    # Only what begins with a digit is looked through.
    digit = text.ascii_str().between(ord("0"), ord("9"))
    return ibis.ifelse(digit, text.re_search(_RUINED_ID), ibis.literal(False))


def is_plain(column: Column) -> BooleanValue:
    """Whether an id is seen to be neither blank nor ruined: of letters and digits, as most are."""
    if column.type().is_floating():
        return column.notnull() & ~column.isnan()
    if not column.type().is_string():
        return column.notnull()
    # Every ruined id begins with a digit and has one of these marks.
    unmarked = ~(column.contains(".") | column.contains("+") | column.contains(","))
    begins = column.ascii_str()
    return (begins > ord("9")) | ((begins >= ord("0")) & unmarked)


def text_id(name: str, raw: Table, column: str, role: str, *, mend: bool = False) -> Column:
    """A column of ids as text, without blanks around them; a type that loses ids is refused.

    Ids that a tool turned into 17850.0 are whole numbers again where they are to be mended.
    """
    kind = raw[column].type()
    if kind.is_floating() and mend:
        # Engines compute both sides of a choice, and NaN is no whole number.
        told = ibis.ifelse(raw[column].isnan(), ibis.null(kind), raw[column])
        whole = (
            told.try_cast("int64")  # its casts are moved into the choice
            if raw.get_backend().name == "duckdb"
            else told.cast("int64")
        )
        return whole.cast("string")
    if not (kind.is_string() or kind.is_integer() or kind.is_uuid()):
        raise DataError(
            f"{name}: column {column!r} ({role}) holds {kind}; expected text or whole numbers. A "
            "decimal id is not safe to turn into text: export it as text, or, where the tool that wrote "
            "it made 17850.0 of 17850, set mend_ids = true, which checks that no id is lost."
        )
    text = raw[column].cast("string")
    if not kind.is_string():
        return text
    # Blanks around an id make two customers of one. Both ends are looked at, which is fast.
    blank = (text.ascii_str() <= ord(" ")) | (text.right(1) <= " ")
    text = ibis.ifelse(blank, text.strip(), text)
    return mended(text) if mend else text


def mended(text: StringValue) -> StringValue:
    """Ids such as 17850.0 as 17850."""
    return ibis.ifelse(text.re_search(MENDABLE), text.re_replace(r"\.0+$", ""), text)


def number_of(name: str, column: Column, amounts: Amounts, role: str = "spend") -> Column:
    """A column's numbers; null where text is none."""
    kind = column.type()
    if kind.is_numeric():
        return column.cast("float64")
    if not kind.is_string():
        raise DataError(
            f"{name}: column {column.get_name()!r} ({role}) holds {kind}; expected numbers."
        )
    text = amounts.plain(stripped(column))
    fits = text.re_search(amounts.pattern)
    if amounts.separators:
        text = text.re_replace(amounts.separators, "")
    if amounts.decimal == ",":
        text = text.replace(",", ".")
    return ibis.ifelse(fits, text, ibis.null("string")).try_cast("float64")


def repeats_are_unusable(raw: Table, reason: Value) -> Value:
    """Rows that repeat an earlier one in every column of the source get a reason of their own."""
    return ibis.ifelse(reason.isnull() & repeats_another(raw), DUPLICATE, reason)


def repeats_another(raw: Table, columns: Sequence[str] | None = None) -> BooleanValue:
    """Whether a row repeats an earlier one in every column of the source, or in some."""
    names = list(raw.columns if columns is None else columns)
    earlier = ibis.row_number().over(group_by=names, order_by=raw[names[0]])
    return earlier > 0


_HASH = "hash of the row"
# So many hashes are sorted in memory.
_FEW_ROWS = 5_000_000


def repeated_rows(raw: Table, rows: int) -> int:
    """How many of so many rows repeat another in every column of the source.

    DuckDB's rows are told apart by their hashes: only rows of which another has the same hash are
    compared, which takes a third of comparing all.
    """
    if raw.get_backend().name == "duckdb" and rows <= _FEW_ROWS:
        hashed = raw.mutate(
            **{_HASH: ibis.struct({name: raw[name] for name in raw.columns}).hash()}
        )
        hashes = np.sort(to_arrow(hashed.select(_HASH))[_HASH].to_numpy())
        twice = np.unique(hashes[1:][hashes[1:] == hashes[:-1]])
        if not twice.size:
            return 0
        several = ibis.memtable(pd.DataFrame({_HASH: twice}))
        raw = hashed.semi_join(several, _HASH).drop(_HASH)
        rows = int(to_frame(raw.aggregate(rows=raw.count()))["rows"].item())
    different = raw.distinct()
    return rows - int(to_frame(different.aggregate(rows=different.count()))["rows"].item())
