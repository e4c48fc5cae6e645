"""Days that count: the last of a project's data, and of a store's calibration; a log by days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import ibis
import pandas as pd
from ibis.expr.types import Table

from retention_models.data.engines import kept
from retention_models.data.transactions import LINES_AT_ONCE, Transactions
from retention_models.errors import CannotSay, SettingsError
from retention_models.languages import counted
from retention_models.settings.project import Settings
from retention_models.summaries.customers import Day, as_day
from retention_models.time_units import days_in


def last_day(settings: Settings, log: Transactions, as_of: Day | None = None) -> dt.date:
    """Last day that counts: as_of, else the setting observation_end, else the log's last day."""
    last = settings.model.observation_end or log.last_day()
    end = as_day(as_of, "as_of") if as_of else last
    today = dt.datetime.now(tz=settings.zone).date()
    if end > max(log.last_day(), today):
        raise SettingsError(
            f"{'as_of' if as_of else 'model.observation_end'}: expected a day that has come, up to "
            f"{today}; got {end}. The data end on {log.last_day()}."
        )
    if log.first_seen_from is not None and log.first_seen_from > end:
        raise SettingsError(
            f"transactions.first_seen_from: expected a day up to the last one that counts, {end}; got "
            f"{log.first_seen_from}, which leaves every customer out."
        )
    return end


def log_until(log: Transactions, end: dt.date) -> Transactions:
    """The log without what came after a day."""
    if end >= log.last_day():
        return log
    stores = log.stores.assign(last_day=[min(day, end) for day in log.stores["last_day"]])
    return replace(log, table=log.table.filter(log.table["date"] <= end), stores=stores)


def checked_until(settings: Settings, log: Transactions, end: dt.date) -> dt.date:
    """Last day of the check of a model: none beyond the data, on which nobody could have come.

    Where the project file says that the data go on to a later day, nobody came up to it.
    """
    return min(end, max(log.last_day(), settings.model.observation_end or log.last_day()))


def calibration_end(
    settings: Settings, summary: pd.DataFrame, end: dt.date, log: Transactions
) -> dt.date:
    """Last day of calibration: the holdout setting before the end, or a quarter of the data."""
    unit = days_in(settings.model.time_unit)
    beyond = (end - checked_until(settings, log, end)).days
    observed = float(summary["T"].max()) * unit - beyond
    held_out = settings.model.holdout
    days = round(held_out * unit) if held_out is not None else round(observed / 4)
    if not 0 < days < observed:
        raise CannotSay(
            "The store has been observed for {observed}, too short to hold out {days} of them and "
            "check the model against what came.",
            observed=counted(round(observed), "day"),
            days=days,
        )
    return end - dt.timedelta(days=beyond + days)


@contextmanager
def at_hand(log: Transactions) -> Iterator[Transactions]:
    """The log as the campaigns need it, kept in DuckDB meanwhile: each of them asks several times."""
    rows = log.table if log.has_returns else _by_day(log.table)
    with log.origin.reading():
        log.origin.require_unchanged()
        with kept(rows) as table:
            yield replace(log, table=table)


@contextmanager
def by_day(log: Transactions) -> Iterator[Transactions]:
    """The log by days for questions that name no order, kept in DuckDB meanwhile where it can be."""
    lines = int(log.stores["rows"].sum())
    if log.has_returns or not log.origin.in_process or lines > LINES_AT_ONCE:
        yield log
        return
    with at_hand(log) as ready:
        yield ready


def _by_day(rows: Table) -> Table:
    """Lines of a day as one, where none is a return, which may name the order that it belongs to."""
    sums = [name for name in ("spend", "spend_millionths") if name in rows.columns]
    days = rows.group_by("customer_id", "store_id", "date").aggregate(
        **{name: rows[name].sum() for name in sums}
    )
    return days.mutate(order_id=ibis.null("string"), category=ibis.null("string"))
