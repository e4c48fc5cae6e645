"""What a file's columns hold: how many values, the first ones, days and amounts in which notation."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product

import ibis
import pandas as pd
from ibis.expr.types import Column, Table

from retention_models.data.contract import EARLIEST_DAY, MENDABLE, Amounts, is_blank, number_of
from retention_models.data.days import UNIX, day_of
from retention_models.data.engines import (
    Source,
    copied,
    looks_like_value,
    open_source,
    to_frame,
)
from retention_models.data.refusals import day_formats
from retention_models.errors import DataError
from retention_models.project.own_file.names import NAMES, score

_SHOWN = 3
_TEXTS = 2_000  # different texts that formats are shortlisted by; all rows decide
# Of this share of the rows a notation may leave some unread: they are said when the file is checked.
_ALL_BUT = 0.01
# And where none reads so many, of this share: the check refuses, and names the rows.
_BORNE = 0.2
_FIRST_DAY = dt.date(1990, 1, 1)
# What stands for nothing in a column of days or amounts, in small letters: the check counts such rows.
_NOTHING = (
    *("nan", "null", "none", "na", "n/a", "<na>", "#n/a", "nil", "\\n", "-", "#value!", "#ref!"),
    *("0000-00-00", "0000-00-00 00:00:00", "00.00.0000", "00/00/0000"),
)


@dataclass(frozen=True)
class Days:
    """One way to read a column's days."""

    date_format: str | None  # None: as in ISO 8601
    first: dt.date
    last: dt.date
    unread: int


@dataclass(frozen=True)
class ColumnSeen:
    """A column of a file, and what was seen in it."""

    name: str
    table: Table = field(repr=False)
    filled: int
    different: int
    first: tuple[str, ...]
    rows: int

    @property
    def is_text(self) -> bool:
        """Whether its values are text, as in every CSV."""
        return bool(self.values.type().is_string())

    @property
    def cells(self) -> Table:
        """Its values that are not blank, as a table with the one column `given`."""
        rows = self.table.select(given=self.table[self.name])
        return rows.filter(~is_blank(rows["given"]))

    @property
    def values(self) -> Column:
        """The column itself."""
        return self.table[self.name]

    @cached_property
    def texts(self) -> list[str]:
        """Different values, those of most rows first, without blanks around them."""
        rows = self.cells
        counts = rows.group_by(text=rows["given"].cast("string").strip()).aggregate(
            rows=rows.count()
        )
        most = to_frame(counts.order_by(ibis.desc("rows"), "text").limit(_TEXTS))
        return [str(found) for found in most["text"]]

    @property
    def _told(self) -> Table:
        """Its cells that do not stand for nothing."""
        rows = self.cells
        if not self.is_text:
            return rows
        return rows.filter(~rows["given"].strip().lower().isin(_NOTHING))

    @property
    def _told_texts(self) -> list[str]:
        return [text for text in self.texts if text.lower() not in _NOTHING]

    @cached_property
    def days(self) -> tuple[Days, ...]:
        """The ways to read its days; several where the data cannot say which."""
        kind = self.values.type()
        texts = self._told_texts
        if not texts or kind.is_boolean():
            return ()
        if kind.is_date() or kind.is_timestamp():
            forms: list[str | None] = [None]
        elif kind.is_string() or kind.is_numeric():
            forms = [None, *day_formats(texts, _BORNE)] if kind.is_string() else ["%Y%m%d"]
            forms = (
                [*forms, *UNIX]
                if all(re.fullmatch(r"\d{9,16}(\.\d+)?", t) for t in texts[:50])
                else forms
            )
            forms = [form for form in forms if not (kind.is_floating() and form not in UNIX)]
        else:
            return ()
        found = [read for form in forms if (read := self._read_days(form)) is not None]
        # Where no format reads all, those that read most: the check refuses what is left, row by row.
        fewest = min((read.unread for read in found), default=0)
        most = [read for read in found if read.unread == fewest]
        plain = [read for read in most if read.date_format is None]
        return tuple(plain or most)

    def _read_days(self, form: str | None) -> Days | None:
        if form is None and self.values.type().is_numeric():
            return None
        rows = self._told
        given = day_of(self.name, rows["given"], form)
        # A year of four digits says itself; numbers and years of two may be anything.
        told = self.is_text and (form is None or "%Y" in form)
        since = EARLIEST_DAY if told else _FIRST_DAY
        soon = dt.date.today() + dt.timedelta(days=1)
        day = ibis.ifelse(given.between(since, soon), given, ibis.null("date"))
        answer = to_frame(
            rows.aggregate(first=day.min(), last=day.max(), unread=day.isnull().sum().fill_null(0))
        ).iloc[0]
        first, last, unread = answer["first"], answer["last"], int(answer["unread"])
        if pd.isna(first) or unread > _BORNE * self.filled:
            return None
        return Days(form, pd.Timestamp(first).date(), pd.Timestamp(last).date(), unread)

    @cached_property
    def has_zone(self) -> bool:
        """Whether its times say their offset from UTC."""
        kind = self.values.type()
        if kind.is_timestamp():
            return kind.timezone is not None
        marked = re.compile(r":\d{2}(\.\d+)? ?(Z|UTC|GMT|[+-]\d{2}(:?\d{2})?|[A-Z]\w+/\S+)$")
        return self.is_text and any(marked.search(text) for text in self.texts[:200])

    @cached_property
    def amounts(self) -> tuple[Amounts, ...]:
        """The notations in which all its values are numbers; several where the data cannot say which."""
        kind = self.values.type()
        if kind.is_numeric():
            return (Amounts(),)
        if not kind.is_string() or not self._told_texts:
            return ()
        unread = {way: self._unread(way) for way in _notations(self._told_texts)}
        for borne in (_ALL_BUT, _BORNE):
            if ways := tuple(way for way, n in unread.items() if n <= borne * self.filled):
                return ways
        return ()

    def _unread(self, notation: Amounts) -> int:
        rows = self._told
        bad = number_of(self.name, rows["given"], notation).isnull().sum().fill_null(0)
        return int(to_frame(rows.aggregate(n=bad))["n"].item())

    @cached_property
    def lost_point(self) -> bool:
        """Whether its ids went through a tool that made 17850.0 of 17850."""
        if self.values.type().is_floating():
            return True
        return self.is_text and any(re.search(MENDABLE, text) for text in self.texts)

    def called(self, names: Sequence[str]) -> list[str]:
        """Its values that are one of some names, in upper or lower case, as they stand there."""
        if not self.is_text:
            return []
        text = self.cells.select(text=self.cells["given"].strip())
        found = text.filter(text["text"].lower().isin(list(names))).distinct().order_by("text")
        return [str(one) for one in to_frame(found)["text"]]

    @property
    def alike_but_for_case(self) -> str | None:
        """Two addresses of e-mail that upper and lower case alone tells apart."""
        if not self.is_text or sum("@" in text for text in self.texts) < 0.5 * len(self.texts):
            return None
        text = self.cells.select(text=self.cells["given"].strip())
        pairs = text.group_by(folded=text["text"].lower()).aggregate(
            one=text["text"].min(), other=text["text"].max()
        )
        found = to_frame(pairs.filter(pairs["one"] != pairs["other"]).order_by("folded").limit(1))
        if found.empty:
            return None
        return " and ".join(one_line(str(found[name].item()), 30) for name in ("one", "other"))

    @property
    def share(self) -> float:
        """Share of the rows that hold something."""
        return self.filled / self.rows if self.rows else 0.0


_SIGN = re.compile(r"[^\s\d.,'\u2019()+\-\u2212]+")
_DIGITS = re.compile(r"\d[\d.,'\u2019 \u00a0\u202f]*\d|\d")


def _notations(texts: Sequence[str]) -> list[Amounts]:
    """Notations that the texts do not rule out; the plainest alone where it reads them all."""
    # What has no digit is a word in an amount's place.
    texts = [text for text in texts if any(map(str.isdigit, text))]
    signs = signs_in(texts)
    sign = signs[0] if len(signs) == 1 else None
    minus = "front"
    if any(re.search(r"\d\s?-$", text) for text in texts):
        minus = "behind"
    if any(re.search(r"^\(.*\)$", text) for text in texts):
        minus = "brackets"
    digits = [found[0] for text in texts if (found := _DIGITS.search(text))]
    marks = {mark for text in digits for mark in text if not mark.isdigit()}
    if not marks:
        return [Amounts(currency_sign=sign, minus=minus)]
    fitting = []
    for decimal, thousands in product((".", ","), (None, ",", ".", "'", " ")):
        if decimal == thousands or (thousands is None and not marks <= {decimal}):
            continue
        if thousands is not None and thousands not in _same(marks):
            continue
        if decimal == "," and thousands is None and not any(re.search(r",\d", t) for t in digits):
            continue
        if decimal not in marks and thousands is None:
            continue
        if sum(_written(text, decimal, thousands) for text in digits) >= (1 - _BORNE) * len(digits):
            known = None if decimal == "," and thousands in (".", " ") else thousands
            fitting.append(Amounts(decimal, known, sign, minus))
    return fitting


def signs_in(texts: Sequence[str]) -> list[str]:
    """Signs of currency beside digits, that of most texts first; an exponent is none."""
    found = Counter(sign[0] for text in texts if (sign := _SIGN.search(text)))
    return [sign for sign, _ in found.most_common() if sign not in ("e", "E")]


def _same(marks: set[str]) -> set[str]:
    return {{"\u00a0": " ", "\u202f": " ", "\u2019": "'"}.get(mark, mark) for mark in marks}


def _written(text: str, decimal: str, thousands: str | None) -> bool:
    """Whether digits follow a notation; thousands in groups of three."""
    known = {None: "", " ": "[ \u00a0\u202f]", "'": "['\u2019]"}
    group = known.get(thousands, re.escape(thousands or ""))
    grouped = rf"|\d{{1,3}}({group}\d{{3}})+" if thousands else ""
    return re.fullmatch(rf"(\d+{grouped})({re.escape(decimal)}\d+)?", text) is not None


@dataclass(frozen=True)
class FileSeen:
    """An opened file, its columns and its rows."""

    origin: Source
    table: Table = field(repr=False)  # its rows, kept in this process
    columns: dict[str, ColumnSeen]
    rows: int


def look_at(source: str, *, table: str | None, encoding: str | None, sheet: str | None) -> FileSeen:
    """Open a file and look at every column once."""
    origin = open_source(source, table, "UTC", encoding=encoding, sheet=sheet)
    with origin.reading():
        rows = copied(origin.table)
        names = rows.columns
        asked = {}
        for place, name in enumerate(names):
            blank = is_blank(rows[name])
            asked[f"filled_{place}"] = (~blank).sum().fill_null(0)
            asked[f"different_{place}"] = rows[name].nunique()
        counts = to_frame(rows.aggregate(rows=rows.count(), **asked)).iloc[0]
        if not counts["rows"]:
            raise DataError(f"{source}: holds no rows.")
        first = to_frame(rows.limit(1_000).select(**{n: rows[n].cast("string") for n in names}))
    seen = {
        name: ColumnSeen(
            name=name,
            table=rows,
            filled=int(counts[f"filled_{place}"]),
            different=int(counts[f"different_{place}"]),
            first=_first_of(first[name]),
            rows=int(counts["rows"]),
        )
        for place, name in enumerate(names)
    }
    _require_names(source, names)
    return FileSeen(origin, rows, seen, int(counts["rows"]))


def _require_names(source: str, names: Sequence[str]) -> None:
    """Refuse a file without cells that are set apart, or without names above them."""
    if len(names) == 1:
        raise DataError(
            f"{source}: all of a line is one cell, such as {one_line(names[0], 60)!r}. Expected cells "
            "set apart by a comma, semicolon, tab or bar."
        )
    known = any(score(role, name) for role in NAMES for name in names)
    if not known and 2 * sum(map(looks_like_value, names)) >= len(names):
        shown = ", ".join(one_line(name, 30) for name in names[:6])
        raise DataError(
            f"{source}: the first line has values ({shown}), no names of columns. Put a line of names "
            "above it, such as customer_id,date,spend."
        )


def _first_of(values: pd.Series) -> tuple[str, ...]:
    texts = values.dropna().astype(str).str.strip()
    return tuple(one_line(text, 40) for text in texts[texts != ""].drop_duplicates().head(_SHOWN))


def one_line(text: str, most: int) -> str:
    """A text that moves no cursor and ends no line, whatever a file holds."""
    plain = "".join(mark if mark.isprintable() else " " for mark in text)
    return plain if len(plain) <= most else plain[: most - 1] + "…"
