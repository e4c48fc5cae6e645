"""Why a column cannot be what it is called, in words that say what to do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

import ibis

from retention_models.data.contract import EARLIEST_DAY, Amounts, number_of
from retention_models.data.days import day_of
from retention_models.data.engines import to_frame
from retention_models.data.refusals import SOLAR, date_advice, day_formats
from retention_models.project.own_file.look import ColumnSeen, one_line, signs_in

_SHOWN = 3


def why_not(role: str, column: ColumnSeen) -> str:
    """What a column lacks that is called as a role, with its values."""
    return _WHY_NOT.get(role, _nothing)(column)


def _nothing(column: ColumnSeen) -> str:
    return f"it cannot be it ({_listed(column.first)})"


def _customer(column: ColumnSeen) -> str:
    if not column.filled:
        return "it is empty"
    if column.different == 1:
        return f"all of its rows have one id ({_listed(column.first)})"
    if column.different == column.filled:
        return (
            f"no id stands in two rows ({_listed(column.first)}), as in a list of customers: a row for "
            "each purchase is expected"
        )
    return _nothing(column)


def _date(column: ColumnSeen) -> str:
    texts = column.texts
    if not texts:
        return "it is empty"
    if column.share <= 0.5 and column.days:
        return f"it is empty in {1 - column.share:.0%} of the rows: have the day on every line"
    if (beyond := _beyond(column)) is not None:
        return (
            f"its days, from {beyond[0]} to {beyond[1]}, do not lie between {EARLIEST_DAY} and today"
            f"{_solar(beyond[1])}"
        )
    if to_come := _to_come(column):
        return (
            f"{to_come:,} of its days are to come (after {dt.date.today()}): they can be no sales"
        )
    shown = f"it holds no days that are understood ({_listed(texts)})."
    if not column.is_text:
        return f"{shown} Have one column with the whole day, as 2017-12-31"
    return f"{shown} {date_advice(dict.fromkeys(texts, 1))}".rstrip(".")


def _solar(last: dt.date) -> str:
    return f". {SOLAR} Export days as 2017-12-31" if 1300 <= last.year < 1500 else ""


def _beyond(column: ColumnSeen) -> tuple[dt.date, dt.date] | None:
    """First and last of days that are understood and lie beyond those of a log."""
    if not column.is_text:
        return None
    for form in [None, *day_formats(column.texts)]:
        rows = column.cells
        day = day_of(column.name, rows["given"], form)
        found = to_frame(
            rows.aggregate(
                n=day.count(), first=day.min().cast("string"), last=day.max().cast("string")
            )
        ).iloc[0]
        if int(found["n"]) > 0.5 * column.filled and len(str(found["last"])) == 10:
            first, last = (dt.date.fromisoformat(str(found[name])) for name in ("first", "last"))
            if last < EARLIEST_DAY or first > dt.date.today():
                return first, last
    return None


def _to_come(column: ColumnSeen) -> int:
    """How many of the days, in the only way to read them all, are after today; 0 where few are."""
    rows = column.cells
    for form in [None, *day_formats(column.texts)] if column.is_text else []:
        day = day_of(column.name, rows["given"], form)
        later = day > ibis.literal(dt.date.today() + dt.timedelta(days=1))
        found = to_frame(rows.aggregate(read=day.count(), later=later.sum().fill_null(0))).iloc[0]
        if int(found["read"]) == column.filled and int(found["later"]) > 0.2 * column.filled:
            return int(found["later"])
    return 0


def _spend(column: ColumnSeen) -> str:
    texts = column.texts
    if not texts:
        return "it is empty"
    if any(letter.isdigit() and not letter.isascii() for text in texts for letter in text):
        return f"its amounts are not written in the digits 0-9 ({_listed(texts)}): export them so"
    signs = signs_in([text for text in texts if any(map(str.isdigit, text))])
    if len(signs) > 1:
        named = " and ".join(one_line(sign, 10) for sign in signs[:3])
        return (
            f"its amounts bear several signs ({named}), which cannot be added up: export one currency, "
            "or the currency as a column of its own"
        )
    return f"it holds no amounts that are understood ({_listed(_unread(column) or texts)})"


def _unread(column: ColumnSeen) -> list[str]:
    """Values that are no plain numbers."""
    if not column.is_text:
        return []
    rows = column.cells
    strange = rows.filter(number_of(column.name, rows["given"], Amounts()).isnull())
    found = to_frame(
        strange.select(text=strange["given"].strip()).distinct().order_by("text").limit(_SHOWN)
    )
    return [str(text) for text in found["text"]]


def _listed(texts: Sequence[str]) -> str:
    return " · ".join(one_line(text, 40) for text in texts[:_SHOWN])


_WHY_NOT: dict[str, Callable[[ColumnSeen], str]] = {
    "customer_id": _customer,
    "date": _date,
    "spend": _spend,
}
