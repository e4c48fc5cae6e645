"""A store's last months, and what changed of late: one pass of the engine, one row of sums.

It is what the chain's page shows of every store, so it has to cost a run little: `measure_table` and
`measure_changes` say the same for any period, in several passes.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd
from ibis.expr.types import IntegerValue, Table

from retention_models.data.engines import to_frame
from retention_models.data.transactions import Transactions
from retention_models.errors import CannotSay
from retention_models.measures.changes import ends_of_change
from retention_models.measures.definitions import columns_of, pairs_of
from retention_models.measures.sums import estimate, one_if, product_sum
from retention_models.measures.table import SMALLEST_GROUP, first_day
from retention_models.summaries.customers import purchase_days
from retention_models.summaries.periods import Periods, periods_of

CHANGING = ("customers", "repeat_customer_rate", "spend_per_order")
# A year takes the season out; where the data do not reach back two, a quarter does not.
LENGTHS = (365, 91)
_MONTHS = 12
_SIDES = ("now", "before")


@dataclass(frozen=True)
class RecentActivity:
    """What a store did of late, up to `end`.

    `months`: a row per calendar month that is over, at most the last 12: month (first day), customers
    and orders; NaN of 1 to 4 customers, since they would tell of single persons. `changes`: index
    measure (`CHANGING`), columns value, value_before, change, low, high (95%), customers,
    customers_before; or why the data carry none. `days`: length of each of the two windows compared;
    0 where none are.
    """

    months: pd.DataFrame
    changes: pd.DataFrame | str
    days: int
    end: dt.date


def recent_activity(
    log: Transactions, *, store_id: str, end: dt.date, first: dt.date
) -> RecentActivity:
    """A store's last twelve months, and the change of its headlines against the time before.

    Notes
    -----
    The windows are 365 days where the log holds two of them, else 91. A store that opened in the
    earlier one, more than a tenth of it late, is not compared: of course it grew. Values and intervals
    are those of `measure_changes`.
    """
    begin = first_day(log)
    days = next((n for n in LENGTHS if begin <= end - dt.timedelta(days=2 * n - 1)), 0)
    months = periods_of("M", end)
    numbers = [n for n in months.complete(begin, end) if months.end(n) >= first][-_MONTHS:]
    sums = _sums(log, store_id, end, days, months, numbers)
    table = pd.DataFrame(
        {
            "month": [months.start(n) for n in numbers],
            "customers": [sums[f"customers_{n}"] for n in numbers],
            "orders": [sums[f"orders_{n}"] for n in numbers],
        }
    )
    few = (table["customers"] > 0) & (table["customers"] < SMALLEST_GROUP)
    table.loc[few, ["customers", "orders"]] = np.nan
    try:
        _require_comparable(days, end, begin, first)
        changes: pd.DataFrame | str = _changes(sums, days, end)
    except CannotSay as refusal:
        changes, days = str(refusal), 0
    return RecentActivity(table, changes, days, end)


def _sums(
    log: Transactions, store_id: str, end: dt.date, days: int, months: Periods, numbers: list[int]
) -> dict[str, float]:
    """Sums over customers by month and window, as floats by name."""
    bought = purchase_days(log.rows(store_id, end), same_day="each", returns=log.has_returns)
    by_customer = _by_customer(bought, end, days, months, numbers)
    asked = {}
    for n in numbers:
        orders = by_customer[f"orders_{n}"]
        asked[f"customers_{n}"] = one_if(orders > 0).sum()
        asked[f"orders_{n}"] = orders.sum()
    columns, pairs = columns_of(CHANGING), pairs_of(CHANGING)
    for side in _SIDES:
        asked[f"n_{side}"] = by_customer[f"customer_{side}"].sum()
        asked |= {f"{c}_{side}": by_customer[f"{c}_{side}"].sum() for c in columns}
    crossed = {"now": ("now", "now"), "before": ("before", "before"), "both": ("now", "before")}
    for name, (one, other) in crossed.items():
        for a, b in pairs if name == "both" else sorted({tuple(sorted(pair)) for pair in pairs}):
            product = product_sum(by_customer[f"{a}_{one}"], by_customer[f"{b}_{other}"])
            asked[f"{a}*{b}_{name}"] = product
    asked["n_both"] = product_sum(by_customer["customer_now"], by_customer["customer_before"])
    found = to_frame(by_customer.aggregate(**asked))
    row = found.astype(float).fillna(0.0).iloc[0]
    sums = {str(name): float(value) for name, value in row.items()}
    for a, b in pairs:
        for side in _SIDES:
            sums.setdefault(f"{a}*{b}_{side}", sums.get(f"{b}*{a}_{side}", 0.0))
    return sums


def _by_customer(
    bought: Table, end: dt.date, days: int, months: Periods, numbers: list[int]
) -> Table:
    month = months.number_of(bought["date"])
    asked = {}
    for n in numbers:
        asked[f"orders_{n}"] = (month == n).ifelse(bought["purchases"], 0).sum().cast("int64")
    for side, nearest in zip(_SIDES, (0, days), strict=True):
        last = end - dt.timedelta(days=nearest)
        # Where nothing is compared this is empty: no day lies after `last` and up to it.
        inside = (bought["date"] > last - dt.timedelta(days=days)) & (bought["date"] <= last)
        asked[f"days_{side}"] = one_if(inside).sum().cast("int64")
        asked[f"orders_{side}"] = inside.ifelse(bought["purchases"], 0).sum().cast("int64")
        asked[f"spend_{side}"] = inside.ifelse(bought["spend"], 0).sum()
    found = bought.group_by("customer_id").aggregate(**asked)
    flags: dict[str, IntegerValue] = {}
    for side in _SIDES:
        came = one_if(found[f"days_{side}"] > 0)
        flags |= {f"customer_{side}": came, f"one_{side}": came}
        flags[f"repeater_{side}"] = one_if(found[f"days_{side}"] > 1)
    return found.mutate(**flags)


def _require_comparable(days: int, end: dt.date, begin: dt.date, first: dt.date) -> None:
    if not days:
        raise CannotSay(
            "The data begin on {begin}; a change needs {days} days of them up to {end}.",
            begin=begin,
            days=2 * LENGTHS[-1],
            end=end,
        )
    late = end - dt.timedelta(days=2 * days - 1 - days // 10)
    if first > late:
        raise CannotSay(
            "The store's first purchase was on {first}, so that there are no whole {days} days "
            "before the last {days} to compare them with.",
            first=first,
            days=days,
        )


def _changes(sums: dict[str, float], days: int, end: dt.date) -> pd.DataFrame:
    if min(sums["n_now"], sums["n_before"]) < SMALLEST_GROUP:
        raise CannotSay(
            "Fewer than {smallest} customers came in the last {days} days, or in those before; "
            "figures of so few are not shown.",
            smallest=SMALLEST_GROUP,
            days=days,
        )
    periods = periods_of(days, end)
    last = periods.number(end)
    sides = {
        side: pd.DataFrame([_of_side(sums, side) | {"period": last - back}])
        for back, side in enumerate((*_SIDES, "both"))
    }
    rows = {}
    for name in CHANGING:
        now, before = (_estimated(name, sides[side], days) for side in _SIDES)
        low, high = ends_of_change(name, now, before, sides["both"], periods)
        value, value_before = float(now["value"].iloc[0]), float(before["value"].iloc[0])
        rows[name] = {
            "value": value,
            "value_before": value_before,
            "change": value - value_before,
            "low": float(low[0]),
            "high": float(high[0]),
            "customers": sums["n_now"],
            "customers_before": sums["n_before"],
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("measure")


def _of_side(sums: dict[str, float], side: str) -> dict[str, float]:
    end = f"_{side}"
    return {name.removesuffix(end): value for name, value in sums.items() if name.endswith(end)}


def _estimated(name: str, table: pd.DataFrame, days: int) -> pd.DataFrame:
    found = estimate(name, table, np.array([float(days)]))
    return table.assign(
        value=found.value,
        low=found.low,
        high=found.high,
        variance=found.variance,
        customers=table["n"],
    )
