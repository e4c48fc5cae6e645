"""Customers and what they did in each period: a row per group, customer and period, in the engine.

Measures are sums over these tables, so that one of all stores in all periods is one pass of the engine.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import ibis
import pandas as pd
from ibis.expr.types import Table

from retention_models.data.contacts import Events, Surveys
from retention_models.data.contract import require_columns, text_id
from retention_models.data.engines import kept, open_source, to_arrow, to_frame
from retention_models.data.pairs import of_store_and_customer, store_and_customer
from retention_models.data.transactions import Transactions
from retention_models.errors import DataError
from retention_models.measures.activity import every_number, kept_customers, window_by_group
from retention_models.measures.sums import one_if
from retention_models.summaries.customers import purchase_days
from retention_models.summaries.periods import Periods

Attributes: TypeAlias = "Table | pd.DataFrame | str | Path"

UNKNOWN = "unknown"


def customer_attributes(given: Attributes, names: Sequence[str], log: Table) -> Table:
    """Attributes as text ("unknown" where missing), a row per customer, in the engine of a log."""
    source, table = _opened(given)
    require_columns(source, table, {name: name for name in ("customer_id", *names)})
    table = table.select(
        customer_id=text_id(source, table, "customer_id", "customer_id"),
        **{name: table[name].cast("string").fill_null(UNKNOWN) for name in names},
    )
    counts = table.group_by("customer_id").aggregate(rows=table.count())
    several = to_frame(counts.filter(counts["rows"] > 1).order_by("customer_id").limit(3))
    if len(several):
        ids = ", ".join(repr(name) for name in several["customer_id"])
        raise DataError(
            f"{source}: expected one row per customer; customer_id {ids} stands in several. A "
            "customer with two attributes would be counted twice: keep one row each."
        )
    return in_engine_of(log, table)


def _opened(given: Attributes) -> tuple[str, Table]:
    if isinstance(given, str | Path):
        return str(given), open_source(str(given), None, "UTC").table
    if isinstance(given, pd.DataFrame):
        return "attributes", ibis.memtable(given)
    return "attributes", given


def in_engine_of(log: Table, table: Table) -> Table:
    """A small table where a log is, so that the two can be joined."""
    return table if table.get_backend() is log.get_backend() else ibis.memtable(to_arrow(table))


PROMOTER_FROM, DETRACTOR_UPTO = 9, 6


@dataclass(frozen=True)
class Units:
    """A log, its periods and groups (store_id, attributes), and what else is known of its customers."""

    log: Transactions
    store_id: str | None
    by: tuple[str, ...]
    periods: Periods
    numbers: range  # of the periods wanted
    attributes: Table | None = None  # from `customer_attributes`
    window: int | None = None  # days of the activity window; each store's own unless given
    surveys: Surveys | None = None
    events: Events | None = None
    found_windows: dict[str, int] = field(default_factory=dict)
    keep: Callable[[Table], Table] | None = field(default=None, repr=False)  # see `asked_often`
    _families: dict[tuple[str, ...], Table] = field(default_factory=dict, init=False, repr=False)

    @contextmanager
    def asked_often(self) -> Iterator[Units]:
        """The same, of which DuckDB in this process works out days and families once."""
        with ExitStack() as stack:
            yield replace(self, keep=lambda table: stack.enter_context(kept(table)))

    @property
    def by_store(self) -> bool:
        """Whether a customer of two stores is a customer of each."""
        return "store_id" in self.by

    @property
    def keys(self) -> list[str]:
        """Columns of a group, a customer and a period."""
        return [*self.by, "customer_id", "period"]

    @property
    def end(self) -> dt.date:
        """Last day of the last period."""
        return self.periods.end(self.numbers[-1])

    @cached_property
    def days(self) -> Table:
        """Purchase days up to the end: the group, customer_id, date, spend, purchases, period."""
        rows = self.log.rows(self.store_id, self.end)
        if self.by_store:
            rows = rows.mutate(customer_id=of_store_and_customer(rows))
        # Lines without an order id are one order of their day: nothing goes uncounted.
        days = purchase_days(rows, same_day="each", returns=self.log.has_returns)
        if self.by_store:
            days = _apart(days)
        days = self._with_attributes(days)
        days = days.mutate(period=self.periods.number_of(days["date"]))
        return days if self.keep is None else self.keep(days)

    def answers(self, family: str) -> bool:
        """Whether there is a source for one of the tables."""
        return family not in {"scores", "thumbs"} or self.surveys is not None

    def family(self, name: str, columns: Collection[str]) -> Table:
        """One of the tables that `Measure.family` names: by, customer_id, period and its columns.

        Of columns that take a pass of their own, only those asked for.
        """
        asked = name, *sorted(columns)
        if asked not in self._families:
            found = self._family(name, columns)
            self._families[asked] = found if self.keep is None else self.keep(found)
        return self._families[asked]

    def _family(self, name: str, columns: Collection[str]) -> Table:
        if name == "purchases":
            return self._purchases(lifetime="lifetime" in columns)
        found: Table = {
            "categories": self._categories,
            "activity": self._activity,
            "scores": self._scores,
            "thumbs": self._thumbs,
            "contacts": self._contacts,
        }[name]()
        return found

    def _wanted(self, table: Table) -> Table:
        return table.filter(table["period"].between(self.numbers[0], self.numbers[-1]))

    def _with_attributes(self, table: Table) -> Table:
        if self.attributes is None:
            return table
        names = [name for name in self.by if name != "store_id"]
        joined = table.join(self.attributes, "customer_id", how="left")
        return joined.select(
            *table.columns, **{name: joined[name].fill_null(UNKNOWN) for name in names}
        )

    def _purchases(self, *, lifetime: bool) -> Table:
        days, more = self.days, {}
        if lifetime:
            customer = ibis.window(group_by=[*self.by, "customer_id"])
            days = days.mutate(first=days["date"].min().over(customer))
            days = self._wanted(days)
            lived = days["date"].max().delta(days["first"].min(), unit="day")
            more["lifetime"] = lived.cast("int64")
        else:
            days = self._wanted(days)
        found = days.group_by(self.keys).aggregate(
            purchases=days.count(),
            orders=days["purchases"].sum().cast("int64"),
            spend=days["spend"].sum(),
            **more,
        )
        repeater = one_if(found["purchases"] >= 2)
        return found.mutate(repeater=repeater, customer=_ONE, one=_ONE)

    def _categories(self) -> Table:
        rows = self.log.rows(self.store_id, self.end)
        rows = rows.filter(rows["spend"] >= 0, rows["category"].notnull(), rows["category"] != "")
        rows = rows.mutate(period=self.periods.number_of(rows["date"]))
        rows = self._with_attributes(self._wanted(rows))
        found = rows.group_by(self.keys).aggregate(categories=rows["category"].nunique())
        several = one_if(found["categories"] >= 2)
        return found.select(*self.keys, customer=_ONE, several=several)

    def _activity(self) -> Table:
        stores = ["store_id"] if self.by_store else []
        days, windows = window_by_group(self.days, stores, self.window)
        self.found_windows.update(windows)
        return kept_customers(days, self.by, self.periods, self.numbers)

    def _answers(self, column: str) -> Table:
        assert self.surveys is not None  # `answers` says so first
        return self._placed(self.surveys.table, column)

    def _placed(self, table: Table, column: str) -> Table:
        """Rows of another source that have a value, in the log's engine, by group and period.

        A row that names no store counts at every store at which its customer has bought.
        """
        last = self.end
        table = table.filter(table["date"].between(self.periods.start(self.numbers[0]), last))
        table = table.filter(table[column].notnull())
        # Spark is sent no nulls: on the way they would become numbers, or text.
        store = table["store_id"].fill_null("")
        table = table.select("customer_id", "date", column, store_id=store)
        table = in_engine_of(self.log.rows(self.store_id), table)
        if self.by_store or self.store_id is not None:
            shops = self.log.rows(self.store_id, last).select("store_id", "customer_id").distinct()
            nowhere = table.filter(table["store_id"] == "").drop("store_id")
            everywhere = nowhere.join(shops, "customer_id").select(*table.columns)
            somewhere = table.filter(table["store_id"] != "")
            if self.store_id is not None:
                somewhere = somewhere.filter(somewhere["store_id"] == self.store_id)
            table = somewhere.union(everywhere)
        table = self._with_attributes(table)
        return table.mutate(period=self.periods.number_of(table["date"]))

    def _scores(self) -> Table:
        answers = self._answers("score")
        # Of several on one day the lowest: a survey has days, so the last of them is not known.
        order = ibis.window(group_by=self.keys, order_by=[ibis.desc("date"), "score"])
        answers = answers.mutate(place=ibis.row_number().over(order))
        answers = answers.filter(answers["place"] == 0)
        promoter = one_if(answers["score"] >= PROMOTER_FROM)
        detractor = one_if(answers["score"] <= DETRACTOR_UPTO)
        return answers.select(
            *self.keys,
            answer=_ONE,
            promoter=promoter,
            detractor=detractor,
            net=promoter - detractor,
        )

    def _thumbs(self) -> Table:
        answers = self._answers("up")
        return answers.group_by(self.keys).aggregate(
            answers=answers.count(), up=one_if(answers["up"]).sum().cast("int64")
        )

    def _contacts(self) -> Table:
        """Everyone who had bought by the period's end, and the kinds of contact in it."""
        days = self.days
        first = days.group_by([*self.by, "customer_id"]).aggregate(first=days["period"].min())
        begin = ibis.greatest(first["first"], self.numbers.start)
        stop = ibis.literal(self.numbers.stop, "int64")
        known = first.select(*self.by, "customer_id", period=every_number(begin, stop))
        kinds = self._wanted(days).select(*self.keys, kind=ibis.literal("purchase"))
        if self.surveys is not None:
            answered = self.surveys.table.mutate(kind=ibis.literal("survey answer"))
            kinds = kinds.union(self._placed(answered, "kind").select(*self.keys, "kind"))
        if self.events is not None:
            table = self._placed(self.events.table, "kind")
            kinds = kinds.union(table.select(*self.keys, "kind"))
        counts = kinds.group_by(self.keys).aggregate(kinds=kinds["kind"].nunique())
        joined = known.join(counts, self.keys, how="left")
        found = joined.select(*self.keys, kinds=joined["kinds"].fill_null(0).cast("int64"))
        return found.mutate(customer=_ONE, engaged=one_if(found["kinds"] > 0))


_ONE = ibis.literal(1, "int64")


def _apart(days: Table) -> Table:
    """Store and customer of `of_store_and_customer`, as two columns."""
    others = [name for name in days.columns if name != "customer_id"]
    store, customer = store_and_customer(days["customer_id"])
    return days.select(*others, store_id=store, customer_id=customer)
