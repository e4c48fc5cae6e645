"""A shop's transaction log as it was found: usable rows, those that are not, and its stores."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import pandas as pd
from ibis.expr.types import Table

from retention_models.data.contract import repeated_rows
from retention_models.data.engines import Source, copied
from retention_models.data.id_rules import IdRule
from retention_models.data.refusals import SourceAsRead
from retention_models.errors import SettingsError
from retention_models.languages import count, plural
from retention_models.languages.results import Card, Result

# DuckDB groups so many lines by customer and day within 3.5 GB; with more it would write to disk, which
# takes longer than reading the log once more for each part.
LINES_AT_ONCE = 34_000_000

# Of fewer lines a store's are found as soon as they are asked for.
_MANY_LINES = 100_000
# So many of a store are held, at some 100 bytes each.
_LINES_HELD = 2_000_000


@dataclass(frozen=True)
class StoreRows:
    """One store's rows, held apart from the table that they are taken from."""

    store_id: str
    taken_from: Table
    table: Table


@dataclass(frozen=True, repr=False)
class Transactions(Result):
    """A checked transaction log.

    Attributes
    ----------
    table : ibis Table
        Usable rows: customer_id (text), store_id (text), date (day in the shop's zone), spend
        (decimal, six places), order_id and category (text, null where not given). The engine of the
        source computes them when they are asked for. In this process also spend_millionths (floats),
        where these add up exactly in any order, with less work than decimals: the sum of their sizes
        lies below 2⁵³.
    quality : DataFrame
        Rows that could not be used: store_id, reason, rows, spend (of those rows, where it is a
        number).
    stores : DataFrame
        Usable rows by store. Index store_id (text, sorted); rows, returns (spend below 0), zeros
        (spend of 0), first_day and last_day.
    origin : Source
        What was opened.
    repeats_kept : bool
        Whether rows that repeat another were kept.
    as_read : SourceAsRead, optional
        How the source was read: for messages.
    first_seen_from : date, optional
        Who first bought before it is left out of summaries that name no other day.
    only : str, optional
        The store whose rows the table holds, where it holds no other's: in a run each notebook is
        given those of its own store.
    open_whole : callable, optional
        Opens the whole log, of which the table is a part; called when another store is asked for.
    repeats_found : int, optional
        What `repeats` is, where it is known.
    ids : IdRule
        What was done to ids; sources beside the log that are read with it have the same done to theirs.
    drawn_customers : tuple of str
        Customers of lines drawn by lot, in the order of their ids: where a large log may be parted.
    held : StoreRows, optional
        Rows of the one store that is asked about; see `with_held`.

    Examples
    --------
    >>> import retention_models as rm
    >>> days = ["2024-01-01", "2024-01-15", "2024-02-01", "2024-06-30"]
    >>> lines = pd.DataFrame({"id": ["a", "a", "a", "b"], "day": days, "paid": [9, 3, 6, 1]})
    >>> log = rm.read_transactions(lines, customer_id="id", date="day", spend="paid")
    >>> log.rows_read, log.rows_unusable, log.last_day()
    (4, 0, datetime.date(2024, 6, 30))
    """

    table: Table = field(repr=False)
    quality: pd.DataFrame = field(repr=False)
    stores: pd.DataFrame = field(repr=False)
    origin: Source = field(repr=False)
    repeats_kept: bool = True
    as_read: SourceAsRead | None = field(default=None, repr=False)
    first_seen_from: dt.date | None = None
    only: str | None = None
    open_whole: Callable[[], Transactions] | None = field(default=None, repr=False)
    repeats_found: int | None = None
    ids: IdRule = field(default=IdRule(), repr=False)
    drawn_customers: tuple[str, ...] = field(default=(), repr=False)
    held: StoreRows | None = field(default=None, repr=False)

    def _card(self) -> Card:
        facts = {
            "rows": count(self.rows_read - self.rows_unusable),
            "that could not be used": count(self.rows_unusable) if self.rows_unusable else "",
            "stores": count(len(self.stores)),
        }
        if len(self.stores):
            first, last = self.stores["first_day"].min(), self.stores["last_day"].max()
            facts["days"] = f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
        return Card(f"Transactions of {self.source}", facts, self.stores)

    @property
    def source(self) -> str:
        """What was read, for messages."""
        return self.origin.name

    @property
    def rows_read(self) -> int:
        """Rows in the source."""
        return int(self.stores["rows"].sum()) + self.rows_unusable

    @property
    def rows_unusable(self) -> int:
        """Rows that could not be used, for any reason."""
        return int(self.quality["rows"].sum())

    @property
    def has_returns(self) -> bool:
        """Whether any usable row is a return; a log that has none is summarised sooner."""
        return bool(self.stores["returns"].sum() > 0)

    @cached_property
    def repeats(self) -> int:
        """Rows that repeat another one exactly and were kept; counted when first asked for."""
        if self.repeats_found is not None:
            return self.repeats_found
        if not self.repeats_kept:
            return 0
        with self.origin.reading():
            return repeated_rows(self.origin.table, self.rows_read)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What was found and kept, for the reader: returns, zero-spend lines, repeats."""
        returns, zeros = (int(self.stores[name].sum()) for name in ("returns", "zeros"))
        found = {
            plural(
                "{n} row is a return (spend below 0): it lowers spend.",
                "{n} rows are returns (spend below 0): they lower spend.",
                returns,
            ): returns,
            plural(
                "{n} row has a spend of 0: it counts as a purchase.",
                "{n} rows have a spend of 0: they count as purchases.",
                zeros,
            ): zeros,
            plural(
                '{n} row repeats another row exactly: it was kept (duplicates = "drop" leaves it out).',
                "{n} rows repeat another row exactly: they were kept "
                '(duplicates = "drop" leaves them out).',
                self.repeats,
            ): self.repeats,
        }
        return tuple(said for said, rows in found.items() if rows)

    def store_ids(self) -> list[str]:
        """Ids of the stores in the log, sorted as text.

        Examples
        --------
        >>> import retention_models as rm
        >>> names = {"customer_id": "id", "date": "day", "spend": "paid", "store_id": "till"}
        >>> lines = {"id": ["a", "b"], "day": "2024-01-01", "paid": [9, 3], "till": ["17", "4"]}
        >>> rm.read_transactions(pd.DataFrame(lines), **names).store_ids()
        ['17', '4']
        """
        return list(self.stores.index)

    def last_day(self) -> dt.date:
        """Day of the last transaction of any store.

        Examples
        --------
        >>> import retention_models as rm
        >>> days = ["2024-01-01", "2024-01-15", "2024-02-01", "2024-06-30"]
        >>> lines = pd.DataFrame({"id": ["a", "a", "a", "b"], "day": days, "paid": [9, 3, 6, 1]})
        >>> log = rm.read_transactions(lines, customer_id="id", date="day", spend="paid")
        >>> log.last_day()
        datetime.date(2024, 6, 30)
        """
        day: dt.date = self.stores["last_day"].max()
        return day

    @property
    def whole(self) -> Transactions:
        """The log of all stores."""
        return self if self.open_whole is None else self.open_whole()

    def rows(self, store_id: str | None = None, until: dt.date | None = None) -> Table:
        """Usable rows of one store (or all), up to and including a day.

        Raises
        ------
        DataError
            If a file of the source is not what it was when it was checked.

        Examples
        --------
        >>> import retention_models as rm
        >>> days = ["2024-01-01", "2024-01-15", "2024-02-01", "2024-06-30"]
        >>> lines = pd.DataFrame({"id": ["a", "a", "a", "b"], "day": days, "paid": [9, 3, 6, 1]})
        >>> log = rm.read_transactions(lines, customer_id="id", date="day", spend="paid")
        >>> len(log.rows(until=dt.date(2024, 1, 31)).execute())
        2
        """
        if store_id != self.only and self.open_whole is not None:
            return self.open_whole().rows(store_id, until)
        if store_id is not None and not isinstance(store_id, str):
            raise SettingsError(f"store_id: expected text, as ids of stores are; got {store_id!r}.")
        self.origin.require_unchanged()
        table, held = self.table, self.held
        if held is not None and held.store_id == store_id and held.taken_from is table:
            table = held.table
        elif store_id is not None:
            table = table.filter(table["store_id"] == store_id)
        if until is not None and (self.stores["last_day"] > until).any():
            table = table.filter(table["date"] <= until)
        return table

    def with_held(self, store_id: str) -> Transactions:
        """The same log, which answers sooner what is asked about a store: its rows are held apart.

        Only DuckDB in this process holds rows, and only where this spares looking at many others.

        Examples
        --------
        >>> import retention_models as rm
        >>> names = {"customer_id": "id", "date": "day", "spend": "paid", "store_id": "till"}
        >>> lines = {"id": ["a", "b"], "day": "2024-01-01", "paid": [9, 3], "till": ["17", "4"]}
        >>> log = rm.read_transactions(pd.DataFrame(lines), **names)
        >>> log.with_held("4").rows("4").execute()["customer_id"].tolist()
        ['b']
        """
        lines = self.stores["rows"]
        own, every = int(lines.get(store_id, 0)), int(lines.sum())
        if not self.origin.in_process or every < _MANY_LINES or own > min(_LINES_HELD, every / 2):
            return self
        with self.origin.reading():
            rows = copied(self.rows(store_id))
        return replace(self, held=StoreRows(store_id, self.table, rows))
