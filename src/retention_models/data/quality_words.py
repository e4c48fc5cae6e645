"""The table of `data_quality` → whole English sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

Finding = Mapping[str, Any]


def quality_sentences(quality: pd.DataFrame) -> list[str]:
    """One sentence or two per finding; of what was looked for and not found, nothing."""
    rows = quality.to_dict("records")
    return [sentence for row in rows if (sentence := _sentence(row))]


def _sentence(row: Finding) -> str:
    finding = str(row["finding"])
    if finding in ("date format", "decimal separator"):
        return str(row["detail"])
    if row["count"] == 0 and finding != "unusable":
        return ""
    if finding.startswith("unusable: "):
        return _unusable(row)
    return _WORDS[finding](row)


def _unusable(row: Finding) -> str:
    reason = str(row["finding"]).removeprefix("unusable: ")
    first = f" First: {row['detail']}." if row["detail"] else ""
    return f"{_of(row, 'rows')} are left out: {reason}.{first}"


def _of(row: Finding, things: str) -> str:
    return f"{row['count']:,.0f} of {row['of']:,.0f} {things}"


def _in_brackets(row: Finding) -> str:
    return f" ({row['detail']})" if row["detail"] else ""


def _orders_twice(row: Finding) -> str:
    text = f"{_of(row, 'orders')} stand in the data more than once, with every line{_in_brackets(row)}."
    if not row["doubtful"]:
        return f"{text} Two equal items of a small order look the same."
    return (
        f"{text} A file that was loaded twice looks like this: take the second one out, or set "
        'duplicates = "drop".'
    )


def _start(row: Finding) -> str:
    day, early = row["detail"], f"{row['count']:,.0f} customers were first seen before"
    if pd.isna(row["of"]):
        return f"{early} {day}; the log is too short to say whether they had been customers before."
    if row["of"] == 0:
        return f"All {early} {day} and none after it: the log holds the customers of one time."
    text = f"{early} {day}; at the rate of the days after, it would have been {row['of']:,.0f}."
    if not row["doubtful"]:
        return text
    return (
        f"{text} Unless the shop opened then, or the log was cut to those who began then, most of them "
        "were customers before it begins and look like new ones. A store's forecast tells the two apart "
        f"by itself; where summaries and cohorts should not hold them, first_seen_from = {day} leaves "
        "them out."
    )


def _no_sales(row: Finding) -> str:
    column, _, values = str(row["detail"]).partition(": ")
    if not values:
        return (
            f"{_of(row, 'rows')} have a refund: column {column}. Spend is taken as it stands: if "
            "refunds are not rows of their own, let spend be what was kept."
        )
    return (
        f"{_of(row, 'rows')} may be no sales: column {column} looks like a status ({values}). "
        f'keep = {{ {column.strip(chr(39))} = ["…"] }} in [transactions] names the '
        "values that are sales."
    )


def _nobodys(row: Finding) -> str:
    shown, _, key = str(row["detail"]).rpartition("; ")
    return (
        f"{_of(row, 'usable rows')} are of ids that look like nobody's: {shown}. If they are, {key} in "
        "[transactions] leaves them out."
    )


_WORDS: dict[str, Callable[[Finding], str]] = {
    "rows": lambda row: f"{row['detail']}: {row['count']:,.0f} rows.",
    "unusable": lambda row: f"{_of(row, 'rows')} are unusable.",
    "stores": lambda row: f"Stores in the data: {row['count']:,.0f}.",
    "customers": lambda row: f"Customers: {row['count']:,.0f}.",
    "days": lambda row: f"The log covers {row['count']:,.0f} days, {row['detail']}.",
    "ids that are nobody's": _nobodys,
    "ids that are nearly equal": lambda row: (
        f"{_of(row, 'customer ids')} equal another one but for blanks, upper or lower case, or Unicode "
        f"form, and may be one person twice: {row['detail']}. Mend them in the export; where the case "
        "alone differs, as in addresses of e-mail, ignore_case = true in [transactions] reads them as "
        "one."
    ),
    "ids joined by blanks": lambda row: (
        f"{row['count']:,.0f} ids differ only in the blanks around them (or in a .0 behind) and are "
        f"read as one customer each: {row['detail']}."
    ),
    "rows that may be no sales": _no_sales,
    "returns": lambda row: (
        f"{_of(row, 'usable rows')} are returns (spend below 0): they lower spend{_in_brackets(row)}."
    ),
    "returns before any purchase": lambda row: (
        f"{_of(row, 'returns')} have no purchase before them and lower nothing: what they gave back "
        "was bought before the log begins, or under another customer id."
    ),
    "zero spend": lambda row: (
        f"{_of(row, 'usable rows')} have a spend of 0: they count as purchases."
    ),
    "exact repeats": lambda row: (
        f"{_of(row, 'rows')} repeat another row exactly: they were kept "
        '(duplicates = "drop" leaves them out).'
    ),
    "orders standing twice": _orders_twice,
    "days without a sale": lambda row: (
        f"{_of(row, 'days')} have no sale, though their weekday usually has; the longest run is "
        f"{row['detail']}."
    ),
    "days of unusual volume": lambda row: (
        f"{_of(row, 'days')} have far more or far fewer rows than the same weekday around them: "
        f"{row['detail']}."
    ),
    "spend outliers": lambda row: (
        f"{_of(row, 'spends')} are far beyond the others, {row['detail']}."
    ),
    "new customers at the start": _start,
    "customers before first_seen_from": lambda row: (
        f"{_of(row, 'customers')} were first seen before first_seen_from = {row['detail']} and are "
        "left out of summaries and models."
    ),
    "silent stores": lambda row: (
        f"{_of(row, 'stores')} have no sale in the last 14 days of the log: {row['detail']}."
    ),
}
