"""Single rows that falsify the numbers of a whole log: mistyped dates at its ends, a report's total."""

from __future__ import annotations

import ibis
import pandas as pd
from ibis.expr.types import Table, Value

from retention_models.data.checked_sources import SourceCheck
from retention_models.data.engines import to_frame
from retention_models.data.misleading_logs import first_words
from retention_models.data.transactions import Transactions
from retention_models.errors import DataError
from retention_models.languages import marked

# So few rows, so many days behind all others, are a mistyped year.
_BEYOND = marked("date far beyond all others")
_STRAY_ROWS, _STRAY_SHARE, _STRAY_DAYS = 10, 0.005, 180


def refuse_a_stray_last_day(check: SourceCheck, reason: Value, usable: Table, rows: int) -> None:
    """Refuse a log whose last rows lie far beyond the others: they would end it on a false day."""
    latest = to_frame(usable.select("date").order_by(ibis.desc("date")).limit(_STRAY_ROWS + 1))[
        "date"
    ]
    days = pd.Series(pd.to_datetime(latest))
    gaps = (days - days.shift(-1)).dt.days
    far = gaps[gaps > _STRAY_DAYS]
    if far.empty:
        return
    stray, last = int(far.index[0]) + 1, days[int(far.index[0]) + 1].date()
    if stray > _STRAY_SHARE * rows:
        return
    words = first_words(check, reason.isnull() & (check.found["date"] > last), _BEYOND)
    raise DataError(
        "\n".join(
            [
                f"{check.name}: the last {stray:,} of its rows lie more than {int(far.iloc[0]):,} days "
                f"beyond all others, which end on {last}: a mistyped date would end the log on a false "
                "day.",
                *words,
                f"Mend or take out these rows. After a closure, a log of more than {_STRAY_ROWS} rows "
                "since then is read.",
            ]
        )
    )


# So many years before all others no log begins.
_EARLY_DAYS, _EARLY_SHARE = 5 * 365, 0.05


def refuse_a_stray_first_day(check: SourceCheck, reason: Value, log: Transactions) -> None:
    """Refuse a log whose first rows lie years before all others: customers would be as old."""
    first, last = log.stores["first_day"].min(), log.stores["last_day"].max()
    rows = int(log.stores["rows"].sum())
    if (last - first).days <= _EARLY_DAYS:
        return
    days = log.table.select("date").order_by("date").limit(_STRAY_ROWS + 1)
    earliest = pd.Series(pd.to_datetime(to_frame(days)["date"]))
    gaps = (earliest.shift(-1) - earliest).dt.days
    far = gaps[gaps > _EARLY_DAYS]
    if far.empty or int(far.index[-1]) + 1 > _EARLY_SHARE * rows:
        return
    stray, begins = int(far.index[-1]) + 1, earliest[int(far.index[-1]) + 1].date()
    rows_words = first_words(
        check, reason.isnull() & (check.found["date"] < ibis.literal(begins)), _EARLY
    )
    raise DataError(
        "\n".join(
            [
                f"{check.name}: {stray:,} of its rows {'lies' if stray == 1 else 'lie'} more than "
                f"{int(far.iloc[-1]) // 365} years before all others, which begin on {begins}: a "
                "mistyped date would make a customer so old.",
                *rows_words,
                f"Mend or take out these rows. A log of more than {_STRAY_ROWS} rows before the gap is "
                "read.",
            ]
        )
    )


# What a report calls its sums, in small letters, within a longer name such as "Store A total".
_TOTALS = (
    r"(^|[^a-z])(sub|sous)?-?(total|totals|totale|totaal|suma|somme)([^a-z]|$)|summe|gesamt|insgesamt|"
    r"toplam|összesen|végösszeg|جمع|مجموع"
)
# Sums of a report may leave out a return or two; they are its rows once, or once a level.
_TOTAL_SHARE, _LEVELS, _LARGE = 0.005, 3, 0.02


def _refuse_several_totals(
    check: SourceCheck, reason: Value, log: Transactions, total: float, largest: float
) -> None:
    """Refuse a log with the sums of its parts, such as months, each under a name of its own."""
    if largest < _LARGE * total:
        return
    named = log.table["customer_id"].lower().re_search(_TOTALS)
    sums = ibis.ifelse(named, log.table["spend"], ibis.literal(0).cast(log.table["spend"].type()))
    found = to_frame(log.table.aggregate(rows=named.sum().fill_null(0), spend=sums.sum())).iloc[0]
    rows, summed = int(found["rows"]), float(found["spend"])
    others = total - summed
    levels = round(summed / others) if others > 0 else 0
    if not rows or not 1 <= levels <= _LEVELS or abs(summed / others - levels) > _TOTAL_SHARE:
        return
    is_total = reason.isnull() & check.found["customer_id"].lower().re_search(_TOTALS)
    raise DataError(
        "\n".join(
            [
                f"{check.name}: {rows:,} of its rows are called totals and have "
                f"{'as much as' if levels == 1 else f'{levels} times as much as'} all others together: "
                "the sums of a report, which would count all sales again.",
                *first_words(check, is_total, _SUMS),
                "Take them out, or name their customer ids in anonymous.",
            ]
        )
    )


_EARLY = "date years before all others"
_TOTAL, _SUMS = "as much as all others together", "called a total"
# In fewer rows one purchase may be what the others are by chance.
_FEWEST_ROWS, _CENT = 10, 0.005


def refuse_a_total_row(
    check: SourceCheck, reason: Value, counts: pd.DataFrame, log: Transactions
) -> None:
    """Refuse a log of which one row is the sum of all others: a report's total counts all twice."""
    usable = counts[counts["reason"].isna()]
    rows, total = int(usable["rows"].sum()), float(usable["spend"].sum())
    largest = float(usable["largest"].max())
    near = max(_CENT, 1e-9 * abs(total))
    if rows <= _FEWEST_ROWS or largest <= near:
        return
    if abs(total - 2.0 * largest) > near:
        _refuse_several_totals(check, reason, log, total, largest)
        return
    is_total = reason.isnull() & (check.found["number"] >= ibis.literal(largest - near))
    raise DataError(
        "\n".join(
            [
                f"{check.name}: one row has as much as its {rows - 1:,} others together: the total of a "
                "report, which would count all sales twice.",
                *first_words(check, is_total, _TOTAL),
                "Take it out, or name its customer id in anonymous.",
            ]
        )
    )
