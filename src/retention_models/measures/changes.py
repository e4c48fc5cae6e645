"""Changes of measures against the period before, and the same period a year before."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.data.contacts import Events, Surveys
from retention_models.data.transactions import Transactions
from retention_models.languages import phrase
from retention_models.levels import Z95
from retention_models.measures.definitions import (
    MEASURES,
    by_family,
    chosen,
    columns_of,
    pairs_of,
)
from retention_models.measures.intervals import Floats, difference, symmetric
from retention_models.measures.sums import scale_of, shared_variance, sums_with_earlier
from retention_models.measures.table import (
    Measured,
    Scope,
    measured,
    no_interval,
    scope_of,
    with_windows,
)
from retention_models.measures.units import Attributes, Units
from retention_models.summaries.customers import Day
from retention_models.summaries.periods import Periods

PREVIOUS, YEAR_BEFORE = "previous period", "year before"

_COLUMNS = ["value", "value_before", "change", "low", "high", "customers", "customers_before"]


def measure_changes(
    log: Transactions,
    *,
    period: str | int,
    store_id: str | None = None,
    by: Sequence[str] = (),
    attributes: Attributes | None = None,
    start: Day | None = None,
    end: Day | None = None,
    measures: Collection[str] | None = None,
    surveys: Surveys | None = None,
    events: Events | None = None,
    activity_window: int | None = None,
) -> pd.DataFrame:
    """Change of every measure against the period before, and the same period a year before.

    Parameters
    ----------
    period : {"W", "M", "Q", "Y"} or int
        As for `measure_table`; 365 compares the last 365 days with the 365 before.
    log, store_id, by, attributes, start, end, measures, surveys, events, activity_window
        As for `measure_table`.

    Returns
    -------
    DataFrame
        A row per measure, group, period and comparison: measure, the columns of `by`, start, end,
        against ("previous period" or "year before"; the latter only where a number of periods is a
        year, as 52 weeks are), start_before, end_before, value, value_before, change (value less
        value_before), low and high (95% interval of the change), customers, customers_before and
        note (why there is no change or no interval).

    Raises
    ------
    CannotSay, SettingsError, DataError
        As for `measure_table`.

    Notes
    -----
    Many customers are in both periods, so the two values are not independent. Their correlation is
    that of the customers' linearised values, Σᵢ lᵢ l′ᵢ ÷ √(Σ lᵢ² Σ l′ᵢ²), where a customer of one
    period only counts 0 in the other; see the top of measures/intervals.py. It enters the interval of
    the difference through Zou & Donner's formula, which for ratios of sums is the paired interval and
    for shares keeps Wilson's. A total (customers, orders, revenue) changes by more than its
    customers' doings: the interval allows for who happened to come, √Σᵢ(yᵢ − y′ᵢ)² being the standard
    error where customers come independently.

    Examples
    --------
    >>> import datetime as dt
    >>> import retention_models as rm
    >>> shop = rm.SimulatedShop(500, dt.date(2023, 1, 1), joining_days=200, seed=3)
    >>> log = shop.log(until="2023-12-30")
    >>> table = rm.measure_changes(log, period="M", measures=["customers"])
    >>> sorted(table["measure"].unique())
    ['customers']
    """
    scope = scope_of(
        log, store_id, by, attributes, period, start, end, surveys, events, activity_window
    )
    return changes_in(scope, measured(scope, chosen(measures)))


def changes_in(scope: Scope, found: Sequence[Measured]) -> pd.DataFrame:
    """The changes of measures that are measured already; see `measure_changes`."""
    units, names = scope.units, [one.name for one in found]
    tables = []
    for against, lag in {PREVIOUS: 1, YEAR_BEFORE: units.periods.in_a_year}.items():
        if lag is not None:
            crossed = _crossed(units, names, lag)
            # Every measure has the same rows.
            pairs = _Pairs.of(found[0].sums[[*units.by, "period"]], lag, units.periods)
            both = {family: pairs.both(table) for family, table in crossed.items()}
            changes = [_change(one, pairs, both[MEASURES[one.name].family]) for one in found]
            tables += [change.assign(against=against) for change in changes]
    place = {name: i for i, name in enumerate(names)}
    table = pd.concat(tables, ignore_index=True)
    table = table.sort_values("measure", key=lambda column: column.map(place), kind="stable")
    columns = ["measure", *units.by, "start", "end", "against", "start_before", "end_before"]
    return table[[*columns, *_COLUMNS, "note"]].reset_index(drop=True)


@dataclass(frozen=True)
class _Pairs:
    """Groups and periods, with those some periods before: `rows` and `earlier` belong together."""

    rows: pd.DataFrame  # the columns of a group, and period
    earlier: pd.DataFrame
    windows: pd.DataFrame  # rows, with start, end, start_before and end_before
    periods: Periods

    @classmethod
    def of(cls, rows: pd.DataFrame, lag: int, periods: Periods) -> _Pairs:
        """Rows, and those so many periods before."""
        earlier = rows.assign(period=rows["period"] - lag)
        before = with_windows(earlier, periods)
        windows = with_windows(rows, periods)
        windows = windows.assign(start_before=before["start"], end_before=before["end"])
        return cls(rows, earlier, windows, periods)

    def before(self, now: pd.DataFrame) -> pd.DataFrame:
        """The rows of a measure some periods before; missing where there is none."""
        found = now.reindex(_places(now, self.earlier)).set_axis(now.index)
        return found.assign(**{name: self.earlier[name] for name in self.earlier})

    def both(self, crossed: pd.DataFrame) -> pd.DataFrame:
        """Sums of products with an earlier period, in the order of the rows; 0 where there is none."""
        found = crossed.reindex(_places(crossed, self.rows)).set_axis(self.rows.index)
        return found.drop(columns=list(self.rows)).astype(float).fillna(0.0)


def _places(table: pd.DataFrame, rows: pd.DataFrame) -> NDArray[np.intp]:
    """Where rows stand in a table that has their columns; -1, which no row is called, where nowhere."""
    keys = list(rows)
    return pd.MultiIndex.from_frame(table[keys]).get_indexer(pd.MultiIndex.from_frame(rows))


def _crossed(units: Units, names: Sequence[str], lag: int) -> dict[str, pd.DataFrame]:
    """Sums of products of each period with an earlier one, by family."""
    empty = pd.DataFrame(columns=[*units.by, "period", "n"])
    reach = len(units.numbers) > lag  # else no period has one so long before it
    return {
        family: sums_with_earlier(units.family(family, columns_of(members)), units.by, members, lag)
        if reach and units.answers(family)
        else empty
        for family, members in by_family(names).items()
    }


def _change(found: Measured, pairs: _Pairs, both: pd.DataFrame) -> pd.DataFrame:
    now = found.sums
    before = pairs.before(now)
    change = now["value"] - before["value"]
    low, high = ends_of_change(found.name, now, before, both, pairs.periods)
    note = now["note"].where(now["value"].isna(), "")
    earlier = before["note"].map(
        lambda said: phrase("Before: {note}", note=said), na_action="ignore"
    )
    note = note.mask(now["value"].notna() & before["value"].isna(), earlier)
    no_before = phrase("The data do not reach back to the period before.")
    note = note.mask(before["note"].isna(), no_before)
    fewest = now["customers"].where(now["low"].isna(), before["customers"])
    note = note.mask(change.notna() & np.isnan(low), no_interval(fewest))
    return pairs.windows.assign(
        measure=found.name,
        value=now["value"],
        value_before=before["value"],
        change=change,
        low=low,
        high=high,
        customers=now["customers"],
        customers_before=before["customers"],
        note=note,
    )


def ends_of_change(
    name: str, now: pd.DataFrame, before: pd.DataFrame, both: pd.DataFrame, periods: Periods
) -> tuple[Floats, Floats]:
    """95% interval of a measure's change, as `measure_changes` has it."""
    measure = MEASURES[name]
    missing = np.full(len(now), np.nan)
    if any(f"{a}*{b}" not in table for a, b in pairs_of([name]) for table in (now, both)):
        return missing, missing
    v, w = now["variance"].to_numpy(dtype=float), before["variance"].to_numpy(dtype=float)
    shared = shared_variance(measure, both, now, before)
    if measure.kind == "count":
        return _ends_of_total(now, before, both, np.maximum(v + w - 2.0 * shared, 0.0))
    for table in (now, before):
        days = table["period"].map(periods.length).to_numpy(dtype=float)
        shared = shared * scale_of(name, days)
    # Of customers who are all alike a variance is 0 but for rounding, which may be below it.
    spread = np.sqrt(np.maximum(v, 0.0) * np.maximum(w, 0.0))
    r = np.divide(shared, spread, out=np.zeros(len(now)), where=spread > 0)
    return difference(_estimate(name, now), _estimate(name, before), np.clip(r, -1.0, 1.0))


def _estimate(name: str, table: pd.DataFrame) -> tuple[Floats, Floats, Floats]:
    """Value, low and high; of ratios the symmetric ends, since the difference's skewness cancels."""
    value, low, high, variance, customers = (
        table[column].to_numpy(dtype=float)
        for column in ("value", "low", "high", "variance", "customers")
    )
    if MEASURES[name].kind == "ratio":
        low, high = symmetric(value, variance, customers)
    return value, low, high


def _ends_of_total(
    now: pd.DataFrame, before: pd.DataFrame, both: pd.DataFrame, variance: Floats
) -> tuple[Floats, Floats]:
    change = (now["value"] - before["value"]).to_numpy(dtype=float)
    people = (now["customers"] + before["customers"] - both["n"]).to_numpy(dtype=float)
    half = np.where(people >= 2, Z95 * np.sqrt(variance), np.nan)
    return change - half, change + half
