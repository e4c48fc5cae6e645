"""Everything that is known about the quality of a log, as one tidy table of aggregates of the engine."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import ibis
import numpy as np
import pandas as pd
from ibis.expr.types import Table

from retention_models.data.days import NO_PURCHASE, purchase_days, returns_by_place
from retention_models.data.engines import to_frame
from retention_models.data.identities import (
    columns_of_no_sales,
    joined_by_blanks,
    nearly_equal,
    nobody,
)
from retention_models.data.transactions import Transactions
from retention_models.errors import require_kind

_WEEKS_AROUND = 4
# A weekday on which less than this share of the weeks has a sale is one on which the shop is closed.
_OPEN = 0.5
# Both must hold: chance alone moves a small shop's day by half, and a large shop's by nothing.
_RATIO, _ROBUST_DEVIATIONS = 1.6, 4.0
_FEWEST_LINES = 5.0
_SIGMA_PER_MAD = 1.482602218505602


def days_without_sale(lines: pd.Series) -> pd.DatetimeIndex:
    """Days without any line between the first and the last, on weekdays that usually have one."""
    every = _every_day(lines)
    open_share = (every > 0).groupby(every.index.day_of_week).mean()
    usual = open_share.reindex(every.index.day_of_week).to_numpy() >= _OPEN
    return every.index[(every == 0).to_numpy() & usual]


def longest_gap(days: pd.DatetimeIndex) -> tuple[pd.Timestamp, pd.Timestamp] | None:
    """First and last day of the longest run of consecutive days; the earliest of equals; or None."""
    if days.empty:
        return None
    series = days.to_series()
    runs = (series.diff() != pd.Timedelta(days=1)).cumsum()
    longest = series[runs == runs.value_counts(sort=False).idxmax()]
    return longest.iloc[0], longest.iloc[-1]


def unusual_days(lines: pd.Series) -> pd.DataFrame:
    """Days with sales whose number of lines is far from that of the same weekdays around.

    Usual is the median of the same weekday in the four weeks before and after, days without sales
    apart. A day is listed if it has 1.6 times the usual or more, or less than 1 / 1.6 of it, and the
    logarithm of that ratio lies four robust standard deviations (1.4826 · median |log ratio|) from 0.
    Days with fewer than five usual lines are left out.
    """
    every = _every_day(lines).astype(float).replace(0.0, np.nan)
    around = pd.DataFrame(
        {k: every.shift(7 * k) for k in range(-_WEEKS_AROUND, _WEEKS_AROUND + 1) if k}
    )
    usual = around.median(axis=1)
    table = pd.DataFrame({"lines": every, "usual": usual}).dropna()
    table = table[table["usual"] >= _FEWEST_LINES]
    deviation = np.log(table["lines"] / table["usual"]).abs()
    scale = _SIGMA_PER_MAD * deviation.median()
    far = (deviation >= np.log(_RATIO)) & (deviation > _ROBUST_DEVIATIONS * scale)
    return table[far].astype({"lines": "int64"})


def _every_day(lines: pd.Series) -> pd.Series:
    return lines.reindex(pd.date_range(lines.index[0], lines.index[-1]), fill_value=0)


# Of the gaps between a customer's purchase days, this share is no longer than the warm-up.
_COVERED = 0.90
_DAYS_IN_WEEK = 7
# A start this many times as crowded as the time after it, and this far beyond chance, is no accident.
_CROWDED, _STANDARD_ERRORS = 2.0, 4.0


@dataclass(frozen=True, slots=True)
class LeftTruncation:
    """New customers at the start of a log, held against the time after it.

    The start, `warm_up` days, is whole weeks that cover 90% of the gaps between two purchase days of a
    customer: by then most customers of before have been seen again. Of all `customers`, `early` were
    first seen in it; `expected` is how many it would have been at the rate of the days after, NaN where
    less time is left than the warm-up took.
    """

    customers: int
    warm_up: int
    early: int
    expected: float
    first_seen_from: dt.date  # the day after the warm-up

    @property
    def is_suspected(self) -> bool:
        """Whether the start is far more crowded with new customers than the time after it.

        Not where nobody is new after it: such a log was cut to those who began at its start.
        """
        if not np.isfinite(self.expected) or self.early == self.customers:
            return False
        excess = self.early - _CROWDED * self.expected
        return excess > _STANDARD_ERRORS * float(np.sqrt(max(self.expected, 1.0)))


def left_truncation(days: Table, last_day: dt.date) -> LeftTruncation | None:
    """The rate of new customers at the start of a log beside the time after; None without a purchase.

    In a shop that has been open for long, customers of before come back, and are taken for new, at a
    rate that falls as their gaps run out, while truly new ones come at a rate of their own. A shop that
    opens with the log, or a log that was cut to those who began in its first weeks, looks alike: the
    data cannot tell which it is.
    """
    joined = days.group_by("customer_id").aggregate(date=days["date"].min())
    new = to_frame(joined.group_by("date").aggregate(n=joined.count()))
    if new.empty:
        return None
    new = new.set_index(pd.DatetimeIndex(new["date"]))["n"].sort_index()
    begin, end = new.index[0], pd.Timestamp(last_day)
    warm_up = min(_covering(_gaps(days)), (end - begin).days + 1)
    after = begin + pd.Timedelta(days=warm_up)
    left = (end - after).days + 1
    early = int(new[new.index < after].sum())
    enough = left >= warm_up
    return LeftTruncation(
        customers=int(new.sum()),
        warm_up=warm_up,
        early=early,
        expected=float(new.sum() - early) / left * warm_up if enough else float("nan"),
        first_seen_from=after.date(),
    )


def _gaps(days: Table) -> pd.Series:
    """Days between consecutive purchase days of a customer (index), and how many such gaps."""
    before = days["date"].lag().over(group_by="customer_id", order_by="date")
    pairs = days.select("date", before=before)
    pairs = pairs.filter(pairs["before"].notnull())
    gaps = pairs.select(gap=pairs["date"].delta(pairs["before"], unit="day"))
    counts = to_frame(gaps.group_by("gap").aggregate(n=gaps.count()).order_by("gap"))
    return counts.set_index("gap")["n"]


def _covering(gaps: pd.Series) -> int:
    """Whole weeks, in days, that are no shorter than 90% of the gaps; one week if there are none."""
    if gaps.empty:
        return _DAYS_IN_WEEK
    covered = gaps.cumsum() >= _COVERED * gaps.sum()
    return int(np.ceil(float(covered.idxmax()) / _DAYS_IN_WEEK)) * _DAYS_IN_WEEK


# A day with fewer orders may have all of them twice by chance.
_FEWEST_ORDERS = 3


@dataclass(frozen=True, slots=True)
class RepeatedOrders:
    """Orders whose every line stands in the source more than once."""

    orders: int  # with an id
    repeated: int
    of_several_lines: (
        int  # of the repeated, with different lines: two equal items do not explain them
    )
    whole_days: list[str]  # as they stand in the source: three orders or more, all repeated


def repeated_orders(log: Transactions) -> RepeatedOrders | None:
    """Orders that may have been loaded twice; None without order ids, or where repeats were dropped.

    An order is what a customer's lines of one day and one order id (at one store, where there are
    several) make. A line is a copy only if it agrees in every column of the source.
    """
    raw, how = log.origin.table, log.as_read
    if not log.repeats_kept or how is None or how.columns["order_id"] is None:
        return None
    orders = _orders(raw, how.columns)
    copied = orders["copies"] > 1
    by_day = to_frame(
        orders.group_by("order_day")
        .aggregate(
            orders=orders.count(),
            repeated=copied.sum(),
            several=(copied & (orders["different_lines"] > 1)).sum(),
        )
        .order_by("order_day")
    )
    whole = (by_day["repeated"] == by_day["orders"]) & (by_day["orders"] >= _FEWEST_ORDERS)
    return RepeatedOrders(
        orders=int(by_day["orders"].sum()),
        repeated=int(by_day["repeated"].sum()),
        of_several_lines=int(by_day["several"].sum()),
        whole_days=[str(day) for day in by_day.loc[whole, "order_day"] if pd.notna(day)],
    )


def _orders(raw: Table, columns: Mapping[str, str | None]) -> Table:
    lines = raw.group_by(list(raw.columns)).aggregate(copies_of_line=raw.count())
    # Dates with a time begin with the day, in every format that names the year in four digits.
    day = lines[str(columns["date"])].cast("string").substr(0, 10)
    names = [columns[role] for role in ("customer_id", "order_id", "store_id") if columns[role]]
    lines = lines.filter(ibis.and_(*(lines[name].notnull() for name in names)))
    return lines.group_by(*dict.fromkeys(names), order_day=day).aggregate(
        copies=lines["copies_of_line"].min(), different_lines=lines.count()
    )


# A store without a sale for longer than this at the end of the log may have closed.
_SILENCE = pd.Timedelta(days=14)
_MOST_SHOWN = 3
# Spends beyond the upper quartile times the cube of the ratio of the quartiles (at least 2 cubed): the
# outer fence of Tukey (1977) for the logarithm, which one lognormal spend in a million passes.
_SMALLEST_RATIO = 2.0

Finding = dict[str, Any]


def data_quality(log: Transactions) -> pd.DataFrame:
    r"""What a log holds, what could not be used, and what in it looks wrong.

    Parameters
    ----------
    log : Transactions
        A checked log.

    Returns
    -------
    DataFrame
        A row per finding, in the order in which they are read. finding: its name. count: how many
        were found (NaN where the log cannot say). of: how many there are of the kind. share: count ÷
        of. detail: where, and the first examples, as text. doubtful: whether somebody should look at
        it before the log is used. `retention_models.data.quality_words` makes sentences of it.

        rows, stores, customers, days (from the first to the last); unusable, in all and a row per
        reason; ids that are nobody's, ids that are nearly equal, ids joined by blanks, rows that may be
        no sales; returns; returns before any purchase; zero spend; exact repeats; orders standing twice;
        days without a sale; days of unusual volume; spend outliers; new customers at the start (of: as
        many as would be expected at the rate of the days after; detail: the first of those); customers
        before first_seen_from, where it is set; silent stores; date format and decimal separator,
        where the data contradict them.

    Notes
    -----
    The log's findings are of all its stores together.

    Examples
    --------
    >>> import retention_models as rm
    >>> lines = {"id": ["a", "a", "b"], "paid": ["9", "-2", "x"]}
    >>> lines |= {"day": ["2024-01-01", "2024-01-03", "2024-01-05"]}
    >>> names = {"customer_id": "id", "date": "day", "spend": "paid"}
    >>> log = rm.read_transactions(pd.DataFrame(lines), max_unusable_share=0.5, **names)
    >>> table = data_quality(log).set_index("finding")
    >>> table["count"][["rows", "unusable: spend is not a number", "returns"]].tolist()
    [3.0, 1.0, 1.0]
    >>> table["detail"]["returns"]
    'the last purchase before them: 1'
    """
    require_kind("log", log, Transactions, "read_transactions")
    findings: list[Finding] = [
        *_size(log),
        *_unusable(log),
        *_identities(log),
        *_returns(log),
        *_repeats(log),
        *_volume(log),
        _outliers(log.table),
        *_start(log),
        _silent_stores(log),
        *_doubts(log),
    ]
    table = pd.DataFrame(findings, columns=["finding", "count", "of", "detail", "doubtful"])
    table = table.astype({"count": float, "of": float, "doubtful": bool})
    table.insert(3, "share", table["count"] / table["of"].where(table["of"] > 0))
    return table


def _found(name: str, count: float, of: float, detail: str = "", doubtful: bool = False) -> Finding:
    return {"finding": name, "count": count, "of": of, "detail": detail, "doubtful": doubtful}


def _size(log: Transactions) -> Iterator[Finding]:
    customers = to_frame(log.table.aggregate(n=log.table["customer_id"].nunique()))
    first, last = log.stores["first_day"].min(), log.last_day()
    yield _found("rows", log.rows_read, float("nan"), log.source)
    yield _found("stores", len(log.stores), float("nan"))
    yield _found("customers", int(customers["n"].item()), float("nan"))
    yield _found("days", (last - first).days + 1, float("nan"), f"{first} to {last}")


def _unusable(log: Transactions) -> Iterator[Finding]:
    yield _found("unusable", log.rows_unusable, log.rows_read, doubtful=log.rows_unusable > 0)
    if log.quality.empty:
        return
    by_reason = log.quality.groupby("reason")["rows"].sum().sort_values(ascending=False)
    first: dict[str, list[str]] = {}
    if log.as_read is not None:
        rows = log.as_read.first_rows(_MOST_SHOWN, of_each_reason=True)
        first = rows.groupby("reason")["words"].apply(list).to_dict()
    for reason, rows in by_reason.items():
        examples = "; ".join(first.get(str(reason), []))
        yield _found(f"unusable: {reason}", rows, log.rows_read, examples, doubtful=True)


def _identities(log: Transactions) -> Iterator[Finding]:
    rows, of, shown, ids = nobody(log)
    key = f"anonymous = {json.dumps(ids, ensure_ascii=False)}"
    yield _found("ids that are nobody's", rows, of, f"{shown}; {key}" if ids else "", bool(ids))
    twice, customers, shown = nearly_equal(log)
    yield _found("ids that are nearly equal", twice, customers, shown, twice > 0)
    joined, shown = joined_by_blanks(log)
    yield _found("ids joined by blanks", joined, customers, shown)
    for column, count, values in columns_of_no_sales(log):
        detail = f"{column!r}: {values}" if values else f"{column!r} is not 0"
        yield _found("rows that may be no sales", count, log.rows_read, detail, True)


def _returns(log: Transactions) -> Iterator[Finding]:
    usable, returns, zeros = (int(log.stores[name].sum()) for name in ("rows", "returns", "zeros"))
    places = returns_by_place(log.table) if log.has_returns else pd.Series(dtype="int64")
    shown = "; ".join(f"{place}: {n:,}" for place, n in places.items() if n)
    yield _found("returns", returns, usable, shown)
    before = int(places.get(NO_PURCHASE, 0))
    yield _found("returns before any purchase", before, returns, doubtful=before > 0)
    yield _found("zero spend", zeros, usable)


def _repeats(log: Transactions) -> Iterator[Finding]:
    if log.repeats_kept:
        yield _found("exact repeats", log.repeats, log.rows_read)
    orders = repeated_orders(log)
    if orders is None:
        return
    yield _found(
        "orders standing twice",
        orders.repeated,
        orders.orders,
        _where_repeated(orders),
        doubtful=orders.of_several_lines > 0 or bool(orders.whole_days),
    )


def _where_repeated(orders: RepeatedOrders) -> str:
    parts = []
    if orders.of_several_lines:
        parts.append(f"of several different lines: {orders.of_several_lines:,}")
    if orders.whole_days:
        shown = ", ".join(orders.whole_days[:_MOST_SHOWN])
        more = len(orders.whole_days) - _MOST_SHOWN
        parts.append(f"every order of {shown}" + (f" and {more:,} more days" if more > 0 else ""))
    return "; ".join(parts)


def _volume(log: Transactions) -> Iterator[Finding]:
    table = log.table
    by_day = to_frame(table.group_by("date").aggregate(lines=table.count()).order_by("date"))
    lines = by_day.set_index(pd.DatetimeIndex(by_day["date"]))["lines"]
    span = (lines.index[-1] - lines.index[0]).days + 1
    without = days_without_sale(lines)
    gap = longest_gap(without)
    ends = [] if gap is None else [f"{day:%Y-%m-%d}" for day in gap]
    longest = " to ".join(dict.fromkeys(ends))
    doubtful = gap is not None and (gap[1] - gap[0]).days >= 2
    yield _found("days without a sale", len(without), span, longest, doubtful=doubtful)
    unusual = unusual_days(lines)
    shown = ", ".join(
        f"{day:%Y-%m-%d} ({row['lines']:,.0f} lines, usually {row['usual']:,.0f})"
        for day, row in unusual.head(_MOST_SHOWN).iterrows()
    )
    yield _found("days of unusual volume", len(unusual), span, shown, doubtful=len(unusual) > 0)


def _outliers(table: Table) -> Finding:
    paid = table.filter(table["spend"] > 0).mutate(spend=table["spend"].cast("float64"))
    spend = paid["spend"]
    quartiles = to_frame(
        paid.aggregate(lower=spend.quantile(0.25), upper=spend.quantile(0.75), n=paid.count())
    )
    n = int(quartiles["n"].item())
    if n == 0:
        return _found("spend outliers", 0, 0)
    lower, upper = float(quartiles["lower"].item()), float(quartiles["upper"].item())
    fence = upper * max(upper / lower, _SMALLEST_RATIO) ** 3
    beyond = paid.filter(spend > fence)
    count = int(to_frame(beyond.aggregate(n=beyond.count()))["n"].item())
    largest = beyond.order_by(ibis.desc("spend"), "date").limit(_MOST_SHOWN)
    shown = ", ".join(
        f"{row['spend']:,.2f} on {row['date']}"
        for row in to_frame(largest.select("spend", "date")).to_dict("records")
    )
    detail = f"above {fence:,.2f}: {shown}" if count else ""
    return _found("spend outliers", count, n, detail, doubtful=count > 0)


def _start(log: Transactions) -> Iterator[Finding]:
    # Returns move spend, never the days on which something was bought.
    rows = log.rows()
    days = purchase_days(rows.filter(rows["spend"] >= 0), returns=False)
    start = left_truncation(days, log.last_day())
    if start is None:
        return
    begin = str(start.first_seen_from)
    yield _found(
        "new customers at the start", start.early, start.expected, begin, start.is_suspected
    )
    if log.first_seen_from is not None:
        first = days.group_by("customer_id").aggregate(first=days["date"].min())
        known = first.filter(first["first"] < log.first_seen_from)
        before = int(to_frame(known.aggregate(n=known.count()))["n"].item())
        yield _found(
            "customers before first_seen_from", before, start.customers, str(log.first_seen_from)
        )


def _silent_stores(log: Transactions) -> Finding:
    last = pd.to_datetime(log.stores["last_day"])
    silent = last[last.max() - last > _SILENCE].sort_values()
    shown = ", ".join(
        f"{store} since {day:%Y-%m-%d}" for store, day in silent[:_MOST_SHOWN].items()
    )
    return _found("silent stores", len(silent), len(last), shown, doubtful=len(silent) > 0)


def _doubts(log: Transactions) -> Iterator[Finding]:
    if log.as_read is None:
        return
    doubts = {
        "date format": log.as_read.doubt_about_dates(),
        "decimal separator": log.as_read.doubt_about_spend(),
    }
    for name, words in doubts.items():
        if words:
            yield _found(name, 1, float("nan"), words, doubtful=True)
