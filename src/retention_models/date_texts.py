"""Which formats the dates of a file fit: said where they were not understood, never acted on."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping

# Texts looked at; dates without a time have no more different ones than days.
MOST_TEXTS = 20_000

_TIMES = (
    (r"[ T]\d{1,2}:\d{2}$", "%H:%M"),
    (r"[ T]\d{1,2}:\d{2}:\d{2}$", "%H:%M:%S"),
    (r"[ T]\d{1,2}:\d{2}:\d{2}\.\d+$", "%H:%M:%S.%f"),
    (r" \d{1,2}:\d{2} ?[APap][Mm]$", "%I:%M %p"),
    (r" \d{1,2}:\d{2}:\d{2} ?[APap][Mm]$", "%I:%M:%S %p"),
)
_ORDERS = (("d", "m", "Y"), ("m", "d", "Y"), ("Y", "m", "d"), ("d", "m", "y"), ("m", "d", "y"))
_FORMATS = (
    *(mark.join(f"%{field}" for field in order) for mark in "/.-" for order in _ORDERS),
    "%Y%m%d",
    "%d %b %Y",
    "%d %B %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%b %d, %Y",
)
_FEWEST_SERIAL, _MOST_SERIAL = 20_000, 80_000  # days since 1899-12-30: the years 1954 to 2119


def date_advice(counts: Mapping[str, int]) -> str:
    """What to set date_format to, as far as the dates themselves say it.

    Parameters
    ----------
    counts : mapping of str to int
        Dates as they stand in the file, with the number of rows of each.

    Returns
    -------
    str
        One or two sentences; none of them decides between formats that fit equally.

    Examples
    --------
    >>> print(date_advice({"31/12/2023": 2, "01/02/2024": 1}))
    All 3 of these dates fit "%d/%m/%Y"; 1 of them also fits "%m/%d/%Y". Set date_format = "%d/%m/%Y".
    >>> print(date_advice({"01/02/2024": 3}).partition(":")[0])
    All 3 of these dates fit "%d/%m/%Y" and "%m/%d/%Y", so the data cannot say which it is
    """
    texts = {text.strip(): 0 for text in counts}
    for text, rows in counts.items():
        texts[text.strip()] += rows
    total = sum(texts.values())
    if not all(text.isascii() for text in texts):
        return "Some of these dates are not written in the digits 0-9. Export dates as 2017-12-31."
    if all(_is_serial(text) for text in texts):
        return (
            "These are day numbers of a spreadsheet (45292 is 2024-01-01): format the column as a "
            "date before exporting it."
        )
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
