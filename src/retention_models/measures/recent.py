"""A store's last quarters and months, and what changed of late: one comparison for all pages.

Its own page and the chain's say the same of it, since both take their numbers and what is beyond chance
from here; a run finds them for all its stores in one pass of the engine.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from ibis.expr.types import Table

from retention_models.data.transactions import Transactions
from retention_models.errors import CannotSay
from retention_models.languages import counted, phrase
from retention_models.levels import Z95, z_of_level
from retention_models.measures.changes import PREVIOUS, YEAR_BEFORE, changes_in
from retention_models.measures.table import (
    SMALLEST_GROUP,
    first_day,
    measure_table,
    measured,
    rows_of,
    scope_of,
)

QUARTER = 91  # days: 13 weeks, so that every weekday is in it equally often
COMPARED = (
    "revenue",
    "orders",
    "customers",
    "repeat_customer_rate",
    "retention_rate",
    "purchase_frequency",
    "spend_per_order",
)
CHURN = ("churn_rate", "annual_churn_rate")
# A store whose first purchase is later than this in a quarter was not open in all of it.
CLOSED_DAYS = 14
# Days that a store was closed for in one of two quarters and not in the other, so that they are unlike.
CLOSED_MORE = 7
# Chance that any of a store's compared figures is said to have changed where none has.
_LEVEL = 0.05


def stands_out(changes: pd.DataFrame, level: float = _LEVEL) -> pd.Series:
    """|z| of each change (with low and high, 95%) over Bonferroni's threshold: above 1, beyond chance.

    z is the change over the distance to that end of its interval which lies towards 0, times 1.96; NaN
    where there is no interval.
    """
    change = changes["change"].astype(float)
    towards = np.where(change >= 0, change - changes["low"], changes["high"] - change)
    distance = pd.Series(towards, index=changes.index).astype(float)
    z = Z95 * change.abs() / distance.where(distance > 0)
    looked_at = max(int(z.notna().sum()), 1)
    return z / z_of_level(level / looked_at)


@dataclass(frozen=True)
class RecentActivity:
    """A store's quarters and months up to a day.

    `quarters`: rows of `measure_table` of COMPARED and CHURN, oldest first, with `shown`, whether of
    five customers or more. `compared`: rows of `measure_changes` of COMPARED. `months`: index start of
    the last twelve whole months; revenue, customers, orders and lost, NaN of one to four customers.
    `window`: days after which a customer counts as lost, where that can be told.
    """

    quarters: pd.DataFrame
    compared: pd.DataFrame
    months: pd.DataFrame
    window: int | None

    @property
    def quarter(self) -> pd.DataFrame:
        """The last quarter: index measure."""
        table = self.quarters
        return table.loc[table["end"] == table["end"].max()].set_index("measure")

    def changes(
        self, opened: dt.date, *, year: bool = False, closed: Collection[dt.date] = ()
    ) -> pd.DataFrame:
        """The last quarter against the one before, or a year before, by measure; `size`: `stands_out`.

        Changes of fewer than five customers in either quarter are NaN, and `note` says so, as it does
        where the store opened (`opened`) more than two weeks into the earlier one, or where one of the
        two was closed, by the days of `closed`, for a week more than the other.
        """
        table = self.compared
        against = YEAR_BEFORE if year else PREVIOUS
        last = (table["end"] == table["end"].max()) & (table["against"] == against)
        found = table.loc[last].set_index("measure")
        known = found["value"].notna() & found["value_before"].notna()
        few = found[["customers", "customers_before"]].min(axis=1) < SMALLEST_GROUP
        few &= known
        columns = ["change", "low", "high", "value_before"]
        found.loc[few, columns] = np.nan
        found.loc[few, "note"] = phrase(
            "Fewer than {smallest} customers in one of the two, so not compared.",
            smallest=SMALLEST_GROUP,
        )
        begin = pd.to_datetime(found["start_before"]) + pd.Timedelta(days=CLOSED_DAYS)
        late = begin < pd.Timestamp(opened)
        found.loc[late, columns] = np.nan
        found.loc[late, "note"] = phrase(
            "The store's own data begin on {opened}, so there is no whole quarter before.",
            opened=opened,
        )
        more = abs(_closed_of(found, "", closed) - _closed_of(found, "_before", closed))
        if more >= CLOSED_MORE:
            found[columns] = np.nan
            found["note"] = phrase(
                "One of the two was closed for {days} more, so they are not compared.",
                days=counted(more, "day"),
            )
        return found.assign(size=stands_out(found))


def _closed_of(found: pd.DataFrame, which: str, closed: Collection[dt.date]) -> int:
    """Days of a quarter on which the store was closed."""
    if not closed:
        return 0
    first, last = (pd.Timestamp(found[f"{end}{which}"].iloc[0]).date() for end in ("start", "end"))
    return sum(first <= day <= last for day in set(closed))


def recent_activity(log: Transactions, *, store_id: str, end: dt.date) -> RecentActivity:
    """The quarters and months of one store; refused where the data hold no quarter."""
    return _found(log, log.rows(store_id), end)[store_id]


def recent_by_store(
    log: Transactions, store_ids: Sequence[str], *, end: dt.date
) -> dict[str, RecentActivity]:
    """Those of several stores, asked of the engine once; no entry for a store without a purchase."""
    days = log.whole.stores["first_day"]
    there = [store for store in store_ids if store in days.index and days[store] <= end]
    if not there:
        return {}
    rows = log.rows()
    return _found(log, rows.filter(rows["store_id"].isin(there)), end)


def _found(log: Transactions, rows: Table, end: dt.date) -> dict[str, RecentActivity]:
    begin = first_day(log)
    _require_a_quarter(begin, end)
    some = replace(log, table=rows, only=None, open_whole=None)
    scope = scope_of(some, None, ("store_id",), None, QUARTER, None, end, None, None, None)
    with scope.units.asked_often() as units:
        scope = replace(scope, units=units)
        found = measured(scope, [*COMPARED, *CHURN])
        quarters = rows_of(scope, found)
        compared = changes_in(scope, [one for one in found if one.name in COMPARED])
    quarters["shown"] = quarters["customers"] >= SMALLEST_GROUP
    months = _months(some, begin, end)
    stores = list(dict.fromkeys(quarters["store_id"]))
    tables = zip(*(_by_store(table, stores) for table in (quarters, compared, months)), strict=True)
    return {
        store: RecentActivity(
            quarters=of_quarters,
            compared=of_compared,
            months=of_months.set_index("start"),
            window=scope.units.found_windows.get(store),
        )
        for store, (of_quarters, of_compared, of_months) in zip(stores, tables, strict=True)
    }


def _by_store(table: pd.DataFrame, stores: Sequence[str]) -> list[pd.DataFrame]:
    """The rows of each store; none where a table has none."""
    rows = table.drop(columns="store_id")
    places = table.groupby("store_id", sort=False).indices
    nothing = np.empty(0, dtype=np.intp)
    return [rows.take(places.get(s, nothing)).reset_index(drop=True) for s in stores]


def _require_a_quarter(begin: dt.date, end: dt.date) -> None:
    if (end - begin).days + 1 < QUARTER:
        raise CannotSay(
            "The data begin on {begin}, less than a quarter ({days} days) before {end}, so "
            "there is no quarter to show yet.",
            begin=begin,
            days=QUARTER,
            end=end,
        )


def _months(log: Transactions, begin: dt.date, end: dt.date) -> pd.DataFrame:
    """The last twelve whole months by store, oldest first; a quarter of days holds one or more."""
    after = end + dt.timedelta(days=1)
    found = measure_table(
        log,
        by=("store_id",),
        period="M",
        start=max(dt.date(after.year - 1, after.month, 1), begin),
        end=end,
        measures=("revenue", "customers", "orders", "churn_rate"),
    )
    few = found["customers"].between(1, SMALLEST_GROUP - 1)
    lost = (found["measure"] == "churn_rate") & found["value"].notna()
    found["number"] = found["value"].where(found["measure"] != "churn_rate")
    found.loc[lost, "number"] = found["numerator"]
    found.loc[few, "number"] = np.nan
    found["measure"] = found["measure"].replace("churn_rate", "lost")
    wide = found.pivot(index=["store_id", "start"], columns="measure", values="number")
    return wide.reindex(columns=["revenue", "customers", "orders", "lost"]).reset_index()
