"""Everything that is known about the quality of a log, as one tidy table.

Each finding is a few aggregates of the engine; only those leave it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ibis
import pandas as pd
from ibis.expr.types import Table

from retention_models.purchase_days import NO_PURCHASE, purchase_days, returns_by_place
from retention_models.quality.daily_volume import days_without_sale, longest_gap, unusual_days
from retention_models.quality.left_truncation import left_truncation
from retention_models.quality.repeated_orders import RepeatedOrders, repeated_orders
from retention_models.sources import to_frame
from retention_models.transactions import Transactions

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
        it before the log is used. `retention_models.quality.words` makes sentences of it.

        rows, stores, customers, days (from the first to the last); unusable, in all and a row per
        reason; returns; returns before any purchase; zero spend; exact repeats; orders standing twice;
        days without a sale; days of unusual volume; spend outliers; new customers at the start (of: as
        many as would be expected at the rate of the days after; detail: the first of those); customers
        before first_seen_from, where it is set; silent stores; date format and decimal separator,
        where the data contradict them.

    Notes
    -----
    The log's findings are of all its stores together.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from retention_models.log_reading import read_transactions
    >>> lines = "id,day,paid\na,2024-01-01,9\na,2024-01-03,-2\nb,2024-01-05,x\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "log.csv").write_text(lines)
    ...     names = {"customer_id": "id", "date": "day", "spend": "paid"}
    ...     log = read_transactions(f"{folder}/log.csv", max_unusable_share=0.5, **names)
    ...     table = data_quality(log).set_index("finding")
    >>> table["count"][["rows", "unusable: spend is not a number", "returns"]].tolist()
    [3.0, 1.0, 1.0]
    >>> table["detail"]["returns"]
    'the last purchase before them: 1'
    """
    findings: list[Finding] = [
        *_size(log),
        *_unusable(log),
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
