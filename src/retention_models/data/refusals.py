"""Why a source is refused, in words: its bad rows as they stand, and formats that its dates fit."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import ibis
import pandas as pd
from ibis.expr.types import Table

from retention_models.data.contract import (
    NO_DATE_FITS,
    NO_NUMBER,
    NOT_KEPT,
    TOO_EARLY,
    is_ruined,
)
from retention_models.data.engines import to_frame
from retention_models.data.mended_ids import mending_advice

# What a thumb up or down is called, in small letters.
UP = ("up", "true", "yes", "1", "+1", "👍")
DOWN = ("down", "false", "no", "0", "-1", "👎")

# Texts looked at; dates without a time have no more different ones than days.
MOST_TEXTS = 20_000

_CLOCKS = (
    (r"[ T]\d{1,2}:\d{2}$", "%H:%M"),
    (r"[ T]\d{1,2}:\d{2}:\d{2}$", "%H:%M:%S"),
    (r"[ T]\d{1,2}:\d{2}:\d{2}\.\d+$", "%H:%M:%S.%f"),
    (r" \d{1,2}:\d{2} ?[APap][Mm]$", "%I:%M %p"),
    (r" \d{1,2}:\d{2}:\d{2} ?[APap][Mm]$", "%I:%M:%S %p"),
)
_ZONES = (
    (r"[+-]\d{2}:?\d{2}$", "%z"),
    (r" [+-]\d{2}:?\d{2}$", " %z"),
    (r"Z$", "Z"),
    (r" ?UTC$", " UTC"),
    (r" ?GMT$", " GMT"),
)
_TIMES = (
    *_CLOCKS,
    *((clock[:-1] + zone, time + mark) for clock, time in _CLOCKS for zone, mark in _ZONES),
)
# CST is six hours behind UTC, or eight before it.
_LETTERS = re.compile(r":\d{2}(?:\.\d+)?(?: ?[AP]M)? ?\(?(?!UTC|GMT|AM|PM)([A-Z]{2,5})\)?$")
_ORDERS = (("d", "m", "Y"), ("m", "d", "Y"), ("Y", "m", "d"), ("d", "m", "y"), ("m", "d", "y"))
_FORMATS = (
    *(mark.join(f"%{field}" for field in order) for mark in "/.-" for order in _ORDERS),
    *("%Y.%m.%d.", "%d.%m.%Y.", "%Y. %m. %d."),
    "%Y%m%d",
    "%d %b %Y",
    "%d %B %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%b %d, %Y",
)
# Of the years 1980 to 2100.
_SINCE_1970 = {"seconds": r"([3-9]\d{8}|[1-3]\d{9})", "milliseconds": r"([3-9]\d{11}|[1-3]\d{12})"}
SOLAR = "Years from 1300 to 1499 are most likely of the Solar Hijri calendar."
_FEWEST_SERIAL, _MOST_SERIAL = 20_000, 80_000  # days since 1899-12-30: the years 1954 to 2119


def date_advice(counts: Mapping[str, int]) -> str:
    """What to set date_format to, as far as dates (with rows of each) say it; equal fits stay open."""
    texts = {text.strip(): 0 for text in counts}
    for text, rows in counts.items():
        texts[text.strip()] += rows
    total = sum(texts.values())
    if not all(text.isascii() for text in texts):
        if any(letter.isdigit() and not letter.isascii() for text in texts for letter in text):
            return (
                "Some of these dates are not written in the digits 0-9. Export dates as 2017-12-31."
            )
        return "Some of these dates have months in words. Export dates as 2017-12-31."
    if all(re.match(r"1[34]\d\d[-/.]\d", text) for text in texts):
        return f"{SOLAR} Export dates as 2017-12-31."
    for unit, pattern in _SINCE_1970.items():
        if all(re.fullmatch(pattern, text) for text in texts):
            return f'These are {unit} since 1970. Set date_format = "unix {unit}".'
    if all(_is_serial(text) for text in texts):
        return (
            "These are day numbers of a spreadsheet (45292 is 2024-01-01): format the column as a "
            "date before exporting it."
        )
    if letters := sorted({found[1] for text in texts if (found := _LETTERS.search(text))}):
        return _several_zones(letters)
    fits = {form: rows for form in _FORMATS if (rows := rows_that_fit(texts, form))}
    if not fits:
        return "No common format fits these dates. Export them as 2017-12-31."
    ranked = sorted(fits, key=lambda form: -fits[form])
    whole = [form for form in ranked if fits[form] == total]
    time = _time_format(texts)
    if len(whole) > 1:
        names = " and ".join(f'"{form}{time}"' for form in whole)
        return (
            f"All {total:,} of these dates fit {names}, so the data cannot say which it is: ask who "
            "exported them, and set date_format."
        )
    others = [
        f'{fits[form]:,} of them also {"fits" if fits[form] == 1 else "fit"} "{form}{time}"'
        for form in ranked[1:3]
    ]
    if whole:
        also = f"; {', '.join(others)}" if others else ""
        return (
            f'All {total:,} of these dates fit "{whole[0]}{time}"{also}. Set date_format = '
            f'"{whole[0]}{time}".'
        )
    shown = ", ".join(f'{fits[form]:,} fit "{form}{time}"' for form in ranked[:3])
    return (
        f"Of {total:,} such dates {shown}, and no one format fits all: the file mixes formats, or some "
        "rows are damaged. Export dates as 2017-12-31."
    )


def day_formats(texts: Sequence[str], missed_share: float = 0.02) -> list[str]:
    """Formats that all but a share of some texts follow, each with their time; not ISO 8601."""
    times = Counter(map(_time_of, texts)).most_common(1)
    most = int(missed_share * len(texts))
    time = times[0][0] if times and times[0][1] >= len(texts) - most else ""
    found = []
    for form in _FORMATS:
        missed = 0
        for text in texts:
            missed += not _fits(_day_part(text), form)
            if missed > most:
                break
        else:
            found.append(f"{form}{time}")
    return found if texts else []


def _several_zones(letters: list[str]) -> str:
    return (
        f"{', '.join(letters[:3])} behind a time may mean several zones. Export times in UTC, or "
        "with their offset, as 2017-12-31T09:30:00+03:00."
    )


def rows_that_fit(counts: Mapping[str, int], date_format: str) -> int:
    """Rows whose date, without its time, follows a format of days."""
    return sum(rows for text, rows in counts.items() if _fits(_day_part(text), date_format))


def swapped(date_format: str) -> str | None:
    """The format of days with day and month in each other's place, if it names both by number."""
    day = date_format.split(" %H")[0].split(" %I")[0].split("T%H")[0]
    if "%d" not in day or "%m" not in day:
        return None
    return day.replace("%d", "%\0").replace("%m", "%d").replace("%\0", "%m")


def _day_part(text: str) -> str:
    for pattern, _ in _TIMES:
        if found := re.search(pattern, text):
            return text[: found.start()]
    return text


def _time_of(text: str) -> str:
    for pattern, form in _TIMES:
        if found := re.search(pattern, text):
            return f"{text[found.start()]}{form}"
    return ""


def _time_format(texts: Mapping[str, int]) -> str:
    kinds = {_time_of(text) for text in texts}
    return kinds.pop() if len(kinds) == 1 else ""


def _fits(text: str, date_format: str) -> bool:
    try:
        dt.datetime.strptime(text, date_format)
    except ValueError:
        return False
    return True


def _is_serial(text: str) -> bool:
    return bool(re.fullmatch(r"\d{5}(\.\d+)?", text)) and (
        _FEWEST_SERIAL <= float(text) <= _MOST_SERIAL
    )


_COMMA = r"^[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+$"
_POINT = r"^[+-]?(\d+|\d{1,3}(,\d{3})+)\.\d+$"


@dataclass(frozen=True)
class SourceAsRead:
    """A source as it was read: what every row held, and why it is unusable."""

    name: str
    given: Table = field(repr=False)  # row (its number), reason, and cells as they stand there
    columns: Mapping[str, str | None]  # what the source calls the contract's columns
    date_format: str | None
    decimal: str
    cells: Mapping[str, str]  # of `given`: what the source calls them
    date: str  # of `given`
    mended: bool = False  # whether ids such as 17850.0 are read as 17850

    def first_rows(
        self, most: int, *, of_each_reason: bool = False, but_for: Collection[str] = ()
    ) -> pd.DataFrame:
        """The first rows that cannot be used, of all or of each reason: row, reason, words."""
        bad = self.given.filter(self.given["reason"].notnull())
        if but_for:
            bad = bad.filter(bad["reason"].notin(list(but_for)))
        if of_each_reason:
            place = ibis.row_number().over(group_by="reason", order_by=bad["row"])
            bad = bad.mutate(place=place)
            bad = bad.filter(bad["place"] < most).order_by("reason", "row").drop("place")
        else:
            bad = bad.order_by("row").limit(most)
        found = to_frame(bad)
        words = [self._in_words(row) for row in found.to_dict("records")]
        return found[["row", "reason"]].assign(words=pd.Series(words, dtype=object))

    def dates(self, *, understood: bool | None = None) -> dict[str, int]:
        """Dates as they stand in the source and rows of each; of all, or by whether understood."""
        given = self.given.filter(self.given[self.date].notnull())
        if understood is not None:
            unknown = given["reason"].fill_null("") == NO_DATE_FITS
            given = given.filter(~unknown if understood else unknown)
        counts = given.group_by(text=given[self.date]).aggregate(rows=given.count())
        most = to_frame(counts.order_by(ibis.desc("rows"), "text").limit(MOST_TEXTS))
        return {str(text): int(rows) for text, rows in zip(most["text"], most["rows"], strict=True)}

    def date_words(self, other_rows: int) -> str:
        """What the data say of dates that were not understood, beside other rows' dates that were."""
        if self.date_format is not None:
            return f'They do not follow date_format = "{self.date_format}". {date_advice(self.dates())}'
        found = date_advice(self.dates(understood=False))
        if other_rows:
            return (
                f"The dates of {other_rows:,} other rows are ISO 8601, so the file mixes formats: "
                f"export all of them as 2017-12-31. {found}"
            )
        return found

    def doubt_about_dates(self) -> str | None:
        """Whether a given date_format is at odds with the dates, in words; None if it is not."""
        other = None if self.date_format is None else swapped(self.date_format)
        if other is None:
            return None
        dates, unknown = self.dates(), self.dates(understood=False)
        total, fitting = sum(dates.values()), rows_that_fit(dates, other)
        missed = rows_that_fit(unknown, other)
        if missed:
            return (
                f'{missed:,} dates do not follow date_format = "{self.date_format}" but fit '
                f'"{other}", as do {fitting:,} of {total:,} in all: day and month may be exchanged.'
            )
        if fitting == total and len(dates) > 1:
            return (
                f'Every date fits "{other}" as well as date_format = "{self.date_format}", so the data '
                "cannot say which it is: ask who exported them."
            )
        return None

    def doubt_about_spend(self) -> str | None:
        """Whether spends were refused that fit the other decimal separator; None if not."""
        rows = int(to_frame(self._of_the_other_decimal())["rows"].item())
        if not rows:
            return None
        other = "," if self.decimal == "." else "."
        return (
            f'{rows:,} spends do not follow decimal = "{self.decimal}" but fit decimal = "{other}". If '
            "that is what the file means, other spends were read wrong."
        )

    def _of_the_other_decimal(self) -> Table:
        pattern = _COMMA if self.decimal == "." else _POINT
        refused = self.given.filter(self.given["reason"] == NO_NUMBER)
        if "given_spend" not in refused.columns:
            # The cells of an expression are several.
            return refused.aggregate(rows=(refused["row"] < 0).sum().fill_null(0))
        fitting = refused.filter(refused["given_spend"].strip().re_search(pattern))
        return fitting.aggregate(rows=fitting.count())

    def advice_on_ids(self) -> str:
        """What to do about ids that became decimal numbers."""
        for role in ("customer_id", "store_id"):
            if f"given_{role}" in self.given.columns:
                ids = self.given[f"given_{role}"]
                if to_frame(self.given.aggregate(n=is_ruined(ids).sum().fill_null(0)))["n"].item():
                    return mending_advice(ids)
        return "Export ids as text."

    def _in_words(self, row: Mapping[str, object]) -> str:
        cells = ", ".join(
            f"{name} = {'missing' if pd.isna(row[cell]) else repr(row[cell])}"
            for cell, name in self.cells.items()
        )
        return f"row {row['row']} after the header: {row['reason']} ({cells})"


_EXPECTED = {
    NOT_KEPT: (
        "Rows with another value than those of keep, or of which where does not hold, are left out; "
        "texts are compared as they stand, in upper and lower case."
    ),
    TOO_EARLY: (
        f"A date_format with %Y takes the year 24 for the first century; %y is 2024. {SOLAR}"
    ),
    "score is not on the scale": (
        'Scores are expected as whole numbers from 0 to 10, or from 1 to 10 with scale = "1-10".'
    ),
    "thumb is neither up nor down": f"Thumbs are expected as {', '.join(UP)} or {', '.join(DOWN)}.",
    "amount is not a number": (
        "Amounts are expected as numbers from 0, such as 2.50; leave a cell empty where the campaign's "
        "cost of a redemption is meant."
    ),
    "amount is below 0": (
        "Amounts are what was given away, from 0: a discount of 2.50 is 2.50, not -2.50. A redemption "
        "that was taken back is to be left out with the row that it takes back."
    ),
}


def refusal(
    source: SourceAsRead,
    quality: pd.DataFrame,
    rows: int,
    allowed: float,
    forgiven: Collection[str] = (),
) -> str:
    """Why a source is refused: unusable of its rows by reason, the first as they stand, what to do.

    Rows that are left out for a `forgiven` reason are counted apart, unless there are no others.
    """
    by_reason = quality.groupby("reason")["rows"].sum().sort_values(ascending=False)
    held = by_reason[~by_reason.index.isin(forgiven)]
    if held.empty:
        held = by_reason
    others = by_reason.drop(held.index)
    told = f"{int(held.sum()):,} of {rows:,} rows cannot be used ({_counted(held)})."
    if len(others):
        told += f" {int(others.sum()):,} others are left out ({_counted(others)})."
    first = source.first_rows(5, but_for=list(others.index))["words"]
    lines = [
        f"{source.name}: {told}",
        "First of them:" if others.empty else "First of those that cannot be used:",
        *(f"  - {words}" for words in first),
    ]
    unknown = int(by_reason.get(NO_DATE_FITS, 0))
    if unknown:
        lines.append(
            "Dates are expected as 2017-12-31 or 2017-12-31T09:30:00+03:00; another format is never "
            'guessed but set, such as date_format = "%d/%m/%Y". '
            + source.date_words(rows - unknown - int(by_reason.get("no date", 0)))
        )
    lines += [expected for reason, expected in _EXPECTED.items() if reason in by_reason]
    if NO_NUMBER in by_reason:
        lines.append(
            'Spend is expected as 1234.50, without a currency; for 1.234,50 set decimal = ",". '
            + (source.doubt_about_spend() or "")
        )
    if any("decimal number" in str(reason) for reason in by_reason.index):
        lines.append(
            "Ids such as 1.23E+11 or 42.0 went through a spreadsheet or a data frame that took them for "
            f"numbers, and several may have become one. {source.advice_on_ids()}"
        )
    lines.append(f"Mend the export, or allow more than {allowed:.1%} with max_unusable_share.")
    return "\n".join(line.rstrip() for line in lines)


def _counted(by_reason: pd.Series) -> str:
    return "; ".join(f"{reason}: {count:,}" for reason, count in by_reason.items())
